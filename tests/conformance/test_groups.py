"""Groups that the fit has not seen, or seen without values, for every method."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import polars as pl
import pytest

import normcli
from normcli.errors import DataError, NormWarning
from normcli.recipe import parse_chain
from tests.conformance.bounds import BOUNDS, COLUMN_METHODS

_Choice = Literal["null", "keep", "global"]

_FIRST = {name: bound.examples[0] for name, bound in BOUNDS.items()}


def _frame(groups: str, *numbers: float | None) -> pl.DataFrame:
    return pl.DataFrame({"g": list(groups), "x": pl.Series(numbers, dtype=pl.Float64)})


def _fit(frame: pl.DataFrame, chain: str, by: tuple[str, ...] = ("g",)) -> normcli.Stats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormWarning)
        return normcli.fit(frame, method=chain, columns="x", by=by)


_SEEN = _frame("aabb", 2.0, 6.0, 10.0, 30.0)
_NEW = _frame("abc", 2.0, 30.0, 5.0)


@pytest.mark.parametrize("name", COLUMN_METHODS)
def test_every_group_is_carried_as_if_fitted_alone(name: str) -> None:
    carried = _fit(_SEEN, _FIRST[name]).apply(_SEEN)
    for key in "ab":
        own = _SEEN.filter(pl.col("g") == key)
        assert carried.filter(pl.col("g") == key).equals(_fit(own, _FIRST[name], ()).apply(own))


@pytest.mark.parametrize("name", COLUMN_METHODS)
def test_unknown_group(name: str) -> None:
    stats = _fit(_SEEN, _FIRST[name])
    known = stats.apply(_NEW.head(2))
    overall = _fit(_SEEN, _FIRST[name], ())
    for carry, alone in ((stats.apply, overall.apply), (stats.invert, overall.invert)):
        with pytest.raises(DataError, match=r"group g='c' is not in the stats file") as raised:
            carry(_NEW)
        assert "--unknown-group null, global or keep" in str(raised.value)
        expected = known if carry == stats.apply else stats.invert(_NEW.head(2))
        last: list[tuple[_Choice, Any]] = [
            ("null", None),
            ("keep", 5.0),
            ("global", alone(_NEW.tail(1))["x"][0]),
        ]
        for choice, value in last:
            found = carry(_NEW, unknown_group=choice)
            assert found.head(2).equals(expected)
            assert found["x"][2] == value


# Every example that finds parameters in data.
_SEEKING = [c for bound in BOUNDS.values() for c in bound.examples if parse_chain(c)[0].fitted]


@pytest.mark.parametrize("chain", _SEEKING)
def test_a_group_without_values_is_an_unknown_group(chain: str) -> None:
    frame = _frame("aabbcc", 2.0, 6.0, 10.0, 30.0, None, None)
    with pytest.warns(NormWarning, match="no valid value in 1 of 3 groups"):
        stats = normcli.fit(frame, method=chain, columns="x", by="g")
    # Its nulls are carried to null without a question.
    assert stats.apply(frame)["x"][-2:].to_list() == [None, None]
    with pytest.raises(DataError, match=r"group g='c' is without parameters of"):
        stats.apply(_NEW)
    overall = _fit(frame, chain, ())
    assert stats.apply(_NEW, unknown_group="null")["x"][2] is None
    assert stats.apply(_NEW, unknown_group="keep")["x"][2] == 5.0
    expected = overall.apply(_NEW)["x"][2]
    assert stats.apply(_NEW, unknown_group="global")["x"][2] == expected


def test_keep_brings_integers_back_as_they_are() -> None:
    frame = _SEEN.with_columns(pl.col("x").cast(pl.Int64))
    new = _NEW.with_columns(pl.col("x").cast(pl.Int64))
    stats = _fit(frame, "zscore")
    back = stats.invert(stats.apply(new, unknown_group="keep"), unknown_group="keep")
    assert back.equals(new)


@pytest.mark.parametrize("choice", ["null", "keep"])
@pytest.mark.parametrize("chain", ["log", "log+zscore", "center:mean=0+log"])
def test_values_of_unknown_groups_need_not_lie_in_the_domain(chain: str, choice: _Choice) -> None:
    stats = _fit(_SEEN, chain)
    new = _frame("ac", 2.0, -5.0)
    found = stats.apply(new, unknown_group=choice)["x"]
    assert found[1] == (None if choice == "null" else -5.0)
    still_wrong: list[tuple[pl.DataFrame, _Choice]] = [
        (_frame("ac", -2.0, 5.0), choice),
        (new, "global"),
    ]
    for wrong, how in still_wrong:
        with pytest.raises(DataError, match="outside the domain of log"):
            stats.apply(wrong, unknown_group=how)
