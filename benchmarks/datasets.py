"""The data that are measured on, made the same every time, and kept for the next run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

__all__ = ["COLUMNS", "folder", "make"]

COLUMNS = [f"f{i}" for i in range(8)]
_CHUNK = 250_000
_SIZE = 128
_GROUPS = 1_000
_MANY_GROUPS = 100_000


def folder() -> Path:
    """Return where the data are kept: NORMCLI_BENCH_DATA, or benchmarks/data."""
    path = Path(os.environ.get("NORMCLI_BENCH_DATA", Path(__file__).parent / "data"))
    path.mkdir(parents=True, exist_ok=True)
    return path


def _chunks(rows: int, dtype: type[np.floating]) -> Iterator[pl.DataFrame]:
    """Yield normal, lognormal, offset, rounded, skewed, tiny, huge and uniform columns."""
    for start in range(0, rows, _CHUNK):
        chance = np.random.default_rng(start)
        size = min(_CHUNK, rows - start)
        columns = (
            chance.normal(0, 1, size),
            chance.lognormal(0, 2, size),
            1e6 + chance.normal(0, 1, size),
            np.round(chance.normal(50, 20, size), 1),
            chance.exponential(1e-3, size),
            chance.normal(0, 1e-9, size),
            chance.normal(0, 1e9, size),
            chance.random(size),
        )
        yield pl.DataFrame(
            {
                "g": pl.Series(chance.integers(0, _GROUPS, size)).cast(pl.String),
                "h": chance.integers(0, _MANY_GROUPS, size),
                **{
                    name: column.astype(dtype)
                    for name, column in zip(COLUMNS, columns, strict=True)
                },
            }
        )


def _frame(rows: int, dtype: type[np.floating], keys: bool) -> pl.LazyFrame:
    number = pl.Float32 if dtype is np.float32 else pl.Float64
    schema = {"g": pl.String, "h": pl.Int64, **dict.fromkeys(COLUMNS, number)}
    frame = register_io_source(lambda *_: _chunks(rows, dtype), schema=schema)
    return frame if keys else frame.select(COLUMNS)


def _vectors(rows: int, joined: bool) -> pl.LazyFrame:
    names = [f"x{i}" for i in range(_SIZE)]
    schema: dict[str, pl.DataType] = {name: pl.Float32() for name in names}
    if joined:
        schema = {"x": pl.Array(pl.Float32, _SIZE)}

    def chunks() -> Iterator[pl.DataFrame]:
        for start in range(0, rows, _CHUNK):
            chance = np.random.default_rng(start)
            size = min(_CHUNK, rows - start)
            numbers = 1 + 3 * chance.standard_normal((size, _SIZE), dtype=np.float32)
            yield pl.DataFrame({"x": numbers} if joined else numbers, schema=schema)

    return register_io_source(lambda *_: chunks(), schema=schema)


def make(kind: str, rows: int) -> Path:
    """Return a file (or, of kind "hive", a directory) of so many rows, made if it is not there.

    Kinds: "float64", "float32" (Parquet, with keys), "csv" (numbers alone), "hive" (100 files),
    "vectors" (a column of 128 float32) and "scalars" (the same numbers in 128 columns).
    """
    suffix = {"csv": ".csv", "hive": ""}.get(kind, ".parquet")
    path = folder() / f"{kind}-{rows}{suffix}"
    if not path.exists():
        partial = path.with_name(f"partial-{path.name}")
        # In a process of its own: what is measured would inherit the peak of its memory.
        command = [sys.executable, "-m", "benchmarks.datasets", kind, str(rows), str(partial)]
        subprocess.run(command, check=True)
        partial.rename(path)
    return path


def _write(kind: str, rows: int, partial: Path) -> None:
    if kind in ("vectors", "scalars"):
        _vectors(rows, kind == "vectors").sink_parquet(partial, row_group_size=_CHUNK)
    elif kind == "csv":
        _frame(rows, np.float64, keys=False).sink_csv(partial)
    elif kind == "hive":
        for part in range(100):
            below = partial / f"part={part:02}"
            below.mkdir(parents=True, exist_ok=True)
            frame = _frame(rows // 100, np.float64, keys=False)
            frame.sink_parquet(below / "rows.parquet")
    else:
        dtype = np.float32 if kind == "float32" else np.float64
        _frame(rows, dtype, keys=True).sink_parquet(partial, row_group_size=_CHUNK)


if __name__ == "__main__":
    _write(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
