"""Min-max: the fitted range becomes [low, high]."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from normcli.errors import UsageError
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

__all__ = ["MinMax"]


@register
@dataclass(frozen=True)
class MinMax(Method):
    """y = low + (high − low)·(x − min)/(max − min).

    min and max in the units of x, exact. Fitted data never leave [low, high], and both ends are
    hit exactly. With clip, new data do not leave it either. As scikit-learn's
    MinMaxScaler(feature_range, clip).

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [1, 2, 5]})
    >>> fit(frame, method="minmax:low=-1,high=1").apply(frame)["x"].to_list()
    [-1.0, -0.5, 1.0]
    """

    name: ClassVar[str] = "minmax"
    formula: ClassVar[tuple[str, str]] = (
        "low + (high − low)·(x − min)/(max − min)",
        "min + (max − min)·(y − low)/(high − low)",
    )
    matches: ClassVar[str] = "sklearn MinMaxScaler(feature_range, clip)"
    ordered: ClassVar[tuple[tuple[str, str], ...]] = (("min", "max"),)
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("min", "location", "smallest fitted value", exact=True),
        Parameter("max", "location", "largest fitted value", exact=True),
    )
    statistics: ClassVar[tuple[str, ...]] = ("extremes",)
    equivariant: ClassVar[bool] = True

    min: Given = None
    max: Given = None
    low: float = 0.0
    high: float = 1.0
    clip: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low >= self.high:
            raise UsageError(f"minmax: low ({self.low}) must be below high ({self.high})")
        if math.isinf(float(self.high) - float(self.low)):
            raise UsageError("minmax: high − low is larger than a float64 can hold")

    def fit(self, summary: Summary, found: Found) -> dict[str, list[Any]]:
        return {"min": summary.min, "max": summary.max}

    def constants(self, p: Constants) -> Constants:
        return {"min": p["min"], "range": nonzero_scale(p["max"] - p["min"])}

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        width = self.high - self.low
        share = quotient(x - p["min"], p["range"])
        y = share if (self.low, width) == (0.0, 1.0) else share * width + self.low
        if self.low + width != self.high:
            # Here low + width·share would miss high by a rounding, or pass it before share is 1.
            capped = pl.min_horizontal(y, pl.lit(self.high))
            y = (
                pl.when(share < 1)
                .then(capped)
                .when(share == 1)
                .then(pl.lit(self.high))
                .otherwise(y)
            )
        return y.clip(self.low, self.high) if self.clip else y

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        width = self.high - self.low
        share = y if (self.low, width) == (0.0, 1.0) else quotient(y - self.low, width)
        return share * p["range"] + p["min"]
