"""Parameters found by `fit` are the correctly rounded values, whatever the data."""

from __future__ import annotations

import json
import math
import random
import warnings
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import normcli
from normcli.errors import NormWarning
from tests.precision.exact import (
    exact_mean,
    exact_mean_square,
    exact_variance,
    is_nearest,
    is_nearest_root,
)

_LARGEST = 1.7976931348623157e308
_CHAINS = {
    "population": "zscore",
    "sample": "zscore:ddof=1",
    "rms": "rms",
    "range": "minmax",
    "peak": "maxabs",
}


def _exact(series: pl.Series) -> list[Fraction]:
    """Return the valid values in the units that parameters are in."""
    if series.dtype.is_temporal() or series.dtype == pl.Boolean:
        series = series.to_physical().cast(pl.Int64)
    valid = [v for v in series.to_list() if v is not None]
    return [Fraction(v) for v in valid if not (isinstance(v, float) and math.isnan(v))]


def _fit(frame: pl.DataFrame, methods: Sequence[str], by: Sequence[str]) -> list[dict[str, Any]]:
    """Return each method's params by name: of all rows, then of each group."""
    wide = frame.select(*by, *(pl.col("x").alias(name) for name in methods))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormWarning)
        stats = normcli.fit(
            wide, set={name: _CHAINS[name] for name in methods}, columns=",".join(methods), by=by
        )
    # Extremes of decimals are written with all their digits, floats in their shortest form.
    number = Decimal if isinstance(frame["x"].dtype, pl.Decimal) else float
    document = json.loads(stats.to_json(), parse_float=number)
    found: list[dict[str, Any]] = [{} for _ in range(1 + len(document.get("groups", [])))]
    for name, column in document["columns"].items():
        step = column["steps"][0]
        found[0][name] = step["params"]
        for i, row in enumerate(step.get("groups", {}).get("rows", []), start=1):
            found[i][name] = dict(zip(step["groups"]["params"], row, strict=True))
        if name == "population":
            found[0]["summary"] = column["summary"]
    return found


def _check(params: dict[str, Any], values: list[Fraction]) -> None:
    n = len(values)
    if n == 0:
        assert all(value is None for one in params.values() for value in one.values())
        return
    for name, ddof in (("population", 0), ("sample", 1)):
        if name in params:
            assert is_nearest(float(params[name]["mean"]), exact_mean(values))
            if n > ddof:
                variance = exact_variance(values, ddof)
                assert is_nearest_root(float(params[name]["std"]), variance)
            else:
                assert params[name]["std"] is None
    assert is_nearest_root(float(params["rms"]["rms"]), exact_mean_square(values))
    assert Fraction(params["range"]["min"]) == min(values)
    assert Fraction(params["range"]["max"]) == max(values)
    assert Fraction(params["peak"]["max_abs"]) == max(map(abs, values))


def _check_frame(series: pl.Series, methods: Sequence[str] = tuple(_CHAINS)) -> None:
    frame = pl.DataFrame({"x": series})
    found = _fit(frame, methods, ())[0]
    summary = found.pop("summary")
    values = _exact(series)
    _check(found, values)
    if values:
        assert is_nearest(float(summary["mean"]), exact_mean(values))
        assert is_nearest_root(float(summary["std"]), exact_variance(values))
        assert (Fraction(summary["min"]), Fraction(summary["max"])) == (min(values), max(values))

    groups = [i % 3 for i in range(len(series))]
    with_groups = frame.with_columns(pl.Series("g", groups))
    by_group = _fit(with_groups, methods, ("g",))
    by_group[0].pop("summary")
    _check(by_group[0], values)
    for i, params in enumerate(by_group[1:]):
        _check(params, _exact(with_groups.filter(pl.col("g") == i)["x"]))


_ZERO = datetime(1970, 1, 1)
_CASES: dict[str, pl.Series] = {
    "huge offset, tiny spread": pl.Series([1e9 + i * 2**-20 for i in range(50)]),
    "the offset of NIST NumAcc4": pl.Series([10000000.2] + [10000000.1, 10000000.3] * 500),
    "offset -1e12": pl.Series([-1e12 + i * 2**-12 for i in range(-9, 9)]),
    "offset 1e15": pl.Series([1e15, 1e15 + 0.125, 1e15 + 0.25, 1e15 + 0.125]),
    "neighbours": pl.Series([1.0, math.nextafter(1.0, 2.0), math.nextafter(1.0, 0.0)]),
    "1e308": pl.Series([1e308, 0.9e308, 1e308, 5e-324, None, 1.0]),
    "subnormals": pl.Series([5e-324 * n for n in (1, 7, 3, -2, 0, 100)]),
    "a standard deviation below the least float": pl.Series([0.0] * 9 + [5e-324]),
    "small squares": pl.Series([1e-200, -1e-180, 3e-162, 2e-308]),
    "sums that cancel": pl.Series([1e16, 1.0, -1e16, 1e-16, 1e300, -1e300, 3.0]),
    "one row": pl.Series([0.1]),
    "two equal rows": pl.Series([0.1, 0.1]),
    "three equal rows of 0.1": pl.Series([0.1, 0.1, 0.1]),
    "zeros of both signs": pl.Series([0.0, -0.0, 0.0, -0.0]),
    "nulls and NaN": pl.Series([None, math.nan, 0.1, None, 0.3, math.nan, 0.7]),
    "no value": pl.Series([None, None], dtype=pl.Float64),
    "a group without a value": pl.Series([1.5, None, 2.5, 7.0, None, 1.0]),
    "float32": pl.Series([0.1, 0.2, 16777216.0, 16777217.0, 1e-45, 3.4e38], dtype=pl.Float32),
    "int64 extremes": pl.Series([2**63 - 1, -(2**63), 2**63 - 1, -1, 0, 2**53 + 1]),
    "int64 near the top": pl.Series([2**63 - 1 - i for i in range(9)]),
    "uint64 extremes": pl.Series([2**64 - 1, 0, 2**64 - 1, 1], dtype=pl.UInt64),
    "uint64 near the top": pl.Series([2**64 - 1 - i * i for i in range(9)], dtype=pl.UInt64),
    "int8": pl.Series([-128, 127, 0, 1], dtype=pl.Int8),
    "uint32": pl.Series([0, 2**32 - 1, 17], dtype=pl.UInt32),
    "booleans": pl.Series([True, False, True, None, True, True, True]),
    "small decimals": pl.Series(
        [Decimal("0.10"), Decimal("-99999999.99"), Decimal("0.30")], dtype=pl.Decimal(10, 2)
    ),
    "decimals of 38 digits": pl.Series(
        [
            Decimal("9999999999999999999999999999999999.9999"),
            Decimal("9999999999999999999999999999999999.9998"),
            Decimal("-0.0001"),
            Decimal("9999999999999999999999999999999999.9999"),
        ],
        dtype=pl.Decimal(38, 4),
    ),
    "38 digits behind the point": pl.Series(
        [Decimal(1).scaleb(-38), Decimal("0." + "9" * 38), None], dtype=pl.Decimal(38, 38)
    ),
    "dates": pl.Series([date(1, 1, 1), date(9999, 12, 31), date(1970, 1, 1), date(2024, 2, 29)]),
    "times": pl.Series([time(0), time(23, 59, 59, 999999), time(12, 0, 0, 1)]),
    "durations": pl.Series([timedelta(days=99999), timedelta(microseconds=-1), timedelta(0)]),
    **{
        f"datetimes in {unit}": pl.Series(
            [_ZERO + timedelta(days=20_000, microseconds=i * i) for i in range(9)],
            dtype=pl.Datetime(unit),
        )
        for unit in ("ms", "us", "ns")
    },
}


@pytest.mark.parametrize("name", _CASES)
def test_adversarial_data(name: str) -> None:
    _check_frame(_CASES[name])


@pytest.mark.parametrize("values", [[_LARGEST, -_LARGEST], [1e308, -1e308, 1e308, 5e-324]])
def test_the_whole_range_of_float64(values: list[float]) -> None:
    """Max − min overflows, and so may the sample standard deviation; the others do not."""
    frame = pl.DataFrame({"x": values})
    found = _fit(frame, ["population", "rms"], ())[0]
    exact = [Fraction(v) for v in values]
    assert is_nearest(float(found["population"]["mean"]), exact_mean(exact))
    assert is_nearest_root(float(found["population"]["std"]), exact_variance(exact))
    assert is_nearest_root(float(found["rms"]["rms"]), exact_mean_square(exact))


def test_constant_columns_have_a_standard_deviation_of_exactly_zero() -> None:
    chance = random.Random(5)
    for _ in range(50):
        value = chance.uniform(-1, 1) * 10.0 ** chance.randrange(-300, 300)
        frame = pl.DataFrame({"x": [value] * chance.randrange(1, 40)})
        assert _fit(frame, ["population"], ())[0]["population"]["std"] == 0


_BITS = st.integers(0, 2**64 - 1).filter(lambda n: n >> 52 & 0x7FF < 0x7FE)


@settings(max_examples=60, deadline=None)
@given(st.lists(_BITS, min_size=1, max_size=12))
def test_raw_bit_patterns(bits: list[int]) -> None:
    # Without max − min, which may be beyond float64.
    series = pl.Series("x", bits, dtype=pl.UInt64).reinterpret(dtype=pl.Float64)
    found = _fit(pl.DataFrame({"x": series}), ["population", "rms", "range", "peak"], ())[0]
    found.pop("summary")
    _check(found, _exact(series))


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-1e15, 1e15),
    st.lists(st.integers(-1000, 1000), min_size=1, max_size=30),
    st.integers(-60, 10),
)
def test_any_offset_and_spread(offset: float, steps: list[int], power: int) -> None:
    _check_frame(pl.Series([offset + step * 2.0**power for step in steps]))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20))
def test_any_int64(values: list[int]) -> None:
    _check_frame(pl.Series(values, dtype=pl.Int64))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-(10**38) + 1, 10**38 - 1), min_size=1, max_size=9), st.integers(0, 38))
def test_any_decimal(units: list[int], scale: int) -> None:
    numbers = [Decimal((int(n < 0), tuple(map(int, str(abs(n)))), -scale)) for n in units]
    _check_frame(pl.Series(numbers, dtype=pl.Decimal(38, scale)))
