"""A later step is fitted on the output of the earlier ones: the same as fitting one by one.

All first steps are fitted at once, each on a column of its own.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
import pytest

import normcli
from normcli.errors import DataError, NormWarning
from normcli.methods import METHODS
from normcli.recipe import parse_chain
from tests.conformance.bounds import BOUNDS, COLUMN_METHODS

_SECOND = [
    *(n for n in COLUMN_METHODS if METHODS[n].parameters and n not in ("clip", "median_of_means")),
    "clip:low_q=5,high_q=95",
    # Whole rows fall into other blocks once x is another; keys do not.
    "median_of_means:block_by=g",
]
_FIRST = [
    *(n for n in COLUMN_METHODS if n not in ("minmax", "skip", "clip")),
    *("minmax:low=1,high=2", "clip:low=2,high=90", "clip:low_q=5,high_q=95"),
]


def _fit(
    frame: pl.DataFrame,
    chains: Mapping[str, str],
    by: tuple[str, ...] = (),
    quantiles: Literal["exact", "sketch"] = "exact",
) -> normcli.Stats:
    """Fit chains, by the names of their columns, all at once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormWarning)
        columns = ",".join(chains)
        return normcli.fit(frame, columns=columns, set=chains, by=by, quantiles=quantiles)


def _last_steps(stats: normcli.Stats) -> dict[str, dict[str, Any]]:
    columns = json.loads(stats.to_json())["columns"]
    return {name: column["steps"][-1] for name, column in columns.items()}


def _frame(columns: int = 1, dtype: Any = pl.Float64) -> pl.DataFrame:
    """Return columns "x0", "x1", … of the same numbers above 1.5, and keys "g"."""
    chance = np.random.default_rng(3)
    numbers = pl.Series(chance.uniform(1.5, 100, 60)).cast(dtype)
    keys = pl.Series("g", [i * i % 3 for i in range(60)])
    return pl.DataFrame([keys, *(numbers.alias(f"x{i}") for i in range(columns))])


def _in_domain(between: pl.DataFrame, second: str) -> dict[str, str]:
    """Return what the second method can be fitted on: the names of columns, and its chain."""
    smallest = BOUNDS[parse_chain(second)[0].name].smallest
    least = between.select(pl.exclude("g").min()).row(0, named=True)
    return {name: second for name, number in least.items() if number > smallest}


@pytest.mark.parametrize(
    ("dtype", "by"),
    [(pl.Float64, ()), (pl.Float64, ("g",)), (pl.Int64, ())],
    ids=["rows", "groups", "whole numbers"],
)
def test_a_chain_is_two_fits(dtype: Any, by: tuple[str, ...], tmp_path: Path) -> None:
    frame = _frame(len(_FIRST), dtype)
    firsts = {f"x{i}": first for i, first in enumerate(_FIRST)}
    between = _fit(frame, firsts, by).apply(frame)
    for second in _SECOND:
        seconds = _in_domain(between, second)
        assert len(seconds) > len(_FIRST) / 2
        alone = _fit(between, seconds, by)
        chained = _fit(frame, {name: f"{firsts[name]}+{second}" for name in seconds}, by)
        expected, found = alone.apply(between), chained.apply(frame)
        first, last = _last_steps(alone), _last_steps(chained)
        # Those of all rows are fitted on what the step before makes of all rows alike.
        key = "groups" if by else "params"
        for name in seconds:
            assert last[name][key] == first[name][key], (firsts[name], second)
            assert found[name].equals(expected[name]), (firsts[name], second)
        _check_loading(chained, tmp_path)


def test_chains_with_sketches_are_the_same_when_loaded(tmp_path: Path) -> None:
    frame = _frame(len(_FIRST))
    firsts = {f"x{i}": first for i, first in enumerate(_FIRST)}
    between = _fit(frame, firsts, ("g",), "sketch").apply(frame)
    for second in _SECOND:
        chains = {name: f"{firsts[name]}+{second}" for name in _in_domain(between, second)}
        _check_loading(_fit(frame, chains, ("g",), "sketch"), tmp_path)


def _check_loading(stats: normcli.Stats, folder: Path) -> None:
    stats.save(folder / "stats.json")
    assert normcli.load(folder / "stats.json").to_json() == stats.to_json()


def test_three_steps() -> None:
    frame = _frame()
    logs = _fit(frame, {"x0": "log1p"}).apply(frame)
    between = _fit(logs, {"x0": "zscore"}).apply(logs)
    chained = _fit(frame, {"x0": "log1p+zscore+minmax:low=-1,high=1"})
    alone = _fit(between, {"x0": "minmax:low=-1,high=1"})
    assert _last_steps(chained)["x0"]["params"] == _last_steps(alone)["x0"]["params"]
    assert chained.apply(frame).equals(alone.apply(between))
    back = chained.invert(chained.apply(frame))
    assert (back["x0"] - frame["x0"]).abs().max() < 1e-12  # type: ignore[operator]


@pytest.mark.parametrize(
    "second", [name for name in COLUMN_METHODS if BOUNDS[name].smallest > float("-inf")]
)
def test_a_step_outside_its_domain_is_refused(second: str) -> None:
    frame = pl.DataFrame({"x": [-40.0, 1.0, 50.0]})
    with pytest.raises(DataError, match=f"outside the domain of {second}"):
        _fit(frame, {"x": second})
    with pytest.raises(DataError, match=f"outside the domain of {second}"):
        _fit(frame, {"x": f"minmax:low=-3,high=5+{second}"})
    stats = _fit(pl.DataFrame({"x": [1.0, 4.0]}), {"x": second})
    with pytest.raises(DataError, match=f"outside the domain of {second}"):
        stats.apply(frame)
