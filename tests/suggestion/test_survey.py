"""A survey depends on the rows and their order, on nothing else; its sample represents them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest

import normcli
from normcli.profiles import Profile, Survey, shape_of
from normcli.profiles.survey import SAMPLE_ROWS

ROWS = 3 * SAMPLE_ROWS
RANDOM = np.random.default_rng(3)
FRAME = pl.DataFrame(
    {
        "hour": pl.int_range(ROWS, eager=True) % 24,
        "price": np.exp(RANDOM.normal(size=ROWS)),
        "gap": RANDOM.normal(size=ROWS),
        "text": pl.Series(RANDOM.integers(0, 20_000, ROWS)).cast(pl.String),
        "key": pl.int_range(ROWS, eager=True).cast(pl.String) + "k",
    }
).with_columns(pl.when(pl.col("gap") > -1).then("gap"))


def survey_of(frame: pl.DataFrame, sizes: Sequence[int]) -> tuple[list[Profile], int]:
    survey = Survey(frame.schema)
    start = i = 0
    while start < frame.height:
        survey.update(frame[start : start + sizes[i % len(sizes)]])
        start += sizes[i % len(sizes)]
        i += 1
    return survey.profiles(), survey.sampled


def test_batches_make_no_difference() -> None:
    whole, sampled = survey_of(FRAME, [ROWS])
    assert survey_of(FRAME, [50_000]) == (whole, sampled)
    assert survey_of(FRAME, [70_001, 1, 9_999]) == (whole, sampled)
    assert SAMPLE_ROWS / 2 * 0.9 < sampled <= SAMPLE_ROWS


def test_counts_are_exact_and_shapes_near() -> None:
    hour, price, gap, text, key = survey_of(FRAME, [65_536])[0]
    assert (hour.distinct, hour.low, hour.high, hour.whole) == (24, 0, 23, True)
    assert hour.zeros == ROWS // 24
    assert gap.missing == FRAME["gap"].null_count()
    assert price.distinct is text.distinct is key.distinct is None
    assert (price.high, price.low) == (FRAME["price"].max(), FRAME["price"].min())
    assert key.unique and not text.unique
    assert hour.shape and price.shape
    # A sample of every n-th row would hold one hour in three.
    assert hour.shape.quartiles == pytest.approx((5.5, 11.5, 17.5), abs=0.5)
    assert price.shape.quartiles[1] == pytest.approx(1, rel=0.02)


def test_few_rows_are_all_looked_at() -> None:
    profiles, sampled = survey_of(FRAME.head(1000), [333])
    assert sampled == 1000
    shape = profiles[1].shape
    assert shape == shape_of(FRAME["price"].head(1000).to_numpy())
    assert shape
    expected = FRAME["price"].head(1000).skew()
    assert expected is not None and shape.skew == pytest.approx(expected, rel=1e-12)


def test_shapes_of_groups_are_distances_from_their_medians() -> None:
    """Two groups far apart: within each, the values are normal."""
    frame = pl.DataFrame(
        {
            "g": ["a"] * 900 + ["b"] * 100,
            "x": np.concatenate([RANDOM.normal(0, 1, 900), RANDOM.normal(50, 1, 100)]),
        }
    )
    assert normcli.suggest(frame).columns["x"].chain != "zscore"
    grouped = normcli.suggest(frame, by="g")
    assert grouped.columns["x"].chain == "zscore"
    assert grouped.columns["g"].reason == "a group key"
    assert grouped.by == ("g",)


def test_shape_of_next_to_nothing() -> None:
    assert shape_of(np.array([])) is None
    one = shape_of(np.array([3.0]))
    assert one is not None and (one.skew, one.reach, one.far) == (0, 0, 0)
