"""Exact quartiles of 10 million rows × 8 columns against DuckDB's quantile_cont.

    python -m benchmarks.percentiles [--rows 10000000] [--runs 5]

Whole processes in alternation (A B A B …); prints medians, their ratio, and peak memory.
Needs duckdb beside normcli's own dependencies.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

COLUMNS = 8

DUCKDB = """
import duckdb, sys
columns = [f"f{i}" for i in range(8)]
wanted = ", ".join(f"quantile_cont({c}, [0.25, 0.5, 0.75])" for c in columns)
duckdb.sql(f"select {wanted} from '{sys.argv[1]}'").fetchall()
"""


def make(path: Path, rows: int) -> None:
    """Write normal, lognormal, offset and rounded columns."""
    chance = np.random.default_rng(1)
    kinds = [
        lambda: chance.normal(0, 1, rows),
        lambda: chance.lognormal(0, 2, rows),
        lambda: 1e9 + chance.normal(0, 1, rows),
        lambda: np.round(chance.normal(50, 20, rows), 1),
    ]
    pl.DataFrame({f"f{i}": kinds[i % 4]() for i in range(COLUMNS)}).write_parquet(path)


def run(command: list[str]) -> tuple[float, float]:
    """Return seconds and peak memory in MB of a whole process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command} failed")
    return time.perf_counter() - start, usage.ru_maxrss * 1024 / 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        make(path, arguments.rows)
        commands = {
            "normcli": [sys.executable, "-m", "normcli", "fit", str(path), "-m", "robust"],
            "duckdb": [sys.executable, "-c", DUCKDB, str(path)],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        memory: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(arguments.runs + 1):
            for name, command in commands.items():
                took, peak = run(command)
                if turn:  # the first is a warm-up
                    seconds[name].append(took)
                    memory[name].append(peak)
        for name in commands:
            middle = statistics.median(seconds[name])
            print(f"{name:8} {middle:6.2f} s  {statistics.median(memory[name]):6.0f} MB")
        ratio = statistics.median(seconds["normcli"]) / statistics.median(seconds["duckdb"])
        print(f"ratio of medians: {ratio:.2f}")


if __name__ == "__main__":
    main()
