"""Fits of more values than a search keeps, whose windows hit or miss: never seen in a result."""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.processes import run
from tests.selection.driving import Setting, search
from tests.selection.exact import Exact

ROWS = 300_000
SHARES = {"q_low": 25, "median": 50, "q_high": 75}
NAN, INF = float("nan"), float("inf")


def _columns() -> dict[str, Any]:
    chance = np.random.default_rng(5)
    normal = chance.normal(size=ROWS)
    place = np.arange(ROWS)
    # Where a sample of four slices in the middle of each quarter looks, and a first batch.
    looked_at = (place // 20_000 % 4 == 1) | (place < 140_000)
    return {
        "normal": normal,
        "sorted": np.sort(normal),
        "backwards": -np.sort(chance.exponential(size=ROWS)),
        "drifting": normal + place / ROWS,
        "step": np.where(place < 200_000, normal, 1e6 + normal),
        "constant where looked at": np.where(looked_at, 7.25, normal * 1e3),
        "ties": np.where(chance.random(ROWS) < 0.6, 0.1, normal),
        "signed zeros": np.where(chance.random(ROWS) < 0.5, -0.0, 0.0),
        "zeros and more": np.where(chance.random(ROWS) < 0.4, -0.0, chance.lognormal(0, 30, ROWS)),
        "few": chance.integers(-3, 4, ROWS) / 10,
        "far out": np.where(place == 299_000, -1.7e308, np.where(place == 5, 1.7e308, normal)),
        "offset": 1e9 + normal,
        "tiny": normal * 1e-309,
        "single": np.where(place == 77, 3.5, NAN),
        "rest is not a number": np.where(place % 3 == 0, normal, NAN),
        "infinite": np.where(place % 7 == 0, -INF, np.where(place % 11 == 0, INF, normal)),
        "float32": normal.astype(np.float32),
        "int64": chance.integers(-(2**63), 2**63 - 1, ROWS),
        "uint64": chance.integers(0, 2**64 - 1, ROWS, dtype=np.uint64),
        "int8": chance.integers(-128, 128, ROWS).astype(np.int8),
        "dense": 10**15 + place % 1_000,
    }


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    chance = np.random.default_rng(6)
    frame = pl.DataFrame(_columns())
    missing = pl.Series(chance.random(ROWS) < 0.1)
    return frame.with_columns(
        pl.when(~missing).then(pl.col("normal")).alias("some are null"),
        pl.lit(None, pl.Float64).alias("all are null"),
        pl.Series("key", [f"g{n}" for n in chance.integers(0, 3, ROWS)]),
        pl.Series("part", np.arange(ROWS) // 100_000),
    )


def _fit(arguments: Sequence[str], folder: Path, kernel: str = "", stdin: Any = None) -> Any:
    command = ["fit", *arguments, "-m", "robust", "-x", "part", "--inf", "skip", "-q"]
    environment = {**os.environ, "NORMCLI_KERNEL": kernel}
    done = run(command, folder, environment, stdin)
    assert done.returncode == 0, done.stderr.decode()
    document = json.loads(done.stdout)
    # The same from whatever files.
    return json.dumps({"rows": document["source"]["rows"], "columns": document["columns"]})


def _check(text: str, frame: pl.DataFrame) -> None:
    columns = json.loads(text)["columns"]
    assert len(columns) > 15
    for name, column in columns.items():
        params = column["steps"][0]["params"]
        numbers = frame[name].drop_nulls().to_numpy()
        ordered = np.sort(numbers[np.isfinite(numbers)])
        for param, p in SHARES.items():
            if not len(ordered):
                assert params[param] is None
                continue
            rank = Fraction((len(ordered) - 1) * p, 100)
            around = [ordered[math.floor(rank)].item(), ordered[math.ceil(rank)].item()]
            Exact(around, 100 * (rank - math.floor(rank))).check(params[param])


@pytest.fixture(scope="module")
def expected(frame: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("parquet")
    frame.write_parquet(folder / "a.parquet", row_group_size=40_000)
    found = _fit(["a.parquet", "-x", "key"], folder)
    _check(found, frame)
    return str(found)


@pytest.mark.parametrize("row_group_size", [500, 150_000, None])
@pytest.mark.parametrize("kernel", ["", "numpy"])
def test_parquet(
    frame: pl.DataFrame, expected: str, tmp_path: Path, row_group_size: int | None, kernel: str
) -> None:
    frame.write_parquet(tmp_path / "a.parquet", row_group_size=row_group_size)
    assert _fit(["a.parquet", "-x", "key"], tmp_path, kernel) == expected


@pytest.mark.parametrize("options", [("--threads", "1"), ("--threads", "5"), ("--memory", "64KiB")])
def test_threads_and_memory(
    frame: pl.DataFrame, expected: str, tmp_path: Path, options: Sequence[str]
) -> None:
    frame.write_ipc(tmp_path / "a.arrow")
    assert _fit(["a.arrow", "-x", "key", *options], tmp_path) == expected


def test_order_of_rows(frame: pl.DataFrame, expected: str, tmp_path: Path) -> None:
    for i, rows in enumerate((frame.reverse(), frame.sample(fraction=1, shuffle=True, seed=1))):
        rows.write_parquet(tmp_path / f"{i}.parquet")
        assert _fit([f"{i}.parquet", "-x", "key"], tmp_path) == expected


def test_folders(frame: pl.DataFrame, expected: str, tmp_path: Path) -> None:
    for (key,), rows in frame.group_by("key"):
        folder = tmp_path / "data" / f"key={key}"
        folder.mkdir(parents=True)
        for i in range(0, len(rows), 9_000):
            rows[i : i + 9_000].drop("key").write_parquet(folder / f"{i:06}.parquet")
    assert _fit(["data", "-x", "key"], tmp_path) == expected


def test_streams(frame: pl.DataFrame, expected: str, tmp_path: Path) -> None:
    for write in (frame.write_parquet, frame.write_ipc_stream):
        stream = io.BytesIO()
        write(stream)
        assert _fit(["-", "-x", "key"], tmp_path, stdin=stream.getvalue()) == expected


@pytest.mark.parametrize("kernel", ["", "numpy"])
def test_text(frame: pl.DataFrame, tmp_path: Path, kernel: str) -> None:
    """Read once from the start: the first values are all that windows are placed by."""
    rows = frame.select(pl.exclude("key", "all are null", "float32"))
    rows.write_csv(tmp_path / "a.csv", float_scientific=True)
    found = _fit(["a.csv", "--null-value", ""], tmp_path, kernel)
    _check(found, rows)


@pytest.mark.parametrize("where", ["part = 2", "int8 > 120", "normal > 0.5", "single = 3.5"])
def test_where(frame: pl.DataFrame, tmp_path: Path, where: str) -> None:
    frame.write_parquet(tmp_path / "a.parquet")
    arguments = ["a.parquet", "-x", "key", "--where", where]
    found = _fit(arguments, tmp_path)
    assert _fit(arguments, tmp_path, "numpy") == found
    rows = frame.filter(pl.sql_expr(where))
    _check(found, rows)
    if where == "part = 2":
        rows.write_parquet(tmp_path / "b.parquet")
        assert _fit(["b.parquet", "-x", "key"], tmp_path) == found


def test_by(frame: pl.DataFrame, expected: str, tmp_path: Path) -> None:
    frame.write_parquet(tmp_path / "a.parquet")
    found = _fit(["a.parquet", "--by", "key"], tmp_path)
    assert _fit(["a.parquet", "--by", "key"], tmp_path, "numpy") == found
    _check(found, frame)
    for name, column in json.loads(found)["columns"].items():
        # The sums of several groups are the same ones, held by group.
        own = json.loads(expected)["columns"][name]
        assert column["steps"][0]["params"] == own["steps"][0]["params"]


def test_deviations_from_the_median(frame: pl.DataFrame, tmp_path: Path) -> None:
    """Whose search begins in the second scan."""
    frame.write_parquet(tmp_path / "a.parquet")
    frame.reverse().write_csv(tmp_path / "a.csv", float_scientific=True)
    arguments = ["-c", "normal,ties,few,offset,sorted", "-m", "mad", "-q"]
    params = []
    for source, kernel in (("a.parquet", ""), ("a.parquet", "numpy"), ("a.csv", "")):
        done = run(["fit", source, *arguments], tmp_path, {**os.environ, "NORMCLI_KERNEL": kernel})
        assert done.returncode == 0, done.stderr.decode()
        columns = json.loads(done.stdout)["columns"]
        params.append({name: column["steps"][0]["params"] for name, column in columns.items()})
    assert params[0] == params[1] == params[2]
    for name, found in params[0].items():
        values = np.sort(frame[name].to_numpy())
        middle = values[ROWS // 2 - 1 : ROWS // 2 + 1].tolist()
        Exact(middle, 50).check(found["median"])
        deviations = np.sort(np.abs(values - found["median"]))
        Exact(deviations[ROWS // 2 - 1 : ROWS // 2 + 1].tolist(), 50).check(found["mad"])


@pytest.mark.parametrize("name", ["normal", "ties", "few", "zeros and more", "far out", "int64"])
def test_most_searches_end_with_the_first_scan(name: str) -> None:
    values = _columns()[name]
    kind = "int" if name == "int64" else "float"
    _, scans = search(kind, (values,), (0.5, 25, 50, 99), Setting(batch=50_000))  # type: ignore[arg-type]
    assert scans == 1
