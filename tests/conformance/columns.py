"""Columns of every dtype that can be normalized, made of whole numbers in the dtype's own unit."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from normcli.methods import Method

__all__ = ["FLOATS", "WHOLE", "carried", "column", "ends", "limits", "numbers_for"]

FLOATS: tuple[pl.DataType, ...] = (pl.Float64(), pl.Float32())
WHOLE: tuple[pl.DataType, ...] = (
    *(pl.Int8(), pl.Int16(), pl.Int32(), pl.Int64()),
    *(pl.UInt8(), pl.UInt16(), pl.UInt32(), pl.UInt64()),
    *(pl.Boolean(), pl.Date(), pl.Time()),
    *(pl.Datetime("ms"), pl.Datetime("us"), pl.Datetime("ns")),
    *(pl.Datetime("us", "Europe/Berlin"), pl.Datetime("ns", "America/New_York")),
    *(pl.Duration("ms"), pl.Duration("us"), pl.Duration("ns")),
    *(pl.Decimal(9, 2), pl.Decimal(18, 6), pl.Decimal(38, 0), pl.Decimal(38, 10)),
    pl.Decimal(38, 38),
)


def limits(dtype: pl.DataType) -> tuple[int, int]:
    """Return the smallest and largest whole number that the tests put into a column."""
    if isinstance(dtype, pl.Decimal):
        return -(10**dtype.precision) + 1, 10**dtype.precision - 1
    if dtype == pl.Boolean():
        return 0, 1
    if dtype == pl.Time():
        return 0, 86_400 * 10**9 - 1
    if dtype == pl.Date():
        return -719_162, 2_932_896  # years 1 to 9999
    if isinstance(dtype, pl.Datetime):
        unit = {"ms": 10**3, "us": 10**6, "ns": 10**9}[dtype.time_unit]
        return max(-(2**63), -62_135_596_800 * unit), min(2**63 - 1, 253_402_214_400 * unit)
    if dtype.is_temporal():
        return -(2**63), 2**63 - 1
    bits = int(str(dtype).lstrip("UInt"))
    return (
        (0, 2**bits - 1)
        if str(dtype).startswith("U")
        else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    )


def column(numbers: Sequence[int | None], dtype: pl.DataType, name: str = "x") -> pl.Series:
    """Return whole numbers, in the dtype's unit, as a column of it."""
    if isinstance(dtype, pl.Decimal):
        decimals = [
            None if n is None else Decimal((int(n < 0), tuple(map(int, str(abs(n)))), -dtype.scale))
            for n in numbers
        ]
        return pl.Series(name, decimals, dtype)
    if dtype == pl.Boolean():
        return pl.Series(name, [None if n is None else bool(n) for n in numbers], dtype)
    if dtype.is_temporal():
        physical: Any = pl.Int32 if dtype == pl.Date() else pl.Int64
        return pl.Series(name, numbers, physical).cast(dtype)
    return pl.Series(name, numbers, dtype)


def carried(dtype: pl.DataType, whole: int) -> int:
    """Return up to where a column comes back, if whole numbers do up to `whole`."""
    return min(whole, 2**49) if isinstance(dtype, pl.Decimal) else whole


def ends(dtype: pl.DataType, method: Method) -> tuple[int, int]:
    """Return the range that numbers close to each other come back from.

    From 2^100 on a mean, which is a float64, is too far from the values that it is the mean of.
    """
    low, high = limits(dtype)
    if method.parameters[0].exact:
        return low, high
    return max(low, -(2**99)), min(high, 2**99)


def numbers_for(
    dtype: pl.DataType, method: Method, smallest: float, whole: int, moving: bool, seed: int
) -> list[list[int]]:
    """Return lists of numbers of that dtype that a method brings back.

    Around zero; and if its shift moves with the numbers also at both ends of the dtype's range.
    """
    low, high = limits(dtype)
    whole = carried(dtype, whole)
    chance = random.Random(seed)
    # The smallest whole number of a domain that begins at, or just above, that number.
    first = max(low, -whole + 1) if smallest < -1e300 else max(low, int(smallest > 0))
    last = min(high, whole - 1)
    spans = [(first, last), (first, min(last, first + 300))]
    if moving:
        low, high = ends(dtype, method)
        reach = min(whole // 2, high - low)
        spans += [(low, low + reach), (high - reach, high)]
    return [
        [a, b, *(chance.randint(a, b) for _ in range(6)), *(min(b, a + i) for i in range(4))]
        for a, b in spans
    ]
