"""How often each value occurs: a table that batches and shards add up to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

__all__ = ["Tally"]

# Rows, and tables, that may wait to be added up.
_PENDING = 1 << 20
_PARTS = 1 << 9
_NOTHING = pl.DataFrame(schema={"value": pl.Null(), "count": pl.Int64()})


class Tally:
    """Distinct values with their counts, in columns; exact, whatever the order of additions.

    A table of no values may be of any dtype, so that nothing has to be known beforehand.
    """

    def __init__(self, parts: Sequence[pl.DataFrame] = ()) -> None:
        self._parts = [part for part in parts if part.height]
        self._waiting = sum(part.height for part in self._parts)
        self._sorted = False

    def add(self, values: pl.Series) -> None:
        """Count values in that are not null, in place."""
        counted = values.alias("value").to_frame().group_by("value").len("count")
        if not counted.height:
            return
        self._parts.append(counted.with_columns(pl.col("count").cast(pl.Int64)))
        self._waiting += counted.height
        self._sorted = False
        if self._waiting > max(_PENDING, 3 * self._parts[0].height) or len(self._parts) > _PARTS:
            self._settle()

    def _settle(self) -> None:
        """Bring what was added into one table."""
        if len(self._parts) > 1:
            joined = pl.concat(self._parts)
            self._parts = [joined.group_by("value").agg(pl.col("count").sum())]
            self._waiting = self._parts[0].height
            self._sorted = False

    def merge(self, other: Tally) -> Tally:
        """Return the counts of both."""
        return Tally([*self._parts, *other._parts])

    @property
    def total(self) -> int:
        """How many values there are."""
        return sum(self.table["count"].to_list())

    @property
    def table(self) -> pl.DataFrame:
        """The columns "value", sorted, and "count"."""
        self._settle()
        if not self._parts:
            return _NOTHING
        if not self._sorted:
            self._parts = [self._parts[0].sort("value")]
            self._sorted = True
        return self._parts[0]

    @classmethod
    def read(cls, table: pl.DataFrame) -> Tally:
        """Return a tally from its table; raise ValueError if it is none."""
        for mistake in _mistakes(table):
            raise ValueError(mistake)
        return cls([table])


def _mistakes(table: pl.DataFrame) -> Iterator[str]:
    values, counts = table["value"], table["count"]
    if values.null_count() or counts.null_count():
        yield "a value or its count is missing"
    if values.dtype != pl.Null() and values.is_duplicated().any():
        yield "a value is there twice"
    if not values.is_sorted():
        yield "the values are not sorted"
    if (counts < 1).any():
        yield "a count is below 1"
