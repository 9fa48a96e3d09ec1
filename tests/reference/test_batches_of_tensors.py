"""Batch normalization of tensor columns against its definition: groups, what is missing, lists."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import normcli
from normcli.errors import DataError, StatsFileError
from tests.conformance.tensors import CONTAINERS, channel_of, tensor_column, values_of

SHAPE, ROWS, BATCH = (3, 2), 50, 4
KEYS = ["abc"[i * i % 3 if i % 7 else 2] for i in range(ROWS)]
INNERS: list[Any] = [pl.Float64(), pl.Float32(), pl.UInt8(), pl.Int64()]


def _rows(inner: Any) -> list[list[Any] | None]:
    """Whole numbers; nulls among them, rows that are null, and (of floats) NaN."""
    chance = np.random.default_rng(5)
    rows: list[Any] = chance.integers(0, 200, (ROWS, 6)).tolist()
    for i, element in ((1, 0), (8, 3), (9, 3), (33, 5)):
        rows[i][element] = None
    if inner.is_float():
        rows[12][2] = float("nan")
    for i in (6, 20, 21, 22, 23):
        rows[i] = None
    return rows


def _running(rows: Sequence[list[Any]], momentum: float | None) -> tuple[float, float]:
    """Return running mean and variance of one channel; rows are its values in each row."""
    mean, variance, seen = Fraction(0), Fraction(1), 0
    for start in range(0, len(rows), BATCH):
        values = [
            Fraction(v)
            for row in rows[start : start + BATCH]
            for v in row
            if v is not None and v == v
        ]
        if len(values) < 2:
            continue
        seen += 1
        share = Fraction(1, seen) if momentum is None else Fraction(momentum)
        own = sum(values, Fraction(0)) / len(values)
        spread = sum(((v - own) ** 2 for v in values), Fraction(0)) / (len(values) - 1)
        mean += share * (own - mean)
        variance += share * (spread - variance)
    return float(mean), float(variance)


def _expected(
    rows: list[list[Any] | None], axis: str, momentum: float | None, key: str | None
) -> list[tuple[float, float]]:
    ids = channel_of(SHAPE, axis)
    own = [row or [] for row, k in zip(rows, KEYS, strict=True) if key in (None, k)]
    return [
        _running([[v for v, i in zip(row, ids, strict=False) if i == c] for row in own], momentum)
        for c in range(max(ids) + 1)
    ]


def _pairs(stats: normcli.Stats, key: str | None = None) -> list[tuple[float, float]]:
    """Return running mean and variance of each channel, of all rows or of a group."""
    (step,) = json.loads(stats.to_json())["columns"]["x"]["steps"]
    params = step["params"]
    if key is not None:
        params = dict(
            zip(step["groups"]["params"], step["groups"]["rows"]["abc".index(key)], strict=True)
        )
    flat = (np.ravel(params[name]).tolist() for name in ("running_mean", "running_var"))
    return list(zip(*flat, strict=True))


@pytest.mark.parametrize("momentum", [0.25, None])
@pytest.mark.parametrize("inner", INNERS, ids=str)
@pytest.mark.parametrize(
    ("container", "axis"),
    [
        (c, a)
        for c in CONTAINERS
        for a in (("none",) if c == "list" else ("-1", "0", "none", "all"))
    ],
)
def test_definition(container: str, axis: str, inner: Any, momentum: float | None) -> None:
    shape = (6,) if container == "list" else SHAPE
    series = tensor_column(_rows(inner), shape, inner, container)
    rows = values_of(series)
    frame = pl.DataFrame([series, pl.Series("g", KEYS)])
    chain = f"batchnorm:batch={BATCH},axis={axis},momentum={'none' if momentum is None else 0.25}"
    alone = normcli.fit(frame, columns="x", method=chain)
    found = _pairs(alone)
    np.testing.assert_allclose(found, _expected(rows, axis, momentum, None), rtol=1e-13)
    by_key = normcli.fit(frame, columns="x", method=chain, by="g")
    assert _pairs(by_key) == found
    for key in "abc":
        np.testing.assert_allclose(
            _pairs(by_key, key), _expected(rows, axis, momentum, key), rtol=1e-13
        )
    for stats in (alone, by_key):
        applied = stats.apply(frame)
        back = stats.invert(applied)
        assert back.schema == frame.schema
        nulls = [row is None for row in rows]
        assert [row is None for row in values_of(applied["x"])] == nulls
        if not inner.is_float():
            assert values_of(back["x"]) == rows


@pytest.mark.parametrize("by", [(), ("g",)], ids=["all rows", "by group"])
def test_batches_of_the_scan_make_no_difference(by: tuple[str, ...], tmp_path: Path) -> None:
    series = tensor_column(_rows(pl.UInt8()), SHAPE, pl.UInt8(), "array")
    frame = pl.DataFrame([series, pl.Series("g", KEYS)])
    frame.write_parquet(tmp_path / "whole.parquet", row_group_size=7)
    whole = None
    for rows in (1, 5, 50):
        for threads in (1, 4):
            stats = normcli.fit(
                tmp_path / "whole.parquet",
                columns="x",
                method=f"batchnorm:batch={BATCH}",
                by=by,
                threads=threads,
                batch_rows=rows,
            )
            whole = whole or stats.to_json()
            assert stats.to_json() == whole


def test_it_can_not_be_merged() -> None:
    frame = tensor_column(_rows(pl.UInt8()), SHAPE, pl.UInt8(), "array").to_frame()
    shards = [normcli.fit(half, method="batchnorm", columns="x") for half in (frame[:20], frame)]
    with pytest.raises(StatsFileError, match=r'column "x".*batchnorm'):
        normcli.merge(*shards)
    assert json.loads(shards[0].to_json())["columns"]["x"]["steps"][0]["method"] == "batchnorm"


def test_gammas_as_long_as_the_channels() -> None:
    frame = tensor_column(_rows(pl.UInt8()), SHAPE, pl.UInt8(), "array").to_frame()
    with pytest.raises(DataError, match="gamma"):
        normcli.fit(frame, columns="x", method="batchnorm:axis=0,gamma=1:2")
    lists = tensor_column(_rows(pl.UInt8()), (6,), pl.UInt8(), "list").to_frame()
    with pytest.raises(DataError, match="lists of any length"):
        normcli.fit(lists, columns="x", method="batchnorm")
