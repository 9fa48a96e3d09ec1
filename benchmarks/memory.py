"""Peak memory of fit, apply and invert on large files, and on files four times as large.

    python -m benchmarks.memory [--directory DIR] [--gigabytes 1.2]

Makes a CSV of that size and a Parquet file of 5/3 of it, and the same four times as large;
prints the peak resident set size (VmHWM, as /usr/bin/time -v gives it) of each command.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

CHUNK = 100_000
COLUMNS = 8


def _chunks(rows: int) -> Iterator[pl.DataFrame]:
    for start in range(0, rows, CHUNK):
        rng = np.random.default_rng(start)
        size = min(CHUNK, rows - start)
        columns = {f"f{i}": rng.normal(i * 10, 1 + i, size) for i in range(COLUMNS)}
        yield pl.DataFrame({"key": rng.integers(0, 1000, size), **columns})


def make(path: Path, rows: int) -> None:
    """Write that many rows of nine columns."""
    schema = {"key": pl.Int64, **{f"f{i}": pl.Float64 for i in range(COLUMNS)}}
    frame = register_io_source(lambda *_: _chunks(rows), schema=schema)
    if path.suffix == ".csv":
        frame.sink_csv(path)
    else:
        frame.sink_parquet(path, compression="uncompressed")


def peak(command: list[str], stdin: IO[bytes] | None = None) -> tuple[float, float]:
    """Run a command; return its peak memory in MB (10^6 bytes) and its seconds."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "normcli", *command], stdin=stdin)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command} failed")
    return usage.ru_maxrss * 1024 / 1e6, time.perf_counter() - start


def measure(path: Path, folder: Path, groups: bool) -> dict[str, float]:
    """Return the peak memory of each command on a file, by what it does."""
    stats, out, back = folder / "stats.json", folder / f"out{path.suffix}", folder / "back.parquet"
    flags = ["--by", "key"] if groups else ["-x", "key"]
    peaks: dict[str, float] = {}

    def note(name: str, command: list[str], piped: bool = False) -> None:
        if piped:
            with path.open("rb") as stdin:
                memory, seconds = peak(command, stdin)
        else:
            memory, seconds = peak(command)
        peaks[name] = memory
        print(f"  {name:28} {memory:7.0f} MB  {seconds:6.1f} s", flush=True)

    note("fit", ["fit", str(path), *flags, "-o", str(stats)])
    note("apply", ["apply", str(stats), str(path), "-o", str(out)])
    note("invert", ["invert", str(stats), str(out), "-o", str(back)])
    for name in (out, back):
        name.unlink()
    if path.suffix == ".csv":
        note("fit from stdin", ["fit", "-", *flags, "-o", str(stats)], piped=True)
        note("apply from stdin", ["apply", str(stats), "-", "-o", str(out)], piped=True)
        note("invert from stdin", ["invert", str(stats), "-", "-o", str(back)], piped=True)
        for name in (out, back):
            name.unlink()
    return peaks


def main() -> None:
    """Measure, and print the ratio of the larger to the smaller file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--directory", type=Path, default=None)
    parser.add_argument("--gigabytes", type=float, default=1.2)
    arguments = parser.parse_args()
    # A row is about 150 bytes of CSV and 72 of uncompressed Parquet.
    csv_rows = int(arguments.gigabytes * 1e9 / 150)
    parquet_rows = int(arguments.gigabytes * 5 / 3 * 1e9 / 72)
    with tempfile.TemporaryDirectory(dir=arguments.directory) as name:
        folder = Path(name)
        for suffix, rows in ((".csv", csv_rows), (".parquet", parquet_rows)):
            for groups in (False, True):
                results = []
                for times in (1, 4):
                    path = folder / f"rows{suffix}"
                    make(path, rows * times)
                    what = "by 1,000 groups" if groups else "ungrouped"
                    print(f"{suffix[1:]} of {path.stat().st_size / 1e9:.2f} GB, {what}", flush=True)
                    results.append(measure(path, folder, groups))
                    path.unlink()
                small, large = results
                worst = max(large[key] / small[key] for key in small)
                print(f"  four times the rows: at most {worst:.2f} × the memory", flush=True)


if __name__ == "__main__":
    main()
