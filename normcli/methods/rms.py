"""Power normalization: the root mean square becomes 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from normcli.methods.base import (
    Constants,
    Expressions,
    Found,
    Given,
    Method,
    Parameter,
    nonzero_scale,
    quotient,
    register,
)
from normcli.statistics import Summary

__all__ = ["RootMeanSquare"]


@register
@dataclass(frozen=True)
class RootMeanSquare(Method):
    """y = x/√(Σx²/n), the root correctly rounded and in the units of x.

    As power normalization of audio (not the same as peak normalization, see maxabs).

    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [3.0, -3.0, 3.0]})
    >>> fit(frame, method="rms").apply(frame)["x"].to_list()
    [1.0, -1.0, 1.0]
    """

    name: ClassVar[str] = "rms"
    formula: ClassVar[tuple[str, str]] = ("x/rms", "y·rms")
    matches: ClassVar[str] = "power normalization of audio"
    parameters: ClassVar[tuple[Parameter, ...]] = (Parameter("rms", "scale", "root mean square"),)
    statistics: ClassVar[tuple[str, ...]] = ("moments",)
    equivariant: ClassVar[bool] = False

    rms: Given = None

    def fit(self, summary: Summary, found: Found) -> dict[str, list[Any]]:
        return {"rms": summary.rms}

    def constants(self, p: Constants) -> Constants:
        return {"rms": nonzero_scale(p["rms"])}

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        return quotient(x, p["rms"])

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        return y * p["rms"]
