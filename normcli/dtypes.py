"""The names of data types, as stats files and `--type` write them.

>>> parse_dtype("Datetime(us,Europe/Berlin)")
Datetime(time_unit='us', time_zone='Europe/Berlin')
>>> dtype_name(pl.Decimal(10, 2))
'Decimal(10,2)'
>>> dtype_name(parse_dtype("Array(UInt8,8x8)"))
'Array(UInt8,8x8)'
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, cast

import polars as pl

from normcli.errors import UsageError, did_you_mean

__all__ = ["PLAIN_DTYPES", "dtype_name", "parse_dtype", "plain_dtype", "values_of_texts"]

PLAIN_DTYPES: dict[str, pl.DataType] = {
    str(dtype): dtype
    for dtype in (
        pl.Float32(),
        pl.Float64(),
        pl.Int8(),
        pl.Int16(),
        pl.Int32(),
        pl.Int64(),
        pl.UInt8(),
        pl.UInt16(),
        pl.UInt32(),
        pl.UInt64(),
        pl.Boolean(),
        pl.String(),
        pl.Binary(),
        pl.Date(),
        pl.Time(),
    )
}
# What people write on a command line, beside the names of polars themselves.
_ALIASES = {
    "str": "String",
    "text": "String",
    "utf8": "String",
    "int": "Int64",
    "float": "Float64",
    "double": "Float64",
    "bool": "Boolean",
    "datetime": "Datetime(us)",
    "duration": "Duration(us)",
}
_UNITS = ("ms", "us", "ns")


def dtype_name(dtype: pl.DataType) -> str:
    """Return the name of a dtype; categories are named as the text they stand for."""
    if isinstance(dtype, pl.Datetime):
        zone = f",{dtype.time_zone}" if dtype.time_zone else ""
        return f"Datetime({dtype.time_unit}{zone})"
    if isinstance(dtype, pl.Duration):
        return f"Duration({dtype.time_unit})"
    if isinstance(dtype, pl.Decimal):
        return f"Decimal({dtype.precision},{dtype.scale})"
    if isinstance(dtype, (pl.Categorical, pl.Enum)):
        return "String"
    if isinstance(dtype, pl.BaseExtension):
        return f"{dtype.ext_name()}, {dtype_name(_made(dtype.ext_storage()))}"
    if isinstance(dtype, pl.Array):
        inner = dtype.inner
        while isinstance(inner, pl.Array):
            inner = inner.inner
        return f"Array({dtype_name(_made(inner))},{'x'.join(map(str, dtype.shape))})"
    if isinstance(dtype, pl.List):
        return f"List({dtype_name(_made(dtype.inner))})"
    return str(dtype)


def _made(dtype: Any) -> pl.DataType:
    """Return a dtype as an instance: that of elements may be a class."""
    return cast(pl.DataType, dtype() if isinstance(dtype, type) else dtype)


def plain_dtype(dtype: pl.DataType) -> pl.DataType:
    """Return the dtype that values count as: text for categories, which are numbered by file."""
    return pl.String() if isinstance(dtype, (pl.Categorical, pl.Enum)) else dtype


def parse_dtype(name: str) -> pl.DataType:
    """Return the dtype of that name; raise UsageError if there is none."""
    text = name.strip()
    text = _ALIASES.get(text.lower(), text)
    for known, dtype in PLAIN_DTYPES.items():
        if known.lower() == text.lower():
            return dtype
    nested = re.fullmatch(r"(?i)array\((.+),([1-9]\d{0,8}(?:x[1-9]\d{0,8})*)\)|list\((.+)\)", text)
    if nested:
        if nested[3]:
            return pl.List(parse_dtype(nested[3]))
        return pl.Array(parse_dtype(nested[1]), tuple(map(int, nested[2].split("x"))))
    matched = re.fullmatch(r"(\w+)\(([^()]*)\)", text)
    if matched:
        kind, arguments = matched[1].lower(), [part.strip() for part in matched[2].split(",")]
        if kind == "datetime" and arguments[0] in _UNITS and len(arguments) <= 2:
            return pl.Datetime(arguments[0], arguments[1] if len(arguments) == 2 else None)  # type: ignore[arg-type]
        if kind == "duration" and arguments[0] in _UNITS and len(arguments) == 1:
            return pl.Duration(arguments[0])  # type: ignore[arg-type]
        if kind == "decimal" and len(arguments) == 2 and all(a.isdigit() for a in arguments):
            precision, scale = map(int, arguments)
            if 1 <= precision <= 38 and scale <= precision:
                return pl.Decimal(precision, scale)
    known_names = [*PLAIN_DTYPES, *_ALIASES, "Decimal(10,2)", "Datetime(us)"]
    raise UsageError(f'unknown data type "{name}"', did_you_mean(name, known_names))


def values_of_texts(texts: Sequence[str], dtype: pl.DataType) -> pl.Series:
    """Return values of a dtype that were written as text; raise UsageError if they are none.

    >>> values_of_texts(["2", "10"], pl.Int8()).to_list()
    [2, 10]
    """
    written = pl.Series(texts, dtype=pl.String)
    try:
        if dtype.base_type() in (pl.String, pl.Categorical, pl.Enum):
            return written
        if dtype == pl.Boolean():
            return written.replace_strict({"true": True, "false": False}, return_dtype=pl.Boolean)
        if dtype == pl.Date():
            return written.str.to_date("%Y-%m-%d")
        if isinstance(dtype, pl.Decimal):
            exact = list(map(Decimal, texts))
            values = pl.Series(exact, dtype=dtype)
            if values.to_list() == exact:
                return values
        elif dtype.is_integer():
            return written.cast(dtype)
    except (pl.exceptions.PolarsError, InvalidOperation) as error:
        raise _not_written(texts, dtype) from error
    raise _not_written(texts, dtype)


def _not_written(texts: Sequence[str], dtype: pl.DataType) -> UsageError:
    shown = ", ".join(texts[:5]) + (", …" if len(texts) > 5 else "")
    return UsageError(
        f"not all of these are values of {dtype_name(dtype)}: {shown}",
        "values can be given as text for String, Boolean, whole numbers, Decimal and Date",
    )
