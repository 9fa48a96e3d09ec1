"""Group keys as JSON: numbers, texts and Booleans as they are, everything else as text.

Dates and times are in ISO 8601, decimals and durations as text of their exact number, bytes in
hexadecimal; floats that JSON lacks are "NaN", "Infinity" and "-Infinity".
"""

from __future__ import annotations

import datetime
import math
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any

import polars as pl

__all__ = [
    "columns_to_json",
    "keys_from_json",
    "keys_to_json",
    "table_from_json",
    "table_to_json",
    "values_from_json",
    "values_to_json",
]


def keys_to_json(keys: pl.DataFrame) -> list[list[Any]]:
    """Return one list of JSON values for each row."""
    columns = [_column_to_json(keys[name]) for name in keys.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def columns_to_json(keys: pl.DataFrame) -> list[list[Any] | pl.Series]:
    """Return the JSON values of each column; as a series where they are in it as they are."""
    return [
        column
        if column.dtype in (pl.Int64, pl.String) and column.len()
        else _column_to_json(column)
        for column in keys.get_columns()
    ]


def _column_to_json(keys: pl.Series) -> list[Any]:
    dtype = keys.dtype
    if isinstance(dtype, pl.Datetime) and dtype.time_unit == "ns":
        keys = keys.dt.to_string("%Y-%m-%dT%H:%M:%S%.9f" + ("%:z" if dtype.time_zone else ""))
    elif isinstance(dtype, (pl.Duration, pl.Time)) or dtype == pl.Time():
        keys = keys.to_physical()
    values = keys.to_list()
    if isinstance(dtype, pl.Decimal):
        return [None if v is None else format(v, "f") for v in values]
    if dtype == pl.Binary():
        return [None if v is None else v.hex() for v in values]
    if dtype.is_float():
        return [v if v is None or math.isfinite(v) else _NAMES[str(v)] for v in values]
    return [v.isoformat() if isinstance(v, datetime.date) else v for v in values]


def values_to_json(values: pl.Series) -> list[Any]:
    """Return values as JSON values, as keys are written."""
    return _column_to_json(values)


def values_from_json(values: list[Any], dtype: pl.DataType) -> pl.Series:
    """Return the values that `values_to_json` wrote; raise ValueError if it would not write so."""
    with suppress(ValueError):
        read = _column_from_json("values", values, dtype)
        written = _column_to_json(read)
        # True is 1 for Python, but no number in JSON.
        if written == values and list(map(type, written)) == list(map(type, values)):
            return read
    raise ValueError(f"the values are not all {dtype}, as they are written")


def table_to_json(table: pl.DataFrame) -> list[list[Any]]:
    """Return values with their counts as JSON values, a list for each."""
    return keys_to_json(table)


def table_from_json(rows: Any, dtype: pl.DataType) -> pl.DataFrame:
    """Return the table that `table_to_json` wrote; raise ValueError if it would not write so."""
    if not isinstance(rows, list) or any(not isinstance(r, list) or len(r) != 2 for r in rows):
        raise ValueError("values and their counts must be lists of two")
    values, counts = zip(*rows, strict=True) if rows else ((), ())
    return pl.DataFrame(
        {
            "value": values_from_json(list(values), dtype),
            "count": values_from_json(list(counts), pl.Int64()),
        }
    )


_NAMES = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def keys_from_json(rows: list[list[Any]], dtypes: dict[str, pl.DataType]) -> pl.DataFrame:
    """Return the keys that `keys_to_json` wrote; raise ValueError if they are none."""
    for row in rows:
        if len(row) != len(dtypes):
            raise ValueError(f"a group has {len(row)} keys, not {len(dtypes)}")
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(dtypes)
    made = [
        _column_from_json(name, list(values), dtype)
        for (name, dtype), values in zip(dtypes.items(), columns, strict=True)
    ]
    return pl.DataFrame(made)


def _column_from_json(name: str, values: list[Any], dtype: pl.DataType) -> pl.Series:
    try:
        if isinstance(dtype, pl.Decimal):
            return pl.Series(name, [None if v is None else Decimal(v) for v in values], dtype)
        if dtype == pl.Binary():
            return pl.Series(name, [None if v is None else bytes.fromhex(v) for v in values], dtype)
        if dtype.is_float():
            return pl.Series(name, [None if v is None else float(v) for v in values], dtype)
        if isinstance(dtype, pl.Duration) or dtype == pl.Time():
            return pl.Series(name, values, pl.Int64).cast(dtype)
        if isinstance(dtype, pl.Datetime):
            texts = pl.Series(name, values, pl.String)
            zoned = texts.str.to_datetime(
                time_unit=dtype.time_unit, time_zone="UTC" if dtype.time_zone else None
            )
            return zoned.dt.convert_time_zone(dtype.time_zone) if dtype.time_zone else zoned
        if dtype == pl.Date():
            return pl.Series(name, values, pl.String).str.to_date("%Y-%m-%d")
        return pl.Series(name, values, dtype, strict=True)
    except (
        TypeError,
        ValueError,
        InvalidOperation,
        OverflowError,
        pl.exceptions.PolarsError,
    ) as error:
        raise ValueError(f'the keys of "{name}" are not all {dtype}') from error
