"""What apply does, invert undoes: identical whole numbers, floats within the stated bound."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import normcli
from normcli.errors import NormWarning
from normcli.methods import METHODS
from normcli.recipe import parse_chain
from tests.conformance.bounds import BOUNDS, ENCODERS, chain_error
from tests.conformance.columns import FLOATS, WHOLE, carried, column, ends, limits, numbers_for
from tests.conformance.row_bounds import ROW_BOUNDS

_ONE_STEP = [chain for bound in BOUNDS.values() for chain in bound.examples]
# Beyond that a difference or a power may overflow.
_LARGEST = 2.0**1020


def _fit(frame: pl.DataFrame, chain: str, by: Sequence[str] = ()) -> normcli.Stats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormWarning)
        return normcli.fit(frame, method=chain, columns="x", by=by)


def _rows(chain: str) -> int:
    """Return how many rows there must be for every parameter to exist."""
    return 2 if "ddof=1" in chain else 1


def _there_and_back(frame: pl.DataFrame, chain: str, by: Sequence[str] = ()) -> pl.DataFrame:
    stats = _fit(frame, chain, by)
    carried = stats.apply(frame)
    single = frame.schema["x"] == pl.Float32()
    assert carried.schema["x"] == (pl.Float32() if single else pl.Float64())
    back = stats.invert(carried)
    assert back.schema == frame.schema
    return back


def _is_moving(chain: str) -> bool:
    """Whether a shift that lies among the values is subtracted before they become floats."""
    method = parse_chain(chain)[0]
    return method.equivariant and BOUNDS[method.name].moves


def test_every_method_is_covered() -> None:
    encoders = {name for name, method in METHODS.items() if method.encodes}
    hint = "add the method to bounds.py and docs/round-trip.md"
    # Whitening has a file of its own: test_whiten.py.
    assert {*BOUNDS, *ROW_BOUNDS, *ENCODERS, "whiten"} == set(METHODS), hint
    assert set(ENCODERS) == encoders, hint
    for name, bound in (BOUNDS | ENCODERS).items():
        assert all(parse_chain(chain)[0].name == name for chain in bound.examples)
    stated = Path(__file__).parents[2].joinpath("docs", "round-trip.md").read_text("utf-8")
    table = [line for line in stated.splitlines() if line.startswith("| `")]
    assert all(any(f"`{name}`" in line for line in table) for name in METHODS)


@pytest.mark.parametrize("dtype", WHOLE, ids=str)
@pytest.mark.parametrize("chain", _ONE_STEP)
def test_whole_numbers_come_back_identical(chain: str, dtype: pl.DataType) -> None:
    method = parse_chain(chain)[0]
    bound = BOUNDS[method.name]
    # Only with low and high does min-max round as often as its bound says.
    whole = 2**49 if chain == "minmax" else bound.whole
    for numbers in numbers_for(
        dtype, method, bound.smallest, whole, _is_moving(chain), seed=len(chain)
    ):
        series = column([*numbers, None], dtype)
        keys = pl.Series("g", [k % 3 for k in range(len(series))])
        for frame, by in ((series.to_frame(), []), (pl.DataFrame([keys, series]), ["g"])):
            if method.name in _POWERS:
                _check_powers(frame, chain, by)
            else:
                assert _there_and_back(frame, chain, by).equals(frame)


@pytest.mark.parametrize("chain", [c for c in _ONE_STEP if _is_moving(c)])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_whole_numbers_near_each_other_come_back_from_anywhere(
    chain: str, data: st.DataObject
) -> None:
    dtype = data.draw(st.sampled_from((pl.Int64(), pl.UInt64(), pl.Decimal(38, 7))))
    method = parse_chain(chain)[0]
    low, high = ends(dtype, method)
    reach = BOUNDS[method.name].whole // 2
    first = data.draw(st.integers(low, high - reach))
    steps = data.draw(st.lists(st.integers(0, reach), min_size=_rows(chain), max_size=12))
    series = column([first + step for step in steps], dtype)
    assert _there_and_back(series.to_frame(), chain)["x"].equals(series)


@pytest.mark.parametrize("chain", [c for c in _ONE_STEP if not _is_moving(c)])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_whole_numbers_near_zero_come_back(chain: str, data: st.DataObject) -> None:
    bound = BOUNDS[parse_chain(chain)[0].name]
    dtype = data.draw(st.sampled_from((pl.Int64(), pl.UInt64(), pl.Decimal(38, 7))))
    whole = carried(dtype, bound.whole)
    first = max(limits(dtype)[0], -whole + 1)
    if bound.smallest > -math.inf:
        first = int(bound.smallest > 0)
    numbers = data.draw(st.lists(st.integers(first, whole - 1), min_size=_rows(chain), max_size=12))
    series = column(numbers, dtype)
    if chain.split(":")[0] in _POWERS:
        _check_powers(series.to_frame(), chain, [])
    else:
        assert _there_and_back(series.to_frame(), chain)["x"].equals(series)


# How many digits their y carries of x depends on lambda.
_POWERS = ("boxcox", "yeojohnson")


def _check_powers(frame: pl.DataFrame, chain: str, by: Sequence[str]) -> int:
    """Hold whole numbers to come back where the bound is below half a unit; return how many."""
    stats = _fit(frame, chain, by)
    back = stats.invert(stats.apply(frame))
    assert back.schema == frame.schema
    method = parse_chain(chain)[0]
    bound, dtype, params = BOUNDS[method.name], frame.schema["x"], _params(stats)
    unit = 10 ** (dtype.scale if isinstance(dtype, pl.Decimal) else 0)
    held = 0
    # What is lost may come back as a date that Python has not.
    pairs = [one["x"].to_physical() if dtype.is_temporal() else one["x"] for one in (frame, back)]
    for row, (x, returned) in enumerate(zip(*pairs, strict=True)):
        assert (x is None) == (returned is None) or x is not None
        own = params[frame["g"][row] if by else 0][0]
        number = None if x is None else frame["x"].to_physical().cast(pl.Float64)[row] / unit
        if number is None or not bound.holds(own, number, _LARGEST):
            continue
        # A quarter: decimals are rounded twice more.
        if bound.error(method, own, number) * unit < 0.25:
            held += 1
            assert returned == x, (x, returned, own)
    return held


@pytest.mark.parametrize("chain", [c for name in _POWERS for c in BOUNDS[name].examples])
def test_powers_bring_ordinary_whole_numbers_back(chain: str) -> None:
    """The bound is below half a unit for every number of such a column."""
    chance = np.random.default_rng(5)
    numbers = np.exp(chance.normal(8, 3, 300)).astype(np.int64) + 1
    for dtype in (pl.Int64, pl.UInt32):
        frame = pl.DataFrame({"x": pl.Series(numbers, dtype=dtype)})
        assert _check_powers(frame, chain, []) == len(frame)


def _params(stats: normcli.Stats) -> list[list[dict[str, Any]]]:
    """Return for each group (or for all rows) the params of each step."""
    document = json.loads(stats.to_json())
    (described,) = document["columns"].values()
    by_group = len(document.get("groups", []))
    if not by_group:
        return [[step.get("params", {}) for step in described["steps"]]]
    return [
        [
            dict(zip(step["groups"]["params"], step["groups"]["rows"][i], strict=True))
            if "groups" in step
            else step.get("params", {})
            for step in described["steps"]
        ]
        for i in range(by_group)
    ]


def check_floats(series: pl.Series, chain: str, by: pl.Series | None = None) -> None:
    """Hold every value that comes back to the bound of the chain."""
    frame = series.to_frame() if by is None else pl.DataFrame([by, series])
    names = [] if by is None else [by.name]
    stats = _fit(frame, chain, names)
    back = stats.invert(stats.apply(frame))
    steps = parse_chain(chain)
    params = _params(stats)
    # What enters the later steps: the same fits, one step at a time.
    entering = [frame]
    for length in range(1, len(steps)):
        text = "+".join(chain.split("+")[:length])
        # A chain of skip alone leaves the column out of a fit.
        fitted = text != "skip"
        entering.append(_fit(frame, text, names).apply(frame, dtype="float64") if fitted else frame)
    single = series.dtype == pl.Float32()
    for row, (x, returned) in enumerate(zip(series.to_list(), back["x"].to_list(), strict=True)):
        if x is None or math.isnan(x):
            assert returned is x or math.isnan(returned)
            continue
        entered = [float(one["x"][row]) for one in entering]
        own = params[0 if by is None else int(by[row])]
        pairs = list(zip(steps, own, strict=False))
        largest = 2.0**124 if single else _LARGEST
        held = zip(pairs, entered, strict=True)
        if not all(BOUNDS[m.name].holds(p, x, largest) for (m, p), x in held):
            continue
        allowed = chain_error(pairs, entered)
        if single:
            allowed += _single_error(stats, frame, row, pairs, entered)
        assert abs(returned - x) <= allowed, (x, returned, allowed, own)


def _single_error(
    stats: normcli.Stats, frame: pl.DataFrame, row: int, pairs: Any, entered: list[float]
) -> float:
    """Return what the rounding of y, and of x in the end, to float32 adds."""
    y = float(stats.apply(frame[[row]], dtype="float64")["x"][0])
    eta = abs(y) * 2.0**-24 + 2.0**-150
    for (method, params), x in reversed(list(zip(pairs, entered, strict=True))):
        eta = BOUNDS[method.name].spread(method, params, x, eta)
    return (eta + abs(entered[0]) * 2.0**-24) * 1.001 + 2.0**-149


def _floats(smallest: float, largest: float) -> st.SearchStrategy[float]:
    whole_range = st.floats(max(smallest, -largest), largest)
    low = max(smallest, -1e6)
    plain = st.floats(low, 1e6)
    offset = st.floats(-1, 1).map(lambda t: 1e9 + t)
    return st.one_of(whole_range, plain, offset)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("chain", _ONE_STEP)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_floats_come_back_within_the_bound(
    chain: str, dtype: pl.DataType, data: st.DataObject
) -> None:
    bound = BOUNDS[parse_chain(chain)[0].name]
    largest = min(bound.largest, _LARGEST if dtype == pl.Float64() else 2.0**120)
    if "clip" in chain:
        largest = min(largest, 1e300)
    numbers = _floats(bound.smallest, largest)
    drawn = data.draw(st.lists(numbers, min_size=_rows(chain), max_size=12))
    # To float32 first: the domain may begin between two of its numbers.
    series = pl.Series("x", drawn, pl.Float64).cast(dtype)
    above = (series > -1) if chain == "log1p" else (series >= bound.smallest)
    inside = series.filter(above & ((series > 0) if bound.smallest == 5e-324 else True))
    if len(inside) >= _rows(chain):
        check_floats(inside, chain)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("chain", _ONE_STEP)
def test_floats_in_groups_with_null_and_nan(chain: str, dtype: pl.DataType) -> None:
    chance = np.random.default_rng(len(chain))
    numbers: list[float | None] = [
        *np.exp(chance.normal(3, 4, 40)).tolist(),
        *(1e7 + chance.random(20)).tolist(),
    ]
    series = pl.Series("x", [*numbers, None, math.nan], dtype)
    keys = pl.Series("g", [i % 3 for i in range(len(series))])
    check_floats(series, chain)
    check_floats(series, chain, keys)


_PLACED = [(a, b) for a in _ONE_STEP for b in _ONE_STEP]


def _goes_together(first: str, second: str) -> bool:
    """Whether what the first gives for numbers above 1.5 lies in the domain of the second."""
    below_zero = first.split(":")[0] in (
        "zscore",
        "center",
        "mean_range",
        "robust",
        "mad",
        "quantile",
        "batchnorm",
    ) or first in (
        "minmax",  # its least value is 0
        "minmax:low=-1,high=1",
    )
    return not below_zero or BOUNDS[parse_chain(second)[0].name].smallest == -math.inf


@pytest.mark.parametrize("first", _ONE_STEP)
def test_chains_of_two(first: str) -> None:
    chance = np.random.default_rng(11)
    numbers = np.exp(chance.uniform(0.5, 14, 30))
    keys = pl.Series("g", [i % 2 for i in range(30)])
    whole = pl.Series("x", numbers.astype(np.int64) + 1)
    for second in (chain for a, chain in _PLACED if a == first):
        if not _goes_together(first, second):
            continue
        chain = f"{first}+{second}"
        check_floats(pl.Series("x", numbers), chain)
        check_floats(pl.Series("x", numbers), chain, keys)
        assert _there_and_back(whole.to_frame(), chain)["x"].equals(whole)
        check_floats(pl.Series("x", numbers, pl.Float32), chain)
