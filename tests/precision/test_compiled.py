"""The compiled kernel against its reference in NumPy, on raw bit patterns: the same states."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from normcli.columns import number_kind, physical, split
from normcli.statistics import STATISTICS, Kind, State, Values
from normcli.statistics.compiled import SWEPT, Sweep, cells_of_rows, sweep_for

pytest.importorskip("normcli._exact", reason="built without a C compiler")

_INTEGERS = (8, 16, 32, 64)
# Exponents near each other, so that values cancel, and some that no common unit has room for.
_CLOSE = st.builds(
    lambda sign, exponent, mantissa: sign << 63 | exponent << 52 | mantissa,
    st.integers(0, 1),
    st.integers(1015, 1030),
    st.one_of(st.integers(0, 2**52 - 1), st.sampled_from((0, 1, 2**51, 2**52 - 1))),
)
_HARD = st.sampled_from(
    [
        int(np.float64(value).view(np.uint64))
        for value in (
            *(0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 2.225073858507201e-308),
            *(1.7976931348623157e308, -1.7976931348623157e308, 2.0**62, 2.0**63, 2.0**-1000, 1e300),
            *(1.0, -1.0, np.nan, np.inf, -np.inf),
        )
    ]
)
_FLOAT64 = st.one_of(st.integers(0, 2**64 - 1), _CLOSE, _HARD)
_HARD32 = st.sampled_from(
    (0, 1, 2**23 - 1, 2**23, 0x7F7FFFFF, 0x7F800000, 0x7FC00000, 2**31, 2**31 + 1, 0xFF7FFFFF)
)
_FLOAT32 = st.one_of(st.integers(0, 2**32 - 1), _HARD32)


@pytest.fixture(scope="module", autouse=True)
def _not_the_reference() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NORMCLI_KERNEL", "c")
        yield


def _series(kind: str, bits: Sequence[int | None]) -> pl.Series:
    """Return a column of these bit patterns, None for null."""
    unsigned = [bit or 0 for bit in bits]
    width = int("".join(filter(str.isdigit, kind)))
    numbers = np.array(unsigned, np.dtype(f"uint{width}")).view(np.dtype(kind.lower()))
    present = pl.Series([bit is not None for bit in bits], dtype=pl.Boolean)
    return pl.select(pl.when(present).then(pl.Series(numbers))).to_series()


def reference(
    batches: Sequence[tuple[pl.Series, list[int] | None]], kind: Kind, cells: int
) -> dict[str, State]:
    """Return the states that the statistics themselves have after these batches."""
    states = {name: STATISTICS[name].empty(kind, cells) for name in SWEPT}
    for series, ids in batches:
        parts = split(series)
        places = np.array(ids if ids is not None else [0] * len(series), np.intp)
        order = np.argsort(places, kind="stable")
        if parts.valid is not None:
            order = order[parts.valid[order]]
        starts = np.flatnonzero(np.diff(places[order], prepend=-1)).astype(np.intp)
        null, nan, inf = (
            np.zeros(0, np.intp) if mask is None else places[mask]
            for mask in (parts.null, parts.nan, parts.inf)
        )
        planes = tuple(plane[order] for plane in parts.planes)
        values = Values(parts.kind, planes, starts, places[order][starts], null, nan, inf)
        for state in states.values():
            state.update(values)
    return states


def _texts(states: dict[str, State]) -> dict[str, str]:
    return {name: json.dumps(states[name].to_json()) for name in SWEPT}


def check(batches: Sequence[tuple[pl.Series, list[int] | None]], cells: int) -> None:
    """Hold the compiled kernel to the reference, growing it as cells appear."""
    kind: Any = number_kind(batches[0][0].dtype)
    wanted = _texts(reference(batches, kind, cells))
    for in_order in (False, True):
        known = 1
        sweep = Sweep(kind, known)
        for series, ids in batches:
            known = max(known, 1 + max(ids or [0]))
            sweep.grow(known)
            own = None if ids is None else np.array(ids, np.uint32)
            by_cell = cells_of_rows(own, known) if in_order and own is not None else own
            sweep.update(physical(series), by_cell)
        sweep.grow(cells)
        assert _texts(sweep.states()) == wanted, in_order
        assert _texts(sweep.states()) == wanted, "asked twice"


@st.composite
def _batches(draw: st.DrawFn) -> tuple[list[tuple[pl.Series, list[int] | None]], int]:
    kind = draw(
        st.sampled_from(
            ("Float64", "Float64", "Float32", *(f"{u}Int{n}" for u in ("", "U") for n in _INTEGERS))
        )
    )
    width = int("".join(filter(str.isdigit, kind)))
    bits = {"Float64": _FLOAT64, "Float32": _FLOAT32}.get(kind, st.integers(0, 2**width - 1))
    if draw(st.booleans()):
        bits = st.one_of(st.none(), bits)
    cells = draw(st.integers(1, 5))
    grouped = cells > 1 or draw(st.booleans())
    batches: list[tuple[pl.Series, list[int] | None]] = []
    for _ in range(draw(st.integers(1, 3))):
        series = _series(kind, draw(st.lists(bits, max_size=25)))
        if draw(st.booleans()):  # chunks, and slices that begin in the midst of a bitmap's byte
            more = _series(kind, draw(st.lists(bits, max_size=25)))
            series = pl.concat([series, more], rechunk=False)
            series = series.slice(draw(st.integers(0, 10)))
        ids = draw(st.lists(st.integers(0, cells - 1), min_size=len(series), max_size=len(series)))
        batches.append((series, ids if grouped else None))
    return batches, cells


@settings(max_examples=600, deadline=None)
@given(_batches())
def test_the_states_are_those_of_the_reference(
    drawn: tuple[list[tuple[pl.Series, list[int] | None]], int],
) -> None:
    check(*drawn)


@pytest.mark.parametrize("cells", [1, 3, 2000])
@pytest.mark.parametrize("dtype", [pl.Float64, pl.Float32, pl.Int64, pl.Int8, pl.UInt64])
def test_many_values_of_all_bit_patterns(dtype: pl.DataType, cells: int) -> None:
    chance = np.random.default_rng(cells)
    bits = chance.integers(0, 2**64, 20_000, np.uint64, endpoint=False)
    series = pl.Series(bits).reinterpret(signed=True)
    if dtype == pl.UInt64:
        series = pl.Series(bits)
    elif dtype == pl.Int8:
        series = (series & 127).cast(pl.Int8)
    elif dtype == pl.Float32:
        series = pl.Series(bits.astype(np.uint32).view(np.float32))
    elif dtype == pl.Float64:
        series = pl.Series(bits.view(np.float64))
    ids = chance.integers(0, cells, len(series)).tolist()
    check([(series[:9_000], ids[:9_000]), (series[9_000:], ids[9_000:])], cells)
    if cells == 1:
        check([(series, None), (series[::2], None)], 1)


@pytest.mark.parametrize("spread", [0.1, 3.0, 30.0, 200.0])
def test_scales_that_change_as_the_data_go_on(spread: float) -> None:
    """The unit that cells count in is chosen from the first values, and may be a poor choice."""
    chance = np.random.default_rng(7)
    ids = chance.integers(0, 50, 3 * 40_000).tolist()
    batches: list[tuple[pl.Series, list[int] | None]] = []
    for i, scale in enumerate((1e-200, 1.0, 1e200)):
        with np.errstate(over="ignore"):
            values = scale * np.exp(chance.normal(0, spread, 40_000)) - (scale if i == 1 else 0)
        batches.append((pl.Series(values), ids[40_000 * i : 40_000 * (i + 1)]))
    check(batches, 50)
    check([(series, None) for series, _ in batches], 1)


def test_more_values_than_bins_hold() -> None:
    """Sums in bins have room for 2^19 values with every bit of the mantissa set."""
    values = pl.Series(np.full(2**20 + 3, -1.7976931348623157e308))
    sweep = Sweep("float", 1)
    sweep.update(values, None)
    state = sweep.states()["moments"]
    assert state.to_json() == [
        [f"-{0x1FFFFFFFFFFFFF * (2**20 + 3):#x}p971"],
        [f"{0x1FFFFFFFFFFFFF**2 * (2**20 + 3):#x}p1942"],
    ]


def test_more_float32_than_bins_hold() -> None:
    """Their sums have room for 2^17 values; limits of the tests' own may be smaller."""
    count = 2**18 + 3
    sweep = Sweep("float", 1)
    sweep.update(pl.Series(np.full(count, -3.4028234663852886e38, np.float32)), None)
    assert sweep.states()["moments"].to_json() == [
        [f"-{0xFFFFFF * count:#x}p104"],
        [f"{0xFFFFFF**2 * count:#x}p208"],
    ]


@pytest.mark.parametrize("cells", [1, 3, 500])
def test_columns_share_the_order_of_rows(cells: int) -> None:
    """Whatever their dtypes, nulls and chunks; none of them disturbs the next one's."""
    chance = np.random.default_rng(cells)
    ids = chance.integers(0, cells, 70_000)
    bits = chance.integers(0, 2**64, 70_000, np.uint64, endpoint=False)
    plain = pl.Series(chance.normal(0, 1e3, 70_000))
    third = pl.Series(np.arange(70_000) % 3 == 0)
    columns = [
        plain,
        pl.Series(bits.view(np.float64)),
        pl.select(pl.when(third).then(plain)).to_series(),
        pl.select(pl.when(third).then(None).otherwise(plain)).to_series(),
        pl.concat([plain[:100], plain[100:69_000], plain[69_000:]], rechunk=False),
        plain.cast(pl.Float32),
        plain.cast(pl.Int16),
        pl.Series(bits),
        pl.select(pl.when(third).then(pl.Series(bits.view(np.int64)))).to_series(),
        pl.Series(bits & np.uint64(1)).cast(pl.UInt8),
    ]
    shared = cells_of_rows(ids.astype(np.uint32), cells)
    for column in columns:
        kind: Any = number_kind(column.dtype)
        sweep = Sweep(kind, cells)
        for _ in range(2):
            sweep.update(physical(column), shared)
        wanted = _texts(reference([(column, ids.tolist())] * 2, kind, cells))
        assert _texts(sweep.states()) == wanted, column.dtype


def test_squares_of_the_largest_numbers_of_one_cell() -> None:
    """Those of 16 numbers below 2^62 are the most that 128 bits hold."""
    for largest, dtype in ((2**62 - 1, pl.Int64), (-(2**62) + 1, pl.Int64), (2**62 - 1, pl.UInt64)):
        check([(pl.Series([largest] * 1_000, dtype=dtype), [0] * 1_000)], 1)
    value = (2**53 - 1) * 2.0**9
    check([(pl.Series([value] * 999 + [-value]), [0] * 1_000)], 1)


def test_a_column_may_have_any_name() -> None:
    values = pl.Series("a\0b", [1.5, None, -2.5])
    check([(values, None)], 1)
    check([(values, [1, 0, 1])], 2)


@example("numbers")
@given(st.sampled_from(("few", "many", "large", "numbers")))
def test_what_does_not_belong_together_is_refused(wrong: str) -> None:
    sweep = Sweep("float", 2)
    values = pl.Series([1.0, 2.0, 3.0])
    ids = {"few": [0, 1], "many": [0, 1, 0, 1], "large": [0, 2, 0], "numbers": [0, 1, 0]}[wrong]
    series = values.cast(pl.Int64) if wrong == "numbers" else values
    with pytest.raises(TypeError if wrong == "numbers" else ValueError):
        sweep.update(series, np.array(ids, np.uint32))
    with pytest.raises(TypeError if wrong == "numbers" else ValueError):
        sweep.update(series, cells_of_rows(np.array(ids, np.uint32), 2))
    with pytest.raises(ValueError, match="more cells than"):
        sweep.update(values, cells_of_rows(np.array([0, 1, 0], np.uint32), 3))


def test_there_is_no_sweep_for_what_it_does_not_take(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sweep_for(["counts"], "float", 1) is not None
    assert sweep_for(["counts"], "wide", 1) is None
    assert sweep_for(["counts", "sketch"], "float", 1) is None
    assert sweep_for([], "float", 1) is None
    monkeypatch.setenv("NORMCLI_KERNEL", "numpy")
    assert sweep_for(["counts"], "float", 1) is None
