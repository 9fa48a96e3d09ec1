"""Tensor columns for the tests: containers of every sort, and the scalar columns they stand for."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

__all__ = ["CONTAINERS", "Case", "channel_of", "scalars", "tensor_column", "values_of"]

Axis = int | tuple[int, ...] | str


@dataclass(frozen=True)
class Case:
    """A container and a shape, with an axis as it is written in a chain."""

    container: str
    shape: tuple[int, ...]
    axis: str

    @property
    def size(self) -> int:
        """The number of elements in a row."""
        return math.prod(self.shape)


def tensor_column(
    rows: Sequence[Sequence[Any] | None], shape: tuple[int, ...], inner: pl.DataType, container: str
) -> pl.Series:
    """Return rows of flat values (None: a null row) as a tensor column "x"."""
    return CONTAINERS[container](rows, shape, inner)


def _array(rows: Sequence[Any], shape: tuple[int, ...], inner: pl.DataType) -> pl.Series:
    width = math.prod(shape)
    full = [[None] * width if row is None else list(row) for row in rows]
    flat = pl.Series("x", [value for row in full for value in row], inner)
    made = flat.reshape((-1, *shape))
    kept = pl.Series([row is not None for row in rows], dtype=pl.Boolean)
    return pl.select(pl.when(kept).then(made)).to_series().alias("x")


def _arrow(rows: Sequence[Any], shape: tuple[int, ...], inner: pl.DataType) -> pl.Series:
    """The same as pyarrow makes it: fixed-size lists of fixed-size lists."""
    made = _array(rows, shape, inner)
    kind = pl.Series([], dtype=inner).to_arrow().type
    for size in reversed(shape):
        kind = pa.list_(kind, size)
    return pl.Series("x", pa.chunked_array([made.to_arrow().cast(kind)]))


def _extension(rows: Sequence[Any], shape: tuple[int, ...], inner: pl.DataType) -> pl.Series:
    flat = _array(rows, (math.prod(shape),), inner).to_arrow()
    kind = pa.fixed_shape_tensor(flat.type.value_type, shape)
    return pl.Series("x", pa.chunked_array([pa.ExtensionArray.from_storage(kind, flat)]))


def _lists(rows: Sequence[Any], shape: tuple[int, ...], inner: pl.DataType) -> pl.Series:
    """Lists of different lengths: every third row lacks its last values, one is empty."""
    cut = [
        None if row is None else list(row)[: len(row) - i % 3 if i != 4 else 0]
        for i, row in enumerate(rows)
    ]
    return pl.Series("x", cut, pl.List(inner))


CONTAINERS: dict[str, Callable[[Sequence[Any], tuple[int, ...], pl.DataType], pl.Series]] = {
    "array": _array,
    "arrow": _arrow,
    "fixed_shape_tensor": _extension,
    "list": _lists,
}


def values_of(series: pl.Series) -> list[list[Any] | None]:
    """Return the flat values of each row, None for a null row."""
    stored = series.ext.storage() if series.dtype.is_extension() else series
    return [None if row is None else _flat(row) for row in stored.to_list()]


def _flat(value: Any) -> list[Any]:
    if not isinstance(value, list):
        return [value]
    return [each for part in value for each in _flat(part)]


def channel_of(shape: tuple[int, ...], axis: str) -> list[int]:
    """Return the channel of every element of a row, by the definition of `axis`."""
    if axis == "none":
        return [0] * math.prod(shape)
    rank = len(shape)
    kept = range(rank) if axis == "all" else sorted({int(a) % rank for a in axis.split(":")})
    places = [tuple(place[a] for a in kept) for place in np.ndindex(*shape)]
    numbers = {place: i for i, place in enumerate(sorted(set(places)))}
    return [numbers[place] for place in places]


def scalars(
    series: pl.Series, shape: tuple[int, ...], axis: str, keys: Sequence[Any]
) -> pl.DataFrame:
    """Return the elements of each channel c as a column "c", and their groups as "g".

    A row that is null has null for all its elements, a list that is null one.
    """
    inner: Any = series.dtype
    if inner.is_extension():
        inner = series.ext.storage().dtype
    while isinstance(inner, (pl.Array, pl.List)):
        inner = inner.inner
    channels = channel_of(shape, axis)
    width = math.prod(shape) if not isinstance(series.dtype, pl.List) else 1
    columns: dict[int, list[Any]] = {channel: [] for channel in channels}
    groups = []
    for row, key in zip(values_of(series), keys, strict=True):
        for element, value in enumerate([None] * width if row is None else row):
            columns[channels[element]].append(value)
            if channels[element] == 0:
                groups.append(key)
    made = [pl.Series(str(channel), values, inner) for channel, values in sorted(columns.items())]
    return pl.DataFrame([*made, pl.Series("g", groups)])
