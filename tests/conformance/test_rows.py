"""Row-wise methods: what every one does to vectors of one column and of several, and back."""

from __future__ import annotations

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
from normcli.errors import DataError, NormWarning, UsageError
from normcli.kept import from_columns, kept_columns
from normcli.methods import METHODS
from normcli.methods.rowwise import RowMethod
from normcli.recipe import parse_chain
from tests.conformance.row_bounds import ROW_BOUNDS

_CHAINS = [chain for bound in ROW_BOUNDS.values() for chain in bound.examples]
_FIRST = [bound.examples[0] for bound in ROW_BOUNDS.values()]
_NAMES = ["c0", "c1", "c2", "c3"]
Rows = Sequence[Sequence[float | None]]


def _shape(chain: str) -> tuple[int, ...]:
    """Return the shape of tensors of four elements that a method takes."""
    return (2, 2) if "instancenorm" in chain else (4,)


def _joins_columns(chain: str) -> bool:
    return len(_shape(chain)) == 1


def _tensors(rows: Rows, chain: str, dtype: Any = pl.Float64) -> pl.DataFrame:
    flat = pl.Series("x", [value for row in rows for value in row], pl.Float64).cast(dtype)
    return flat.reshape((-1, *_shape(chain))).to_frame()


def _columns(rows: Rows, dtype: Any = pl.Float64) -> pl.DataFrame:
    data = pl.DataFrame(rows, schema=dict.fromkeys(_NAMES, pl.Float64), orient="row")
    return data.cast(dtype)


def _keeps(chain: str) -> list[str]:
    method = METHODS[chain.partition(":")[0]]
    assert issubclass(method, RowMethod)
    return [name for name, _ in method.keeps]


def _fit(frame: pl.DataFrame, chain: str) -> normcli.Stats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormWarning)
        return normcli.fit(frame, method=chain, columns="x" if "x" in frame.columns else "c*")


def _elements(frame: pl.DataFrame) -> list[list[float | None]]:
    if "x" in frame.columns:
        flat = frame["x"].reshape((-1,)).to_list()
        return [flat[i : i + 4] for i in range(0, len(flat), 4)]
    return [list(row) for row in frame.select(_NAMES).rows()]


def _inverted(stats: normcli.Stats, frame: pl.DataFrame) -> pl.DataFrame:
    back = stats.invert(stats.apply(frame, keep_row_stats=True))
    assert back.schema == frame.schema
    return back


def _check(frame: pl.DataFrame, chain: str) -> None:
    """Hold every element that comes back to the bound of its method."""
    stats = _fit(frame, chain)
    (column,) = stats.fitted.columns
    (step,) = column.steps
    method = step.method
    assert isinstance(method, RowMethod)
    exact = stats.apply(frame, keep_row_stats=True, dtype="float64")
    kept = from_columns(kept_columns(column.name, column), exact, "exact")[0]
    shape = _shape(chain)
    each = 4 // method.parts(shape)
    bound = ROW_BOUNDS[method.name]
    single = pl.Float32 in frame.schema.values() or "Float32" in str(frame.schema.get("x"))
    back = _elements(_inverted(stats, frame))
    ys = _elements(exact)
    for row, values in enumerate(_elements(frame)):
        for i, x in enumerate(values):
            returned, y = back[row][i], ys[row][i]
            if x is None or math.isnan(x):
                assert returned is x or (returned is not None and math.isnan(returned))
                continue
            params = {name: float(of[row, i // each]) for name, of in kept.items()}
            for option in ("gamma", "beta"):
                if hasattr(method, option):
                    spread = np.broadcast_to(method.spread(option, shape), (4 // each, each))
                    params[option] = float(spread.ravel()[i])
            allowed = bound.error(method, params, x)
            assert returned is not None
            assert y is not None
            if single:
                eta = abs(y) * 2.0**-24 + 2.0**-150
                allowed += (bound.spread(method, params, x, eta) + abs(x) * 2.0**-24) * 1.001
                allowed += 2.0**-149
            assert abs(returned - x) <= allowed, (values, x, returned, allowed, params)


def test_every_row_method_is_covered() -> None:
    assert set(ROW_BOUNDS) == {name for name in METHODS if issubclass(METHODS[name], RowMethod)}


_NUMBERS = st.one_of(
    st.floats(-(2.0**1015), 2.0**1015),
    st.floats(-1e6, 1e6),
    st.floats(-1, 1).map(lambda t: 1e9 + t),
)


@pytest.mark.parametrize("chain", _CHAINS)
@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.lists(_NUMBERS, min_size=4, max_size=4), min_size=1, max_size=4))
def test_floats_come_back_within_the_bound(chain: str, rows: Rows) -> None:
    _check(_tensors(rows, chain), chain)
    if _joins_columns(chain):
        _check(_columns(rows), chain)


@pytest.mark.parametrize("dtype", [pl.Float64, pl.Float32])
@pytest.mark.parametrize("chain", _CHAINS)
def test_null_and_nan_take_no_part_and_come_back(chain: str, dtype: Any) -> None:
    chance = np.random.default_rng(5)
    rows: list[list[float | None]] = np.exp(chance.normal(2, 3, (20, 4))).tolist()
    rows += [[None, 3.0, math.nan, 1.0], [None] * 4, [math.nan] * 4, [2.0, None, None, 5.5]]
    _check(_tensors(rows, chain, dtype), chain)
    if _joins_columns(chain):
        _check(_columns(rows, dtype), chain)
    # As if what is missing were not there: the others' numbers do not depend on it.
    y = _elements(_fit(_tensors(rows, chain), chain).apply(_tensors(rows, chain)))
    for row, values in zip(y, rows, strict=True):
        for found, x in zip(row, values, strict=True):
            assert (found is None) == (x is None)
            assert found is None or x is None or math.isnan(found) == math.isnan(x)


@pytest.mark.parametrize("chain", [c for c in _CHAINS if ":0" not in c and "group" not in c])
def test_rows_are_as_if_what_is_missing_were_not_there(chain: str) -> None:
    if "instancenorm" in chain or "1:0.5" in chain:
        chain = "unit:norm=l1"
    whole = _columns([[2.0, None, 5.5, 7.0], [math.nan, 1.0, 4.0, -3.0]])
    short = pl.DataFrame({"c0": [2.0, 1.0], "c1": [5.5, 4.0], "c2": [7.0, -3.0]})
    y, expected = _fit(whole, chain).apply(whole), _fit(short, chain).apply(short)
    assert [v for v in y.row(0) if v is not None] == list(expected.row(0))
    assert list(y.row(1)[1:]) == list(expected.row(1))


@pytest.mark.parametrize("chain", _CHAINS)
def test_a_row_depends_on_no_other(chain: str) -> None:
    chance = np.random.default_rng(9)
    rows: list[list[float | None]] = chance.normal(0, 1, (60, 4)).tolist()
    rows[7] = [1e300, -1e290, 3.0, 0.0]
    rows[11] = [math.nan, None, 3.0, 8.0]
    rows[12] = [5e-324, 1e-310, -1e-320, 0.0]
    frame = _tensors(rows, chain)
    stats = _fit(frame, chain)
    whole = stats.apply(frame, keep_row_stats=True)
    alone = pl.concat(stats.apply(frame[i], keep_row_stats=True) for i in range(len(rows)))
    assert whole.equals(alone)
    # More rows than are taken at once.
    many = stats.apply(pl.concat([frame] * 200), keep_row_stats=True)
    assert many.equals(pl.concat([whole] * 200))


_HUGE = [2.0**1015, -(2.0**1014), 0.0, 2.0**1012]


@pytest.mark.parametrize("power", [0, -1020, -1900])
@pytest.mark.parametrize("chain", [c for c in _CHAINS if "beta" not in c and "clip" not in c])
def test_a_power_of_two_does_not_matter(chain: str, power: int) -> None:
    """Without eps, rows of huge and of tiny numbers become what ordinary ones do."""
    chain = chain.split(":")[0] + (":groups=2" if "group" in chain else "")
    chain += ("," if ":" in chain else ":") + "eps=0" if "unit" not in chain else ""
    huge = [math.ldexp(x, power) for x in _HUGE]
    plain = [math.ldexp(x, -1012) for x in _HUGE]
    y = [_elements(_fit(f, chain).apply(f)) for f in (_tensors([r], chain) for r in (huge, plain))]
    assert y[0] == y[1]


@pytest.mark.parametrize("chain", _FIRST)
def test_infinite_elements_follow_the_formula(chain: str) -> None:
    frame = _tensors([[1.0, 2.0, 3.0, 5.0], [1.0, math.inf, 3.0, 5.0]], chain)
    stats = _fit(frame[:1], chain)
    y = _elements(stats.apply(frame))
    assert y[0] == _elements(stats.apply(frame[:1]))[0]
    first = y[1][0]
    assert first is not None
    # Over an infinite norm it is 0; less an infinite mean it is no number.
    assert math.isnan(first) if "std" in _keeps(chain) else first == 0
    with pytest.raises(DataError, match="1 infinite value"):
        _fit(frame, chain)


def test_constant_rows_and_rows_of_zeros() -> None:
    rows = [[0.1] * 4, [0.0] * 4, [1e300] * 4, [-5e-324] * 4]
    for chain in _CHAINS:
        if "std" in _keeps(chain) and "beta" not in chain:
            frame = _tensors(rows, chain)
            assert _elements(_fit(frame, chain).apply(frame)) == [[0.0] * 4] * 4
            assert _inverted(_fit(frame, chain), frame).equals(frame)
    zeros = _tensors([[0.0] * 4], "unit")
    for chain in ("unit", "unit:norm=l1", "unit:norm=max", "rmsnorm:eps=0", "clipnorm"):
        assert _fit(zeros, chain).apply(zeros).equals(zeros)


def test_adanorm_brings_back_the_smaller_of_two() -> None:
    """One element of 30 that is far above the others has z = √29 > 1/(2k) = 5."""
    names = [f"c{i}" for i in range(30)]
    frame = pl.DataFrame([[0.0] * 29 + [300.0]], schema=names, orient="row")
    stats = normcli.fit(frame, method="adanorm:eps=0")
    carried = stats.apply(frame, keep_row_stats=True)
    mean, std = carried["@numeric.mean"][0], carried["@numeric.std"][0]
    z = (300.0 - mean) / std
    assert z == pytest.approx(math.sqrt(29))
    back = stats.invert(carried)
    assert back["c29"][0] == pytest.approx(mean + std * (1 / 0.1 - z))
    assert max(abs(value) for value in back.row(0)[:-1]) < 1e-12
    steep = normcli.fit(frame, method="adanorm:eps=0,k=0.09")
    again = steep.invert(steep.apply(frame, keep_row_stats=True))
    assert again["c29"][0] == pytest.approx(300.0)


def test_kept_columns_have_to_be_what_apply_wrote() -> None:
    chain = "instancenorm"
    frame = _tensors([[1.0, 2.0, 3.0, 5.0], [4.0, 4.5, 2.0, 1.0]], chain)
    stats = _fit(frame, chain)
    y = stats.apply(frame, keep_row_stats=True)
    assert y.schema["x.mean"] == pl.Array(pl.Float64, 2)
    assert stats.invert(y.with_columns(pl.col("x.mean").arr.to_list())).equals(frame)
    for wrong in (
        pl.lit("a"),
        pl.lit(1.0),
        pl.lit(pl.Series([[1.0, 2.0, 3.0]], dtype=pl.Array(pl.Float64, 3))).first(),
    ):
        with pytest.raises(DataError, match=r'column "x\.mean" is .*, not the Array\(Float64,2\)'):
            stats.invert(y.with_columns(wrong.alias("x.mean")))
    with pytest.raises(DataError, match=r'"x\.mean", row 1: its shape is 1, the expected one is 2'):
        stats.invert(y.with_columns(pl.lit([1.0]).alias("x.mean")))
    with pytest.raises(
        DataError, match=r'"x\.mean", row 1: its shape is 1×2, the expected one is 2'
    ):
        stats.invert(y.with_columns(pl.lit([["a", "b"]]).alias("x.mean")))
    one = _fit(frame, "layernorm")
    with pytest.raises(DataError, match=r'column "x\.std" is String, not the Float64'):
        one.invert(one.apply(frame, keep_row_stats=True).with_columns(pl.lit("a").alias("x.std")))


@pytest.mark.parametrize("dtype", [pl.UInt8, pl.Int32, pl.Int64, pl.Decimal(9, 2)])
@pytest.mark.parametrize("chain", _FIRST)
def test_whole_numbers_come_back_identical(chain: str, dtype: Any) -> None:
    chance = np.random.default_rng(6)
    rows: list[list[float | None]] = chance.integers(0, 200, (30, 4)).tolist()
    rows += [[None, 3, 4, 9], [7, 7, 7, 7], [0, 0, 0, 0]]
    frames = [_tensors(rows, chain, dtype)] if dtype != pl.Decimal(9, 2) else []
    frames += [_columns(rows, dtype)] if _joins_columns(chain) else []
    for frame in frames:
        assert _inverted(_fit(frame, chain), frame).equals(frame)


@pytest.mark.parametrize("chain", _FIRST)
def test_without_what_rows_lose_invert_refuses(chain: str) -> None:
    frame = _tensors([[1.0, 2.0, 3.0, 5.0]], chain)
    stats = _fit(frame, chain)
    with pytest.raises(DataError, match=r'no column "x\.\w+".*can\'t be brought back') as raised:
        stats.invert(stats.apply(frame))
    assert "--keep-row-stats" in str(raised.value)


@pytest.mark.parametrize("chain", _CHAINS)
def test_a_stats_file_says_it_all(chain: str, tmp_path: Path) -> None:
    rows: Rows = [[1.0, 2.0, 3.0, 5.0], [4.0, 4.5, None, 1.0]]
    frames = [_tensors(rows, chain)] + ([_columns(rows)] if _joins_columns(chain) else [])
    for frame in frames:
        stats = _fit(frame, chain)
        stats.save(tmp_path / "s.json")
        loaded = normcli.load(tmp_path / "s.json")
        assert loaded.to_json() == stats.to_json()
        assert loaded.fitted.columns[0].steps[0].method == parse_chain(chain)[0]
        assert loaded.apply(frame).equals(stats.apply(frame))
        merged = normcli.merge(_fit(frame[:1], chain), _fit(frame[1:], chain))
        assert merged.to_json() == stats.to_json()


@pytest.mark.parametrize("chain", _FIRST)
def test_no_rows_and_null_rows(chain: str) -> None:
    frame = _tensors([[1.0, 2.0, 3.0, 5.0]], chain)
    stats = _fit(frame, chain)
    empty = frame.clear()
    assert stats.apply(empty).equals(empty)
    assert stats.invert(stats.apply(empty, keep_row_stats=True)).equals(empty)
    missing = pl.concat([frame, frame.clear(1)])
    carried = stats.apply(missing, keep_row_stats=True)
    assert carried["x"].is_null().to_list() == [False, True]
    assert _inverted(stats, missing)["x"].is_null().to_list() == [False, True]


@pytest.mark.parametrize("chain", _FIRST)
def test_groups_do_not_matter(chain: str) -> None:
    frame = _tensors([[1.0, 2.0, 3.0, 5.0], [8.0, 2.0, -3.0, 5.0]], chain)
    grouped = frame.with_columns(g=pl.Series(["a", "b"]))
    stats = normcli.fit(grouped, method=chain, columns="x", by="g")
    carried = stats.apply(grouped, keep_row_stats=True)
    assert carried.drop("g").equals(_fit(frame, chain).apply(frame, keep_row_stats=True))
    back = stats.invert(carried)
    assert back.columns == ["x", "g"]


@pytest.mark.parametrize("gamma", ["0", "1:0:2:3"])
def test_a_gamma_of_zero_can_not_be_undone(gamma: str) -> None:
    frame = _tensors([[1.0, 2.0, 3.0, 5.0]], "layernorm")
    stats = _fit(frame, f"layernorm:gamma={gamma},beta=7")
    assert stats.apply(frame)["x"].reshape((-1,)).to_list()[1] == 7
    with pytest.raises(DataError, match="multiplies by a gamma of 0"):
        stats.invert(stats.apply(frame, keep_row_stats=True))


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        ("instancenorm", r'"c\*" has vectors of 4 elements; instancenorm needs tensors'),
        ("groupnorm:groups=3", r'"c\*" has 4 channels, which do not fall into 3 groups'),
        ("groupnorm:groups=4", r'"c\*" has one element in each part'),
        ("groupnorm:groups=2,gamma=1:2", r'gamma has 2 numbers, but column "c\*" has 4 channels'),
    ],
)
def test_vectors_that_do_not_fit_are_refused(chain: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        _fit(_columns([[1.0, 2.0, 3.0, 5.0]]), chain)


@pytest.mark.parametrize(
    "chain",
    [
        *("groupnorm", "groupnorm:groups=0", "clipnorm:max=0", "adanorm:c=0", "adanorm:k=-1"),
        *("layernorm:eps=-1", "unit:norm=l3", "rmsnorm:beta=1", "layernorm:gamma=1:x"),
        *("layernorm:gamma=nan", "layernorm:beta=1:inf"),
    ],
)
def test_options_without_meaning_are_refused(chain: str) -> None:
    with pytest.raises(UsageError):
        parse_chain(chain)


@pytest.mark.parametrize("option", ["gamma", "beta"])
def test_a_list_of_the_wrong_length_is_refused(option: str) -> None:
    frame = _columns([[1.0, 2.0, 3.0, 5.0]])
    message = rf"layernorm: {option} has 3 numbers, but column \"c\*\" has 4 elements"
    with pytest.raises(DataError, match=message):
        _fit(frame, f"layernorm:{option}=1:2:3")
