"""The hash of rows against its definition, step by step in Python, and as numbers that stay."""

from __future__ import annotations

import datetime as dt
import math
import struct
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

from normcli.methods.base import Blocks
from normcli.rowhash import block_numbers, row_hashes

_MASK = 2**64 - 1
_LENGTH = 0xD6E8FEB86659FD93
_NULL = 0xA0761D6478BD642F
_DAY = dt.date(1970, 1, 1)


def _mix(number: int) -> int:
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    number = (number ^ (number >> 27)) * 0x94D049BB133111EB & _MASK
    return number ^ (number >> 31)


def _sequence(start: int, numbers: list[int]) -> int:
    for number in numbers:
        start = _mix((start + number + 0x9E3779B97F4A7C15) & _MASK)
    return start


def _number(value: Any) -> int:
    """Return the v of a value, as the module's docstring has it."""
    match value:
        case None:
            return _NULL
        case dict():
            numbers = [_number(value[key]) for key in sorted(value)]
            return _sequence(len(value) * _LENGTH & _MASK, numbers)
        case list():
            return _sequence(len(value) * _LENGTH & _MASK, [_number(each) for each in value])
        case str() | bytes():
            data = value.encode() if isinstance(value, str) else value
            words = [
                int.from_bytes(data[i : i + 8].ljust(8, b"\0"), "little")
                for i in range(0, len(data), 8)
            ]
            return _sequence(len(data) * _LENGTH & _MASK, words)
        case dt.datetime():
            return _number(value - dt.datetime(1970, 1, 1))
        case dt.date():
            return (value - _DAY).days & _MASK
        case dt.time():
            seconds = (value.hour * 60 + value.minute) * 60 + value.second
            return seconds * 10**9 + value.microsecond * 1000
        case dt.timedelta():
            return value // dt.timedelta(microseconds=1) * 1000 & _MASK
    if isinstance(value, float) and math.isnan(value):
        return 0x7FF8000000000000
    if math.isfinite(value) and value == int(value) and -(2**63) <= value < 2**64:
        return int(value) & _MASK
    (bits,) = struct.unpack("<Q", struct.pack("<d", float(value)))
    return int(bits)


_FRAME = pl.DataFrame(
    {
        "b": pl.Series([5, None, -(2**63)], dtype=pl.Int64),
        "a": pl.Series([5.0, -0.5, math.nan]),
        "c": pl.Series(["", "Zoë", None]),
        "d": pl.Series(["eight by", "a contributor of 24 byte", "nine byte"]),
        "e": pl.Series([2**64 - 1, 0, 7], dtype=pl.UInt64),
        "f": pl.Series([Decimal("5.00"), Decimal("-12345.25"), None], dtype=pl.Decimal(38, 2)),
        "g": [dt.date(2024, 2, 29), dt.date(1, 1, 1), None],
        "h": [dt.datetime(2024, 2, 29, 12, 0, 0, 1), None, dt.datetime(1969, 12, 31)],
        "i": [dt.time(23, 59, 59, 999999), dt.time(0), None],
        "j": [dt.timedelta(days=-1, microseconds=1), None, dt.timedelta(0)],
        "k": [True, False, None],
        "l": pl.Series([[1.0, None, 2.5], [], None], dtype=pl.List(pl.Float64)),
        "m": pl.Series(
            [[[1, 2], [3, 4]], None, [[5, 6], [7, None]]], dtype=pl.Array(pl.Int8, (2, 2))
        ),
        "n": [{"y": 1, "x": "a"}, {"y": None, "x": ""}, {"y": 3, "x": "c"}],
        "o": [b"\x00\xff", None, b""],
        "p": [math.inf, -0.0, 1e300],
        "q": pl.Series([None, None, None]),
    }
)
# These are part of what is documented: they never change.
_GOLDEN = [8889667095129021647, 6231530069164701724, 13489335180278933853]


def test_the_hash_is_the_same_everywhere() -> None:
    assert row_hashes(_FRAME).tolist() == _GOLDEN


def test_it_is_what_is_documented() -> None:
    expected = [
        _sequence(0, [_number(row[name]) for name in sorted(_FRAME.columns)])
        for row in _FRAME.iter_rows(named=True)
    ]
    assert row_hashes(_FRAME).tolist() == expected
    for name in _FRAME.columns:
        alone = _FRAME.select(name)
        assert row_hashes(alone).tolist() == [
            _sequence(0, [_number(v)]) for v in alone[name].to_list()
        ]


def test_a_part_and_another_order_of_columns_change_nothing() -> None:
    whole = row_hashes(_FRAME).tolist()
    assert row_hashes(_FRAME[1:].select(sorted(_FRAME.columns))).tolist() == whole[1:]
    assert row_hashes(pl.concat([_FRAME[2:], _FRAME])[1:]).tolist() == whole
    assert row_hashes(_FRAME[:0]).tolist() == []


_NUMBERS = [0, 1, -1, 5, 100, None]


@pytest.mark.parametrize(
    "dtype",
    [
        *(pl.Int8(), pl.Int32(), pl.Int128(), pl.Float32(), pl.Float64()),
        *(pl.Decimal(38, 30), pl.Decimal(9, 0)),
    ],
    ids=str,
)
def test_equal_numbers_are_alike_in_every_dtype(dtype: pl.DataType) -> None:
    numbers = pl.DataFrame({"x": pl.Series(_NUMBERS, dtype=pl.Int64)})
    assert (row_hashes(numbers.cast(dtype)) == row_hashes(numbers)).all()
    inside = numbers.select(pl.concat_list("x", "x"))
    assert (row_hashes(inside.cast(pl.List(dtype))) == row_hashes(inside)).all()


def test_the_same_in_another_dtype() -> None:
    texts = pl.DataFrame({"x": ["b", "", None, "a", "b" * 20]})
    assert (row_hashes(texts.cast(pl.Categorical)) == row_hashes(texts)).all()
    times = pl.DataFrame({"x": [dt.datetime(2024, 2, 29, 12), None]})
    for unit in ("ms", "us", "ns"):
        assert (row_hashes(times.cast(pl.Datetime(unit))) == row_hashes(times)).all()
    vectors = pl.DataFrame({"x": [[1.0, 2.0], [3.0, 4.0]]})
    assert (row_hashes(vectors.cast(pl.Array(pl.Float64, 2))) == row_hashes(vectors)).all()


def test_rows_fall_evenly_into_blocks_and_do_not_collide() -> None:
    numbers = np.arange(40_000)
    for column in (numbers, numbers * 0.5, numbers.astype(str), numbers * 10**9):
        frame = pl.DataFrame({"a": column})
        counts = np.bincount(block_numbers(frame, Blocks(10, "a")), minlength=10)
        assert np.abs(counts - 4_000).max() < 250
        assert len(np.unique(row_hashes(frame.with_columns(b=pl.lit(3))))) == 40_000
    # Two columns: neither their order nor their sum alone counts.
    pairs = pl.DataFrame({"a": numbers // 200, "b": numbers % 200})
    for frame in (pairs, pairs.cast(pl.String), pairs.with_columns(pl.col("b").cast(pl.String))):
        assert len(np.unique(row_hashes(frame))) == 40_000
        joined = frame.select(pl.struct("a", "b"))
        assert len(np.unique(row_hashes(joined))) == 40_000
