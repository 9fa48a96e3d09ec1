"""Parquet files with tensor columns, which are read in another way than the rest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import normcli

ROWS = 5_000


def _where(mask: np.ndarray[Any, np.dtype[np.bool_]], series: pl.Series) -> pl.Series:
    return pl.select(pl.when(pl.lit(pl.Series(mask))).then(pl.lit(series))).to_series()


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    chance = np.random.default_rng(5)
    vectors = chance.normal(3, 2, (ROWS, 6)).astype(np.float32)
    vectors[::17, 2] = np.nan
    images = pl.Series(chance.integers(0, 256, (ROWS, 2, 3), np.uint8))
    holes = pl.Series(
        [None if i % 7 == 3 else [i * 0.5, None if i % 5 else -i] for i in range(ROWS)]
    )
    return pl.DataFrame(
        {
            "id": pl.Series(range(ROWS)).cast(pl.String),
            "x.y": _where(chance.random(ROWS) < 0.9, pl.Series(vectors)),
            "x": images,
            "holes": holes.cast(pl.Array(pl.Float64, 2)),
            "key": chance.integers(0, 5, ROWS),
            "n": chance.normal(0, 1, ROWS),
            "good": chance.random(ROWS) < 0.5,
        }
    )


@pytest.fixture(scope="module")
def files(frame: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    for i, name in enumerate(("a.parquet", "b.parquet")):
        half = frame.slice(i * ROWS // 2, ROWS // 2)
        half.write_parquet(folder / name, row_group_size=700, data_page_size=4_000)
    return folder


RECIPES: list[dict[str, Any]] = [
    {"columns": "x.y,x,holes"},
    {"columns": "x.y,n", "by": "key"},
    {"columns": "x", "where": "good and n > 0"},
    {"columns": "x", "method": "minmax:axis=all", "by": "key", "where": "id <> '7'"},
    {"columns": "holes", "method": "robust:axis=none"},
]


def _found(stats: normcli.Stats) -> str:
    return stats.to_json().partition('"columns"')[2]


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_a_fit_is_that_of_the_frame(
    frame: pl.DataFrame, files: Path, recipe: dict[str, Any]
) -> None:
    assert _found(normcli.fit(files, **recipe)) == _found(normcli.fit(frame, **recipe))


@pytest.mark.parametrize("threads", ["1", "4"])
def test_rows_stay_in_order(frame: pl.DataFrame, files: Path, tmp_path: Path, threads: str) -> None:
    stats, out, back = (tmp_path / name for name in ("s.json", "o.parquet", "b.parquet"))
    fitted = normcli.fit(frame, columns="x.y,x,holes,n", by="key")
    fitted.save(stats)
    for command in (
        ["apply", stats, files / "a.parquet", files / "b.parquet", "-o", out],
        ["invert", stats, out, "-o", back],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "normcli", *map(str, command), "--threads", threads],
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert pl.read_parquet(out).equals(fitted.apply(frame))
    returned = pl.read_parquet(back)
    assert returned.schema == frame.schema
    assert returned.select("id", "x", "key").equals(frame.select("id", "x", "key"))


def test_extension_tensors(frame: pl.DataFrame, tmp_path: Path) -> None:
    numbers = frame["x"].to_numpy().astype(np.float64)
    tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(numbers))
    path = tmp_path / "t.parquet"
    table = pa.table({"x": tensors})
    pq.write_table(table, path, row_group_size=900)
    fitted = normcli.fit(path, columns="x")
    assert _found(fitted) == _found(normcli.fit(table, columns="x"))


def test_a_damaged_page_is_told(files: Path, tmp_path: Path) -> None:
    data = bytearray((files / "a.parquet").read_bytes())
    middle = len(data) // 3
    data[middle : middle + 2_000] = bytes(2_000)
    path, out = tmp_path / "damaged.parquet", tmp_path / "s.json"
    path.write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-m", "normcli", "fit", str(path), "-c", "x.y,x", "-o", str(out)],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert "damaged.parquet" in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert not out.exists()
