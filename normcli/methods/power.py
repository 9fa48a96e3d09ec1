"""What power transforms have in common: how their exponent is found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import polars as pl

from normcli.methods import likelihood
from normcli.methods.base import Expressions, Found, Method, Needs, Question
from normcli.statistics import Summary

__all__ = ["PowerTransform"]


class PowerTransform(Method):
    """y is a power of x, or a logarithm; lambda makes y as normal as it can be.

    lambda maximizes the likelihood of x if y is normal; see normcli.methods.likelihood.
    """

    asks_once: ClassVar[bool] = False

    @property
    def questions(self) -> tuple[Question, ...]:
        return likelihood.QUESTIONS

    def needs(self, found: Found) -> Needs | None:
        return likelihood.needs(found, self.candidates)

    @np.errstate(all="ignore")
    def fit(self, summary: Summary, found: Found) -> dict[str, list[Any]]:
        if "center" in found:
            return likelihood.refine(summary, found)
        return likelihood.window(self.start(*likelihood.extremes(summary)))

    def start(
        self, low: likelihood.Floats, high: likelihood.Floats, count: likelihood.Floats
    ) -> likelihood.Start:
        """Return where to look for lambda, given each cell's extremes and number of values."""
        raise NotImplementedError

    def candidates(self, x: pl.Expr, p: Expressions) -> Sequence[pl.Expr]:
        """Return y at the lambdas that a scan tries, and what else likelihood asks for."""
        raise NotImplementedError
