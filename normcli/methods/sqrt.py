"""Square root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from normcli.methods.base import Expressions, Method, register

__all__ = ["SquareRoot"]


@register
@dataclass(frozen=True)
class SquareRoot(Method):
    """y = √x, for x ≥ 0; y in the root of the unit of x.

    Other values are an error. As numpy.sqrt.

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [0.0, 9.0]})
    >>> fit(frame, method="sqrt").apply(frame)["x"].to_list()
    [0.0, 3.0]
    """

    name: ClassVar[str] = "sqrt"
    formula: ClassVar[tuple[str, str]] = ("√x", "y²")
    matches: ClassVar[str] = "numpy.sqrt"

    def domain(self, x: pl.Expr) -> pl.Expr:
        return x >= 0

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        return x.sqrt()

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        return y * y
