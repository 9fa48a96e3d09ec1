"""The compiled table of group keys: numbers of texts and integers, of one column or several."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.kernel import compiled_keys

__all__ = ["KeyTable"]

_Numbers = npt.NDArray[np.intp]
_INTEGERS = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)


class KeyTable:
    """Numbers keys in the order in which they are met.

    Any number of threads may `find`, and meanwhile one may `number`. Keys of several columns are
    pairs: of the first column's number and the second's, of that pair's and the third's.
    """

    def __init__(self, columns: Sequence[Any], pairs: Sequence[Any]) -> None:
        self._columns = columns
        self._pairs = pairs

    @classmethod
    def of(cls, keys: pl.DataFrame) -> KeyTable | None:
        """Return the numbers of distinct keys; None without a kernel, or if keys are not such."""
        module = compiled_keys()
        kinds = [_kind(dtype) for dtype in keys.schema.values()]
        if module is None or None in kinds:
            return None
        # Seeds that nobody knows: no data can be made to have keys that collide.
        columns, pairs = (
            [
                module.Table(kind, *np.frombuffer(os.urandom(16), np.uint64).tolist())
                for kind in each
            ]
            for each in (kinds, ["i"] * (len(kinds) - 1))
        )
        table = cls(columns, pairs)
        table.number(keys)
        return table

    def __len__(self) -> int:
        return int([*self._columns, *self._pairs][-1].size())

    def find(self, keys: pl.DataFrame) -> tuple[_Numbers, int]:
        """Return each row's number, −1 for a key that is not known, and how many those are."""
        return self._each(keys, lambda table, *each: table.find(*each))

    def number(self, keys: pl.DataFrame) -> tuple[_Numbers, npt.NDArray[np.int64]]:
        """Return each row's number, giving new keys new ones, and the rows where those are met."""
        numbers, rows = self._each(keys, lambda table, *each: table.number(*each))
        return numbers, np.frombuffer(rows, np.int64)

    def _each(self, keys: pl.DataFrame, look_up: Callable[..., Any]) -> tuple[_Numbers, Any]:
        numbers, last = np.empty(keys.height, np.intp), None
        for i, (table, column) in enumerate(zip(self._columns, keys, strict=True)):
            own = np.empty(keys.height, np.intp)
            last = look_up(table, _stream(column), own)
            if i:
                # Numbers are below 2^31; a pair with one that is not known is no pair's number.
                own |= numbers << 32
                last = look_up(self._pairs[i - 1], _stream(pl.Series(own)), numbers)
            else:
                numbers = own
        return numbers, last


def _kind(dtype: pl.DataType) -> str | None:
    if dtype == pl.String():
        return "t"
    return "i" if pl.Series(dtype=dtype).to_physical().dtype in _INTEGERS else None


def _stream(keys: pl.Series) -> object:
    # Without its name: the engine aborts the process if there is a NUL in it.
    return keys.to_physical().alias("").__arrow_c_stream__()
