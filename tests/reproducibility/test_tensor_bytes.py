"""The stats file of tensor columns and of whiten is the same, byte for byte, however rows come.

Nine thousand rows, so that a batch is cut into several pieces: threads, batch sizes, kernels, row
order, file order, formats, containers and shards, ungrouped and by group.
"""

from __future__ import annotations

import itertools
import json
import random
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import normcli
from normcli.errors import NormWarning
from normcli.methods.base import Blocks
from normcli.rowhash import block_numbers

ROWS, GROUPS = 9_000, 7
RECIPE = {
    "image": "zscore",
    "pixel": "minmax:axis=all,low=-1",
    "channel": "zscore:axis=0:1,ddof=1",
    "vector": "zscore",
    "one": "log1p+center:axis=none",
    "white": "whiten:eps=0.001",
    "lists": "rms:axis=none",
    "a,b,c": "whiten:kind=pca",
}
# What other formats and containers hold in another way.
SHAPES = {"image": "UInt8,2x3", "pixel": "UInt8,2x3", "vector": "Float32,16", "white": "Float64,4"}
GROUPINGS = pytest.mark.parametrize("by", [(), ("key",)], ids=["all rows", "by group"])


def _with_nulls(series: pl.Series, seed: int) -> pl.Series:
    missing = pl.Series(np.random.default_rng(seed).random(ROWS) < 0.02)
    return pl.select(pl.when(~missing).then(series)).to_series()


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    chance = np.random.default_rng(20261121)
    images = chance.integers(0, 256, (ROWS, 2, 3), np.uint8)
    vectors = (1e3 + chance.normal(0, 1, (ROWS, 16))).astype(np.float32)
    vectors[chance.random((ROWS, 16)) < 0.01] = np.nan
    lengths = chance.integers(0, 6, ROWS)
    lists = np.split(chance.lognormal(0, 5, int(lengths.sum())), np.cumsum(lengths)[:-1])
    return pl.DataFrame(
        {
            "image": _with_nulls(pl.Series(images), 1),
            "pixel": pl.Series(chance.integers(0, 256, (ROWS, 2, 3), np.uint8)),
            "channel": _with_nulls(pl.Series(1e9 + chance.normal(0, 1, (ROWS, 2, 2, 2))), 2),
            "vector": _with_nulls(pl.Series(vectors), 3),
            "one": pl.Series(chance.exponential(5, (ROWS, 3))),
            "white": _with_nulls(pl.Series(chance.normal(0, 1, (ROWS, 4)).cumsum(axis=1)), 4),
            "lists": _with_nulls(pl.Series([one.tolist() for one in lists]), 5),
            "a": chance.normal(0, 1, ROWS),
            "b": chance.normal(5, 1, ROWS),
            "c": chance.exponential(1, ROWS),
            "key": [f"g{n}" for n in chance.integers(0, GROUPS, ROWS)],
        }
    )


def _fit(source: Any, by: tuple[str, ...], **options: Any) -> str:
    """Return the condition numbers and the columns of the stats file of a fit."""
    return _bytes(_stats(source, by, **options))


def _stats(source: Any, by: tuple[str, ...], **options: Any) -> normcli.Stats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormWarning)
        return normcli.fit(
            source, set=RECIPE, method="skip", columns="vector", by=by, condition=True, **options
        )


def _bytes(stats: normcli.Stats) -> str:
    return _after(stats.to_json(), '\n  "condition": ')


def _columns(document: str) -> str:
    return _after(document, '\n  "columns": {')


def _after(document: str, key: str) -> str:
    assert document.count(key) == 1
    return document.partition(key)[2]


@pytest.fixture(scope="module")
def originals(frame: pl.DataFrame) -> dict[tuple[str, ...], str]:
    return {by: _fit(frame, by) for by in ((), ("key",))}


def test_the_original_is_about_all_columns(originals: dict[tuple[str, ...], str]) -> None:
    for by, document in originals.items():
        whole = json.loads('{"condition": ' + document)
        assert list(whole["columns"]) == list(RECIPE)
        assert whole["condition"]["before"] > whole["condition"]["after"]
        for column in whole["columns"].values():
            groups = column["steps"][-1].get("groups", {"rows": []})["rows"]
            assert len(groups) == (GROUPS if by else 0)


@GROUPINGS
@pytest.mark.parametrize(("threads", "rows"), [(1, 8_500), (2, 1_000), (4, 333)])
def test_threads_and_batches(
    frame: pl.DataFrame,
    originals: dict[tuple[str, ...], str],
    by: tuple[str, ...],
    threads: int,
    rows: int,
) -> None:
    assert _fit(frame, by, threads=threads, batch_rows=rows) == originals[by]


@GROUPINGS
def test_kernels(
    frame: pl.DataFrame,
    originals: dict[tuple[str, ...], str],
    by: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame.write_parquet(tmp_path / "rows.parquet")
    (tmp_path / "fit.json").write_text(_stats(frame, by).to_json())
    command = [sys.executable, "-m", "normcli", "fit", "rows.parquet", "--like", "fit.json"]
    command.append("--condition")
    for kernel in ("c", "numpy"):
        monkeypatch.setenv("NORMCLI_KERNEL", kernel)
        done = subprocess.run(command, capture_output=True, cwd=tmp_path, check=True)
        assert _after(done.stdout.decode(), '\n  "condition": ') == originals[by]


@GROUPINGS
def test_order_of_rows_and_files(
    frame: pl.DataFrame,
    originals: dict[tuple[str, ...], str],
    by: tuple[str, ...],
    tmp_path: Path,
) -> None:
    shuffled = frame.sample(fraction=1, shuffle=True, seed=7)
    paths = [tmp_path / f"part-{i}.parquet" for i in range(3)]
    for i, path in enumerate(paths):
        shuffled[i * ROWS // 3 : (i + 1) * ROWS // 3].write_parquet(path, row_group_size=1_111)
    assert _fit(paths[::-1], by) == originals[by]


@GROUPINGS
@pytest.mark.parametrize("ending", ["parquet", "arrow", "arrows", "ndjson"])
def test_formats(
    frame: pl.DataFrame,
    originals: dict[tuple[str, ...], str],
    by: tuple[str, ...],
    ending: str,
    tmp_path: Path,
) -> None:
    path = tmp_path / f"rows.{ending}"
    writers: dict[str, Any] = {
        "parquet": frame.write_parquet,
        "arrow": frame.write_ipc,
        "arrows": frame.write_ipc_stream,
        "ndjson": lambda path: _without_nan(frame).write_ndjson(path),
    }
    writers[ending](path)
    if ending == "ndjson":
        types = {name: f"Array({shape})" for name, shape in SHAPES.items()}
        types |= {"channel": "Array(Float64,2x2x2)", "one": "Array(Float64,3)"}
        assert _fit(path, by, types=types) == _fit(_without_nan(frame), by)
    else:
        assert _fit(path, by) == originals[by]


def _without_nan(frame: pl.DataFrame) -> pl.DataFrame:
    """JSON has no NaN."""
    return frame.with_columns(pl.col("vector").arr.eval(pl.element().fill_nan(None)))


@GROUPINGS
def test_lists_of_one_length(
    frame: pl.DataFrame, originals: dict[tuple[str, ...], str], by: tuple[str, ...], tmp_path: Path
) -> None:
    lists = frame.with_columns(
        pl.col("image", "pixel").cast(pl.List(pl.List(pl.UInt8))),
        pl.col("vector").cast(pl.List(pl.Float32)),
        pl.col("white").cast(pl.List(pl.Float64)),
    )
    lists.write_parquet(tmp_path / "lists.parquet")
    types = {name: f"Array({shape})" for name, shape in SHAPES.items()}
    assert _fit(tmp_path / "lists.parquet", by, types=types) == originals[by]


def test_blocks_of_rows_are_those_of_any_container(frame: pl.DataFrame) -> None:
    """The hash of a whole row: of tensors whose shape is in their lists, or in their type."""
    images = frame.select(x="pixel").with_columns(pl.when(pl.int_range(pl.len()) != 5).then("x"))
    array = images["x"].to_arrow()
    flat = pa.FixedSizeListArray.from_arrays(pa.array(frame["pixel"].to_numpy().ravel()), 6)
    storage = pa.array([None if i == 5 else v for i, v in enumerate(flat.to_pylist())], flat.type)
    kind = pa.fixed_shape_tensor(pa.uint8(), (2, 3))
    tensors = pl.Series("x", pa.ExtensionArray.from_storage(kind, storage))
    lists = images.with_columns(pl.col("x").cast(pl.List(pl.List(pl.Int64))))["x"]
    assert array.null_count == tensors.null_count() == 1
    expected = block_numbers(images, Blocks(10, None))
    assert len(set(expected.tolist())) == 10
    for other in (tensors, lists):
        assert np.array_equal(block_numbers(other.to_frame(), Blocks(10, None)), expected)


@GROUPINGS
def test_shards_merged_in_any_order(
    frame: pl.DataFrame, originals: dict[tuple[str, ...], str], by: tuple[str, ...], tmp_path: Path
) -> None:
    shuffler = random.Random(3)
    shuffled = frame.sample(fraction=1, shuffle=True, seed=8)
    cuts = [0, *sorted(shuffler.sample(range(1, ROWS), 4)), ROWS]
    parts = []
    for i, (begin, end) in enumerate(itertools.pairwise(cuts)):
        _stats(shuffled[begin:end], by).save(tmp_path / f"{i}.json")
        parts.append(normcli.load(tmp_path / f"{i}.json"))
    shuffler.shuffle(parts)
    merged = normcli.merge(*parts).to_json()
    assert _columns(merged) == _columns("\n" + originals[by])
