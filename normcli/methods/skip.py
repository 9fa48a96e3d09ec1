"""Leaving a column alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from normcli.methods.base import Expressions, Method, register

__all__ = ["Skip"]


@register
@dataclass(frozen=True)
class Skip(Method):
    """y = x. As a whole chain it keeps the column out of the stats file and of any change.

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [1.0, 3.0]})
    >>> fit(frame, method="skip+center").apply(frame)["x"].to_list()
    [-1.0, 1.0]
    """

    name: ClassVar[str] = "skip"
    formula: ClassVar[tuple[str, str]] = ("x", "y")
    matches: ClassVar[str] = "identity"

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        return x

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        return y
