"""Mean normalization: mean 0, range of width 1."""

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

__all__ = ["MeanRange"]


@register
@dataclass(frozen=True)
class MeanRange(Method):
    """y = (x − μ)/(max − min); μ, min, max in the units of x, y without unit.

    As feature-engine's MeanNormalizationScaler.

    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [0.0, 1.0, 5.0]})
    >>> fit(frame, method="mean_range").apply(frame)["x"].to_list()
    [-0.4, -0.2, 0.6]
    """

    name: ClassVar[str] = "mean_range"
    formula: ClassVar[tuple[str, str]] = ("(x − mean)/(max − min)", "y·(max − min) + mean")
    matches: ClassVar[str] = "feature-engine MeanNormalizationScaler"
    ordered: ClassVar[tuple[tuple[str, str], ...]] = (("min", "max"),)
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("mean", "location", "mean of the fitted values"),
        Parameter("min", "location", "smallest fitted value", exact=True),
        Parameter("max", "location", "largest fitted value", exact=True),
    )
    statistics: ClassVar[tuple[str, ...]] = ("extremes", "moments")
    equivariant: ClassVar[bool] = True

    mean: Given = None
    min: Given = None
    max: Given = None

    def fit(self, summary: Summary, found: Found) -> dict[str, list[Any]]:
        return {"mean": summary.mean, "min": summary.min, "max": summary.max}

    def constants(self, p: Constants) -> Constants:
        return {"mean": p["mean"], "range": nonzero_scale(p["max"] - p["min"])}

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        return quotient(x - p["mean"], p["range"])

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        return y * p["range"] + p["mean"]
