"""What methods that shift and scale have in common."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from normcli.methods.base import Constants, Expressions, Method, nonzero_scale, quotient

__all__ = ["Scaling", "Standardizing"]


class Scaling(Method):
    """y = x/s, where s is 1 if it would be 0, as for a constant column."""

    def scale_of(self, p: Constants) -> pl.Series:
        """Return s: the last parameter, unless a method says otherwise."""
        return p[self.parameters[-1].name]

    def constants(self, p: Constants) -> Constants:
        return {"scale": nonzero_scale(self.scale_of(p))}

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        return quotient(x, p["scale"])

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        return y * p["scale"]


class Standardizing(Scaling):
    """y = (x − m)/s, where m is the first parameter."""

    equivariant: ClassVar[bool] = True

    def constants(self, p: Constants) -> Constants:
        shift = self.parameters[0].name
        return {shift: p[shift], **super().constants(p)}

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        return quotient(x - p[self.parameters[0].name], p["scale"])

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        return y * p["scale"] + p[self.parameters[0].name]
