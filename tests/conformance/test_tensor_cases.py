"""Edge cases of tensor columns: every dtype, missing values, no rows, unknown groups, options."""

from __future__ import annotations

import math
import warnings
from typing import Any, Literal

import numpy as np
import polars as pl
import pytest

import normcli
from normcli.errors import DataError, NormWarning
from normcli.methods import METHODS
from normcli.recipe import parse_chain
from tests.conformance.bounds import BOUNDS, COLUMN_METHODS
from tests.conformance.columns import WHOLE, column, limits
from tests.conformance.tensors import CONTAINERS, scalars, tensor_column, values_of
from tests.conformance.test_tensors import OF_ROWS, check, with_axis

_NAMES = [name for name in COLUMN_METHODS if not METHODS[name].encodes]
_FIRST = {name: OF_ROWS.get(name, BOUNDS[name].examples[0]) for name in _NAMES}
_FITTED = [name for name in _NAMES if parse_chain(_FIRST[name])[0].fitted]
_SHAPE = (2, 3)
_CONTAINERS = [name for name in CONTAINERS if name != "list"]


def _fit(frame: pl.DataFrame, chain: str, axis: str = "-1", **options: Any) -> normcli.Stats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormWarning)
        return normcli.fit(frame, method=with_axis(chain, axis), columns="x", **options)


def _frame(
    *rows: list[Any] | None,
    shape: tuple[int, ...] = (3,),
    inner: pl.DataType | None = None,
    groups: str | None = None,
    container: str = "array",
) -> pl.DataFrame:
    series = tensor_column(rows, shape, inner or pl.Float64(), container)
    return pl.DataFrame([series, pl.Series("g", list(groups or "a" * len(rows)))])


def _whole(dtype: pl.DataType, seed: int, rows: int = 8, width: int = 6) -> list[list[Any]]:
    """Rows of values of that dtype, below 2^40 and above 0, some of them null."""
    low, high = limits(dtype)
    chance = np.random.default_rng(seed)
    numbers = chance.integers(max(low, 1), min(high, 2**40), rows * width, endpoint=True)
    values = column([None if i % 11 == 3 else int(n) for i, n in enumerate(numbers)], dtype)
    return [values[i * width : (i + 1) * width].to_list() for i in range(rows)]


@pytest.mark.parametrize("by", [(), ("g",)], ids=["rows", "groups"])
@pytest.mark.parametrize("dtype", [*WHOLE, pl.Float32()], ids=str)
@pytest.mark.parametrize("text", ["zscore", "minmax:low=-1,high=1", "log1p+robust", "decimal"])
def test_tensors_of_every_dtype(text: str, dtype: pl.DataType, by: tuple[str, ...]) -> None:
    rows = _whole(dtype, len(text)) if dtype != pl.Float32() else [[0.1, 2, 3, 4, 5, 9]] * 8
    for container in CONTAINERS if text == "zscore" else ("array",):
        frame = _frame(
            *rows, None, shape=_SHAPE, inner=dtype, groups="abababbab", container=container
        )
        assert frame["x"].drop_nulls().len() == 8
        carried = check(frame, text, _SHAPE, "none" if container == "list" else "-1", by)
        stored = carried["x"].ext.storage() if container.startswith("fixed") else carried["x"]
        inner = stored.dtype
        while isinstance(inner, (pl.Array, pl.List)):
            inner = inner.inner  # type: ignore[assignment]
        assert inner == (pl.Float32 if dtype == pl.Float32() else pl.Float64)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("name", _NAMES)
def test_images_come_back_identical(name: str, container: str) -> None:
    """8-bit pixels, nulls and a null image among them, by group too."""
    chance = np.random.default_rng(5)
    rows: list[Any] = chance.integers(1, 255, (12, 12), endpoint=True).tolist()
    rows[3][5] = None
    rows[7] = None
    frame = _frame(
        *rows, shape=(2, 2, 3), inner=pl.UInt8(), groups="aabbab" * 2, container=container
    )
    axis = "none" if container == "list" else "-1"
    for by in ((), ("g",)):
        stats = _fit(frame, _FIRST[name], axis, by=by)
        assert stats.invert(stats.apply(frame)).equals(frame)


@pytest.mark.parametrize("container", CONTAINERS)
def test_predictions_are_rounded_and_clipped_to_the_range(container: str) -> None:
    frame = _frame([0, 100, 200, 255], shape=(4,), inner=pl.UInt8(), container=container)
    stats = _fit(frame, "minmax:min=0,max=255,low=-1,high=1", "none")
    generated = tensor_column(
        [[-1.5, -0.5, 0.999, 1.5], [-1.0, None, math.nan, 1.0], [math.inf, -math.inf, 0.0, 1e300]],
        (4,),
        pl.Float32(),
        "array" if container == "list" else container,
    )
    back = stats.invert(generated.to_frame())["x"]
    assert values_of(back) == [[0, 64, 255, 255], [0, None, None, 255], [255, 0, 128, 255]]


@pytest.mark.parametrize("container", _CONTAINERS)
@pytest.mark.parametrize("name", _NAMES)
def test_no_rows(name: str, container: str) -> None:
    empty = _frame(shape=_SHAPE, container=container)
    for by in ((), ("g",)):
        with pytest.raises(DataError, match="no rows"):
            _fit(empty, _FIRST[name], by=by)
        stats = _fit(
            _frame([2.0, 3, 4, 5, 6, 7], shape=_SHAPE, container=container), _FIRST[name], by=by
        )
        assert stats.apply(empty).equals(empty)
        assert stats.invert(empty).equals(empty)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("name", _NAMES)
def test_one_row_and_constant_channels(name: str, rows: int) -> None:
    """What is constant is so in the channel, whatever the others are."""
    frame = _frame(*[[0.1, 7.0, 12345.678]] * rows)
    check(frame, _FIRST[name], (3,), "-1", ())
    check(frame, _FIRST[name], (3,), "-1", ("g",))
    carried = _fit(frame, _FIRST[name]).apply(frame)["x"].to_list()
    if name in ("zscore", "center", "minmax", "mean_range", "robust", "mad"):
        assert carried == [[0.0, 0.0, 0.0]] * rows


@pytest.mark.parametrize("nothing", [None, math.nan])
@pytest.mark.parametrize("name", _NAMES)
def test_a_channel_without_values(name: str, nothing: float | None) -> None:
    frame = _frame([2.0, nothing, 4.0], [8.0, nothing, 5.0])
    check(frame, _FIRST[name], (3,), "-1", ())
    if nothing is None:
        check(frame, _FIRST[name], (3,), "-1", ("g",))
    if name in _FITTED:
        # A value that was not there when it was fitted has nothing to be compared with.
        assert _fit(frame, _FIRST[name]).apply(_frame([2.0, 3.0, 4.0]))["x"][0][1] is None


def test_what_a_fit_says_of_channels() -> None:
    frame = _frame([1.0, None, 5.0, 2.0], [2.0, None, 5.0, None], shape=(4,), groups="ab")
    expected = [
        'column "x" has no valid value in 1 of 4 channels; they become null',
        'column "x" is constant in 2 of 4 channels; their scale is taken to be 1',
        'column "x" has too few values for the std of zscore in 1 of 4 channels; they become null',
    ]
    by_group = [
        'column "x" has no valid value in 3 of 8 channels of groups; '
        "apply will treat them as unknown groups",
        'column "x" has too few values in 5 of 8 channels of groups; '
        "apply will treat them as unknown groups",
    ]
    for by, said in (((), expected), (("g",), expected + by_group)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            normcli.fit(frame, method="zscore:ddof=1", columns="x", by=by)
        assert [str(each.message) for each in caught] == said


@pytest.mark.parametrize("name", _NAMES)
def test_a_column_without_values(name: str) -> None:
    for rows in ([[None] * 3] * 2, [None, None]):
        frame = _frame(*rows)
        with pytest.warns(NormWarning, match="no valid value"):
            stats = normcli.fit(frame, method=with_axis(_FIRST[name], "-1"), columns="x")
        assert stats.apply(frame).equals(frame)
        assert stats.invert(frame).equals(frame)


_Choice = Literal["null", "keep", "global"]


@pytest.mark.parametrize("axis", ["-1", "none"])
@pytest.mark.parametrize("text", [*_FIRST.values(), "log1p+zscore", "zscore+minmax"])
def test_unknown_groups_and_channels_without_values(text: str, axis: str) -> None:
    """As scalar columns: the group c is not known, and group b has no values in channel 1."""
    seen = _frame([2.0, 3, 4], [8.0, 6, 5], [3.0, None, 9], [4.0, None, 7], groups="aabb")
    new = _frame([2.0, 5, 4], [3.0, 8, 5], [None, None, 9.0], None, groups="abcc")
    stats = _fit(seen, text, axis, by="g")
    alone = _fit_alone(scalars(seen["x"], (3,), axis, list("aabb")), text)
    keys = new["g"].to_list()
    choices: list[_Choice] = ["null", "keep", "global"]
    for choice in choices:
        found = stats.apply(new, unknown_group=choice)
        expected = alone.apply(scalars(new["x"], (3,), axis, keys), unknown_group=choice)
        assert scalars(found["x"], (3,), axis, keys).equals(expected), choice
        back = stats.invert(found, unknown_group=choice)
        expected = alone.invert(expected, unknown_group=choice)
        assert scalars(back["x"], (3,), axis, keys).equals(expected), choice
    with pytest.raises(DataError, match=r"group g='c' is not in the stats file"):
        stats.apply(new)
    known = new.head(2)
    if axis == "-1" and any(step.fitted for step in parse_chain(text)):
        with pytest.raises(DataError, match=r"group g='b' is without parameters of \"x\""):
            stats.apply(known)
    else:
        assert stats.apply(known).equals(stats.apply(known, unknown_group="null"))
    # Nulls of it are carried to null without a question.
    assert stats.apply(seen)["x"].null_count() == 0


def _fit_alone(frame: pl.DataFrame, text: str) -> normcli.Stats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormWarning)
        return normcli.fit(frame, method=text, columns="*", exclude="g", by="g")


@pytest.mark.parametrize("chain", ["log", "log+center:mean=0"])
def test_values_of_unknown_groups_need_not_lie_in_the_domain(chain: str) -> None:
    stats = _fit(_frame([2.0, 3, 4], groups="a"), chain, by="g")
    new = _frame([2.0, 3, 4], [-1.0, 3, 4], groups="ac")
    assert stats.apply(new, unknown_group="null")["x"].to_list()[1] == [None] * 3
    assert stats.apply(new, unknown_group="keep")["x"].to_list()[1] == [-1.0, 3.0, 4.0]
    with pytest.raises(DataError, match=r'the frame: column "x" .* 1 value outside the domain'):
        stats.apply(new, unknown_group="global")
    with pytest.raises(DataError, match=r'column "x" has 1 value outside the domain of log'):
        _fit(new, chain)


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_dtype_that_is_asked_for(container: str) -> None:
    for inner in (pl.Float64(), pl.Float32(), pl.Int16()):
        frame = _frame([1, 2, 4], [2, 6, 8], inner=inner, container=container)
        stats = _fit(frame, "zscore", "none")
        usual = stats.apply(frame)
        double = stats.apply(frame, dtype="float64")
        single = stats.apply(frame, dtype="float32")
        assert str(usual.schema["x"]) == str(
            (single if inner == pl.Float32() else double).schema["x"]
        )
        exact = np.array([v for row in values_of(double["x"]) for v in row or ()])
        narrow = np.array([v for row in values_of(single["x"]) for v in row or ()])
        assert (exact.astype(np.float32).astype(np.float64) == narrow).all()
        assert stats.invert(double).equals(frame)
        assert str(stats.invert(double, dtype="float64").schema["x"]) == str(
            (frame if inner == pl.Int16() else stats.apply(frame, dtype="float64")).schema["x"]
        )


def test_rows_keep_their_order_and_other_columns_what_they_hold() -> None:
    frame = pl.DataFrame(
        {
            "id": range(1000),
            "x": np.arange(3000.0).reshape(1000, 3),
            "note": [f"n{i}" for i in range(1000)],
        }
    )
    stats = normcli.fit(frame, method="center:mean=0", columns="x")
    assert stats.apply(frame.lazy()).collect().equals(frame)
    parts = pl.concat([frame[i : i + 7] for i in range(0, 1000, 7)], rechunk=False)
    assert stats.apply(parts).equals(frame)
    assert stats.apply(frame[5:500].filter(pl.col("id") % 2 == 0)).equals(
        frame[5:500].filter(pl.col("id") % 2 == 0)
    )
