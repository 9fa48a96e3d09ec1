"""Tensor columns: their dtypes, which axes keep statistics of their own, and their flat values.

A tensor column has in each row a tensor of one shape (an Arrow fixed-size list of any rank, an
`arrow.fixed_shape_tensor`), or a list of any length. Its values are treated as one long column:
row after row, each row's elements in the order in which Arrow stores them. An element's channel
is its place on the kept axes; each channel has statistics and parameters of its own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.columns import number_kind
from normcli.errors import DataError

__all__ = [
    "ONE_CHANNEL",
    "Channels",
    "Tensor",
    "as_array",
    "channels",
    "container",
    "flatten",
    "joint",
    "nested",
    "numbers_in_row",
    "rebuild",
    "shape_text",
    "spread",
    "storage",
    "tensor_of",
    "unnested",
]

Index = npt.NDArray[np.intp]

_EXTENSION = "arrow.fixed_shape_tensor"


@dataclass(frozen=True)
class Tensor:
    """What a tensor column holds: the dtype of its elements, and its shape (None: lists)."""

    inner: pl.DataType
    shape: tuple[int, ...] | None

    @property
    def size(self) -> int:
        """The number of elements in a row."""
        assert self.shape is not None, "lists have no size"
        return math.prod(self.shape)

    @property
    def dtype(self) -> pl.DataType:
        """The polars dtype of such a column."""
        if self.shape is None:
            return pl.List(self.inner)
        return pl.Array(self.inner, self.shape)


@dataclass(frozen=True)
class Channels:
    """The channels of a tensor: their `shape` (that of the kept axes), and each element's channel.

    `ids` has one entry for each element of a row; None if there is one channel for all.
    """

    shape: tuple[int, ...]
    ids: Index | None

    @property
    def count(self) -> int:
        """The number of channels."""
        return math.prod(self.shape)


ONE_CHANNEL = Channels((), None)


def tensor_of(dtype: pl.DataType) -> Tensor | None:
    """Return what a column of that dtype holds, None if it is no tensor of numbers.

    >>> tensor_of(pl.Array(pl.UInt8, (8, 8)))
    Tensor(inner=UInt8, shape=(8, 8))
    """
    shape: tuple[int, ...] | None
    if dtype.is_extension() and isinstance(dtype, pl.BaseExtension):
        if dtype.ext_name() != _EXTENSION:
            return None
        storage = dtype.ext_storage()
        stored = tensor_of(_made(storage))
        if stored is None:
            return None
        shape = tuple(json.loads(dtype.ext_metadata() or "{}").get("shape", stored.shape))
        return Tensor(stored.inner, shape)
    if isinstance(dtype, pl.Array):
        inner, shape = dtype.inner, dtype.shape
        while isinstance(inner, pl.Array):
            inner = inner.inner
    elif isinstance(dtype, pl.List):
        inner, shape = dtype.inner, None
    else:
        return None
    plain = _made(inner)
    return Tensor(plain, shape) if number_kind(plain) is not None else None


def _made(dtype: Any) -> pl.DataType:
    """Return a dtype as an instance: what is inside of another may be a class."""
    return cast(pl.DataType, dtype() if isinstance(dtype, type) else dtype)


def channels(tensor: Tensor, axis: int | tuple[int, ...] | str, what: str) -> Channels:
    """Return the channels of a tensor whose axes `axis` are kept, the others reduced over.

    As in tf.keras.layers.Normalization(axis=…), the axis of the rows not counted. Raise
    DataError, naming `what`, where there is no such axis.

    >>> channels(Tensor(pl.Float32(), (2, 3)), -1, "x").ids.tolist()
    [0, 1, 2, 0, 1, 2]
    """
    if tensor.shape is not None and tensor.size == 0:
        raise DataError(
            f"{what} has tensors of shape {shape_text(tensor.shape)}, which have no elements",
            "leave it out with --exclude",
        )
    if axis == "none":
        return ONE_CHANNEL
    if tensor.shape is None:
        raise DataError(
            f"{what} holds lists of any length, whose elements have no places in common",
            "write axis=none to treat all their elements alike, for example zscore:axis=none; "
            f"or, if all have one length, say so: --type NAME=Array({tensor.inner},LENGTH)",
        )
    rank = len(tensor.shape)
    if axis == "all":
        kept = tuple(range(rank))
    else:
        asked = axis if isinstance(axis, tuple) else (axis,)
        wrong = [a for a in asked if not isinstance(a, int) or not -rank <= a < rank]
        if wrong:
            raise DataError(
                f"{what} has tensors of shape {shape_text(tensor.shape)}: "
                f"there is no axis {wrong[0]}",
                f"axes are numbered 0 to {rank - 1}, or −1 to −{rank} from the last on; "
                "none and all are possible, too",
            )
        kept = tuple(sorted({int(a) % rank for a in asked}))
    shape = tuple(tensor.shape[a] for a in kept)
    numbers = np.arange(math.prod(shape)).reshape(
        tuple(size if a in kept else 1 for a, size in enumerate(tensor.shape))
    )
    return Channels(shape, np.broadcast_to(numbers, tensor.shape).ravel().astype(np.intp))


def joint(every: Sequence[Channels]) -> tuple[Channels, list[Index]]:
    """Return channels that tell apart what any of several does, and each one's channel of them.

    >>> tensor = Tensor(pl.Float32(), (2, 2))
    >>> both, places = joint([channels(tensor, axis, "x") for axis in (0, 1)])
    >>> both.count, [place.tolist() for place in places]
    (4, [[0, 0, 1, 1], [0, 1, 0, 1]])
    """
    apart = [each for each in every if each.ids is not None]
    if not apart:
        return ONE_CHANNEL, [np.zeros(1, np.intp) for _ in every]
    finest = max(apart, key=lambda each: each.count)
    assert finest.ids is not None
    numbers = np.stack([each.ids for each in apart if each.ids is not None])
    _, first, ids = np.unique(numbers, axis=1, return_index=True, return_inverse=True)
    if len(first) == finest.count:
        # Usually all are the same; then they are numbered as they were.
        ids = finest.ids
        first[ids] = np.arange(len(ids))
    found = Channels((len(first),), ids.ravel().astype(np.intp))
    return found, [
        np.zeros(len(first), np.intp) if each.ids is None else each.ids[first] for each in every
    ]


def shape_text(shape: tuple[int, ...]) -> str:
    """Return a shape as people write it.

    >>> shape_text((8, 8, 3))
    '8×8×3'
    """
    return "×".join(map(str, shape))


def storage(series: pl.Series) -> pl.Series:
    """Return a tensor column as arrays or lists of its elements."""
    return series.ext.storage() if series.dtype.is_extension() else series


def as_array(series: pl.Series) -> pl.Series:
    """Return a column of extension tensors as arrays of their shape."""
    tensor, stored = tensor_of(series.dtype), storage(series)
    assert tensor is not None and tensor.shape is not None
    made = stored.reshape((-1,)).reshape((len(stored), *tensor.shape))
    if stored.null_count():
        made = pl.select(pl.when(stored.is_not_null()).then(made)).to_series()
    return made.alias(series.name)


def numbers_in_row(schema: Mapping[str, pl.DataType]) -> int:
    """Return how many numbers the tensors of a row have, at least 1; of lists that is not known.

    >>> numbers_in_row({"id": pl.Int64(), "image": pl.Array(pl.UInt8, (8, 8))})
    64
    """
    found = (tensor_of(dtype) for dtype in schema.values())
    return sum(t.size for t in found if t is not None and t.shape is not None) or 1


def flatten(series: pl.Series, tensor: Tensor) -> tuple[pl.Series, Index | None]:
    """Return all elements one after the other, and for lists the row of each.

    A row that is null has nulls for all its elements; a list that is null has one.
    """
    stored = storage(series)
    if tensor.shape is not None:
        return stored.reshape((-1,)), None
    lengths = stored.list.len().fill_null(1).to_numpy()
    flat = stored.explode(empty_as_null=False, keep_nulls=True)
    return flat, np.repeat(np.arange(len(stored)), lengths)


def rebuild(flat: pl.Series, like: pl.Series, tensor: Tensor) -> pl.Series:
    """Return elements as a tensor column again: the container of `like`, null where it is null."""
    stored = storage(like)
    if tensor.shape is None:
        made = _as_lists(flat, stored)
    else:
        shape = stored.dtype.shape if isinstance(stored.dtype, pl.Array) else tensor.shape
        made = flat.reshape((len(stored), *shape))
        if stored.null_count():
            made = pl.select(pl.when(stored.is_not_null()).then(made)).to_series()
    made = made.alias(like.name)
    if like.dtype.is_extension():
        return made.ext.to(container(like.dtype, flat.dtype))
    return made


def container(dtype: pl.DataType, inner: pl.DataType) -> pl.DataType:
    """Return the dtype of the same tensors with other elements."""
    if isinstance(dtype, pl.BaseExtension):
        stored = container(_made(dtype.ext_storage()), inner)
        return type(dtype)(dtype.ext_name(), stored, dtype.ext_metadata())
    if isinstance(dtype, pl.Array):
        return pl.Array(inner, dtype.shape)
    return pl.List(inner)


def _as_lists(flat: pl.Series, stored: pl.Series) -> pl.Series:
    lengths = stored.list.len()
    rows = pl.Series(np.repeat(np.arange(len(stored)), lengths.fill_null(1).to_numpy()))
    gathered = (
        pl.DataFrame({"row": rows, "x": flat})
        .group_by("row", maintain_order=True)
        .agg(pl.col("x"))
        .join(pl.DataFrame({"row": pl.int_range(len(stored), eager=True)}), on="row", how="right")
        .sort("row")["x"]
    )
    empty = pl.Series([[]], dtype=gathered.dtype)
    filled = gathered.fill_null(empty.first()) if gathered.null_count() else gathered
    if stored.null_count():
        return pl.select(pl.when(stored.is_not_null()).then(filled)).to_series()
    return filled


def spread(cells: Index, each: int) -> Index:
    """Return the numbers of the channels of cells, `each` for one cell.

    >>> spread(np.array([2, 0]), 3).tolist()
    [6, 7, 8, 0, 1, 2]
    """
    return (cells[:, None] * each + np.arange(each)).ravel()


def nested(values: list[Any], shape: tuple[int, ...]) -> Any:
    """Return a list of the channels' values as lists in lists, or the only value.

    >>> nested([1, 2, 3, 4], (2, 2))
    [[1, 2], [3, 4]]
    """
    if not shape:
        return values[0]
    step = math.prod(shape[1:])
    return [nested(values[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])]


def unnested(value: Any, shape: tuple[int, ...]) -> list[Any]:
    """Return the channels' values that `nested` put into lists; raise ValueError if they are none.

    >>> unnested([[1, 2], [3, 4]], (2, 2))
    [1, 2, 3, 4]
    """
    if not shape:
        return [value]
    if not isinstance(value, list) or len(value) != shape[0]:
        raise ValueError(f"there must be lists of the shape {shape_text(shape)}")
    return [each for part in value for each in unnested(part, shape[1:])]
