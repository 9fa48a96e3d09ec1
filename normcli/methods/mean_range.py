"""Mean normalization: mean 0, range of width 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from normcli.methods.base import Constants, Found, Given, Parameter, register
from normcli.methods.linear import Standardizing
from normcli.statistics import Summary

__all__ = ["MeanRange"]


@register
@dataclass(frozen=True)
class MeanRange(Standardizing):
    """y = (x − μ)/(max − min); μ, min, max in the units of x, y without unit.

    As feature-engine's MeanNormalizationScaler.

    >>> import polars as pl
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

    mean: Given = None
    min: Given = None
    max: Given = None

    def fit(self, summary: Summary, found: Found) -> dict[str, list[Any]]:
        return {"mean": summary.mean, "min": summary.min, "max": summary.max}

    def scale_of(self, p: Constants) -> pl.Series:
        return p["max"] - p["min"]
