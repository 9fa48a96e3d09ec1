"""The edge cases of every method, for those that encode values: text, dates and so on."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import warnings
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import normcli
from normcli.errors import DataError, NormWarning, UsageError
from normcli.methods import METHODS
from normcli.recipe import chain_text, parse_chain
from tests.conformance.bounds import ENCODERS

_Choice = Literal["null", "keep", "global"]

_DAY = dt.date(2024, 2, 29)
_NOON = dt.datetime(2024, 2, 29, 12)
# Four values of each sort, the first two equal, the others different, in no order.
_SORTS: dict[str, pl.Series] = {
    "text": pl.Series(["to be", "to be", "Zoë, 10", "be 9"]),
    "categories": pl.Series(["to be", "to be", "Zoë, 10", "be 9"], dtype=pl.Categorical),
    "enum": pl.Series(["z y", "z y", "a", "b"], dtype=pl.Enum(["z y", "a", "b"])),
    "Boolean": pl.Series([True, True, False, False]),
    **{
        str(dtype): pl.Series([100, 100, 0, 20], dtype=dtype)
        for dtype in (pl.Int8(), pl.Int16(), pl.Int32(), pl.UInt8(), pl.UInt16(), pl.UInt32())
    },
    "Int64": pl.Series([2**63 - 1, 2**63 - 1, -(2**63), 9]),
    "UInt64": pl.Series([2**64 - 1, 2**64 - 1, 0, 10], dtype=pl.UInt64),
    "Decimal": pl.Series(map(Decimal, ("10.50", "10.50", "-9.25", "9")), dtype=pl.Decimal(9, 2)),
    "wide": pl.Series(
        [Decimal(10**30), Decimal(10**30), Decimal("-0.125"), Decimal(9)], dtype=pl.Decimal(38, 3)
    ),
    "Date": pl.Series([_DAY, _DAY, dt.date(1, 1, 1), dt.date(9999, 12, 31)]),
    "Time": pl.Series([dt.time(12), dt.time(12), dt.time(1), dt.time(9, 30)]),
    "ms": pl.Series([_NOON, _NOON, _NOON.replace(4), _NOON.replace(9996)], dtype=pl.Datetime("ms")),
    "ns": pl.Series([2**60 + 1, 2**60 + 1, -5, 2**60]).cast(pl.Datetime("ns", "Europe/Berlin")),
    "Duration": pl.Series([2**60 + 1, 2**60 + 1, -5, 2**60]).cast(pl.Duration("ns")),
    "Binary": pl.Series([b"\xff\x00", b"\xff\x00", b"", b"text"]),
}
_PAIRS = [
    (chain, sort)
    for name, coded in ENCODERS.items()
    for chain in coded.examples
    for sort, values in _SORTS.items()
    if METHODS[name]().takes(values.dtype)
]
_EXAMPLES = [chain for coded in ENCODERS.values() for chain in coded.examples]
_OF_PAIRS = pytest.mark.parametrize(("chain", "sort"), _PAIRS)
_OF_EXAMPLES = pytest.mark.parametrize("chain", _EXAMPLES)


def _fit(frame: pl.DataFrame, chain: str, **options: Any) -> normcli.Stats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormWarning)
        return normcli.fit(frame, method=chain, columns="x", **options)


def _frame(sort: str, *places: int | None) -> pl.DataFrame:
    """Return a column of those of the sort's values, null for None."""
    return _SORTS[sort].alias("x").gather(pl.Series(places, dtype=pl.UInt32)).to_frame()


def _returned(chain: str) -> Callable[[pl.Series], pl.Series]:
    """Return what apply and invert together make of a column: text for categories."""
    change = ENCODERS[parse_chain(chain)[0].name].returned

    def returned(values: pl.Series) -> pl.Series:
        if values.dtype not in (pl.String, pl.Categorical, pl.Enum):
            return values
        texts = values.cast(pl.String).to_list()
        changed = [None if text is None else change(text) for text in texts]
        return pl.Series(values.name, changed, pl.String)

    return returned


def _gives_lists(chain: str) -> bool:
    output = parse_chain(chain)[0].output
    return output is not None and output.is_nested()


def _output(stats: normcli.Stats) -> Any:
    last = stats.fitted.columns[0].steps[-1]
    return last.method.output_of(last.params) or pl.Float64()


def test_every_sort_of_values_is_taken_by_some_method() -> None:
    assert {sort for _, sort in _PAIRS} == set(_SORTS)


@_OF_PAIRS
def test_round_trip_and_null(chain: str, sort: str) -> None:
    frame = _frame(sort, 0, None, 1, 2, 3, None)
    stats = _fit(frame, chain)
    assert stats.params("x") == _fit(_frame(sort, 3, 2, 1, 0), chain).params("x")
    carried = stats.apply(frame)
    assert carried.schema["x"] == _output(stats)
    assert carried["x"].is_null().to_list() == [False, True, False, False, False, True]
    assert carried["x"][0].__class__ is carried["x"][2].__class__
    back = stats.invert(carried)
    assert back["x"].equals(_returned(chain)(frame["x"]))
    assert stats.apply(back).equals(carried)


@_OF_PAIRS
def test_one_row_and_constant_columns(chain: str, sort: str) -> None:
    for places in ([0], [0, 1, 0]):
        frame = _frame(sort, *places)
        stats = _fit(frame, chain)
        carried = stats.apply(frame)
        assert carried["x"].is_null().sum() == 0
        assert len({str(code) for code in carried["x"].to_list()}) == 1
        assert stats.invert(carried)["x"].equals(_returned(chain)(frame["x"]))


@_OF_PAIRS
def test_no_rows(chain: str, sort: str) -> None:
    empty = _frame(sort)
    grouped = empty.with_columns(g=pl.lit("a"))
    for frame, by in ((empty, ()), (grouped, "g")):
        with pytest.raises(DataError, match="no rows"):
            _fit(frame, chain, by=by)
    stats = _fit(_frame(sort, 0, 2), chain)
    carried = stats.apply(empty)
    assert carried.schema == {"x": _output(stats)}
    assert len(carried) == 0
    assert stats.invert(carried)["x"].equals(_returned(chain)(empty["x"]))
    stats = _fit(_frame(sort, 0, 2).with_columns(g=pl.lit("a")), chain, by="g")
    assert stats.invert(stats.apply(grouped)).height == 0


@_OF_PAIRS
def test_a_column_without_values(chain: str, sort: str, tmp_path: Path) -> None:
    frame = _frame(sort, None, None)
    with pytest.warns(NormWarning, match="no valid value; apply will give null"):
        stats = normcli.fit(frame, method=chain, columns="x")
    given = parse_chain(chain)[0].given
    assert stats.params("x") == dict.fromkeys(stats.params("x")) | given
    stats.save(tmp_path / "s.json")
    loaded = normcli.load(tmp_path / "s.json")
    assert loaded.to_json() == stats.to_json()
    for each in (stats, loaded):
        # A value that was not there when it was fitted has nothing to be compared with.
        carried = each.apply(_frame(sort, 0, None))
        assert carried["x"].is_null().all()
        back = each.invert(carried)
        assert back["x"].equals(_returned(chain)(_frame(sort, None, None)["x"]))
    if not _gives_lists(chain):
        stats = _fit(frame, f"{chain}+zscore")
        assert stats.apply(_frame(sort, 0, None))["x"].to_list() == [None, None]


@_OF_EXAMPLES
def test_missing_column(chain: str) -> None:
    frame = pl.DataFrame({"x": ["a", "b"], "other": ["c", "d"]})
    stats = normcli.fit(frame, method=chain, columns="x,other", state=False)
    without = frame.drop("x")
    for carry in (stats.apply, stats.invert):
        with pytest.raises(DataError, match='no column "x"') as raised:
            carry(without)
        assert "--missing-column skip" in str(raised.value)
    carried = stats.apply(without, missing_column="skip")
    assert carried.equals(stats.apply(frame).drop("x"))
    assert stats.invert(carried, missing_column="skip").equals(without)


@_OF_PAIRS
def test_parameters_can_be_given(chain: str, sort: str) -> None:
    """Each alone and all together; given parameters are not fitted, and do what fitted ones do."""
    frame = _frame(sort, 0, 1, 2, 3)
    fitted = _fit(frame, chain)
    (step,) = parse_chain(chain)
    texts = {
        name: tuple(map(_written, value)) if isinstance(value, list) else value
        for name, value in fitted.params("x").items()
    }
    if any(text is None for value in texts.values() if isinstance(value, tuple) for text in value):
        with pytest.raises(UsageError, match="values can be given as text for String"):
            _fit(frame, "ordinal:categories=12")
        return
    for given_params in [*({name: value} for name, value in texts.items()), texts]:
        options: dict[str, Any] = given_params
        written = chain_text((dataclasses.replace(step, **options),))
        assert parse_chain(written)[0].given.keys() == given_params.keys() | step.given.keys()
        stats = _fit(frame, written)
        assert stats.params("x") == fitted.params("x")
        assert stats.apply(frame).equals(fitted.apply(frame))
        assert stats.invert(stats.apply(frame)).equals(fitted.invert(fitted.apply(frame)))
        assert (
            json.loads(stats.to_json())["columns"]["x"]["steps"][0].items()
            >= {**{name: _listed(value) for name, value in given_params.items()}}.items()
        )


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _written(value: Any) -> str | None:
    """Return a value as an option's text; None if values of its sort can't be given."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (bytes, dt.datetime, dt.time, dt.timedelta)):
        return None
    return str(value)


@_OF_PAIRS
def test_every_option_is_read_back_from_a_stats_file(chain: str, sort: str, tmp_path: Path) -> None:
    frame = _frame(sort, 0, 1, None, 2, 3)
    for state in (True, False):
        stats = _fit(frame, chain, state=state)
        stats.save(tmp_path / "s.json")
        loaded = normcli.load(tmp_path / "s.json")
        assert loaded.to_json() == stats.to_json()
        assert loaded.apply(frame).equals(stats.apply(frame))
        assert loaded.invert(loaded.apply(frame)).equals(stats.invert(stats.apply(frame)))
        step = loaded.fitted.columns[0].steps[0].method
        assert dataclasses.asdict(step) == dataclasses.asdict(parse_chain(chain)[0])


@_OF_PAIRS
def test_shards_merge_into_the_whole(chain: str, sort: str, tmp_path: Path) -> None:
    whole = _fit(_frame(sort, 0, 1, None, 2, 3, None), chain)
    shards = []
    for i, places in enumerate([(2, None), (None,), (0, 3), (1,)]):
        _fit(_frame(sort, *places), chain).save(tmp_path / f"{i}.json")
        shards.append(normcli.load(tmp_path / f"{i}.json"))
    for order in ((0, 1, 2, 3), (3, 1, 0, 2)):
        merged = normcli.merge(*(shards[i] for i in order))
        assert merged.to_json() == whole.to_json()


# Groups: the same codes in all of them.


def _grouped(sort: str, groups: str, *places: int | None) -> pl.DataFrame:
    return _frame(sort, *places).insert_column(0, pl.Series("g", list(groups)))


@_OF_PAIRS
def test_groups_have_the_codes_of_all_rows(chain: str, sort: str, tmp_path: Path) -> None:
    frame = _grouped(sort, "aabbc", 0, 2, 3, 0, None)
    stats, overall = _fit(frame, chain, by="g"), _fit(frame, chain)
    assert stats.params("x") == overall.params("x")
    carried = stats.apply(frame)
    assert carried.equals(overall.apply(frame))
    assert stats.invert(carried).equals(overall.invert(carried))
    stats.save(tmp_path / "s.json")
    assert normcli.load(tmp_path / "s.json").to_json() == stats.to_json()
    shards = [_fit(frame[:2], chain, by="g"), _fit(frame[2:], chain, by="g")]
    assert normcli.merge(*shards).to_json() == stats.to_json()


@_OF_PAIRS
def test_unknown_group(chain: str, sort: str) -> None:
    stats = _fit(_grouped(sort, "aabb", 0, 2, 3, 0), chain, by="g")
    new = _grouped(sort, "abc", 2, 0, 3)
    codes = _fit(_frame(sort, 0, 2, 3, 0), chain).apply(new.drop("g"))["x"]
    back = stats.invert(stats.apply(new, unknown_group="keep"), unknown_group="keep")["x"]
    assert back.equals(_returned(chain)(new["x"]))
    for carry, frame, whole in (
        (stats.apply, new, codes),
        (stats.invert, new.with_columns(codes), back),
    ):
        with pytest.raises(DataError, match=r"group g='c' is not in the stats file"):
            carry(frame)
        for choice in ("keep", "global"):
            assert carry(frame, unknown_group=choice)["x"].equals(whole)
        found = carry(frame, unknown_group="null")["x"]
        assert found.head(2).equals(whole.head(2))
        assert found.is_null().to_list() == [False, False, True]


@_OF_PAIRS
def test_a_group_without_values_is_no_matter(chain: str, sort: str) -> None:
    frame = _grouped(sort, "abc", 0, 2, None)
    stats = normcli.fit(frame, method=chain, columns="x", by="g")
    new = _grouped(sort, "abc", 2, 0, 2)
    assert stats.apply(new)["x"].null_count() == 0


_NUMBERED = [c for c in _EXAMPLES if not _gives_lists(c)]


@pytest.mark.parametrize("second", ["zscore", "minmax:low=-1", "robust", "log1p+mean_range"])
@pytest.mark.parametrize("chain", _NUMBERED)
def test_later_steps_are_fitted_on_the_codes(chain: str, second: str, tmp_path: Path) -> None:
    for sort in ("text", "Date", "Int64"):
        frame = _grouped(sort, "aababbab", 0, 2, 3, 3, 1, None, 2, 2)
        for by in ((), ("g",)):
            codes = _fit(frame, chain, by=by).apply(frame)
            chained, alone = _fit(frame, f"{chain}+{second}", by=by), _fit(codes, second, by=by)
            for one, other in zip(
                chained.fitted.columns[0].steps[1:], alone.fitted.columns[0].steps, strict=True
            ):
                assert one.params == other.params
                assert one.groups == other.groups
            carried = chained.apply(frame)
            assert carried.equals(alone.apply(codes))
            assert chained.invert(carried)["x"].equals(_returned(chain)(frame["x"]))
            chained.save(tmp_path / "s.json")
            assert normcli.load(tmp_path / "s.json").to_json() == chained.to_json()


@pytest.mark.parametrize("chain", _NUMBERED)
def test_groups_that_later_steps_do_not_know(chain: str) -> None:
    frame = _grouped("text", "aabbc", 0, 2, 3, 3, None)
    with pytest.warns(NormWarning, match="no valid value in 1 of 3 groups"):
        stats = normcli.fit(frame, method=f"{chain}+minmax", columns="x", by="g")
    new = _grouped("text", "acd", 2, 2, 3)
    for group in ("c", "d"):
        with pytest.raises(DataError, match=f"group g='{group}'"):
            stats.apply(new.filter(pl.col("g") == group))
    codes = [float(code) for code in _fit(frame, chain).apply(new)["x"]]
    kept = stats.apply(new, unknown_group="keep")
    assert kept["x"].to_list()[1:] == codes[1:]
    assert stats.invert(kept, unknown_group="keep")["x"].equals(_returned(chain)(new["x"]))
    assert stats.apply(new, unknown_group="null")["x"].to_list()[1:] == [None, None]


# Values that the fit has not seen.


@pytest.mark.parametrize("chain", [c for coded in ENCODERS.values() for c in coded.bounded])
def test_a_value_without_a_code_is_named(chain: str) -> None:
    stats = _fit(_frame("text", 0, 1, None, 2), chain)
    assert stats.apply(_frame("text", 2, None))["x"].null_count() == 1
    new = pl.DataFrame({"x": ["to be", "q", None, "p", "q", "r", "s"]})
    with pytest.raises(DataError) as raised:
        stats.apply(new)
    message = 'column "x" has at least 5 values that ordinal has no code for: "p", "q", "r", …'
    assert message in str(raised.value)
    assert "unseen=null" in str(raised.value)
    carried = pl.DataFrame({"x": [0.4, -0.5, None, float("nan"), 1.6, -3.0]})
    with pytest.raises(DataError, match=r'"x" has at least 2 values that are no code of ordinal'):
        stats.invert(carried)
    assert stats.invert(carried.head(1))["x"].to_list() == ["Zoë, 10"]


def test_ordinal_makes_null_of_what_it_has_not_seen_if_asked() -> None:
    stats = _fit(_frame("text", 0, 2), "ordinal:unseen=null")
    assert stats.apply(pl.DataFrame({"x": ["q", "to be", None]}))["x"].to_list() == [None, 1, None]
    codes = pl.DataFrame({"x": [-0.6, -0.4, 0.4, 1.4, 1.6, None, float("nan"), float("inf")]})
    back = [None, "Zoë, 10", "Zoë, 10", "to be", None, None, None, None]
    assert stats.invert(codes)["x"].to_list() == back


@pytest.mark.parametrize("by", [(), "g"])
def test_ordinal_by_given_categories_looks_at_what_it_is_fitted_on(by: Sequence[str]) -> None:
    frame = pl.DataFrame({"g": list("aabb"), "x": ["low", "high", "none", "low"]})
    chain = "ordinal:categories=low:high"
    for later in ("", "+zscore"):
        with pytest.raises(DataError, match='1 value that ordinal has no code for: "none"'):
            _fit(frame, chain + later, by=by)
        stats = _fit(frame, f"{chain},unseen=null{later}", by=by)
        assert stats.apply(frame)["x"].is_null().to_list() == [False, False, True, False]
    stats = _fit(frame, "ordinal:categories=none:low:medium:high", by=by)
    assert stats.apply(frame)["x"].to_list() == [1, 3, 0, 1]


@pytest.mark.parametrize(
    ("fitted", "new", "codes"),
    [
        (pl.Series([3, 1], dtype=pl.Int8), pl.Series([1, 300], dtype=pl.Int64), [0, None]),
        (pl.Series([3, 1]), pl.Series([1.0, 1.5, None, float("nan")]), [0, None, None, None]),
        (pl.Series([3, 1]), pl.Series([Decimal("3.0"), Decimal("3.5")]), [1, None]),
        (pl.Series([1, 0]), pl.Series([True, False]), [1, 0]),
        (
            pl.Series([Decimal("0.5"), Decimal(2)], dtype=pl.Decimal(9, 1)),
            pl.Series([Decimal("0.50"), Decimal("0.51")], dtype=pl.Decimal(9, 2)),
            [0, None],
        ),
        (
            pl.Series([_NOON], dtype=pl.Datetime("ms")),
            pl.Series([_NOON, _NOON.replace(microsecond=1)], dtype=pl.Datetime("us")),
            [0, None],
        ),
        (pl.Series(["b", "a"]), pl.Series(["a", "b"], dtype=pl.Enum(["b", "a"])), [0, 1]),
        (pl.Series(["b", "a"]), pl.Series([None], dtype=pl.Null), [None]),
    ],
    ids=str,
)
def test_ordinal_finds_values_of_another_dtype_if_they_are_the_same(
    fitted: pl.Series, new: pl.Series, codes: list[int | None]
) -> None:
    chain = "ordinal:unseen=null"
    found = _fit(fitted.alias("x").to_frame(), chain).apply(new.alias("x").to_frame())["x"]
    assert found.to_list() == codes


@pytest.mark.parametrize(
    ("fitted", "new"),
    [("text", "Int8"), ("Int8", "text"), ("Date", "ms"), ("Binary", "text"), ("Boolean", "Binary")],
)
def test_values_of_another_sort_are_refused(fitted: str, new: str) -> None:
    stats = _fit(_frame(fitted, 0, 2), "ordinal")
    with pytest.raises(DataError, match=r'column "x" is .*; "x" was fitted as'):
        stats.apply(_frame(new, 0, 2))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text() | st.none(), min_size=1), st.randoms())
def test_ordinal_of_any_text(texts: list[str | None], chance: Any) -> None:
    frame = pl.DataFrame({"x": pl.Series(texts, dtype=pl.String)})
    stats = _fit(frame, "ordinal")
    codes = stats.apply(frame)["x"].to_list()
    ranked = {text: rank for rank, text in enumerate(sorted({t for t in texts if t is not None}))}
    assert codes == [None if text is None else ranked[text] for text in texts]
    assert stats.invert(stats.apply(frame)).equals(frame)
    shuffled = chance.sample(texts, len(texts))
    assert _fit(pl.DataFrame({"x": pl.Series(shuffled, dtype=pl.String)}), "ordinal").to_json() == (
        stats.to_json()
    )


@pytest.mark.parametrize("columns", ["x", "x,y"])
def test_floats_are_no_categories(columns: str) -> None:
    frame = pl.DataFrame({"x": [1.5, 2.0], "y": ["a", "b"]})
    with pytest.raises(DataError, match='column "x" is Float64; ordinal needs text') as raised:
        normcli.fit(frame, method="ordinal", columns=columns)
    assert "floats are no categories" in str(raised.value)


def test_alone_a_method_for_text_means_all_text() -> None:
    frame = pl.DataFrame({"n": [1, 2], "x": ["a", "b"], "g": ["u", "v"], "f": [0.5, 1.5]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormWarning)
        for chain in _EXAMPLES:
            stats = normcli.fit(frame, method=chain, by="g")
            assert [column.name for column in stats.fitted.columns] == ["x"]


def test_nearly_all_different_is_worth_a_warning() -> None:
    names = pl.DataFrame({"x": [f"row {i}" for i in range(100)]})
    with pytest.warns(
        NormWarning, match=r"100 categories in 100 values; if they are names of rows"
    ):
        normcli.fit(names, method="ordinal")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        normcli.fit(names.with_columns(pl.col("x").str.slice(0, 5)), method="ordinal")
        normcli.fit(names[:5], method="ordinal")
    with pytest.warns(NormWarning, match="is constant"):
        normcli.fit(pl.DataFrame({"x": ["a", "a"]}), method="ordinal")
