"""What apply does, invert undoes: identical whole numbers, floats within the stated bound.

Many chains are fitted at once, each on a column of its own: one fit costs as much as another.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping, Sequence
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
# How many digits their y carries of x depends on lambda.
_POWERS = ("boxcox", "yeojohnson")

Chains = Mapping[str, str]
"""Chains by the names of the columns that they are for."""


def _fit(frame: pl.DataFrame, chains: Chains, by: Sequence[str] = ()) -> normcli.Stats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormWarning)
        return normcli.fit(frame, columns=",".join(chains), set=chains, by=by)


def _named(series: Sequence[pl.Series], keys: pl.Series | None = None) -> pl.DataFrame:
    """Return columns "c0", "c1", …, the keys before them."""
    named = [one.alias(f"c{i}") for i, one in enumerate(series)]
    return pl.DataFrame(named if keys is None else [keys.alias("g"), *named])


def _chains(texts: Sequence[str | None]) -> Chains:
    return {f"c{i}": text for i, text in enumerate(texts) if text is not None}


def _rows(chain: str) -> int:
    """Return how many rows there must be for every parameter to exist."""
    return 2 if "ddof=1" in chain else 1


def _is_moving(chain: str) -> bool:
    """Whether a shift that lies among the values is subtracted before they become floats."""
    method = parse_chain(chain)[0]
    return method.equivariant and BOUNDS[method.name].moves


def _is_power(chain: str) -> bool:
    return parse_chain(chain)[0].name in _POWERS


def _check_whole(frame: pl.DataFrame, chains: Chains) -> None:
    """Hold all columns to come back identical; those of powers where the bound says so."""
    by = ["g"] if "g" in frame.columns else []
    stats = _fit(frame, chains, by)
    carried = stats.apply(frame)
    assert all(carried.schema[name] == pl.Float64() for name in chains)
    back = stats.invert(carried)
    assert back.schema == frame.schema
    for name, chain in chains.items():
        if _is_power(chain):
            _check_powers(frame, back, stats, name, chain)
        else:
            assert back[name].equals(frame[name]), (chain, frame.schema[name])


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


@pytest.mark.parametrize("chain", _ONE_STEP)
def test_whole_numbers_come_back_identical(chain: str) -> None:
    """Of every dtype: each list of numbers of each is a column."""
    method = parse_chain(chain)[0]
    bound = BOUNDS[method.name]
    # Only with low and high does min-max round as often as its bound says.
    whole = 2**49 if chain == "minmax" else bound.whole
    columns = [
        column([*numbers, None], dtype)
        for dtype in WHOLE
        for numbers in numbers_for(
            dtype, method, bound.smallest, whole, _is_moving(chain), seed=len(chain)
        )
    ]
    chains = _chains([chain] * len(columns))
    keys = pl.Series([k % 3 for k in range(len(columns[0]))])
    for frame in (_named(columns), _named(columns, keys)):
        _check_whole(frame, chains)


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
    _check_whole(_named([column([first + step for step in steps], dtype)]), _chains([chain]))


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
    _check_whole(_named([column(numbers, dtype)]), _chains([chain]))


def _check_powers(
    frame: pl.DataFrame, back: pl.DataFrame, stats: normcli.Stats, name: str, chain: str
) -> int:
    """Hold whole numbers to come back where the bound is below half a unit; return how many."""
    method = parse_chain(chain)[0]
    bound, dtype, params = BOUNDS[method.name], frame.schema[name], _params(stats)[name]
    unit = 10 ** (dtype.scale if isinstance(dtype, pl.Decimal) else 0)
    physical = frame[name].to_physical().cast(pl.Float64)
    held = 0
    # What is lost may come back as a date that Python has not.
    pairs = [one[name].to_physical() if dtype.is_temporal() else one[name] for one in (frame, back)]
    for row, (x, returned) in enumerate(zip(*pairs, strict=True)):
        assert (x is None) == (returned is None) or x is not None
        own = params[frame["g"][row] if "g" in frame.columns else 0][0]
        number = None if x is None else physical[row] / unit
        if number is None or not bound.holds(own, number, _LARGEST):
            continue
        # A quarter: decimals are rounded twice more.
        if bound.error(method, own, number) * unit < 0.25:
            held += 1
            assert returned == x, (chain, x, returned, own)
    return held


@pytest.mark.parametrize("chain", [c for name in _POWERS for c in BOUNDS[name].examples])
def test_powers_bring_ordinary_whole_numbers_back(chain: str) -> None:
    """The bound is below half a unit for every number of such a column."""
    chance = np.random.default_rng(5)
    numbers = np.exp(chance.normal(8, 3, 300)).astype(np.int64) + 1
    for dtype in (pl.Int64, pl.UInt32):
        frame = _named([pl.Series(numbers, dtype=dtype)])
        stats = _fit(frame, _chains([chain]))
        back = stats.invert(stats.apply(frame))
        assert _check_powers(frame, back, stats, "c0", chain) == len(frame)


def _params(stats: normcli.Stats) -> dict[str, list[list[dict[str, Any]]]]:
    """Return for each column and group (or for all rows) the params of each step."""
    document = json.loads(stats.to_json())
    groups = len(document.get("groups", [])) or 1
    return {
        name: [[_params_of(step, group) for step in described["steps"]] for group in range(groups)]
        for name, described in document["columns"].items()
    }


def _params_of(step: dict[str, Any], group: int) -> dict[str, Any]:
    if "groups" in step:
        return dict(zip(step["groups"]["params"], step["groups"]["rows"][group], strict=True))
    params: dict[str, Any] = step.get("params", {})
    return params


def check_floats(
    series: Sequence[pl.Series], texts: Sequence[str | None], keys: Any = None
) -> None:
    """Hold every value that comes back to the bound of its column's chain."""
    frame, chains = _named(series, keys), _chains(texts)
    by = [] if keys is None else ["g"]
    stats = _fit(frame, chains, by)
    carried = stats.apply(frame)
    back = stats.invert(carried)
    wide = stats.apply(frame, dtype="float64")
    params = _params(stats)
    entering = _entering(frame, chains, by)
    for name, chain in chains.items():
        single = frame.schema[name] == pl.Float32()
        assert carried.schema[name] == (pl.Float32() if single else pl.Float64())
        assert back.schema[name] == frame.schema[name]
        largest = 2.0**124 if single else _LARGEST
        steps = parse_chain(chain)
        for row, (x, returned) in enumerate(zip(frame[name], back[name], strict=True)):
            if x is None or math.isnan(x):
                assert returned is x or math.isnan(returned)
                continue
            entered = [float(one[row]) for one in entering[name]]
            own = params[name][0 if keys is None else int(keys[row])]
            pairs = list(zip(steps, own, strict=False))
            held = zip(pairs, entered, strict=True)
            if not all(BOUNDS[m.name].holds(p, x, largest) for (m, p), x in held):
                continue
            allowed = chain_error(pairs, entered)
            if single:
                allowed += _single_error(float(wide[name][row]), pairs, entered)
            assert abs(returned - x) <= allowed, (chain, x, returned, allowed, own)


def _entering(frame: pl.DataFrame, chains: Chains, by: Sequence[str]) -> dict[str, list[pl.Series]]:
    """Return what enters each step of each column: the same fits, one step at a time."""
    entering = {name: [frame[name]] for name in chains}
    texts = {name: chain.split("+") for name, chain in chains.items()}
    for length in range(1, max(map(len, texts.values()))):
        parts = {name: "+".join(text[:length]) for name, text in texts.items() if text[length:]}
        # A chain of skip alone leaves the column out of a fit.
        fitted = {name: part for name, part in parts.items() if part != "skip"}
        left = _fit(frame, fitted, by).apply(frame, dtype="float64") if fitted else frame
        for name in parts:
            entering[name].append(left[name] if name in fitted else frame[name])
    return entering


def _single_error(y: float, pairs: Any, entered: list[float]) -> float:
    """Return what the rounding of y, and of x in the end, to float32 adds."""
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


@pytest.mark.parametrize("chain", _ONE_STEP)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_floats_come_back_within_the_bound(chain: str, data: st.DataObject) -> None:
    bound = BOUNDS[parse_chain(chain)[0].name]
    kept = []
    for dtype, largest in ((pl.Float64(), _LARGEST), (pl.Float32(), 2.0**120)):
        most = min(bound.largest, 1e300 if "clip" in chain else math.inf, largest)
        numbers = _floats(bound.smallest, most)
        drawn = data.draw(st.lists(numbers, min_size=_rows(chain), max_size=12))
        # To float32 first: the domain may begin between two of its numbers.
        series = pl.Series(drawn, dtype=pl.Float64).cast(dtype)
        above = (series > -1) if chain == "log1p" else (series >= bound.smallest)
        inside = series.filter(above & ((series > 0) if bound.smallest == 5e-324 else True))
        if len(inside) >= _rows(chain):
            kept.append(inside)
    if kept:
        rows = max(map(len, kept))
        columns = [one.extend_constant(None, rows - len(one)) for one in kept]
        check_floats(columns, [chain] * len(columns))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_floats_in_groups_with_null_and_nan(dtype: pl.DataType) -> None:
    chance = np.random.default_rng(5)
    numbers: list[float | None] = [
        *np.exp(chance.normal(3, 4, 40)).tolist(),
        *(1e7 + chance.random(20)).tolist(),
    ]
    series = [pl.Series([*numbers, None, math.nan], dtype=dtype)] * len(_ONE_STEP)
    check_floats(series, _ONE_STEP)
    check_floats(series, _ONE_STEP, pl.Series([i % 3 for i in range(len(series[0]))]))


@pytest.mark.parametrize("first", _ONE_STEP)
def test_chains_of_two(first: str) -> None:
    """Every method behind every other whose output lies in its domain."""
    chance = np.random.default_rng(11)
    numbers = np.exp(chance.uniform(0.5, 14, 30))
    keys = pl.Series([i % 2 for i in range(30)])
    plain, single = pl.Series(numbers), pl.Series(numbers, dtype=pl.Float32)
    whole = pl.Series(numbers.astype(np.int64) + 1)
    cases = ((plain, None), (plain, keys), (single, None), (whole, None))
    for series, by in cases:
        # As many columns as are fitted then: blocks of rows depend on the whole row.
        frame = _named([series] * len(BOUNDS), by)
        fitted = {"c0": first} if first != "skip" else {}
        between = _fit(frame, fitted, [] if by is None else ["g"]).apply(frame)["c0"]
        least = float(between.min())  # type: ignore[arg-type]
        texts = [
            # Not exactly at the end of a domain, where rounding decides.
            f"{first}+{bound.examples[0]}" if least > bound.smallest + 1e-9 else None
            for bound in BOUNDS.values()
        ]
        if series is whole:
            _check_whole(_named([whole] * len(texts)), _chains(texts))
        else:
            check_floats([series] * len(texts), texts, by)
