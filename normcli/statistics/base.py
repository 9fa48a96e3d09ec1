"""What a statistic is: a commutative monoid over cells, with a columnar state.

A state holds one value for each of `cells` cells (groups; one cell when there are none) in
arrays. `merge` is associative and commutative bit for bit; `tests/laws` holds every
registered statistic to that. A new statistic is one new file in this folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

__all__ = ["STATISTICS", "Kind", "Planes", "State", "Values", "register"]

Kind = Literal["float", "int", "uint", "wide", "text"]
"""How a column's values are held: float64, int64, uint64, 128-bit integers as two planes, or as
they come: text, dates and so on, to be counted by value."""

Planes = tuple[npt.NDArray[Any], ...]
Index = npt.NDArray[np.intp]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Values:
    """One column's share of a batch: the valid, finite values sorted by cell, the rest counted.

    `planes` has n values: (float64,), (int64,), (uint64,), or (high int64, low uint64).
    `starts[i]` is where the values of cell `cells[i]` begin; both are None when there is only
    one cell. `null`, `nan` and `inf` are the cell ids of the values that were set aside.
    `blocks` are the numbers, below `block_count`, of the blocks that the values' rows fall into,
    where a statistic asks for them. Values of kind "text" are in `texts`, and all in one cell;
    whole vectors, for statistics of vectors, are the rows of `vectors`, sorted by cell.
    """

    kind: Kind
    planes: Planes
    starts: Index | None
    cells: Index | None
    null: Index
    nan: Index
    inf: Index
    blocks: Index | None = None
    block_count: int = 1
    texts: pl.Series | None = None
    vectors: npt.NDArray[np.float64] | None = None

    def __len__(self) -> int:
        each = (self.texts, self.vectors, *self.planes)
        return next(len(one) for one in each if one is not None)


class State(Protocol):
    """The state of one statistic over one column."""

    name: ClassVar[str]
    fields: ClassVar[tuple[str, ...]]
    """The names that one cell's state is written under in a stats file."""
    kinds: ClassVar[tuple[Kind, ...]] = ("float", "int", "uint", "wide")
    """The kinds of values that it can take in."""
    of_vectors: ClassVar[bool] = False
    """Whether it takes vectors in, not their elements."""
    in_order: ClassVar[bool] = False
    """Whether it depends on the order of the rows; then it can't be merged, and has no JSON."""
    tables: ClassVar[tuple[str, ...]] = ()
    """The fields that hold values of the column with their counts: frames, which stats files
    write as rows, so that `to_json` gives and `from_json` gets frames there."""

    @classmethod
    def empty(cls, kind: Kind, cells: int) -> Self:
        """Return the state of no rows: the neutral element of `merge`."""
        ...

    def update(self, values: Values) -> None:
        """Take in a batch, in place."""
        ...

    def merge(self, other: Self) -> Self:
        """Return the state of both sets of rows; the cells of both are the same."""
        ...

    def scatter(self, where: Index, cells: int) -> Self:
        """Return the state over `cells` cells in which cell i has become cell where[i]."""
        ...

    def fold(self, cells: int = 1) -> Self:
        """Return the state of the rows of all cells i, i + cells, i + 2·cells, … together."""
        ...

    def to_json(self) -> list[list[Any]]:
        """Return one list of JSON values for each field, an entry for each cell."""
        ...

    def columns(self) -> Sequence[list[Any] | pl.Series]:
        """Return what `to_json` does; of float64, integers or texts, as series if that is fast."""
        return self.to_json()

    @classmethod
    def from_json(cls, kind: Kind, columns: list[list[Any]]) -> Self:
        """Return the state that `to_json` wrote; raise ValueError if it is none."""
        ...

    def agrees(self, count: int) -> bool:
        """Whether it can be the state of so many valid values in all."""
        return True


STATISTICS: dict[str, type[State]] = {}
"""Every statistic, by name."""


S = TypeVar("S", bound=State)


def register(statistic: type[S]) -> type[S]:
    """Class decorator: make a statistic known under its name."""
    STATISTICS[statistic.name] = statistic
    return statistic
