"""The distinct values of a column, and how often each occurs."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import polars as pl

from normcli.statistics.base import Index, Kind, State, Values, register
from normcli.statistics.tally import Tally

__all__ = ["Categories"]


@register
class Categories(State):
    """Values of any dtype that can be sorted, with their counts; all in one cell."""

    name: ClassVar[str] = "categories"
    fields: ClassVar[tuple[str, ...]] = ("categories",)
    tables: ClassVar[tuple[str, ...]] = ("categories",)
    kinds: ClassVar[tuple[Kind, ...]] = ("text",)

    def __init__(self, tally: Tally) -> None:
        self.tally = tally

    @classmethod
    def empty(cls, kind: Kind, cells: int) -> Self:
        return cls(Tally())

    def update(self, values: Values) -> None:
        assert values.texts is not None, "only values of kind text are counted one by one"
        self.tally.add(values.texts)

    def merge(self, other: Self) -> Self:
        return type(self)(self.tally.merge(other.tally))

    def scatter(self, where: Index, cells: int) -> Self:
        assert cells == 1, "categories are those of all rows"
        return self.fold()

    def fold(self, cells: int = 1) -> Self:
        return type(self)(self.tally.merge(Tally()))

    def agrees(self, count: int) -> bool:
        return self.tally.total == count

    def to_json(self) -> list[list[Any]]:
        return [[self.tally.table]]

    @classmethod
    def from_json(cls, kind: Kind, columns: list[list[Any]]) -> Self:
        (table,) = columns[0]
        return cls(Tally.read(table))

    @property
    def values(self) -> pl.Series:
        """The distinct values, sorted."""
        return self.tally.table["value"]
