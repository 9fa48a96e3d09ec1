"""Scaling by the median absolute deviation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from normcli.errors import UsageError
from normcli.methods.base import (
    Constants,
    Expressions,
    Found,
    Given,
    Needs,
    Parameter,
    Question,
    register,
)
from normcli.methods.linear import Standardizing
from normcli.statistics import Summary

__all__ = ["MedianAbsoluteDeviation"]


@register
@dataclass(frozen=True)
class MedianAbsoluteDeviation(Standardizing):
    """y = (x − median)/(k·mad), with mad the median of |x − median|.

    median and mad in the units of x, exact; y without unit. The default k makes k·mad the
    standard deviation of normal data. As scipy.stats.median_abs_deviation(scale="normal").

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [1.0, 2.0, 3.0, 5.0, 1000.0]})
    >>> fit(frame, method="mad:k=1").apply(frame)["x"].to_list()
    [-1.0, -0.5, 0.0, 1.0, 498.5]
    """

    name: ClassVar[str] = "mad"
    formula: ClassVar[tuple[str, str]] = ("(x − median)/(k·mad)", "y·k·mad + median")
    matches: ClassVar[str] = 'scipy.stats.median_abs_deviation(scale="normal")'
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("median", "location", "50th percentile of the fitted values"),
        Parameter("mad", "scale", "median of |x − median|"),
    )
    asks_once: ClassVar[bool] = False

    median: Given = None
    mad: Given = None
    k: float = 1.482602218505602

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.k <= 0:
            raise UsageError(f"mad: k must be above 0, not {self.k}")

    @property
    def questions(self) -> tuple[Question, ...]:
        both = (
            ("median", Question("percentile 50", True)),
            ("mad", Question("percentile 50 of |x − median|", True)),
        )
        return tuple(question for name, question in both if name not in self.given)

    def needs(self, found: Found) -> Needs | None:
        if "median" not in found:
            return Needs(percentiles=(50,))
        if "mad" not in found:
            return Needs(percentiles=(50,), of=_deviation)
        return None

    def fit(self, summary: Summary, found: Found) -> dict[str, list[Any]]:
        return {"mad" if "median" in found else "median": summary.percentile(50)}

    def scale_of(self, p: Constants) -> pl.Series:
        return p["mad"] * self.k


def _deviation(x: pl.Expr, p: Expressions) -> list[pl.Expr]:
    return [(x - p["median"]).abs()]
