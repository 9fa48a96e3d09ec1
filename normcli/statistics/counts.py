"""How many values there are of each sort: valid, null, NaN, infinite."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.statistics.base import Index, Kind, State, Values, register

__all__ = ["Counts"]


@register
class Counts(State):
    """Row counts by cell; `tally` is (4 × cells) int64: valid, null, NaN, infinite."""

    name: ClassVar[str] = "counts"
    fields: ClassVar[tuple[str, ...]] = ("count", "null", "nan", "inf")
    kinds: ClassVar[tuple[Kind, ...]] = ("float", "int", "uint", "wide", "text")

    def __init__(self, tally: npt.NDArray[np.int64]) -> None:
        self.tally = tally

    @classmethod
    def empty(cls, kind: Kind, cells: int) -> Self:
        return cls(np.zeros((4, cells), np.int64))

    def update(self, values: Values) -> None:
        if values.starts is None or values.cells is None:
            self.tally[0, 0] += len(values)
        else:
            self.tally[0, values.cells] += np.diff(values.starts, append=len(values))
        for row, cells in enumerate((values.null, values.nan, values.inf), start=1):
            if len(cells):
                np.add.at(self.tally[row], cells, 1)

    def merge(self, other: Self) -> Self:
        return type(self)(self.tally + other.tally)

    def scatter(self, where: Index, cells: int) -> Self:
        tally = np.zeros((4, cells), np.int64)
        tally[:, where] = self.tally
        return type(self)(tally)

    def fold(self, cells: int = 1) -> Self:
        return type(self)(self.tally.reshape(4, -1, cells).sum(axis=1))

    def to_json(self) -> list[list[Any]]:
        return self.tally.tolist()  # type: ignore[no-any-return]

    def columns(self) -> list[pl.Series]:
        return [pl.Series(row) for row in self.tally]

    @classmethod
    def from_json(cls, kind: Kind, columns: list[list[Any]]) -> Self:
        if any(type(n) is not int or not 0 <= n < 2**63 for column in columns for n in column):
            raise ValueError("counts must be whole numbers from 0")
        return cls(np.array(columns, np.int64))
