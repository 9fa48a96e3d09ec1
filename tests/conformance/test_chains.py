"""A later step is fitted on the output of the earlier ones: the same as fitting one by one."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
import pytest

import normcli
from normcli.errors import DataError, NormWarning
from normcli.methods import METHODS
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


_AROUND_ZERO = (
    *("zscore", "center", "mean_range", "robust", "mad", "quantile", "median_of_means"),
    "batchnorm",
)


def _goes_together(first: str, second: str) -> bool:
    """Whether what the first gives for numbers above 1.5 lies in the domain of the second."""
    return first not in _AROUND_ZERO or second != "boxcox"


def _fit(frame: pl.DataFrame, chain: str, by: tuple[str, ...] = ()) -> normcli.Stats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormWarning)
        return normcli.fit(frame, method=chain, columns="x", by=by)


def _last_step(stats: normcli.Stats) -> dict[str, Any]:
    (described,) = json.loads(stats.to_json())["columns"].values()
    step: dict[str, Any] = described["steps"][-1]
    return step


def _frame(dtype: Any = pl.Float64) -> pl.DataFrame:
    chance = np.random.default_rng(3)
    numbers = pl.Series("x", chance.uniform(1.5, 100, 60)).cast(dtype)
    return pl.DataFrame([pl.Series("g", [i * i % 3 for i in range(60)]), numbers])


@pytest.mark.parametrize("second", _SECOND)
@pytest.mark.parametrize("first", _FIRST)
def test_a_chain_is_two_fits(first: str, second: str) -> None:
    if not _goes_together(first, second):
        with pytest.raises(DataError, match="outside the domain of boxcox"):
            _fit(_frame(), f"{first}+{second}")
        return
    # The logarithm of 1 is 0, which has no power.
    whole = second != "boxcox" or first not in ("log", "log2", "log10", "boxcox")
    for dtype in (pl.Float64, pl.Int64) if whole else (pl.Float64,):
        frame = _frame(dtype)
        between = _fit(frame, first).apply(frame)
        chained, alone = _fit(frame, f"{first}+{second}"), _fit(between, second)
        assert _last_step(chained)["params"] == _last_step(alone)["params"]
        assert chained.apply(frame).equals(alone.apply(between))

        between = _fit(frame, first, ("g",)).apply(frame)
        chained, alone = _fit(frame, f"{first}+{second}", ("g",)), _fit(between, second, ("g",))
        assert _last_step(chained)["groups"] == _last_step(alone)["groups"]
        assert chained.apply(frame).equals(alone.apply(between))


@pytest.mark.parametrize("quantiles", ["exact", "sketch"])
@pytest.mark.parametrize("second", _SECOND)
@pytest.mark.parametrize("first", _FIRST)
def test_a_chain_is_the_same_when_loaded(
    first: str, second: str, quantiles: Literal["exact", "sketch"], tmp_path: Path
) -> None:
    if not _goes_together(first, second):
        return
    for by in ((), ("g",)):
        stats = normcli.fit(
            _frame(), method=f"{first}+{second}", columns="x", by=by, quantiles=quantiles
        )
        stats.save(tmp_path / "stats.json")
        assert normcli.load(tmp_path / "stats.json").to_json() == stats.to_json()


def test_three_steps() -> None:
    frame = _frame()
    between = _fit(_fit(frame, "log1p").apply(frame), "zscore").apply(
        _fit(frame, "log1p").apply(frame)
    )
    chained = _fit(frame, "log1p+zscore+minmax:low=-1,high=1")
    alone = _fit(between, "minmax:low=-1,high=1")
    assert _last_step(chained)["params"] == _last_step(alone)["params"]
    assert chained.apply(frame).equals(alone.apply(between))
    back = chained.invert(chained.apply(frame))
    assert (back["x"] - frame["x"]).abs().max() < 1e-12  # type: ignore[operator]


@pytest.mark.parametrize(
    "second", [name for name in COLUMN_METHODS if BOUNDS[name].smallest > float("-inf")]
)
def test_a_step_outside_its_domain_is_refused(second: str) -> None:
    frame = pl.DataFrame({"x": [-40.0, 1.0, 50.0]})
    with pytest.raises(DataError, match=f"outside the domain of {second}"):
        _fit(frame, second)
    with pytest.raises(DataError, match=f"outside the domain of {second}"):
        _fit(frame, f"minmax:low=-3,high=5+{second}")
    stats = _fit(pl.DataFrame({"x": [1.0, 4.0]}), second)
    with pytest.raises(DataError, match=f"outside the domain of {second}"):
        stats.apply(frame)
