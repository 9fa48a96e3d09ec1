"""Columns: which are meant, which can be normalized, and what null, NaN and inf are.

This is the one place for the null/NaN/inf rule: null and NaN are counted and skipped in a
fit and stay what they are in apply and invert; an infinity is an error in a fit, unless it
is skipped too.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.errors import DataError, UsageError, did_you_mean

__all__ = [
    "SELECTOR_CLASSES",
    "Split",
    "check_names",
    "decimal_scale",
    "named",
    "number_kind",
    "physical",
    "plain_chunks",
    "select",
    "split",
    "split_texts",
]

Mask = npt.NDArray[np.bool_]

SELECTOR_CLASSES: dict[str, Callable[[pl.DataType], bool]] = {
    "@numeric": lambda dtype: dtype.is_numeric() and number_kind(dtype) is not None,
    "@float": lambda dtype: dtype.is_float() and number_kind(dtype) is not None,
    "@integer": lambda dtype: dtype.is_integer() and number_kind(dtype) is not None,
    "@decimal": lambda dtype: dtype.is_decimal(),
    "@boolean": lambda dtype: dtype == pl.Boolean(),
    "@temporal": lambda dtype: dtype.is_temporal(),
    "@text": lambda dtype: dtype.base_type() in (pl.String, pl.Categorical, pl.Enum),
    "@list": lambda dtype: dtype.base_type() in (pl.List, pl.Array) or dtype.is_extension(),
}
_NO_128_BITS = (pl.Int128, pl.UInt128)


def number_kind(dtype: pl.DataType) -> str | None:
    """Return how values of that dtype are held ("float", "int", "uint", "wide"), or None.

    Dates and times count in their own unit from their own origin, decimals in units of their
    last digit, false and true as 0 and 1.
    """
    if dtype.is_float():
        return "float"
    if isinstance(dtype, pl.Decimal):
        return "int" if dtype.precision <= 18 else "wide"
    if dtype.base_type() in _NO_128_BITS:
        return None
    if dtype.base_type() == pl.UInt64:
        return "uint"
    if dtype.is_integer() or dtype.is_temporal() or dtype == pl.Boolean():
        return "int"
    return None


def decimal_scale(dtype: pl.DataType) -> int:
    """Return the number of decimals of a decimal dtype, 0 for every other."""
    return dtype.scale if isinstance(dtype, pl.Decimal) else 0


@dataclass(frozen=True)
class Split:
    """A column's values as numbers, and which of them are not to be counted in.

    `planes` are as for statistics.Values, in row order, with any number where `valid` is
    false. A mask is None where it would be all true (`valid`) or all false (the others).
    """

    kind: Any
    planes: tuple[npt.NDArray[Any], ...]
    valid: Mask | None
    null: Mask | None
    nan: Mask | None
    inf: Mask | None


def split(series: pl.Series) -> Split:
    """Apply the null/NaN/inf rule to one column of a batch."""
    kind = number_kind(series.dtype)
    if kind is None:
        raise TypeError(f"{series.dtype} holds no numbers")
    null = series.is_null().to_numpy() if series.null_count() else None
    planes = _planes(series)
    valid = None if null is None else ~null
    nan = inf = None
    if kind == "float":
        finite = np.isfinite(planes[0])
        if not finite.all():
            nan, inf = np.isnan(planes[0]), np.isinf(planes[0])
            if null is not None:
                nan &= ~null
            valid = finite if valid is None else finite & valid
    return Split(kind, planes, valid, null, nan, inf)


def split_texts(series: pl.Series) -> tuple[pl.Series, Mask | None]:
    """Apply the rule to values that are no numbers: return those there are, and where null is."""
    if series.dtype.base_type() in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    if not series.null_count():
        return series, None
    return series.drop_nulls(), series.is_null().to_numpy()


def physical(series: pl.Series) -> pl.Series:
    """Return a column as the plain numbers that it is counted by; not for 128-bit decimals."""
    dtype = series.dtype
    if dtype == pl.Boolean():
        return series.cast(pl.UInt8)
    if isinstance(dtype, pl.Decimal):
        return series.to_physical().cast(pl.Int64)
    if dtype == pl.Float16():
        return series.cast(pl.Float32)
    # What is a number already is left alone: the engine would make a query of it.
    return series if dtype.is_numeric() else series.to_physical()


def plain_chunks(series: pl.Series) -> list[npt.NDArray[Any]]:
    """Return what is not null as the plain numbers that it is counted by, without a copy."""
    series = physical(series)
    if series.null_count():
        series = series.drop_nulls()
    return [chunk.to_numpy() for chunk in series.get_chunks()]


def _planes(series: pl.Series) -> tuple[npt.NDArray[Any], ...]:
    dtype = series.dtype
    if isinstance(dtype, pl.Decimal) and dtype.precision > 18:
        # Arrow keeps a decimal as a 128-bit integer: low half, high half.
        array = series.rechunk().to_arrow()
        halves = np.frombuffer(array.buffers()[1], np.uint64)[2 * array.offset :]
        halves = halves[: 2 * len(array)].reshape(-1, 2)
        return halves[:, 1].astype(np.int64), np.ascontiguousarray(halves[:, 0])
    series = physical(series)
    if series.null_count():
        series = series.fill_null(0)
    return (series.to_numpy(),)


def named(name: str) -> pl.Expr:
    """Return the column of that name, even of "*", which polars takes for all columns.

    >>> pl.DataFrame({"*": [1], "a": [2]}).select(named("*")).columns
    ['*']
    """
    return pl.col(r"^\*$") if name == "*" else pl.col(name)


def check_names(names: Iterable[str], place: str) -> None:
    """Refuse names that polars takes for patterns, even those of the columns themselves."""
    for name in names:
        if name.startswith("^") and name.endswith("$"):
            raise DataError(
                f"{place}: \"{name}\" can't be a column's name, as ^…$ is a pattern to the engine",
                "rename the column",
            )


def select(selector: str, schema: pl.Schema) -> list[str]:
    """Return the columns that a selector means, in the schema's order.

    A selector is a name, a glob, a class like @float, or several of them with commas between.
    A name that is no column is a DataError, an unknown class a UsageError.
    """
    if selector in schema:
        return [selector]
    chosen: set[str] = set()
    for part in (piece.strip() for piece in selector.split(",")):
        chosen.update(_select_one(part, schema))
    return [name for name in schema if name in chosen]


def _select_one(part: str, schema: pl.Schema) -> Sequence[str]:
    if part in schema:
        return [part]
    if part.startswith("@"):
        if part not in SELECTOR_CLASSES:
            raise UsageError(f'unknown class "{part}"', did_you_mean(part, SELECTOR_CLASSES))
        return [name for name, dtype in schema.items() if SELECTOR_CLASSES[part](dtype)]
    matched = [name for name in schema if fnmatch.fnmatchcase(name, part)]
    if not matched:
        raise DataError(f'there is no column "{part}"', did_you_mean(part, schema))
    return matched
