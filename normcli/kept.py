"""What rows lose to row-wise steps, as columns of their own beside the normalized ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from normcli.columns import number_kind
from normcli.dtypes import dtype_name
from normcli.errors import DataError
from normcli.fitted import FittedColumn
from normcli.methods.rowwise import Kept, RowMethod, Rows
from normcli.tensors import storage

__all__ = ["KeptColumn", "from_columns", "kept_columns", "to_columns"]


@dataclass(frozen=True)
class KeptColumn:
    """A column NAME.STATISTIC: one number for each row, or (`parts`) one for each of its parts.

    With `place` it holds those of one part only.
    """

    name: str
    step: int
    statistic: str
    parts: int | None
    place: int | None = None

    @property
    def dtype(self) -> pl.DataType:
        """Its dtype; float64, whatever that of the normalized values."""
        if self.parts is None or self.place is not None:
            return pl.Float64()
        return pl.Array(pl.Float64(), self.parts)


def kept_columns(name: str, column: FittedColumn) -> list[KeptColumn]:
    """Return the columns for what the rows of a column, or a vector of columns, lose.

    A statistic that the chain takes a second time is NAME.STATISTIC.2. Columns of text can't hold
    lists, so of a vector of columns every part has a column: NAME.STATISTIC_1 and so on.
    """
    tensor = column.tensor
    made: list[KeptColumn] = []
    seen: dict[str, int] = {}
    for i, step in enumerate(column.steps):
        if not isinstance(step.method, RowMethod):
            continue
        assert tensor is not None and tensor.shape is not None, "row-wise methods take tensors"
        parts = step.method.parts(tensor.shape) if step.method.by_part else None
        for statistic, _ in step.method.keeps:
            seen[statistic] = count = seen.get(statistic, 0) + 1
            full = f"{name}.{statistic}" + (f".{count}" if count > 1 else "")
            if parts is None or column.members is None:
                made.append(KeptColumn(full, i, statistic, parts))
            else:
                made += [
                    KeptColumn(f"{full}_{k + 1}", i, statistic, parts, k) for k in range(parts)
                ]
    return made


def to_columns(columns: Sequence[KeptColumn], lost: Mapping[int, Kept]) -> list[pl.Series]:
    """Return what rows have lost as these columns; null where a row has no such number."""
    made = []
    for each in columns:
        values = lost[each.step][each.statistic]
        if each.parts is None or each.place is not None:
            own = np.ascontiguousarray(values[:, each.place or 0])
            made.append(pl.Series(each.name, own, nan_to_null=True))
        else:
            flat = pl.Series(each.name, values.ravel(), nan_to_null=True)
            made.append(flat.reshape((-1, each.parts)))
    return made


def from_columns(columns: Sequence[KeptColumn], frame: pl.DataFrame, what: str) -> dict[int, Kept]:
    """Return what rows have lost, by step; raise DataError where a column can't hold that."""
    found: dict[int, dict[str, list[Rows]]] = {}
    for each in columns:
        numbers = _numbers(each, frame[each.name], what)
        found.setdefault(each.step, {}).setdefault(each.statistic, []).append(numbers)
    return {
        step: {name: np.concatenate(parts, axis=1) for name, parts in kept.items()}
        for step, kept in found.items()
    }


def _numbers(column: KeptColumn, series: pl.Series, what: str) -> Rows:
    width = 1
    if column.parts is not None and column.place is None:
        width = column.parts
        stored = storage(series)
        if isinstance(stored.dtype, pl.List):
            if (stored.list.len() != width).any():
                raise _wrong(column, series, what)
            stored = stored.list.to_array(width)
        if not isinstance(stored.dtype, pl.Array) or stored.dtype.shape != (width,):
            raise _wrong(column, series, what)
        series = stored.reshape((-1,))
    if number_kind(series.dtype) is None and series.dtype != pl.Null():
        raise _wrong(column, series, what)
    return series.cast(pl.Float64).to_numpy().reshape(-1, width)


def _wrong(column: KeptColumn, series: pl.Series, what: str) -> DataError:
    return DataError(
        f'{what}: column "{column.name}" is {dtype_name(series.dtype)}, '
        f"not the {dtype_name(column.dtype)} that apply --keep-row-stats writes",
        "invert what apply has written",
    )
