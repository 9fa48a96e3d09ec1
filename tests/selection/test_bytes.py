"""Fits with percentiles are the same, byte for byte, whatever memory, threads, batches, order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import normcli

ROWS = 60_000
CHAINS = {
    "offset": "robust",
    "lognormal": "robust:low=0.1,high=99.9",
    "large": "clip:low_q=1,high_q=99+robust",
    "few": "mad",
    "digits": "robust",
    "skewed": "quantile:points=100",
    "short": "quantile:points=20,to=normal",
}
GROUPINGS = pytest.mark.parametrize("by", [(), ("key",)], ids=["all rows", "by group"])


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    chance = np.random.default_rng(20261121)
    rows = pl.DataFrame(
        {
            "key": [f"g{n}" for n in chance.integers(0, 300, ROWS)],
            "offset": 1e9 + chance.normal(0, 1, ROWS),
            "lognormal": chance.lognormal(0, 8, ROWS),
            "large": 2**62 + chance.integers(-(10**9), 10**9, ROWS),
            "few": chance.integers(-5, 5, ROWS),
            "digits": chance.integers(-(10**12), 10**12, ROWS),
            "skewed": chance.lognormal(0, 8, ROWS),
            "short": chance.integers(-100, 100, ROWS),
        }
    )
    missing = pl.Series(chance.random(ROWS) < 0.02)
    decimals = (pl.col("digits").cast(pl.Decimal(38, 0)) * 10**20).cast(pl.Decimal(38, 0))
    return rows.with_columns(
        pl.when(~missing).then(pl.col(name)).alias(name) for name in ("offset", "few")
    ).with_columns(decimals.alias("digits"))


def _fit(source: pl.DataFrame | Path, by: tuple[str, ...], **options: int) -> str:
    chains = {name: CHAINS[name] for name in CHAINS}
    stats = normcli.fit(source, set=chains, columns=",".join(chains), by=by, **options)  # type: ignore[arg-type]
    document = stats.to_json()
    # Without the names of files.
    before, _, rest = document.partition('"files": [')
    return before + rest.partition("]")[2]


@pytest.fixture(scope="module")
def reference(frame: pl.DataFrame) -> dict[tuple[str, ...], str]:
    return {by: _fit(frame, by) for by in ((), ("key",))}


@GROUPINGS
@pytest.mark.parametrize("memory", [1 << 16, 1 << 20, 1 << 24, 1 << 30])
def test_memory(
    frame: pl.DataFrame, reference: dict[tuple[str, ...], str], by: tuple[str, ...], memory: int
) -> None:
    assert _fit(frame, by, memory=memory) == reference[by]


@GROUPINGS
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_threads(
    frame: pl.DataFrame, reference: dict[tuple[str, ...], str], by: tuple[str, ...], threads: int
) -> None:
    assert _fit(frame, by, threads=threads, memory=1 << 22) == reference[by]


@GROUPINGS
@pytest.mark.parametrize("rows", [5_000, 27_777, ROWS])
def test_batches(
    frame: pl.DataFrame, reference: dict[tuple[str, ...], str], by: tuple[str, ...], rows: int
) -> None:
    assert _fit(frame, by, batch_rows=rows, memory=1 << 22) == reference[by]


@GROUPINGS
def test_order_of_rows(
    frame: pl.DataFrame, reference: dict[tuple[str, ...], str], by: tuple[str, ...]
) -> None:
    shuffled = frame.sample(fraction=1, shuffle=True, seed=7)
    for one in (shuffled, frame.sort("lognormal"), frame.sort("key", "offset", descending=True)):
        assert _fit(one, by) == reference[by]
        assert _fit(one, by, memory=1 << 22, threads=3) == reference[by]


@GROUPINGS
def test_formats(frame: pl.DataFrame, by: tuple[str, ...], tmp_path: Path) -> None:
    # As text a decimal of 38 digits has no dtype of its own.
    rows = frame.with_columns(pl.col("digits").cast(pl.Float64))
    rows.write_parquet(tmp_path / "rows.parquet", row_group_size=20_000)
    rows.write_csv(tmp_path / "rows.csv")
    expected = _fit(rows, by)
    assert _fit(tmp_path / "rows.parquet", by, memory=1 << 20) == expected
    text = _fit(tmp_path / "rows.csv", by, memory=1 << 20)
    # How text was read is in the file.
    assert text.partition('"columns"')[2] == expected.partition('"columns"')[2]
