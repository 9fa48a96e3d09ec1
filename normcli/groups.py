"""Group keys: from the key columns of a batch to cell numbers.

Keys may be of any dtype that polars can hash; null is a key of its own, −0.0 is 0.0, all NaN
are one, and a categorical counts as its text.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.columns import named
from normcli.errors import DataError
from normcli.keytable import KeyTable

__all__ = ["GroupLayout", "Index", "KeyIndex", "key_columns", "segment_starts"]

Index = npt.NDArray[np.intp]
_CELL = "\0cell"
_RADIX_BITS = 16
_NONE = -1
# A table of integer keys may have so many entries for each key, or in all.
_ROOM = 16
_FEW_VALUES = 1 << 16
_INTEGERS = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)


def key_columns(frame: pl.DataFrame, dtypes: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Return the key columns of a frame, as the dtypes that keys of that fit have."""
    keys = []
    for name, dtype in dtypes.items():
        try:
            key = frame[name].cast(dtype)
        except pl.exceptions.PolarsError as error:
            raise DataError(
                f'group key "{name}" is {frame[name].dtype}; it was fitted as {dtype}',
                "write it as it was when the groups were fitted",
            ) from error
        if frame[name].dtype.is_float() and dtype.is_integer() and (key != frame[name]).any():
            raise DataError(
                f'group key "{name}" holds fractions; it was fitted as {dtype}',
                "write it as it was when the groups were fitted",
            )
        keys.append(key + 0.0 if dtype.is_float() else key)
    return pl.DataFrame(keys)


@dataclass(frozen=True)
class GroupLayout:
    """A batch's rows by cell: each row's cell, and the rows in the order of their cells."""

    ids: Index
    order: Index
    sorted_ids: Index

    @classmethod
    def of(cls, ids: Index, cells: int) -> GroupLayout:
        """Sort the rows by cell, stably, 16 bits at a time (NumPy's radix sort)."""
        order = np.argsort((ids & 0xFFFF).astype(np.uint16), kind="stable")
        for shift in range(_RADIX_BITS, max(1, cells - 1).bit_length(), _RADIX_BITS):
            digits = ((ids >> shift) & 0xFFFF).astype(np.uint16)[order]
            order = order[np.argsort(digits, kind="stable")]
        return cls(ids, order, ids[order])


def segment_starts(sorted_ids: Index) -> Index:
    """Return where each run of equal numbers begins."""
    if len(sorted_ids) == 0:
        return np.zeros(0, np.intp)
    changes = np.flatnonzero(sorted_ids[1:] != sorted_ids[:-1]) + 1
    return np.concatenate([np.zeros(1, np.intp), changes])


@dataclass(frozen=True)
class _ByValue:
    """The cells of keys that are integers near each other, by how far they are above the least."""

    low: np.int64
    cells: Index
    """One more than there are values in between: that of all others, which is none."""
    null: int
    known: int

    @classmethod
    def of(cls, keys: pl.DataFrame) -> _ByValue | None:
        """Return the cells of keys numbered in their order; None if the keys are not such."""
        values = _integers(keys)
        if values is None or values.null_count() == len(values):
            return None
        low, high = values.min(), values.max()
        assert isinstance(low, int) and isinstance(high, int)
        if high - low > max(_FEW_VALUES, _ROOM * len(values)):
            return None
        cells = np.full(high - low + 2, _NONE, np.intp)
        known = np.flatnonzero(values.is_not_null().to_numpy())
        cells[values.drop_nulls().to_numpy().astype(np.int64) - _wrapped(low)] = known
        null = np.flatnonzero(values.is_null().to_numpy())
        return cls(_wrapped(low), cells, int(null[0]) if len(null) else _NONE, len(values))

    def __len__(self) -> int:
        return self.known

    def find(self, keys: pl.DataFrame) -> tuple[Index, int]:
        """Return each row's cell, `_NONE` for a key that is not known, and how many those are."""
        values = _integers(keys)
        assert values is not None
        null = None
        if values.null_count():
            null, values = values.is_null().to_numpy(), values.fill_null(0)
        # Unsigned, so that what is below the least is far above; modulo 2^64 in any case.
        above = (values.to_numpy().astype(np.int64, copy=False) - self.low).view(np.uint64)
        ids = self.cells.take(np.minimum(above, np.uint64(len(self.cells) - 1)).view(np.intp))
        return _counted(ids if null is None else np.where(null, self.null, ids))


@dataclass(frozen=True)
class _ByJoin:
    """The cells of any keys, by joins."""

    table: pl.DataFrame

    def __len__(self) -> int:
        return self.table.height

    def find(self, keys: pl.DataFrame) -> tuple[Index, int]:
        """Return each row's cell, `_NONE` for a key that is not known, and how many those are."""
        found = keys.join(
            self.table,
            on=list(map(named, keys.columns)),
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )[_CELL]
        unknown = found.null_count()
        found = found.fill_null(_NONE) if unknown else found
        return found.to_numpy().astype(np.intp, copy=False), unknown


def _finder_of(keys: pl.DataFrame) -> _ByValue | KeyTable | _ByJoin:
    """Return what finds the numbers of these keys, which are in their order."""
    found: _ByValue | KeyTable | None = None
    if keys.height:  # else there is no telling yet
        found = _ByValue.of(keys)
        found = KeyTable.of(keys) if found is None else found
    return _ByJoin(_numbered(keys)) if found is None else found


def _counted(ids: Index) -> tuple[Index, int]:
    return ids, int(np.count_nonzero(ids == _NONE))


def _integers(keys: pl.DataFrame) -> pl.Series | None:
    if keys.width != 1:
        return None
    values = keys.to_series()
    values = values if values.dtype.is_numeric() else values.to_physical()
    return values if values.dtype in _INTEGERS else None


def _wrapped(number: int) -> np.int64:
    return np.uint64(number % 2**64).astype(np.int64)


def _numbered(keys: pl.DataFrame) -> pl.DataFrame:
    return keys.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(_CELL))


class KeyIndex:
    """Numbers the distinct keys of a fit in the order in which they are met; thread-safe."""

    def __init__(self, keys: pl.DataFrame) -> None:
        self._parts = [keys]
        self._finder = _finder_of(keys)
        self._lock = threading.Lock()

    @classmethod
    def empty(cls, dtypes: Mapping[str, pl.DataType]) -> KeyIndex:
        """Return an index that knows no keys yet."""
        return cls(pl.DataFrame(schema=dict(dtypes)))

    def __len__(self) -> int:
        return len(self._finder)

    @property
    def keys(self) -> pl.DataFrame:
        """The keys in the order of their numbers."""
        if len(self._parts) > 1:
            self._parts = [pl.concat(self._parts)]
        return self._parts[0]

    def find(self, keys: pl.DataFrame) -> pl.Series:
        """Return each row's number, null for a key that is not known."""
        ids, unknown = self._finder.find(keys)
        return (
            pl.Series(ids).scatter(np.flatnonzero(ids == _NONE), None)
            if unknown
            else pl.Series(ids)
        )

    def number(self, keys: pl.DataFrame) -> Index:
        """Return each row's number, giving new keys new ones."""
        ids, unknown = self._finder.find(keys)
        if not unknown:
            return ids
        with self._lock:
            if isinstance(self._finder, KeyTable):
                ids, rows = self._finder.number(keys)
                self._parts.append(keys[rows])
                return ids
            ids, _ = self._finder.find(keys)
            self._parts.append(keys.filter(ids == _NONE).unique(maintain_order=True))
            self._finder = _finder_of(self.keys)
            return self._finder.find(keys)[0]

    def sort_order(self) -> Index:
        """Return for each number its rank among the sorted keys, null first."""
        keys = _numbered(self.keys)
        by = list(map(named, self.keys.columns))
        order = keys.sort(by, nulls_last=False)[_CELL].to_numpy()
        ranks = np.empty(len(order), np.intp)
        ranks[order] = np.arange(len(order))
        return ranks
