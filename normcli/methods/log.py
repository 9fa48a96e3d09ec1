"""Natural logarithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from normcli.methods.base import Expressions, Method, register

__all__ = ["Log"]


@register
@dataclass(frozen=True)
class Log(Method):
    """y = ln x, for x > 0; x in any unit, y without.

    Other values are an error. As numpy.log.

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [1.0, 7.38905609893065]})
    >>> fit(frame, method="log").apply(frame)["x"].to_list()
    [0.0, 2.0]
    """

    name: ClassVar[str] = "log"
    formula: ClassVar[tuple[str, str]] = ("ln x", "eʸ")
    matches: ClassVar[str] = "numpy.log"

    def domain(self, x: pl.Expr) -> pl.Expr:
        return x > 0

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        return x.log()

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        return y.exp()
