"""Fitted columns as functions of a frame: forward (apply) and inverse (invert).

Parameters become one table with a row for each group; each row of data takes the constants
of its group, and the methods' expressions run over whole columns.

Integers, dates and decimals beyond 2^52 would lose digits on the way to float64. Where the
first method allows it (it only looks at differences), a whole number near its location
parameter, the center, is subtracted in integers before and added in integers after.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl

from normcli.coding import encode
from normcli.columns import decimal_scale, number_kind
from normcli.fitted import FittedStep, constant
from normcli.methods.base import Expressions, Parameter, quotient

__all__ = [
    "CELL",
    "Lookup",
    "Table",
    "at_rows",
    "constants_table",
    "for_all_groups",
    "forward",
    "from_float",
    "inverse",
    "literal",
    "lookup_of",
    "step_constants",
    "step_series",
    "to_float",
]

Lookup = Callable[[str], pl.Expr]
"""Gives the expression for a constant."""
Table = Mapping[str, pl.Series]
"""Constants by name, an entry for each cell."""

_CENTER = "center"
CELL = "cell"
"""The column that tells the cell of each row, where constants are lists."""
# Whole numbers up to there are carried without a center. Decimals are rounded twice more, on
# the way to natural units and back, so less of them gets through.
_EXACT_BELOW = 2**52
_EXACT_DECIMALS_BELOW = 2**46
# Beyond that a decimal less its center, or plus it, might not fit 128 bits.
_FAR = 2.0**125
# Days since 1970 of years −262142 and 262142: beyond them polars aborts when it writes text.
_FIRST_DAY, _LAST_DAY = -96_464_927, 95_025_872


def constants_table(steps: Sequence[FittedStep], dtype: pl.DataType, grouped: bool) -> pl.DataFrame:
    """Return the constants of a chain, a row for each group (or one): "i.name" for step i.

    A column "center" (Int128, in the dtype's own units) is there if values must be centered.
    A group without parameters has nulls, which make its results null.
    """
    series: dict[str, pl.Series] = {}
    for i, step in enumerate(steps):
        series |= step_series(i, step, dtype, grouped)
    height = max((len(one) for one in series.values()), default=1)
    # Steps whose parameters are given have one row; groups repeat it.
    return pl.DataFrame(
        {
            key: one if len(one) == height else pl.Series(one.to_list() * height, dtype=one.dtype)
            for key, one in series.items()
        }
    )


def step_series(
    i: int, step: FittedStep, dtype: pl.DataType, grouped: bool
) -> dict[str, pl.Series]:
    """Return the constants of step i, an entry for each cell: of groups, of channels, or one."""
    if step.method.encodes:  # its values are not numbers, and the same for all groups
        return {}
    columns: Mapping[str, Sequence[Any]] = step.cells
    if grouped and step.groups is not None:
        columns = step.groups
    series: dict[str, pl.Series] = {}
    if i == 0 and _needs_center(step, dtype):
        center, columns = _recentred(step, columns, dtype)
        series[_CENTER] = pl.Series(center, dtype=pl.Int128)
    scale = decimal_scale(dtype) if i == 0 else 0
    sought = {parameter.name: parameter for parameter in step.method.sought}
    params = {
        key: _parameter(parameter, columns[key], scale)
        for key, parameter in sought.items()
        if key in columns
    }
    # What is not a parameter is what a method has found on its way to one.
    others = {
        key: constant(key, each, any(isinstance(one, list) for one in each))
        for key, each in columns.items()
        if key not in sought
    }
    for key, one in {**step.method.constants(params), **others}.items():
        series[f"{i}.{key}"] = one
    return series


def _parameter(parameter: Parameter, values: Sequence[Any], scale: int) -> pl.Series:
    """Return a parameter as float64, rounded in the way in which `to_float` rounds values."""
    if scale and parameter.exact:
        unit = 10**scale
        rounded = [None if v is None else float(Fraction(v) * unit) / float(unit) for v in values]
        return constant(parameter.name, rounded, listed=False)
    return constant(parameter.name, values, parameter.is_list)


def _locations(step: FittedStep) -> list[str]:
    return [p.name for p in step.method.sought if p.kind == "location"]


def _needs_center(step: FittedStep, dtype: pl.DataType) -> bool:
    if number_kind(dtype) == "float" or not step.method.equivariant:
        return False
    unit = 10 ** decimal_scale(dtype)
    limit = _EXACT_BELOW if unit == 1 else _EXACT_DECIMALS_BELOW
    return any(
        value is not None and abs(value) * unit >= limit
        for table in (step.cells, step.groups or {})
        for key in _locations(step)
        for value in table.get(key, ())
    )


def _recentred(
    step: FittedStep, columns: Mapping[str, Sequence[Any]], dtype: pl.DataType
) -> tuple[list[int | None], dict[str, list[Any]]]:
    """Return for each row a whole number near its first location, and the locations less it."""
    locations = _locations(step)
    unit = 10 ** decimal_scale(dtype)
    center = [None if v is None else round(Fraction(v) * unit) for v in columns[locations[0]]]
    moved = {key: list(values) for key, values in columns.items()}
    for key in locations:
        moved[key] = [
            None if v is None or c is None else Fraction(v) - Fraction(c, unit)
            for v, c in zip(columns[key], center, strict=True)
        ]
    return center, moved


def to_float(x: pl.Expr, dtype: pl.DataType, center: pl.Expr | None = None) -> pl.Expr:
    """Return values of a column as Float64 in natural units, less the center if there is one."""
    if dtype == pl.Boolean():
        x = x.cast(pl.UInt8)
    elif not dtype.is_float():
        x = x.to_physical()
    if center is None:
        x = x.cast(pl.Float64)
    elif _is_widest(dtype):
        far = x.cast(pl.Int128).cast(pl.Float64) - center.cast(pl.Float64)
        near = (x.cast(pl.Int128) - center).cast(pl.Float64)
        x = pl.when(far.abs() < _FAR).then(near).otherwise(far)
    else:
        x = (x.cast(pl.Int128) - center).cast(pl.Float64)
    return quotient(x, float(10**scale)) if (scale := decimal_scale(dtype)) else x


def from_float(x: pl.Expr, dtype: pl.DataType, center: pl.Expr | None) -> pl.Expr:
    """Return Float64 values as the dtype: rounded to its units and clipped to its range."""
    if dtype.is_float():
        return x.cast(dtype)
    if scale := decimal_scale(dtype):
        x = x * float(10**scale)
    low, high = _bounds(dtype)
    x = x.round()
    if center is not None:
        near = x.clip(-_FAR, _FAR).cast(pl.Int128, strict=False) + center
        near = near.clip(pl.lit(low, pl.Int128), pl.lit(high, pl.Int128))
        if _is_widest(dtype):
            far = _clipped(x + center.cast(pl.Float64), low, high).cast(pl.Int128, strict=False)
            near = pl.when(x.abs() < _FAR).then(near).otherwise(far)
        x = near
    else:
        x = _clipped(x, low, high)
    if isinstance(dtype, pl.Decimal):
        return x.cast(pl.Int128, strict=False).reinterpret(dtype=dtype)
    if dtype == pl.Boolean():
        return x.cast(pl.UInt8, strict=False).cast(pl.Boolean)
    if dtype.is_temporal():
        x = x.cast(pl.Int32 if dtype == pl.Date() else pl.Int64, strict=False)
    return x.cast(dtype, strict=False)


def _bounds(dtype: pl.DataType) -> tuple[int, int]:
    if isinstance(dtype, pl.Decimal):
        largest = 10**dtype.precision - 1
        return -largest, largest
    if dtype == pl.Boolean():
        return 0, 1
    if dtype == pl.Time():
        return 0, 86_400 * 10**9 - 1
    if dtype == pl.Date():
        return _FIRST_DAY, _LAST_DAY
    if isinstance(dtype, pl.Datetime):
        day = 86_400 * {"ms": 10**3, "us": 10**6, "ns": 10**9}[dtype.time_unit]
        return max(-(2**63), _FIRST_DAY * day), min(2**63 - 1, _LAST_DAY * day)
    if dtype.is_temporal():
        return -(2**63), 2**63 - 1
    limits = np.iinfo(str(dtype).lower())
    return int(limits.min), int(limits.max)


def _is_widest(dtype: pl.DataType) -> bool:
    """Whether the difference of two values may be beyond 128 bits."""
    return isinstance(dtype, pl.Decimal) and dtype.precision == 38


def _clipped(x: pl.Expr, low: int, high: int) -> pl.Expr:
    """Return floats within whole-numbered bounds that float64 may not hold."""
    return x.clip(-_float_below(-low) if low else 0.0, _float_below(high))


def _float_below(number: int) -> float:
    """Return the largest float64 that is not above a whole number."""
    nearest = float(number)
    return nearest if int(nearest) <= number else math.nextafter(nearest, 0.0)


def forward(
    steps: Sequence[FittedStep],
    x: pl.Expr,
    dtype: pl.DataType,
    lookup: Lookup,
    table: Table,
    codes: pl.Expr | None = None,
) -> list[pl.Expr]:
    """Return what enters each step, and last what leaves the chain, as Float64 expressions.

    Only what is to be encoded enters as it is, and leaves as the method says; `codes` are what
    `encode` has made of it.
    """
    if steps and steps[0].method.encodes:
        made = encode(steps[0], x) if codes is None else codes
        values = [x, made.cast(pl.Float64) if len(steps) > 1 else made]
    else:
        values = [to_float(x, dtype, lookup(_CENTER) if _CENTER in table else None)]
    for i, step in enumerate(steps[len(values) - 1 :], start=len(values) - 1):
        values.append(step.method.forward(values[-1], step_constants(i, lookup, table)))
    return values


def inverse(
    steps: Sequence[FittedStep], y: pl.Expr, dtype: pl.DataType, lookup: Lookup, table: Table
) -> pl.Expr:
    """Return the original values in the fitted dtype, or the codes that encode them."""
    for i, step in reversed(list(enumerate(steps))):
        if step.method.encodes:
            return y
        y = step.method.inverse(y, step_constants(i, lookup, table))
    return from_float(y, dtype, lookup(_CENTER) if _CENTER in table else None)


def step_constants(i: int, lookup: Lookup, table: Table) -> Expressions:
    """Return the constants of step i as expressions; lists by cell, and the row's cell."""
    prefix = f"{i}."
    own = [name for name in table if name.startswith(prefix)]
    lists = {name for name in own if table[name].dtype == pl.List}
    return Expressions(
        {name.removeprefix(prefix): lookup(name) for name in own if name not in lists},
        {name.removeprefix(prefix): table[name] for name in own if name in lists},
        lookup(prefix + CELL) if lists else None,
    )


def literal(table: Table, name: str) -> pl.Expr:
    """Return the expression for a constant of the only cell."""
    return pl.lit(0) if name.endswith(CELL) else pl.lit(table[name][0], table[name].dtype)


def lookup_of(table: Table, by_group: bool, prefix: str = "") -> Lookup:
    """Return what gives the expression for a constant: joined to the rows, or a literal."""
    if by_group:
        return lambda name: pl.col(prefix + name)
    return lambda name: literal(table, name)


def for_all_groups(
    by_group: pl.DataFrame, overall: pl.DataFrame, use_overall: bool
) -> tuple[pl.DataFrame, pl.Series]:
    """Return the constants of the groups and then those of unknown ones; and which are known.

    `overall` has those of all rows, one row or one for each channel. Where `use_overall`, they
    serve unknown groups and those without parameters; else there is null.
    """
    groups = by_group.height // overall.height
    known = by_group.select(pl.all_horizontal(pl.all().is_not_null()).alias("known")).to_series()
    elsewhere = overall if use_overall else overall.clear(overall.height)
    if use_overall and not known.all():
        every = pl.concat([overall] * groups)
        by_group = by_group.select(
            pl.when(known).then(pl.col(name)).otherwise(every[name]).alias(name)
            for name in by_group.columns
        )
    return pl.concat([by_group, elsewhere]), known.extend_constant(False, overall.height)


def at_rows(frame: pl.DataFrame, tables: Mapping[str, Table], cells: pl.Series) -> pl.DataFrame:
    """Put beside each row the constants of its cell; of a step with lists, the cell itself.

    The tables are by what the names of their constants begin with.
    """
    numbers: list[pl.Series] = []
    beside: list[pl.Series] = []
    for prefix, table in tables.items():
        listed = {name.split(".")[0] for name, one in table.items() if one.dtype == pl.List}
        beside += [cells.alias(f"{prefix}{i}.{CELL}") for i in sorted(listed)]
        numbers += [one.alias(prefix + key) for key, one in table.items() if one.dtype != pl.List]
    if numbers:
        # All at once, by indices that the engine takes as they are.
        beside += pl.DataFrame(numbers)[cells.cast(pl.UInt32)].get_columns()
    return frame.hstack(beside) if beside else frame
