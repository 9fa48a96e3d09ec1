"""Min-max hits both ends exactly and never leaves [low, high], whatever low and high are."""

from __future__ import annotations

import math
import warnings

import polars as pl
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import normcli
from normcli.errors import DataError, NormWarning, UsageError
from tests.conformance.columns import WHOLE, column, limits

_FINITE = st.floats(-(2.0**1020), 2.0**1020)


def _apply(series: pl.Series, chain: str) -> pl.Series:
    frame = series.to_frame()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormWarning)
        return normcli.fit(frame, method=chain, columns="x").apply(frame)["x"]


def _check(series: pl.Series, low: float, high: float) -> None:
    y = _apply(series, f"minmax:low={low!r},high={high!r}").to_list()
    least, greatest = series.min(), series.max()
    assert all(low <= each <= high for each in y)
    if least != greatest:
        assert {each for each, x in zip(y, series, strict=True) if x == least} == {low}
        assert {each for each, x in zip(y, series, strict=True) if x == greatest} == {high}
    else:
        assert set(y) == {low}
    in_order = [each for _, each in sorted(zip(series.to_list(), y, strict=True))]
    assert in_order == sorted(in_order)


@settings(max_examples=300, deadline=None)
@example([0.0, 1.0, 49.0], 0.1, 0.7)
@example([1.0, 2.0, 3.0], -0.1, 0.3)
@example([1.0, 2.0, 3.0], 0.0, 5e-324)
@example([1.0, math.nextafter(1.0, 2.0), 1.5], 1.0, math.nextafter(1.0, 2.0))
@example([5e-324, 0.0, 1e-323], -1e300, 1e300)
@example([-(2.0**1020), 0.0, 2.0**1020], 1e-300, 1.1e-300)
@given(st.lists(_FINITE, min_size=1, max_size=12), _FINITE, _FINITE)
def test_any_floats_and_any_range(values: list[float], low: float, high: float) -> None:
    assume(low < high)
    _check(pl.Series("x", values), low, high)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(-10, 10), min_size=2, max_size=30),
    st.floats(-2, 2),
    st.floats(2**-40, 3),
)
def test_ordinary_ranges(values: list[float], low: float, width: float) -> None:
    assume(low < low + width)
    _check(pl.Series("x", values), low, low + width)


@pytest.mark.parametrize("dtype", WHOLE, ids=str)
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0), (0.1, 0.7)])
def test_every_dtype(dtype: pl.DataType, low: float, high: float) -> None:
    least, greatest = limits(dtype)
    if isinstance(dtype, pl.Decimal):
        assert dtype.precision <= 38
    numbers = [least, greatest, least + (greatest - least) // 3, greatest, greatest - 1]
    y = _apply(column(numbers, dtype), f"minmax:low={low},high={high}").to_list()
    assert (y[0], y[1], y[3]) == (low, high, high)
    assert all(low <= each <= high for each in y)


def test_float32_is_rounded_to_the_nearest_ends() -> None:
    series = pl.Series("x", [1.0, 2.0, 4.0], pl.Float32)
    y = _apply(series, "minmax:low=0.1,high=0.7")
    ends = pl.Series([0.1, 0.7], dtype=pl.Float32)
    assert (y[0], y[2]) == (ends[0], ends[1])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=9), st.booleans())
def test_clip_holds_new_data_inside_too(values: list[float], wide: bool) -> None:
    chain = "minmax:low=-0.1,high=0.3,clip=true" if wide else "minmax:clip=true"
    low, high = (-0.1, 0.3) if wide else (0.0, 1.0)
    stats = normcli.fit(pl.DataFrame({"x": [1.0, 2.0, 7.0]}), method=chain)
    y = stats.apply(pl.DataFrame({"x": pl.Series(values, dtype=pl.Float64)}))["x"]
    assert all(low <= each <= high for each in y)


def test_ranges_that_float64_can_not_hold_are_refused() -> None:
    with pytest.raises(UsageError, match="high − low is larger"):
        normcli.fit(pl.DataFrame({"x": [1.0, 2.0]}), method="minmax:low=-1e308,high=1e308")
    for chain in ("minmax", "mean_range"):
        with pytest.raises(DataError, match=f"the scale of {chain} is larger"):
            normcli.fit(pl.DataFrame({"x": [-1e308, 1e308]}), method=chain)
