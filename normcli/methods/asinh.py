"""Inverse hyperbolic sine: a logarithm for values of both signs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from normcli.errors import UsageError
from normcli.methods.base import Expressions, Method, quotient, register

__all__ = ["ArSinh"]


@register
@dataclass(frozen=True)
class ArSinh(Method):
    """y = asinh(x/s), for every x; s in the units of x, y without unit.

    Linear for |x| ≪ s, logarithmic for |x| ≫ s. As numpy.arcsinh.

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [0.0, 2e-20]})
    >>> fit(frame, method="asinh:s=2").apply(frame)["x"].to_list()
    [0.0, 1e-20]
    """

    name: ClassVar[str] = "asinh"
    formula: ClassVar[tuple[str, str]] = ("asinh(x/s)", "s·sinh(y)")
    matches: ClassVar[str] = "numpy.arcsinh"

    s: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.s <= 0:
            raise UsageError(f"asinh: s must be above 0, not {self.s}")

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        return quotient(x, self.s).arcsinh()

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        return y.sinh() * self.s
