"""Cube root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from normcli.methods.base import Expressions, Method, register

__all__ = ["CubeRoot"]


@register
@dataclass(frozen=True)
class CubeRoot(Method):
    """y = ∛x, for every x; y in the cube root of the unit of x.

    As numpy.cbrt.

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [-8.0, 0.0, 27.0]})
    >>> fit(frame, method="cbrt").apply(frame)["x"].to_list()
    [-2.0, 0.0, 3.0]
    """

    name: ClassVar[str] = "cbrt"
    formula: ClassVar[tuple[str, str]] = ("∛x", "y³")
    matches: ClassVar[str] = "numpy.cbrt"

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        root = x.cbrt()
        # The engine's root is off by up to 3 ulp; one Newton step leaves at most 1.
        better = root - (root * root * root - x) / (3 * root * root)
        # Near the ends of the range the cube may be zero or infinite, and the step not a number.
        return pl.when((root == 0) | ~better.is_finite()).then(root).otherwise(better)

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        return y * y * y
