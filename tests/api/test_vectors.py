"""Columns that one selector names, as one vector: which, and what apply and invert make of them."""

from __future__ import annotations

import polars as pl
import pytest

import normcli
from normcli.errors import DataError, UsageError
from normcli.methods import METHODS

FRAME = pl.DataFrame(
    {
        "id": ["r", "s", "t"],
        "bill_a": pl.Series([1, 3, 5], dtype=pl.Int8),
        "mass": [100.0, 200.0, 600.0],
        "bill_b": [3.0, 1.0, None],
        "bill_c": pl.Series([2, 2, 7], dtype=pl.Float32),
        "day": pl.Series([1, 2, 3], dtype=pl.Int32).cast(pl.Date),
        "t": pl.Series([[1.0, 3.0], [2.0, 5.0], None], dtype=pl.Array(pl.Float32, 2)),
        "u": pl.Series([[1, 3], [2, 5], [7, 1]], dtype=pl.Array(pl.UInt8, 2)),
    }
)


def _members(stats: normcli.Stats) -> dict[str, list[str]]:
    return {column.name: list(column.members or {}) for column in stats.fitted.columns}


def _fit(**options: object) -> normcli.Stats:
    return normcli.fit(FRAME, **options)  # type: ignore[arg-type]


def test_a_selector_makes_a_vector() -> None:
    bills = ["bill_a", "bill_b", "bill_c"]
    assert _members(_fit(method="layernorm")) == {
        "@numeric": ["bill_a", "mass", "bill_b", "bill_c"]
    }
    assert _members(_fit(method="layernorm", columns="bill_*")) == {"bill_*": bills}
    # Whatever the order of the names, the elements are in that of the data.
    assert _members(_fit(method="layernorm", columns="bill_c,bill_a")) == {
        "bill_c,bill_a": ["bill_a", "bill_c"]
    }
    # A glob passes over what is no number, as for other methods.
    assert _members(_fit(method="layernorm", columns="[!tu]*")) == {
        "[!tu]*": ["bill_a", "mass", "bill_b", "bill_c"]
    }


def test_a_vector_among_other_columns() -> None:
    stats = _fit(set={"bill_*": "layernorm"})
    assert _members(stats) == {"bill_*": ["bill_a", "bill_b", "bill_c"], "mass": []}
    stats = _fit(set={"bill_*": "layernorm", "bill_b": "minmax"})
    assert _members(stats) == {"bill_*": ["bill_a", "bill_c"], "mass": [], "bill_b": []}
    stats = _fit(set={"bill_*": "layernorm"}, exclude="bill_a")
    assert _members(stats) == {"mass": [], "bill_*": ["bill_b", "bill_c"]}
    stats = _fit(set=[("@numeric", "layernorm"), ("bill_*", "layernorm:eps=1"), ("mass", "skip")])
    assert _members(stats) == {"bill_*": ["bill_a", "bill_b", "bill_c"]}
    stats = _fit(columns="mass", by="bill_a", set={"@float": "layernorm"})
    assert _members(stats) == {"@float": ["mass", "bill_b", "bill_c"]}


def test_tensors_are_vectors_each_of_its_own() -> None:
    stats = _fit(method="layernorm", columns="t,u")
    assert _members(stats) == {"t": [], "u": []}
    y = stats.apply(FRAME)
    assert y.schema["t"] == pl.Array(pl.Float32, 2)
    assert y.schema["u"] == pl.Array(pl.Float64, 2)


@pytest.mark.parametrize(
    ("columns", "message", "hint"),
    [
        ("mass", 'leaves only the column "mass"', "name a column of vectors: t, u"),
        ("mass,t", r"names numbers \(mass\) and tensors \(t\)", "selectors of their own"),
        ("bill_a,day", 'column "day" is Date; layernorm needs numbers', "--exclude"),
        ("bill_a,id", 'column "id" is String; layernorm needs numbers', "--null-value"),
    ],
)
def test_what_makes_no_vector_is_refused(columns: str, message: str, hint: str) -> None:
    with pytest.raises(DataError, match=message) as raised:
        _fit(method="layernorm", columns=columns)
    assert hint in str(raised.value)


def test_lists_have_to_be_of_one_length() -> None:
    frame = pl.DataFrame({"l": [[1.0, 2.0], [3.0]]})
    with pytest.raises(DataError, match=r"List\(Float64\); layernorm needs .* one shape"):
        normcli.fit(frame, columns="l", method="layernorm")


def test_there_and_back() -> None:
    stats = _fit(set={"bill_*": "zscore+layernorm"}, columns="mass")
    y = stats.apply(FRAME, keep_row_stats=True)
    assert y.columns == [*FRAME.columns, "bill_*.mean", "bill_*.std"]
    assert y["bill_a"].dtype == pl.Float64
    assert y["bill_c"].dtype == pl.Float32
    back = stats.invert(y)
    assert back.schema == FRAME.schema
    exact = ["id", "bill_a", "day", "t", "u"]
    assert back.select(exact).equals(FRAME.select(exact))
    for name in ("mass", "bill_b", "bill_c"):
        assert (back[name] - FRAME[name]).abs().max() < 1e-5  # type: ignore[operator]
    single = stats.apply(FRAME, keep_row_stats=True, dtype="float32")
    assert single["bill_a"].dtype == pl.Float32
    assert single["bill_*.std"].dtype == pl.Float64


def test_a_later_step_is_fitted_on_the_rows_that_come_out() -> None:
    vector = FRAME.select("bill_a", "bill_b", "bill_c")
    rows = normcli.fit(vector, method="layernorm").apply(vector, dtype="float64")
    chained = normcli.fit(vector, method="layernorm+minmax:axis=none")
    low, high = (rows.select(pl.concat_list(pl.all()).explode()).to_series() for _ in range(2))
    params = chained.params("@numeric")
    # Float32 rounds the elements of bill_c, so the ends are compared to that many digits.
    assert params["min"] == pytest.approx(low.min(), rel=1e-6)
    assert params["max"] == pytest.approx(high.max(), rel=1e-6)
    y = chained.apply(vector)
    assert min(y[name].min() for name in y.columns) == 0  # type: ignore[type-var]
    assert max(y[name].max() for name in y.columns) == 1  # type: ignore[type-var]


def test_missing_members() -> None:
    stats = _fit(set={"bill_*": "layernorm"})
    with pytest.raises(DataError, match='no column "bill_b", which "bill_\\*" takes') as raised:
        stats.apply(FRAME.drop("bill_b"), missing_column="skip")
    assert "--map NEW=bill_b" in str(raised.value)
    # Without any of them there is nothing to take.
    rest = FRAME.drop("bill_a", "bill_b", "bill_c")
    with pytest.raises(DataError, match='no column "bill_a"'):
        stats.apply(rest)
    assert stats.apply(rest, missing_column="skip").columns == rest.columns


def test_other_columns_can_take_the_places_of_members() -> None:
    stats = _fit(columns="bill_*", method="layernorm")
    renamed = FRAME.rename({"bill_b": "b", "bill_a": "bill_b", "bill_c": "c"})
    places = {"b": "bill_b", "c": "bill_c", "bill_b": "bill_a"}
    y = stats.apply(renamed, renamed=places, keep_row_stats=True)
    expected = stats.apply(FRAME)
    for new, old in places.items():
        assert y[new].equals(expected[old])
    back = stats.invert(y, renamed=places)
    assert back["bill_b"].to_list() == [1, 3, 5]
    with pytest.raises(DataError, match='mass and b are both to be "bill_b"'):
        stats.apply(FRAME.with_columns(b="bill_b"), renamed={"mass": "bill_b", "b": "bill_b"})
    # A column of vectors can be treated as the vector of columns was.
    vectors = pl.DataFrame({"v": pl.Series([[1, 3, 2]], dtype=pl.Array(pl.Int8, 3))})
    found = stats.apply(vectors, renamed={"v": "bill_*"})["v"].to_list()
    assert tuple(found[0][:2]) == expected.select("bill_a", "bill_b").row(0)


def test_columns_name_a_vector_by_its_members() -> None:
    stats = _fit(set={"bill_*": "layernorm"})
    assert stats.apply(FRAME, columns="mass")["bill_b"].equals(FRAME["bill_b"])
    every = stats.apply(FRAME)
    assert stats.apply(FRAME, columns="bill_*")["bill_b"].equals(every["bill_b"])
    assert stats.apply(FRAME, columns="bill_a,bill_b,bill_c")["bill_b"].equals(every["bill_b"])
    with pytest.raises(DataError, match='leaves out "bill_b", which "bill_\\*" takes'):
        stats.apply(FRAME, columns="bill_a,mass")


def test_names_of_kept_columns_must_be_free() -> None:
    stats = _fit(columns="bill_*", method="layernorm")
    frame = FRAME.with_columns(pl.lit(1).alias("bill_*.std"))
    with pytest.raises(DataError, match=r'has a column "bill_\*\.std" already'):
        stats.apply(frame, keep_row_stats=True)
    assert stats.apply(frame)["bill_*.std"].to_list() == [1, 1, 1]


def test_two_row_wise_steps_keep_both() -> None:
    stats = _fit(columns="bill_*", method="layernorm:eps=1+layernorm:eps=0.5")
    y = stats.apply(FRAME, keep_row_stats=True)
    assert y.columns[-4:] == [f"bill_*.{name}" for name in ("mean", "std", "mean.2", "std.2")]
    assert stats.invert(y)["bill_a"].equals(FRAME["bill_a"])


def test_codes_of_text_make_no_vector() -> None:
    for name, method in METHODS.items():
        if method.encodes:
            # Lists of codes take no step at all, codes none that takes vectors.
            refusal = "nothing can follow" if name == "tokens" else "takes vectors of numbers"
            with pytest.raises(UsageError, match=refusal):
                _fit(columns="id", method=f"{name}+layernorm")


def test_the_order_of_rows_and_batches_does_not_matter() -> None:
    frame = pl.concat([FRAME] * 3).with_columns(g=pl.Series([1, 2, 1, 1, 2, 2, 2, 2, 1]))
    chain, columns = "zscore+layernorm+minmax", "bill_*,mass"
    whole = normcli.fit(frame, method=chain, by="g", columns=columns)
    small = normcli.fit(frame.reverse(), method=chain, by="g", columns=columns, batch_rows=1)
    assert whole.to_json() == small.to_json()
