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

__all__ = ["GroupLayout", "Index", "KeyIndex", "key_columns", "segment_starts"]

Index = npt.NDArray[np.intp]
_CELL = "\0cell"
_RADIX_BITS = 16


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


class KeyIndex:
    """Numbers the distinct keys of a fit in the order in which they are met; thread-safe."""

    def __init__(self, keys: pl.DataFrame) -> None:
        self._table = keys.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(_CELL))
        self._lock = threading.Lock()

    @classmethod
    def empty(cls, dtypes: Mapping[str, pl.DataType]) -> KeyIndex:
        """Return an index that knows no keys yet."""
        return cls(pl.DataFrame(schema=dict(dtypes)))

    def __len__(self) -> int:
        return self._table.height

    @property
    def keys(self) -> pl.DataFrame:
        """The keys in the order of their numbers."""
        return self._table.drop(_CELL)

    def find(self, keys: pl.DataFrame) -> pl.Series:
        """Return each row's number, null for a key that is not known."""
        return keys.join(
            self._table,
            on=list(map(named, keys.columns)),
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )[_CELL]

    def number(self, keys: pl.DataFrame) -> Index:
        """Return each row's number, giving new keys new ones."""
        found = self.find(keys)
        if found.null_count():
            with self._lock:
                found = self.find(keys)
                new = keys.filter(found.is_null()).unique(maintain_order=True)
                self._table = pl.concat(
                    [
                        self._table,
                        new.with_columns(
                            (pl.int_range(pl.len(), dtype=pl.Int64) + len(self)).alias(_CELL)
                        ),
                    ]
                )
                found = self.find(keys)
        return found.to_numpy().astype(np.intp, copy=False)

    def sort_order(self) -> Index:
        """Return for each number its rank among the sorted keys, null first."""
        by = list(map(named, self.keys.columns))
        order = self._table.sort(by, nulls_last=False)[_CELL].to_numpy()
        ranks = np.empty(len(order), np.intp)
        ranks[order] = np.arange(len(order))
        return ranks
