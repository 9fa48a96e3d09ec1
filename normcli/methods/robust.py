"""Robust scaling: median 0 and interquartile range 1."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, ClassVar

import polars as pl

from normcli.errors import UsageError
from normcli.methods.base import Constants, Found, Given, Parameter, register
from normcli.methods.linear import Standardizing
from normcli.statistics import Summary

__all__ = ["Robust"]


@register
@dataclass(frozen=True)
class Robust(Standardizing):
    """y = (x − median)/(q_high − q_low), with the percentiles low and high of the fitted values.

    median, q_low, q_high in the units of x, exact order statistics with linear interpolation
    (type 7); y without unit. With unit_variance the range is divided by that of a standard
    normal distribution, so that normal data get variance 1. As scikit-learn's
    RobustScaler(quantile_range, unit_variance).

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [1.0, 2.0, 3.0, 4.0, 1000.0]})
    >>> fit(frame, method="robust").apply(frame)["x"].to_list()
    [-1.0, -0.5, 0.0, 0.5, 498.5]
    """

    name: ClassVar[str] = "robust"
    formula: ClassVar[tuple[str, str]] = (
        "(x − median)/(q_high − q_low)",
        "y·(q_high − q_low) + median",
    )
    matches: ClassVar[str] = "sklearn RobustScaler(quantile_range, unit_variance)"
    ordered: ClassVar[tuple[tuple[str, str], ...]] = (("q_low", "q_high"),)
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("median", "location", "50th percentile of the fitted values"),
        Parameter("q_low", "location", "percentile `low`"),
        Parameter("q_high", "location", "percentile `high`"),
    )

    median: Given = None
    q_low: Given = None
    q_high: Given = None
    low: float = 25
    high: float = 75
    unit_variance: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.low < self.high <= 100:
            raise UsageError(
                f"robust: low ({self.low}) and high ({self.high}) must be percentiles, low < high"
            )
        if self.unit_variance and (self.low == 0 or self.high == 100):
            raise UsageError("robust: unit_variance needs low above 0 and high below 100")

    @property
    def percentiles(self) -> tuple[float, ...]:
        return self.low, 50, self.high

    def fit(self, summary: Summary, found: Found) -> dict[str, list[Any]]:
        return {
            "median": summary.percentile(50),
            "q_low": summary.percentile(self.low),
            "q_high": summary.percentile(self.high),
        }

    def scale_of(self, p: Constants) -> pl.Series:
        scale = p["q_high"] - p["q_low"]
        if self.unit_variance:
            normal = NormalDist()
            scale = scale / (normal.inv_cdf(self.high / 100) - normal.inv_cdf(self.low / 100))
        return scale
