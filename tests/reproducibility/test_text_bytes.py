"""Stats files of columns of text: the same, byte for byte, however the rows come."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests import processes

ROWS = 20_000
CHAINS = {"code": "ordinal", "scaled": "ordinal+zscore", "number": "ordinal:unseen=null"}


def _make() -> pl.DataFrame:
    rng = np.random.default_rng(7)
    # Few categories and many, some of them rare; letters of one to four bytes.
    words = ["a", "Z", "zoë", "Ζωή", "ζ", "雪", "😀", "", " ", 'with "quotes", and\nlines', "], ["]
    common = pl.Series(words).gather(rng.zipf(1.2, ROWS) % len(words))
    many = pl.Series([f"k{n}" for n in (rng.zipf(1.1, ROWS) % 10_000).tolist()])
    frame = pl.DataFrame(
        {
            "key": pl.Series([f"g{n}" for n in rng.integers(0, 50, ROWS).tolist()]),
            "code": common,
            "scaled": many,
            "number": rng.integers(-300, 300, ROWS),
        }
    )
    missing = rng.random(ROWS) < 0.03
    return frame.with_columns(
        pl.when(~pl.Series(missing)).then(pl.col(name)).alias(name) for name in CHAINS
    )


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return _make()


def _run(*arguments: str | Path) -> bytes:
    done = processes.run([str(argument) for argument in arguments])
    assert done.returncode == 0, done.stderr.decode()
    before, _, rest = done.stdout.partition(b'"source": {')
    return before + rest.partition(b"}")[2]


def _fit(*arguments: str | Path, chains: dict[str, str] | None = None) -> bytes:
    sets = [f"--set={name}={chain}" for name, chain in (chains or CHAINS).items()]
    return _run("fit", "-q", "-m", "skip", *sets, *arguments)


GROUPINGS = pytest.mark.parametrize("by", [[], ["--by", "key"]], ids=["all rows", "by group"])


@pytest.fixture(scope="module")
def parquet(frame: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "rows.parquet"
    frame.write_parquet(path, row_group_size=3_000)
    return path


@pytest.fixture(scope="module")
def reference(parquet: Path) -> dict[str, bytes]:
    return {"": _fit(parquet), "key": _fit(parquet, "--by", "key")}


def _expected(reference: dict[str, bytes], by: list[str]) -> bytes:
    return reference[by[-1] if by else ""]


def test_the_reference_is_about_all_columns(reference: dict[str, bytes]) -> None:
    document = json.loads(b'{"source": 0' + reference["key"].partition(b",")[2].strip())
    assert list(document["columns"]) == list(CHAINS)
    assert all(column["summary"]["null"] > 0 for column in document["columns"].values())
    assert len(document["columns"]["scaled"]["state"]["categories"]) > 1_000


@GROUPINGS
@pytest.mark.parametrize(
    "flags", [["--threads", "1"], ["--threads", "4"], ["--batch-rows", "999"]], ids=" ".join
)
def test_threads_and_batches(
    parquet: Path, reference: dict[str, bytes], by: list[str], flags: list[str]
) -> None:
    assert _fit(parquet, *by, *flags) == _expected(reference, by)


@GROUPINGS
def test_order_of_rows_and_files(
    frame: pl.DataFrame, reference: dict[str, bytes], by: list[str], tmp_path: Path
) -> None:
    shuffled = frame.sample(fraction=1, shuffle=True, seed=7)
    paths = [tmp_path / f"part-{i}.parquet" for i in range(3)]
    for i, path in enumerate(paths):
        shuffled[i * ROWS // 3 : (i + 1) * ROWS // 3].write_parquet(path)
    assert _fit(*reversed(paths), *by) == _expected(reference, by)


def test_categories_of_a_file_are_numbered_as_it_likes(
    frame: pl.DataFrame, reference: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "categories.parquet"
    frame.with_columns(pl.col("code", "scaled").cast(pl.Categorical)).write_parquet(path)
    assert _fit(path) == reference[""]


@GROUPINGS
def test_formats(frame: pl.DataFrame, by: list[str], tmp_path: Path) -> None:
    # An empty text and none at all are the same in CSV.
    rows = frame.with_columns(
        pl.col(name).replace("", None) for name, dtype in frame.schema.items() if dtype == pl.String
    )
    names = ["r.parquet", "r.arrow", "r.arrows", "r.ndjson", "r.csv", "r.tsv", "r.csv.zst"]
    paths = [tmp_path / name for name in names]
    rows.write_parquet(paths[0])
    rows.write_ipc(paths[1])
    rows.write_ipc_stream(paths[2])
    rows.write_ndjson(paths[3])
    rows.write_csv(paths[4])
    rows.write_csv(paths[5], separator="\t")
    rows.lazy().sink_csv(paths[6], compression="zstd")
    files = {path.name: _fit(path, *by) for path in paths}
    assert set(files.values()) == {files["r.parquet"]}


@GROUPINGS
def test_shards_merged_in_any_order(frame: pl.DataFrame, by: list[str], tmp_path: Path) -> None:
    chains = CHAINS | {"scaled": "ordinal"}
    whole = tmp_path / "whole.parquet"
    frame.write_parquet(whole)
    shuffler = random.Random(3)
    cuts = [0, 1, *sorted(shuffler.sample(range(2, ROWS), 3)), ROWS]
    stats = []
    for i, (start, end) in enumerate(itertools.pairwise(cuts)):
        shard, name = tmp_path / f"shard-{i}.parquet", tmp_path / f"shard-{i}.json"
        frame[start:end].write_parquet(shard)
        _fit(shard, *by, "-o", name, chains=chains)
        stats.append(name)
    shuffler.shuffle(stats)
    assert _run("merge", *stats) == _fit(whole, *by, chains=chains)
