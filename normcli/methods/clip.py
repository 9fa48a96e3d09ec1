"""Clipping: values outside [low, high] become the nearer bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from normcli.errors import UsageError
from normcli.methods.base import Expressions, Found, Given, Method, Parameter, register
from normcli.statistics import Summary

__all__ = ["Clip"]


@register
@dataclass(frozen=True)
class Clip(Method):
    """y = min(max(x, low), high); low, high and y in the units of x; either bound may be left out.

    The bounds are values, or with low_q and high_q percentiles of the fitted values (exact,
    with linear interpolation): winsorizing. What was clipped is lost: the inverse leaves y as it
    is. As numpy.clip.

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [-1.0, 1.0, 5.0]})
    >>> fit(frame, method="clip:low=0,high=2").apply(frame)["x"].to_list()
    [0.0, 1.0, 2.0]
    >>> fit(frame, method="clip:low_q=25,high_q=75").apply(frame)["x"].to_list()
    [0.0, 1.0, 3.0]
    """

    name: ClassVar[str] = "clip"
    formula: ClassVar[tuple[str, str]] = ("min(max(x, low), high)", "y")
    matches: ClassVar[str] = "numpy.clip"
    ordered: ClassVar[tuple[tuple[str, str], ...]] = (("low", "high"),)
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("low", "location", "lower bound, or the percentile `low_q`"),
        Parameter("high", "location", "upper bound, or the percentile `high_q`"),
    )
    loses: ClassVar[str] = "values that were clipped"

    low: Given = None
    high: Given = None
    low_q: float | None = None
    high_q: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low is None and self.high is None and not self.sought:
            raise UsageError(
                "clip: give a lower bound, an upper bound or both",
                "for example clip:low=0,high=100 or, as percentiles, clip:low_q=1,high_q=99",
            )
        for value, share in ((self.low, self.low_q), (self.high, self.high_q)):
            if value is not None and share is not None:
                raise UsageError("clip: a bound is either a value or a percentile, not both")
            if share is not None and not 0 <= share <= 100:
                raise UsageError(f"clip: a percentile lies between 0 and 100, not at {share}")
        if self.low_q is not None and self.high_q is not None and self.low_q > self.high_q:
            raise UsageError(f"clip: low_q ({self.low_q}) must not be above high_q ({self.high_q})")

    @property
    def sought(self) -> tuple[Parameter, ...]:
        # A single number that is given is an option like any other.
        bounds = ((self.low, self.low_q), (self.high, self.high_q))
        return tuple(
            parameter
            for parameter, (value, share) in zip(self.parameters, bounds, strict=True)
            if share is not None or isinstance(value, tuple)
        )

    @property
    def percentiles(self) -> tuple[float, ...]:
        return tuple(q for q in (self.low_q, self.high_q) if q is not None)

    def fit(self, summary: Summary, found: Found) -> dict[str, list[Any]]:
        shares = (self.low_q, self.high_q)
        named = zip(("low", "high"), shares, strict=True)
        return {name: summary.percentile(q) for name, q in named if q is not None}

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        low, high = (
            p.get(name, None if isinstance(value, tuple) else value)
            for name, value in (("low", self.low), ("high", self.high))
        )
        y = x.clip(low, high)
        # A missing bound clips nothing; but a group without bounds has no result.
        known = [bound.is_not_null() for bound in p.values()]
        return pl.when(pl.all_horizontal(known)).then(y) if known else y

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        return y
