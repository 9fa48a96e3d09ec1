"""Logarithm of 1 + x, accurate near zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from normcli.methods.base import Expressions, Method, expm1, register

__all__ = ["Log1p"]


@register
@dataclass(frozen=True)
class Log1p(Method):
    """y = ln(1 + x), for x > −1; x and y without unit.

    Other values are an error. As numpy.log1p.

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [0.0, 1e-20]})
    >>> fit(frame, method="log1p").apply(frame)["x"].to_list()
    [0.0, 1e-20]
    """

    name: ClassVar[str] = "log1p"
    formula: ClassVar[tuple[str, str]] = ("ln(1 + x)", "eʸ − 1")
    matches: ClassVar[str] = "numpy.log1p"

    def domain(self, x: pl.Expr) -> pl.Expr:
        return x > -1

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        return x.log1p()

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        return expm1(y)
