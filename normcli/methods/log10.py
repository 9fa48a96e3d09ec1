"""Logarithm to base 10."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from normcli.methods.base import Expressions, Method, register

__all__ = ["Log10"]


@register
@dataclass(frozen=True)
class Log10(Method):
    """y = log₁₀ x, for x > 0; x in any unit, y without.

    Other values are an error. Exact for powers of 10. As numpy.log10.

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [1.0, 1000.0]})
    >>> fit(frame, method="log10").apply(frame)["x"].to_list()
    [0.0, 3.0]
    """

    name: ClassVar[str] = "log10"
    formula: ClassVar[tuple[str, str]] = ("log₁₀ x", "10ʸ")
    matches: ClassVar[str] = "numpy.log10"

    def domain(self, x: pl.Expr) -> pl.Expr:
        return x > 0

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        y = x.log(10)
        # A quotient of logarithms, so that log 10 of 10³ would be 2.9999999999999996.
        whole = y.round()
        return pl.when(pl.lit(10.0).pow(whole) == x).then(whole).otherwise(y)

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        return pl.lit(10.0).pow(y)
