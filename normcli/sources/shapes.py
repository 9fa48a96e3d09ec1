"""Lists that are to be tensors of one shape: their dtypes, and the first that does not fit."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, cast

import polars as pl

from normcli.dtypes import dtype_name
from normcli.errors import DataError

__all__ = [
    "as_lists",
    "first_misfit",
    "inner_of",
    "is_nested",
    "misfit_error",
    "tensors_of_lists",
    "to_arrays",
    "what_is_wrong",
]


def is_nested(dtype: pl.DataType) -> bool:
    """Return whether a dtype is that of arrays or lists."""
    return isinstance(dtype, (pl.Array, pl.List))


def inner_of(dtype: pl.DataType) -> pl.DataType:
    """Return the dtype of the elements of arrays or lists, however deep."""
    while isinstance(dtype, (pl.Array, pl.List)):
        inner: Any = dtype.inner
        dtype = inner() if isinstance(inner, type) else inner
    return dtype


def as_lists(dtype: pl.DataType, inner: pl.DataType) -> pl.DataType:
    """Return the dtype of lists in lists, as deep as arrays of that dtype, of other elements.

    >>> as_lists(pl.Array(pl.UInt8, (8, 8)), pl.Int64())
    List(List(Int64))
    """
    while isinstance(dtype, (pl.Array, pl.List)):
        inner, dtype = pl.List(inner), cast(pl.DataType, dtype.inner)
    return inner


def tensors_of_lists(
    schema: Mapping[str, pl.DataType], expected: Mapping[str, pl.DataType]
) -> dict[str, pl.DataType]:
    """Return the dtypes of columns of lists that are expected to be arrays, of the same elements.

    >>> tensors_of_lists({"x": pl.List(pl.Float32())}, {"x": pl.Array(pl.Float64, 3)})
    {'x': Array(Float32, shape=(3,))}
    """
    found: dict[str, pl.DataType] = {}
    for name, dtype in schema.items():
        wanted = expected.get(name)
        if wanted is None or not is_nested(wanted):
            continue
        if inner_of(dtype) == pl.Null():  # there are no values
            found[name] = wanted
        elif isinstance(wanted, pl.Array) and isinstance(dtype, pl.List):
            found[name] = pl.Array(inner_of(dtype), wanted.shape)
    return found


def to_arrays(lists: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Return lists as arrays of that dtype; raise PolarsError if one is of another shape.

    The engine's own cast fails for some lists in lists, where rows are null.
    """
    if not isinstance(dtype, pl.Array) or len(dtype.shape) == 1:
        return lists.cast(dtype)
    flat = _flat(lists, dtype.shape).cast(inner_of(dtype))
    return _placed(flat, dtype.shape, lists.is_not_null()).alias(lists.name)


def _flat(lists: pl.Series, shape: tuple[int, ...]) -> pl.Series:
    """Return the elements of lists that are not null, nulls for an inner list that is."""
    if not shape:
        return lists
    present = lists.drop_nulls()
    if (present.list.len() != shape[0]).any():
        raise pl.exceptions.ShapeError(f"not all lists have {shape[0]} elements")
    inner = present.explode()
    flat = _flat(inner, shape[1:])
    if not shape[1:]:
        return flat
    return _placed(flat, (math.prod(shape[1:]),), inner.is_not_null()).reshape((-1,))


def _placed(flat: pl.Series, shape: tuple[int, ...], present: pl.Series) -> pl.Series:
    """Return elements as arrays, one after the other where there is one, and null elsewhere."""
    arrays = flat.reshape((-1, *shape))
    if present.all():
        return arrays
    places = pl.select(pl.when(present).then(present.cast(pl.Int64).cum_sum() - 1)).to_series()
    return arrays.gather(places)


def first_misfit(lists: pl.Series, dtype: pl.DataType) -> tuple[int, str] | None:
    """Return the first row that can't be of that dtype, and what is wrong with it."""

    def fits(rows: int) -> bool:
        try:
            to_arrays(lists[:rows], dtype)
        except pl.exceptions.PolarsError:
            return False
        return True

    if fits(len(lists)):
        return None
    good, bad = 0, len(lists)
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return good, what_is_wrong(lists[good : good + 1].to_list()[0], dtype)


def what_is_wrong(value: Any, dtype: pl.DataType) -> str:
    """Return why a value, as Python has it, can't be of that dtype."""
    shape = _shape_of(value)
    wanted = dtype.shape if isinstance(dtype, pl.Array) else shape
    expected = "×".join(map(str, wanted or ()))
    if shape == ():
        return f"{_short(value)} is not a list"
    if shape is None:
        return f"its lists have different lengths; the expected shape is {expected}"
    if shape != wanted:
        return f"its shape is {'×'.join(map(str, shape))}, the expected one is {expected}"
    return f"it holds values that are not {dtype_name(inner_of(dtype))}: {_short(value)}"


def _shape_of(value: Any) -> tuple[int, ...] | None:
    """Return the shape of lists in lists; None if they have none."""
    if not isinstance(value, list):
        return ()
    shapes = {_shape_of(part) for part in value if part is not None}
    if len(shapes) > 1 or None in shapes:
        return None
    inner = cast("tuple[int, ...]", shapes.pop()) if shapes else ()
    return (len(value), *inner)


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else text[:40] + "…"


def misfit_error(
    what: str, column: str, row: int | None, wrong: str, dtype: pl.DataType
) -> DataError:
    """Return the error of a row (counted from 1, if known) that can't be of that dtype."""
    place = f'{what}: column "{column}"' + ("" if row is None else f", row {row:,}")
    if isinstance(dtype, pl.Array):
        hint = "correct that row, leave such rows out, or leave the column out"
    else:
        hint = (
            f'say what the column is: --type "{column}={dtype_name(as_lists(dtype, pl.Float64()))}"'
        )
    return DataError(f"{place}: {wrong}", hint)
