"""The stats file is the same, byte for byte, however the rows come.

One million rows of mixed scales, ungrouped and with 1,000 groups: threads, batch sizes, row
order, file order, formats, shards merged.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

ROWS = 1_000_000
GROUPS = 1_000


def make_frame() -> pl.DataFrame:
    rng = np.random.default_rng(20261121)

    def with_nulls(values: np.ndarray, dtype: pl.DataType) -> pl.Series:
        series = pl.Series(values).cast(dtype)
        return series.set(pl.Series(rng.random(ROWS) < 0.02), None)

    nan = np.where(rng.random(ROWS) < 0.01, np.nan, rng.normal(0, 1, ROWS))
    return pl.DataFrame(
        {
            "key": pl.Series(rng.integers(0, GROUPS, ROWS)).cast(pl.String),
            "offset": with_nulls(1e9 + rng.normal(0, 1, ROWS), pl.Float64()),
            "lognormal": with_nulls(rng.lognormal(0, 3, ROWS), pl.Float64()),
            "large": with_nulls(2**62 + rng.integers(-1000, 1000, ROWS), pl.Int64()),
            "small": with_nulls(rng.integers(-5, 5, ROWS), pl.Int64()),
            "single": with_nulls(rng.normal(3, 2, ROWS), pl.Float32()),
            "holes": with_nulls(nan, pl.Float64()),
        }
    )


TEXT_COLUMNS = ["key", "offset", "lognormal", "large", "small"]


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return make_frame()


@pytest.fixture(scope="module")
def parquet(frame: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "rows.parquet"
    frame.write_parquet(path, row_group_size=100_000)
    return path


def fit(*arguments: str | Path) -> bytes:
    """Return the stats file's bytes, its source block aside (file names differ)."""
    command = [sys.executable, "-m", "normcli", "fit", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=True)
    document = done.stdout
    before, _, rest = document.partition(b'"source": {')
    return before + rest.partition(b"}")[2]


GROUPINGS = pytest.mark.parametrize("by", [[], ["--by", "key"]], ids=["all rows", "by group"])


@pytest.fixture(scope="module")
def reference(parquet: Path) -> dict[str, bytes]:
    """The stats files that all others must equal, by the number of flags."""
    return {"": fit(parquet, "-x", "key"), "key": fit(parquet, "-x", "key", "--by", "key")}


def expected(reference: dict[str, bytes], by: list[str]) -> bytes:
    return reference[by[-1] if by else ""]


def test_the_reference_is_about_all_columns(reference: dict[str, bytes]) -> None:
    whole = json.loads(b'{"source": 0' + reference["key"].partition(b",")[2].strip())
    assert len(whole["groups"]) == GROUPS
    assert list(whole["columns"]) == ["offset", "lognormal", "large", "small", "single", "holes"]
    assert all(column["summary"]["null"] > 0 for column in whole["columns"].values())


@GROUPINGS
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_threads(parquet: Path, reference: dict[str, bytes], by: list[str], threads: int) -> None:
    assert fit(parquet, *by, "-x", "key", "--threads", str(threads)) == expected(reference, by)


@GROUPINGS
@pytest.mark.parametrize("kernel", ["c", "numpy"])
def test_kernels(
    parquet: Path,
    reference: dict[str, bytes],
    by: list[str],
    kernel: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if kernel == "c":
        pytest.importorskip("normcli._exact", reason="built without a C compiler")
    monkeypatch.setenv("NORMCLI_KERNEL", kernel)
    assert fit(parquet, *by, "-x", "key") == expected(reference, by)


@GROUPINGS
@pytest.mark.parametrize("rows", [1_000, 77_777, 1_000_000])
def test_batch_sizes(parquet: Path, reference: dict[str, bytes], by: list[str], rows: int) -> None:
    assert fit(parquet, *by, "-x", "key", "--batch-rows", str(rows)) == expected(reference, by)


@GROUPINGS
def test_row_order(
    frame: pl.DataFrame, reference: dict[str, bytes], by: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "shuffled.parquet"
    frame.sample(fraction=1, shuffle=True, seed=7).write_parquet(path)
    assert fit(path, *by, "-x", "key") == expected(reference, by)


@GROUPINGS
def test_file_order(
    frame: pl.DataFrame, reference: dict[str, bytes], by: list[str], tmp_path: Path
) -> None:
    paths = [tmp_path / f"part-{i}.parquet" for i in range(5)]
    for i, path in enumerate(paths):
        frame[i * ROWS // 5 : (i + 1) * ROWS // 5].write_parquet(path)
    assert fit(*paths, *by, "-x", "key") == expected(reference, by)
    assert fit(*reversed(paths), *by, "-x", "key") == expected(reference, by)
    assert fit(tmp_path, *by, "-x", "key") == expected(reference, by)


@GROUPINGS
def test_formats(frame: pl.DataFrame, by: list[str], tmp_path: Path) -> None:
    rows = frame[:150_000].select(TEXT_COLUMNS).with_columns(pl.format("g{}", "key").alias("key"))
    names = ["r.parquet", "r.arrow", "r.arrows", "r.ndjson", "r.csv", "r.tsv", "r.csv.zst"]
    paths = [tmp_path / name for name in names]
    rows.write_parquet(paths[0])
    rows.write_ipc(paths[1])
    rows.write_ipc_stream(paths[2])
    rows.write_ndjson(paths[3])
    rows.write_csv(paths[4])
    rows.write_csv(paths[5], separator="\t")
    rows.lazy().sink_csv(paths[6], compression="zstd")
    files = {path.name: fit(path, *by, "-x", "key") for path in paths}
    assert set(files.values()) == {files["r.parquet"]}


@GROUPINGS
def test_shards_merged_in_any_order(
    frame: pl.DataFrame, reference: dict[str, bytes], by: list[str], tmp_path: Path
) -> None:
    shuffler = random.Random(3)
    cuts = [0, *sorted(shuffler.sample(range(1, ROWS), 6)), ROWS]
    stats = []
    for i in range(7):
        shard, name = tmp_path / f"shard-{i}.parquet", tmp_path / f"shard-{i}.json"
        frame[cuts[i] : cuts[i + 1]].write_parquet(shard)
        command = [sys.executable, "-m", "normcli", "fit", str(shard), *by, "-x", "key"]
        subprocess.run([*command, "-o", str(name)], check=True)
        stats.append(name)
    shuffler.shuffle(stats)
    merge = [sys.executable, "-m", "normcli", "merge", *map(str, stats)]
    merged = subprocess.run(merge, capture_output=True, check=True).stdout
    before, _, rest = merged.partition(b'"source": {')
    assert before + rest.partition(b"}")[2] == expected(reference, by)
    source = json.loads(merged)["source"]
    assert source["rows"] == ROWS
    assert len(source["files"]) == 7
