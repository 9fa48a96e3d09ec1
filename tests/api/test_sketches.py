"""Percentiles of sketches: within the stated error of the exact ones, and the same from shards."""

from __future__ import annotations

import itertools
import json
import math
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import normcli
from normcli.errors import StatsFileError
from normcli.statistics.sketch import RELATIVE_ERROR

ROWS = 20_000
CHAIN = "robust:low=1,high=99"


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    chance = np.random.default_rng(5)
    whole = pl.Series(chance.integers(-10_000, 10_000, ROWS))
    return pl.DataFrame(
        {
            "key": chance.integers(0, 7, ROWS),
            "normal": chance.normal(0, 1, ROWS),
            "lognormal": chance.lognormal(0, 20, ROWS),
            "offset": 1e9 + chance.normal(0, 1, ROWS),
            "single": pl.Series(chance.normal(3, 2, ROWS)).cast(pl.Float32),
            "whole": whole,
            "money": whole.cast(pl.Decimal(38, 2)),
        }
    ).with_columns(pl.when(pl.col("normal") < 2.5).then(pl.col("normal")).alias("holes"))


@pytest.mark.parametrize("by", [(), ("key",)], ids=["all rows", "by group"])
@pytest.mark.parametrize(
    "chain", [CHAIN, "clip:low_q=1,high_q=99", "log1p+robust", "quantile:points=50"]
)
def test_shards_merge_to_the_whole(frame: pl.DataFrame, by: tuple[str, ...], chain: str) -> None:
    names = "lognormal,offset" if "log1p" in chain else "*"
    columns: dict[str, Any] = {"columns": names, "exclude": "key", "by": by, "method": chain}
    whole = normcli.fit(frame, quantiles="sketch", **columns)
    cuts = [0, 1, 17, 5_000, 5_001, 12_345, ROWS]
    pieces = [frame[a:b] for a, b in itertools.pairwise(cuts)]
    with pytest.warns(normcli.errors.NormWarning):  # the piece of one row is constant
        parts = [normcli.fit(piece, quantiles="sketch", **columns) for piece in pieces]
    random.Random(1).shuffle(parts)
    assert normcli.merge(*parts).to_json() == whole.to_json()
    shuffled = frame.sample(fraction=1, shuffle=True, seed=3)
    again = normcli.fit(shuffled, quantiles="sketch", threads=1, batch_rows=777, **columns)
    assert again.to_json() == whole.to_json()


def test_percentiles_are_within_the_stated_error(frame: pl.DataFrame) -> None:
    """Of the two order statistics that the exact percentile lies between."""
    stats = normcli.fit(frame, method=CHAIN, exclude="key", quantiles="sketch")
    for column in stats.fitted.columns:
        values = np.sort(frame[column.name].drop_nulls().cast(pl.Float64).to_numpy())
        for share, name in ((1, "q_low"), (50, "median"), (99, "q_high")):
            rank = (len(values) - 1) * share / 100
            low, high = values[int(np.floor(rank))], values[int(np.ceil(rank))]
            room = RELATIVE_ERROR * max(abs(low), abs(high))
            assert low - room <= stats.params(column.name)[name] <= high + room


_NUMBERS = st.floats(-1e300, 1e300).filter(lambda x: x == 0 or abs(x) > 1e-300)


@pytest.mark.filterwarnings("ignore::normcli.errors.NormWarning")
@settings(max_examples=100, deadline=None)
@given(st.lists(_NUMBERS, min_size=1), st.integers(0, 100))
def test_any_percentile_of_any_numbers(numbers: list[float], share: int) -> None:
    frame = pl.DataFrame({"x": numbers})
    stats = normcli.fit(frame, method=f"clip:low_q={share}", quantiles="sketch")
    rank = Fraction(share, 100) * (len(numbers) - 1)
    low, high = (sorted(numbers)[place] for place in (math.floor(rank), math.ceil(rank)))
    room = RELATIVE_ERROR * max(abs(low), abs(high))
    assert low - room <= stats.params("x")["low"] <= high + room


def test_the_file_says_so_and_is_read_back(frame: pl.DataFrame, tmp_path: Path) -> None:
    stats = normcli.fit(frame, method="robust", by="key", quantiles="sketch")
    path = tmp_path / "stats.json"
    stats.save(path)
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["quantiles"] == {"kind": "sketch", "relative_error": RELATIVE_ERROR}
    assert document["columns"]["normal"]["state"]["fields"][-1] == "histogram"
    assert normcli.load(path).to_json() == stats.to_json()
    rows = document["columns"]["normal"]["state"]["rows"]
    bin_and_count = rows[0][-1].split(" ")[0]
    for wrong in ("", "0:1", f"{bin_and_count} {bin_and_count}", "fffff:1", "12:0", "12"):
        rows[0][-1] = wrong
        path.write_text(json.dumps(document), encoding="utf-8")
        with pytest.raises(StatsFileError):
            normcli.load(path)


def test_exact_percentiles_are_not_merged(frame: pl.DataFrame) -> None:
    exact = normcli.fit(frame, method="robust", columns="normal")
    with pytest.raises(StatsFileError, match="--quantiles sketch"):
        normcli.merge(exact, exact)
    sketched = normcli.fit(frame, method="robust", columns="normal", quantiles="sketch")
    zscore = normcli.fit(frame, columns="normal")
    with pytest.raises(StatsFileError, match="differ in"):
        normcli.merge(sketched, zscore)
    twice = normcli.fit(frame, method="mad", columns="normal", quantiles="sketch")
    with pytest.raises(StatsFileError, match="fit all files at once"):
        normcli.merge(twice, twice)
