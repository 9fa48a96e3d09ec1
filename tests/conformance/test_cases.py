"""The same edge cases for every method: nothing to fit on, one row, constants, missing values."""

from __future__ import annotations

import dataclasses
import math
import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest

import normcli
from normcli.errors import DataError, NormWarning
from normcli.methods import METHODS
from normcli.recipe import option_text, parse_chain
from tests.conformance.bounds import BOUNDS, COLUMN_METHODS
from tests.conformance.columns import WHOLE, column, limits

# One chain of each method, its first example; 2 and 8 lie in every domain.
_FIRST = {name: bound.examples[0] for name, bound in BOUNDS.items()}
_NUMBERS = [2.0, 3.5, 8.0, 5.0]
# Those that find parameters in data as they are in that chain; clip does so only on demand.
_FITTED = [name for name in COLUMN_METHODS if parse_chain(_FIRST[name])[0].fitted]


def _fit(frame: pl.DataFrame, chain: str, **options: Any) -> normcli.Stats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormWarning)
        return normcli.fit(frame, method=chain, columns="x", **options)


def _frame(*numbers: float | None) -> pl.DataFrame:
    return pl.DataFrame({"x": pl.Series(numbers, dtype=pl.Float64)})


@pytest.mark.parametrize("name", COLUMN_METHODS)
def test_null_stays_null_and_nan_stays_nan(name: str) -> None:
    frame = _frame(2.0, None, 8.0, math.nan, None)
    stats = _fit(frame, _FIRST[name])
    assert stats.params("x") == _fit(_frame(2.0, 8.0), _FIRST[name]).params("x")
    for carried in (stats.apply(frame), stats.invert(stats.apply(frame))):
        found = carried["x"].to_list()
        assert [value is None for value in found] == [False, True, False, False, True]
        assert [i for i, v in enumerate(found) if v is not None and math.isnan(v)] == [3]


@pytest.mark.parametrize("name", COLUMN_METHODS)
def test_no_rows(name: str) -> None:
    empty = _frame()
    with pytest.raises(DataError, match="no rows"):
        _fit(empty, _FIRST[name])
    with pytest.raises(DataError, match="no rows"):
        _fit(empty.with_columns(g=pl.lit("a")), _FIRST[name], by="g")
    stats = _fit(_frame(*_NUMBERS), _FIRST[name])
    assert stats.apply(empty).equals(empty)
    assert stats.invert(empty).equals(empty)
    grouped = _fit(_frame(*_NUMBERS).with_columns(g=pl.lit("a")), _FIRST[name], by="g")
    no_groups = empty.with_columns(g=pl.lit("a"))
    assert grouped.apply(no_groups).equals(no_groups)
    assert grouped.invert(no_groups).equals(no_groups)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("name", COLUMN_METHODS)
def test_one_row_and_constant_columns(name: str, rows: int) -> None:
    for value in (0.1, 7.0, 12345.678):
        frame = _frame(*[value] * rows)
        with pytest.warns(NormWarning, match=rf"constant .* {METHODS[name].constant}"):
            stats = normcli.fit(frame, method=_FIRST[name])
        carried = stats.apply(frame)
        found = carried["x"].unique().to_list()
        assert len(found) == 1
        assert math.isfinite(found[0])
        expected = {"zscore": 0, "center": 0, "mean_range": 0, "minmax": 0, "maxabs": 1, "rms": 1}
        assert found[0] == expected.get(name, found[0])
        back = stats.invert(carried)
        if METHODS[name].parameters and name not in ("decimal", "boxcox"):
            assert back.equals(frame)
        else:
            method = parse_chain(_FIRST[name])[0]
            error = BOUNDS[name].error(method, stats.params("x"), value)
            assert all(abs(x - value) <= error for x in back["x"])


@pytest.mark.parametrize("name", COLUMN_METHODS)
def test_missing_column(name: str) -> None:
    frame = pl.DataFrame({"x": _NUMBERS, "other": _NUMBERS})
    stats = normcli.fit(frame, method=_FIRST[name])
    without = frame.drop("x")
    for carry in (stats.apply, stats.invert):
        with pytest.raises(DataError, match='no column "x"') as raised:
            carry(without)
        assert "--missing-column skip" in str(raised.value)
    carried = stats.apply(without, missing_column="skip")
    assert carried.equals(stats.apply(frame).drop("x"))
    assert stats.invert(carried, missing_column="skip").columns == ["other"]


@pytest.mark.parametrize("name", COLUMN_METHODS)
def test_a_column_without_values(name: str) -> None:
    frame = _frame(None, None)
    with pytest.warns(NormWarning, match="no valid value"):
        stats = normcli.fit(frame, method=_FIRST[name])
    given = parse_chain(_FIRST[name])[0].given
    assert all(value is None or key in given for key, value in stats.params("x").items())
    assert stats.apply(frame).equals(frame)
    assert stats.invert(frame).equals(frame)
    if name in _FITTED:
        # A value that was not there when it was fitted has nothing to be compared with.
        assert stats.apply(_frame(2.0))["x"].to_list() == [None]
    nan = _frame(math.nan, None)
    with pytest.warns(NormWarning, match="no valid value"):
        assert normcli.fit(nan, method=_FIRST[name]).params("x") == stats.params("x")


@pytest.mark.parametrize("name", _FITTED)
def test_parameters_can_be_given(name: str) -> None:
    """Each alone and all together; given parameters are not fitted, and do what fitted ones do."""
    # Rows enough that blocks of rows have deviations, too.
    frame = _frame(*(1.0 + i * i / 8 for i in range(40)))
    fitted = _fit(frame, name)
    params = fitted.params("x")
    other = _frame(*(3.0 + i * i / 4 for i in range(40)))
    for given in [*({key: value} for key, value in params.items()), params]:
        chain = f"{name}:" + ",".join(f"{key}={option_text(v)}" for key, v in given.items())
        method = parse_chain(chain)[0]
        assert method.given == parse_chain(name)[0].given | given
        stats = _fit(frame, chain)
        assert stats.params("x") == params
        assert stats.apply(frame).equals(fitted.apply(frame))
        assert stats.invert(frame).equals(fitted.invert(frame))
        elsewhere = _fit(other, chain).params("x")
        assert given.items() <= elsewhere.items()
        assert method.fitted == (elsewhere != params)


@pytest.mark.parametrize("name", COLUMN_METHODS)
def test_every_option_is_read_back_from_a_stats_file(name: str, tmp_path: Any) -> None:
    path = tmp_path / "s.json"
    for chain in BOUNDS[name].examples:
        stats = _fit(_frame(*_NUMBERS), chain)
        stats.save(path)
        loaded = normcli.load(path)
        assert loaded.to_json() == stats.to_json()
        assert loaded.apply(_frame(*_NUMBERS)).equals(stats.apply(_frame(*_NUMBERS)))
        step = loaded.fitted.columns[0].steps[0].method
        assert dataclasses.asdict(step) == dataclasses.asdict(parse_chain(chain)[0])


@pytest.mark.parametrize("dtype", WHOLE, ids=str)
@pytest.mark.parametrize("name", ["zscore", "minmax", "maxabs", "asinh", "skip"])
def test_predictions_outside_the_range_are_clipped(name: str, dtype: pl.DataType) -> None:
    low, high = limits(dtype)
    series = column([low, high, max(low, min(high, 1)), low], dtype)
    stats = _fit(series.to_frame(), _FIRST[name])
    back = stats.invert(_frame(1e300, math.inf, -1e300, -math.inf, None, math.nan))["x"]
    assert back.dtype == dtype
    if dtype in (pl.Boolean(), pl.Time()) or not dtype.is_temporal():
        least, greatest = low, high
    elif isinstance(dtype, pl.Duration):
        least, greatest = -(2**63), 2**63 - 1
    else:
        # Later dates can't be written as text.
        units = {"ms": 10**3, "us": 10**6, "ns": 10**9}
        unit = 86_400 * units[dtype.time_unit] if isinstance(dtype, pl.Datetime) else 1
        days = [int(np.datetime64(f"{year}-01-01", "D").astype(int)) for year in (-262142, 262142)]
        least, greatest = max(-(2**63), days[0] * unit), min(2**63 - 1, days[1] * unit)
        assert len(back.to_frame().write_csv().splitlines()) == 7
    physical = back.cast(pl.UInt8) if dtype == pl.Boolean() else back.to_physical()
    top, same_top, bottom, same_bottom, nothing, not_a_number = physical.to_list()
    # Whole numbers know no NaN.
    assert nothing is None
    assert not_a_number is None
    assert (top, bottom) == (same_top, same_bottom)
    # Where a float64 can't hold the end itself, the nearest one inside is as far as it goes.
    assert least <= bottom <= least + abs(least) * 2**-52
    assert greatest - greatest * 2**-52 <= top <= greatest


def test_too_few_values_for_the_degrees_of_freedom() -> None:
    """With ddof=1 one value has no standard deviation: that is said, and gives null."""
    frame = _frame(2.0, 8.0, 5.0).with_columns(g=pl.Series(["a", "a", "b"]))
    with pytest.warns(NormWarning, match="too few values for the std of zscore; apply .* null"):
        alone = normcli.fit(frame[:1], method="zscore:ddof=1")
    assert alone.params("x") == {"mean": 2.0, "std": None}
    assert alone.apply(frame)["x"].to_list() == [None, None, None]
    with pytest.warns(NormWarning, match="too few values in 1 of 2 groups"):
        grouped = normcli.fit(frame, method="zscore:ddof=1", by="g")
    with pytest.raises(DataError, match="group g='b' is without parameters of \"x\""):
        grouped.apply(frame)
    assert grouped.apply(frame, unknown_group="null")["x"].to_list()[2] is None


@pytest.mark.parametrize(
    "chain", ["clip:low=10,high_q=50", "robust:q_low=10", "minmax:min=10", "mean_range:min=10"]
)
def test_a_given_bound_above_a_fitted_one_is_refused(chain: str) -> None:
    frame = _frame(1.0, 2.0, 3.0).with_columns(g=pl.lit("a"))
    for by in ((), ("g",)):
        with pytest.raises(DataError, match=r'column "x": \w+ of \w+ \(10\) is above \w+ \('):
            _fit(frame, chain, by=by)
