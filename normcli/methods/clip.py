"""Clipping: values outside [low, high] become the nearer bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from normcli.errors import UsageError
from normcli.methods.base import Expressions, Method, register

__all__ = ["Clip"]


@register
@dataclass(frozen=True)
class Clip(Method):
    """y = min(max(x, low), high); low, high and y in the units of x; either bound may be left out.

    What was clipped is lost: the inverse leaves y as it is. As numpy.clip.

    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [-1.0, 1.0, 5.0]})
    >>> fit(frame, method="clip:low=0,high=2").apply(frame)["x"].to_list()
    [0.0, 1.0, 2.0]
    """

    name: ClassVar[str] = "clip"
    formula: ClassVar[tuple[str, str]] = ("min(max(x, low), high)", "y")
    matches: ClassVar[str] = "numpy.clip"
    loses: ClassVar[str] = "values that were clipped"

    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low is None and self.high is None:
            raise UsageError("clip: give low, high or both", "for example clip:low=0,high=100")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise UsageError(f"clip: low ({self.low}) must not be above high ({self.high})")

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        return x.clip(self.low, self.high)

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        return y
