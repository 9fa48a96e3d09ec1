"""Logarithm to base 2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from normcli.methods.base import Expressions, Method, register

__all__ = ["Log2"]


@register
@dataclass(frozen=True)
class Log2(Method):
    """y = log₂ x, for x > 0; x in any unit, y without.

    Other values are an error. Exact for powers of 2. As numpy.log2.

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [1.0, 8.0]})
    >>> fit(frame, method="log2").apply(frame)["x"].to_list()
    [0.0, 3.0]
    """

    name: ClassVar[str] = "log2"
    formula: ClassVar[tuple[str, str]] = ("log₂ x", "2ʸ")
    matches: ClassVar[str] = "numpy.log2"

    def domain(self, x: pl.Expr) -> pl.Expr:
        return x > 0

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        y = x.log(2)
        # A quotient of logarithms, so that log 2 of 2³ would be 2.9999999999999996.
        whole = y.round()
        return pl.when(pl.lit(2.0).pow(whole) == x).then(whole).otherwise(y)

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        return pl.lit(2.0).pow(y)
