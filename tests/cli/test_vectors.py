"""Row-wise methods on the command line: there and back in every format, shards, recipes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

Files = tuple[Callable[[pl.DataFrame, Path], None], Callable[[Path], pl.DataFrame]]

_CHANCE = np.random.default_rng(12)
COLUMNS = pl.DataFrame(
    {
        "key": ["a", "b", "c", "d", "e"],
        "p1": [1.5, None, 2.25, -7.0, 0.5],
        "p2": [3, 4, 5, 6, 70],
        "note": ["u", "v", "w", "x", "y"],
        "p3": [0.25, 1.0, 8.0, 2.0, 0.0],
        "p4": [9, 8, 7, 6, 5],
    }
)
TENSORS = COLUMNS.select(
    "key",
    pl.Series("v", _CHANCE.normal(3, 2, (5, 4)).astype(np.float32)),
    pl.Series("image", _CHANCE.integers(0, 256, (5, 2, 3, 3)).astype(np.uint8)),
)


@pytest.mark.parametrize("ending", ["parquet", "arrow", "arrows", "csv", "tsv", "ndjson", "csv.gz"])
def test_columns_there_and_back(run: Any, tmp_path: Path, files: Files, ending: str) -> None:
    write, read = files
    write(COLUMNS, tmp_path / f"a.{ending}")
    run("fit", f"a.{ending}", "-m", "groupnorm:groups=2", "-c", "p*", "-o", "s.json")
    run("apply", "s.json", f"a.{ending}", "--keep-row-stats", "-o", f"y.{ending}")
    kept = [f"p*.{name}_{part}" for name in ("mean", "std") for part in (1, 2)]
    assert read(tmp_path / f"y.{ending}").columns == [*COLUMNS.columns, *kept]
    run("invert", "s.json", f"y.{ending}", "-o", f"back.{ending}")
    back = read(tmp_path / f"back.{ending}")
    assert back.columns == COLUMNS.columns
    assert back.drop("p1", "p3").equals(COLUMNS.drop("p1", "p3"))
    for name in ("p1", "p3"):
        assert back[name].is_null().equals(COLUMNS[name].is_null())
        assert (back[name] - COLUMNS[name]).abs().max() < 1e-14  # type: ignore[operator]


@pytest.mark.parametrize("ending", ["parquet", "arrow", "arrows"])
def test_tensors_there_and_back(run: Any, tmp_path: Path, files: Files, ending: str) -> None:
    write, read = files
    write(TENSORS, tmp_path / f"a.{ending}")
    chains = ["-s", "image=instancenorm", "-m", "adanorm", "-c", "v"]
    run("fit", f"a.{ending}", *chains, "-o", "s.json")
    run("apply", "s.json", f"a.{ending}", "--keep-row-stats", "-o", f"y.{ending}")
    carried = read(tmp_path / f"y.{ending}")
    assert carried["image.std"].dtype == pl.Array(pl.Float64, 2)
    assert carried["v.std"].dtype == pl.Float64
    stderr = run("invert", "s.json", f"y.{ending}", "-o", f"back.{ending}").stderr
    assert b"adanorm does not bring back elements more than" in stderr
    back = read(tmp_path / f"back.{ending}")
    assert back.schema == TENSORS.schema
    assert back["image"].equals(TENSORS["image"])
    assert np.abs(back["v"].to_numpy() - TENSORS["v"].to_numpy()).max() < 1e-5


def test_shards_of_vectors_add_up(run: Any, tmp_path: Path) -> None:
    COLUMNS[:2].write_parquet(tmp_path / "a.parquet")
    COLUMNS[2:].write_parquet(tmp_path / "b.parquet")
    chain = ["-m", "unit+layernorm", "-c", "p*"]
    for name in ("a", "b"):
        run("fit", f"{name}.parquet", *chain, "-o", f"{name}.json")
    run("merge", "b.json", "a.json", "-o", "merged.json")
    run("fit", "a.parquet", "b.parquet", *chain, "-o", "whole.json")
    merged, whole = ((tmp_path / f"{name}.json").read_bytes() for name in ("merged", "whole"))
    assert merged == whole
    assert b'"members": {"p1": "Float64", "p2": "Int64"' in whole


def test_a_recipe_names_a_vector_by_its_selector(run: Any, tmp_path: Path) -> None:
    COLUMNS.write_parquet(tmp_path / "a.parquet")
    (tmp_path / "r.toml").write_text('select = "p4"\n[columns]\n"p[12]" = "layernorm:gamma=1:2"\n')
    run("fit", "a.parquet", "--recipe", "r.toml", "-o", "s.json")
    run("fit", "a.parquet", "--like", "s.json", "-o", "t.json")
    assert (tmp_path / "s.json").read_bytes() == (tmp_path / "t.json").read_bytes()
    shown = run("show", "s.json").stdout.decode()
    assert "p[12]" in shown
    assert "layernorm:gamma=1:2" in shown
    explained = run("fit", "a.parquet", "--recipe", "r.toml", "--explain").stdout.decode()
    assert "1 scan of the data" in explained


def test_the_condition_of_vectors(run: Any, tmp_path: Path) -> None:
    data = pl.DataFrame(np.random.default_rng(3).normal(0, 1, (50, 3)) * [1, 10, 100])
    data.write_parquet(tmp_path / "a.parquet")
    run("fit", "a.parquet", "-m", "zscore+unit", "--condition", "-o", "s.json")
    assert b'"features": 3' in (tmp_path / "s.json").read_bytes()
