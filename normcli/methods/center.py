"""Centering: mean 0, the spread as it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from normcli.methods.base import Expressions, Found, Given, Method, Parameter, register
from normcli.statistics import Summary

__all__ = ["Center"]


@register
@dataclass(frozen=True)
class Center(Method):
    """y = x − μ, with μ = Σx/n correctly rounded; μ and y in the units of x.

    As scikit-learn's StandardScaler(with_std=False).

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [1.0, 2.0, 6.0]})
    >>> fit(frame, method="center").apply(frame)["x"].to_list()
    [-2.0, -1.0, 3.0]
    """

    name: ClassVar[str] = "center"
    formula: ClassVar[tuple[str, str]] = ("x − mean", "y + mean")
    matches: ClassVar[str] = "sklearn StandardScaler(with_std=False)"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("mean", "location", "mean of the fitted values"),
    )
    statistics: ClassVar[tuple[str, ...]] = ("moments",)
    equivariant: ClassVar[bool] = True

    mean: Given = None

    def fit(self, summary: Summary, found: Found) -> dict[str, list[Any]]:
        return {"mean": summary.mean}

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        return x - p["mean"]

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        return y + p["mean"]
