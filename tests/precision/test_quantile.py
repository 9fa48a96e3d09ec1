"""Shares of values against the definition in fractions, and the normal distribution beside them."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import normcli
from normcli.errors import DataError, UsageError
from normcli.statistics.normal import cumulative, percentage_point

pytestmark = pytest.mark.filterwarnings("ignore::normcli.errors.NormWarning")

_FINITE = st.floats(allow_nan=False, allow_infinity=False)
_FEW = st.integers(-3, 3).map(float)


def _share(quantiles: Sequence[float], x: float) -> Fraction:
    """Return F(x): the mean place of all quantiles that equal x, or linear between two."""
    if x <= quantiles[0] or x >= quantiles[-1]:
        return Fraction(0 if x <= quantiles[0] else 1)
    steps = len(quantiles) - 1
    equal = [i for i, q in enumerate(quantiles) if q == x]
    if equal:
        return Fraction(sum(equal), len(equal) * steps)
    below = max(i for i, q in enumerate(quantiles) if q < x)
    a, b = Fraction(quantiles[below]), Fraction(quantiles[below + 1])
    return (below + (Fraction(x) - a) / (b - a)) / steps


@settings(max_examples=300, deadline=None)
@example([1.7e308, -1.7e308, 0.0], [1.0, -1e308])
@example([5e-324, 0.0, 1e-323], [5e-324])
@example([0.0, -0.0, -0.0, 3.0], [0.0, -0.0])
@given(
    st.one_of(st.lists(_FINITE, min_size=1, max_size=9), st.lists(_FEW, min_size=1, max_size=20)),
    st.lists(st.one_of(_FINITE, _FEW), max_size=5),
)
def test_shares_are_as_defined(values: list[float], others: list[float]) -> None:
    stats = normcli.fit(pl.DataFrame({"x": values}), method="quantile")
    assert stats.params("x")["quantiles"] == sorted(values)
    every = values + others
    found = stats.apply(pl.DataFrame({"x": every}))["x"].to_list()
    for x, y in zip(every, found, strict=True):
        # A rounding each: two differences and their quotient, the sum, the last quotient.
        assert abs(Fraction(y) - _share(sorted(values), x)) <= 6 * Fraction(2) ** -53
        assert 0 <= y <= 1
    ordered = [y for _, y in sorted(zip(every, found, strict=True))]
    assert ordered == sorted(ordered)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_groups_are_carried_as_if_alone(data: st.DataObject) -> None:
    groups = data.draw(st.integers(1, 6))
    rows = data.draw(st.lists(st.tuples(st.integers(0, groups), _FEW), min_size=1, max_size=60))
    chain = data.draw(st.sampled_from(["quantile", "quantile:points=3", "quantile:to=normal"]))
    frame = pl.DataFrame(rows, schema=["g", "x"], orient="row")
    stats = normcli.fit(frame, method=chain, columns="x", by="g")
    carried = stats.apply(frame)
    back = stats.invert(carried)
    for (key,), own in frame.group_by("g"):
        alone = normcli.fit(own, method=chain, columns="x")
        assert carried.filter(pl.col("g") == key).equals(alone.apply(own))
        assert back.filter(pl.col("g") == key).equals(alone.invert(alone.apply(own)))


@pytest.mark.parametrize("to", ["uniform", "normal"])
@pytest.mark.parametrize("size", [2, 3, 49, 50, 997, 1000])
def test_values_come_back_identical_if_they_are_all_quantiles(size: int, to: str) -> None:
    chance = np.random.default_rng(size)
    frame = pl.DataFrame(
        {
            "normal": chance.normal(size=size),
            "lognormal": chance.lognormal(0, 30, size),
            "ties": np.round(chance.normal(size=size), 1),
            "whole": chance.integers(-(2**53), 2**53, size),
        }
    )
    stats = normcli.fit(frame, method=f"quantile:to={to}")
    assert stats.invert(stats.apply(frame)).equals(frame)


def test_equal_decimals_have_one_share_however_many_digits_they_have() -> None:
    values = [Decimal(10) ** 20 + Decimal(n) / 3 for n in (1, 1, 1, 2, 5, 5)]
    series = pl.Series("x", values, pl.Decimal(38, 12))
    stats = normcli.fit(series.to_frame(), method="quantile")
    # As float64 the differences between them are not seen.
    assert stats.apply(series.to_frame())["x"].unique().to_list() == [0.0]
    near = pl.Series("x", [Decimal(n) / 3 for n in (1, 2, 2, 2, 4, 5)], pl.Decimal(38, 20))
    y = normcli.fit(near.to_frame(), method="quantile").apply(near.to_frame())["x"]
    assert y.to_list() == [0.0, 0.4, 0.4, 0.4, 0.8, 1.0]


def test_beyond_the_fitted_values() -> None:
    frame = pl.DataFrame({"x": [1.0, 2.0, 4.0]})
    wild = pl.DataFrame({"x": [-math.inf, 0.0, 5.0, math.inf, math.nan, None]})
    for to, ends in (("uniform", (0.0, 1.0)), ("normal", (-5.199337582605575, 5.19933758270342))):
        stats = normcli.fit(frame, method=f"quantile:to={to}")
        y = stats.apply(wild)["x"]
        assert y[:4].to_list() == pytest.approx([ends[0], ends[0], ends[1], ends[1]], abs=1e-12)
        assert math.isnan(y[4])
        assert y[5] is None
        predicted = pl.DataFrame({"x": [-math.inf, -9.0, 9.0, math.inf, math.nan, None]})
        back = stats.invert(predicted)["x"]
        assert back[:4].to_list() == [1.0, 1.0, 4.0, 4.0]
        assert math.isnan(back[4])
        assert back[5] is None


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        ("quantile:points=1", "points must be at least 2"),
        ("quantile:quantiles=3:2", "quantiles must be numbers, none less than the one before"),
        ("quantile:quantiles=1:inf", "quantiles must be finite"),
        ("quantile:quantiles=1:x", "quantiles must be a number"),
        ("quantile:to=cauchy", "to must be uniform or normal"),
    ],
)
def test_options_that_can_not_be(chain: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        normcli.fit(pl.DataFrame({"x": [1.0]}), method=chain)


def test_more_quantiles_than_memory_has_room_for_are_refused() -> None:
    rows = 300_000
    frame = pl.DataFrame({"g": np.arange(rows) // 2, "x": np.arange(rows) / 7})
    with pytest.raises(DataError, match=r"1,000 points in 150,000 groups are 300,000 quantiles"):
        normcli.fit(frame, method="quantile", columns="x", by="g", memory=1 << 20)
    few = normcli.fit(frame.head(9_000), method="quantile", columns="x", by="g", memory=1)
    assert len(few.params("x")["quantiles"]) == 1000


def _shares() -> Any:
    chance = random.Random(6)
    central = [chance.random() for _ in range(20_000)]
    small = [10 ** chance.uniform(-300, -1) for _ in range(20_000)]
    return np.array([*central, *small, *(1 - 10 ** chance.uniform(-15, -1) for _ in central)])


def test_percentage_points() -> None:
    shares, normal = _shares(), NormalDist()
    expected = np.array([normal.inv_cdf(p) for p in shares])
    np.testing.assert_allclose(percentage_point(shares), expected, rtol=1e-14, atol=0)


def test_cumulative() -> None:
    y = np.random.default_rng(5).uniform(-5.6, 5.6, 50_000)
    expected = np.array([math.erfc(-value / math.sqrt(2)) / 2 for value in y])
    np.testing.assert_allclose(cumulative(y), expected, rtol=4e-15, atol=0)
    assert np.all(np.abs(cumulative(y) - expected) <= 2.0**-51)
    ends = cumulative(np.array([-math.inf, -6, 6, math.inf, math.nan]))
    assert np.all(ends[:2] < 1e-8)
    assert np.all(ends[2:4] > 1 - 1e-8)
    assert math.isnan(ends[4])


def test_there_and_back_is_within_what_a_quantile_is_recognized_by() -> None:
    shares = np.clip(_shares(), 1e-7, 1 - 1e-7)
    error = np.abs(cumulative(percentage_point(shares)) - shares)
    assert error.max() <= 8 * 2.0**-53
