"""Each channel of a tensor column is treated as a scalar column of its elements would be."""

from __future__ import annotations

import json
import math
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest

import normcli
from normcli.errors import NormWarning
from normcli.methods import METHODS
from normcli.recipe import chain_text, parse_chain
from tests.conformance.bounds import BOUNDS, COLUMN_METHODS
from tests.conformance.tensors import Case, scalars, tensor_column, values_of

_CASES = [
    *(Case("array", (3,), axis) for axis in ("-1", "none")),
    *(Case("array", (2, 3), axis) for axis in ("-1", "0", "none", "all")),
    *(Case("array", (2, 2, 2), axis) for axis in ("-1", "0", "none", "all", "0:1", "-1:0")),
    *(Case("arrow", (2, 3), axis) for axis in ("-1", "all")),
    *(Case("fixed_shape_tensor", (2, 3), axis) for axis in ("-1", "0")),
    Case("list", (6,), "none"),
]
OF_ROWS = {
    # A tensor is one row of a batch, its elements in a column of their own are many.
    "batchnorm": "batchnorm:batch=1000",
    # Whole rows differ: there are tensors in some, numbers in others.
    "median_of_means": "median_of_means:blocks=3,block_by=g",
}
"""Chains of methods that look at rows, such that it does not matter which."""
_METHODS = [name for name in COLUMN_METHODS if not METHODS[name].encodes]
_CHAINS = [
    *(BOUNDS[name].examples[0] for name in _METHODS if name not in OF_ROWS),
    *OF_ROWS.values(),
    "log1p+zscore",
    "zscore+minmax:low=-1",
    "symlog+mad+clip:low_q=10",
]
_KEYS = ["a", "b", "a", "b", "b", "a", "a", "b", "a"]


def with_axis(text: str, axis: str) -> str:
    """Return the chain with that axis in every step that has one."""
    steps = []
    for method in parse_chain(text):
        step = chain_text((method,))
        if "axis" in method.option_fields():
            step += ("," if ":" in step else ":") + f"axis={axis}"
        steps.append(step)
    return "+".join(steps)


def _rows(case: Case) -> list[list[float | None] | None]:
    """Rows of numbers that lie in every domain, nulls and NaN and a null row among them."""
    chance = np.random.default_rng(math.prod(case.shape))
    rows: list[Any] = np.exp(chance.uniform(0.5, 6, (len(_KEYS), case.size))).tolist()
    for row in rows:
        row[1] = 3.5  # an element, perhaps a channel, that is constant
    rows[2][0] = None
    rows[3][case.size - 1] = math.nan
    rows[6] = None
    return rows


def flat(value: Any, depth: int = -1) -> list[Any]:
    """Return what stands in lists: that deep only, since parameters may be lists themselves."""
    if depth == 0 or not isinstance(value, list):
        return [value]
    return [one for part in value for one in flat(part, depth - 1)]


def _depth(shape: tuple[int, ...], axis: str) -> int:
    """Return how deep in lists the channels of that axis are."""
    return {"none": 0, "all": len(shape)}.get(axis, len(axis.split(":")))


def _steps(document: dict[str, Any], name: str, channel: int, depth: int) -> list[dict[str, Any]]:
    """Return what a stats file says of a column's steps, of a tensor only of that channel."""
    return [
        {
            key: _of_channel(value, channel, depth)
            if key in ("params", "groups", "state")
            else value
            for key, value in step.items()
            if key != "axis"
        }
        for step in document["columns"][name]["steps"]
    ]


def _of_channel(part: dict[str, Any], channel: int, depth: int) -> dict[str, Any]:
    if "rows" not in part:
        return {key: flat(value, depth)[channel] for key, value in part.items()}
    rows = [[flat(value, depth)[channel] for value in row] for row in part["rows"]]
    return {**part, "rows": rows}


def check(
    frame: pl.DataFrame,
    texts: str | Sequence[str],
    shape: tuple[int, ...],
    axis: str,
    by: Sequence[str],
) -> pl.DataFrame:
    """Hold a tensor column "x", or as many copies of it as chains, to the law.

    Return it normalized by the first chain.
    """
    chains = dict(enumerate([texts] if isinstance(texts, str) else texts))
    series, keys = frame["x"], frame["g"].to_list()
    frame = pl.DataFrame([*(series.alias(f"x{i}") for i in chains), frame["g"]])
    alone = scalars(series, shape, axis, keys)
    channels = alone.width - 1
    alone = alone.select(
        *(pl.col(str(c)).alias(f"x{i}.{c}") for i in chains for c in range(channels)), "g"
    )
    stats = _fit_all(frame, {f"x{i}": with_axis(text, axis) for i, text in chains.items()}, by)
    own = {f"x{i}.{c}": text for i, text in chains.items() for c in range(channels)}
    expected = _fit_all(alone, own, by)

    found, wanted = json.loads(stats.to_json()), json.loads(expected.to_json())
    assert found.get("groups") == wanted.get("groups")
    depth = _depth(shape, axis)
    whole = scalars(series, shape, "none", keys)
    every = json.loads(_fit_all(whole, {"0": "zscore"}, by).to_json())["columns"]["0"]
    for i, text in chains.items():
        for c in range(channels):
            steps = _steps(wanted, f"x{i}.{c}", 0, 0)
            assert _steps(found, f"x{i}", c, depth) == steps, text
        assert found["columns"][f"x{i}"]["summary"] == every["summary"]
        state = found["columns"][f"x{i}"]["state"]
        if parse_chain(text)[0].fitted:
            for c in range(channels):
                one = wanted["columns"][f"x{i}.{c}"]["state"]
                assert _of_channel(state, c, depth) == _of_channel(one, 0, 0), text
        else:
            # What has no parameters of its own has no channels, either.
            assert state == every["state"], text

    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        stats.save(file.name)
        stats = normcli.load(file.name)
    assert json.loads(stats.to_json()) == found

    carried, carried_alone = stats.apply(frame), expected.apply(alone)
    back, back_alone = stats.invert(carried), expected.invert(carried_alone)
    assert back.schema == frame.schema
    for i, text in chains.items():
        for after, after_alone in ((carried, carried_alone), (back, back_alone)):
            parts = scalars(after[f"x{i}"], shape, axis, keys)
            for c in range(channels):
                assert parts[str(c)].equals(after_alone[f"x{i}.{c}"]), text
            nulls = [row is None for row in values_of(after[f"x{i}"])]
            assert nulls == [row is None for row in values_of(series)], text
    return carried.select(pl.col("x0").alias("x"), "g")


def _fit_all(frame: pl.DataFrame, chains: Mapping[str, str], by: Sequence[str]) -> normcli.Stats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormWarning)
        columns = ",".join(chains)
        return normcli.fit(frame, columns=columns, set=chains, by=by)


@pytest.mark.parametrize("by", [(), ("g",)], ids=["rows", "groups"])
@pytest.mark.parametrize("case", _CASES, ids=str)
def test_a_channel_is_a_scalar_column(case: Case, by: tuple[str, ...]) -> None:
    series = tensor_column(_rows(case), case.shape, pl.Float64(), case.container)
    frame = pl.DataFrame([series, pl.Series("g", _KEYS)])
    carried = check(frame, _CHAINS, case.shape, case.axis, by)
    assert carried.schema == frame.schema
