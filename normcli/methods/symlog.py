"""Logarithm of the magnitude, with the sign kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from normcli.methods.base import Expressions, Method, expm1, register

__all__ = ["SymLog"]


@register
@dataclass(frozen=True)
class SymLog(Method):
    """y = sign(x)·ln(1 + |x|), for every x; x and y without unit.

    Linear near zero, logarithmic far from it. As numpy.sign(x) * numpy.log1p(numpy.abs(x)).

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [-1e-20, 0.0, 1e-20]})
    >>> fit(frame, method="symlog").apply(frame)["x"].to_list()
    [-1e-20, 0.0, 1e-20]
    """

    name: ClassVar[str] = "symlog"
    formula: ClassVar[tuple[str, str]] = ("sign(x)·ln(1 + |x|)", "sign(y)·(e^|y| − 1)")
    matches: ClassVar[str] = "numpy.sign(x)*numpy.log1p(numpy.abs(x))"

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        return x.sign() * x.abs().log1p()

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        return y.sign() * expm1(y.abs())
