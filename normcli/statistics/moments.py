"""Exact Σx and Σx², from which mean, variance and root mean square follow."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.statistics.base import Index, Kind, State, Values, register
from normcli.statistics.exactsum import ExactSum
from normcli.statistics.kernel import add_moments
from normcli.statistics.pairs import pair_of, variances

__all__ = ["Moments"]


@register
class Moments(State):
    """Σx and Σx² by cell, without rounding, in the column's own units."""

    name: ClassVar[str] = "moments"
    fields: ClassVar[tuple[str, ...]] = ("sum", "sum_of_squares")

    def __init__(self, total: ExactSum, squares: ExactSum) -> None:
        self.total = total
        self.squares = squares

    @classmethod
    def empty(cls, kind: Kind, cells: int) -> Self:
        return cls(ExactSum(cells), ExactSum(cells))

    def update(self, values: Values) -> None:
        add_moments(self.total, self.squares, values.planes, values.starts, values.cells)

    def merge(self, other: Self) -> Self:
        return type(self)(self.total + other.total, self.squares + other.squares)

    def scatter(self, where: Index, cells: int) -> Self:
        return type(self)(self.total.scatter(where, cells), self.squares.scatter(where, cells))

    def fold(self, cells: int = 1) -> Self:
        return type(self)(self.total.fold(cells), self.squares.fold(cells))

    def means(self, count: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return Σx/n of all cells at once, within 1 ulp; NaN where n is 0."""
        high, low = pair_of(self.total)
        with np.errstate(invalid="ignore"):
            return np.asarray((high + low) / count)

    def variances(self, count: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return Σ(x−μ)²/n of all cells at once, within 2 ulp for sums below 2^500."""
        return variances(pair_of(self.total), pair_of(self.squares), count)

    def to_json(self) -> list[list[Any]]:
        return [self.total.to_hex(), self.squares.to_hex()]

    def columns(self) -> list[pl.Series]:
        return [self.total.texts(), self.squares.texts()]

    @classmethod
    def from_json(cls, kind: Kind, columns: list[list[Any]]) -> Self:
        if not all(isinstance(text, str) for column in columns for text in column):
            raise ValueError('exact sums are texts "0x…p…"')
        return cls(ExactSum.from_hex(columns[0]), ExactSum.from_hex(columns[1]))
