"""What is measured: normcli's command and those of its peers, and the ratio to be reached."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.datasets import COLUMNS, folder, make

__all__ = ["SECTIONS", "Size", "Work", "works"]

_SAMPLE = Path(__file__).parents[1] / "sample_data" / "penguins.csv"
_ONE_COMMAND = "import typer\napp = typer.Typer()\n@app.command()\ndef main(a: str): ...\napp()"


@dataclass(frozen=True)
class Size:
    """How much data is measured on."""

    quick: bool
    share: float = 1.0
    """Of the usual rows."""

    def rows(self, quick: int, usual: int) -> int:
        """Return how many rows of a kind."""
        return round((quick if self.quick else usual) * self.share)


@dataclass(frozen=True)
class Work:
    """One line of the results; a goal is the ratio to a peer that is to be reached, in time.

    Goals for memory are ratios of the peaks.
    """

    name: str
    commands: Mapping[str, Sequence[str]]
    goals: Mapping[str, float] = field(default_factory=dict)
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    memory_goals: Mapping[str, float] = field(default_factory=dict)


def _normcli(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "normcli", *map(str, arguments)]


def _peer(work: str, path: Path, by: str = "") -> list[str]:
    return [sys.executable, "-m", "benchmarks.peers", work, str(path), *([by] if by else [])]


def _python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def works(size: Size, sections: Sequence[str]) -> Iterator[Work]:
    """Yield the works of these sections; the data of each are made just before it."""
    for name in sections:
        yield from SECTIONS[name](size)


def _fits(size: Size) -> Iterator[Work]:
    rows = size.rows(1_000_000, 40_000_000)
    for kind, goal in (("float64", 1.10), ("float32", 1.25)):
        path = make(kind, rows)
        fit = _normcli("fit", path, "-x", "h")
        goals = {"polars": goal}
        if kind == "float64":
            goals |= {"duckdb": 0.75, "scikit-learn": 0.35}
        yield Work(
            f"fit zscore, {rows:,} × 8 {kind}",
            {
                "normcli": fit,
                "polars": _peer("polars_fit", path),
                "duckdb": _peer("duckdb_fit", path),
                "scikit-learn": _peer("sklearn_fit", path),
                **({"pandas": _peer("pandas_fit", path)} if size.quick else {}),
            },
            goals,
        )
    path = make("float64", rows)
    for key, groups, goals in (
        ("g", "1,000", {"polars": 1.25, "duckdb": 1.0}),
        ("h", "100,000", {"polars": 1.5}),
    ):
        yield Work(
            f"fit zscore by {groups} groups, {rows:,} × 8",
            {
                "normcli": _normcli("fit", path, "-c", ",".join(COLUMNS), "--by", key),
                "polars": _peer("polars_fit", path, key),
                "duckdb": _peer("duckdb_fit", path, key),
            },
            goals,
        )
    path = make("float64", rows)
    yield Work(
        "the NumPy reference instead of the compiled kernel (as a peer)",
        {"normcli": _normcli("fit", path, "-x", "h"), "numpy": _normcli("fit", path, "-x", "h")},
        {"numpy": 1.0},
        {"numpy": {"NORMCLI_KERNEL": "numpy"}},
    )
    path = make("hive", rows // 4)
    yield Work(
        f"fit zscore, {rows // 4:,} × 8 in 100 files",
        {"normcli": _normcli("fit", path), "polars": _peer("polars_fit", path)},
    )


def _texts(size: Size) -> Iterator[Work]:
    rows = size.rows(500_000, 8_000_000)
    path = make("csv", rows)
    mean = [f"{what} {i}" for i in range(1, 9) for what in ("mean", "pstdev")]
    miller = ["mlr", "--icsv", "--ojson", "stats1", "-a", "mean,var,min,max", "-f"]
    yield Work(
        f"fit zscore, {rows:,} × 8 CSV",
        {
            "normcli": _normcli("fit", path),
            "polars": _peer("polars_csv", path),
            "duckdb": _peer("duckdb_csv", path),
            **(
                {
                    "Miller": [*miller, ",".join(COLUMNS), str(path)],
                    "datamash": ["sh", "-c", f"datamash -t, -H {' '.join(mean)} < {path}"],
                }
                if size.quick
                else {}
            ),
        },
        {"polars": 1.10, "duckdb": 0.8},
    )


def _quantiles(size: Size) -> Iterator[Work]:
    rows = size.rows(500_000, 10_000_000)
    path = make("float64", rows)
    yield Work(
        f"fit robust (exact quartiles), {rows:,} × 8",
        {
            "normcli": _normcli("fit", path, "-x", "h", "-m", "robust"),
            "duckdb": _peer("duckdb_quartiles", path),
            "polars": _peer("polars_quartiles", path),
            "scikit-learn": _peer("sklearn_quartiles", path),
        },
        {"duckdb": 0.5},
        memory_goals={"polars": 0.25},
    )


def _carrying(size: Size) -> Iterator[Work]:
    rows = size.rows(500_000, 10_000_000)
    path, out = make("float64", rows), folder() / "out.parquet"
    for key, groups, goal in (("", "", 1.08), ("g", " by 1,000 groups", 1.25)):
        stats = folder() / f"stats{key}.json"
        by = ["--by", key] if key else []
        fit = _normcli("fit", path, "-c", ",".join(COLUMNS), *by, "-o", stats)
        subprocess.run(fit, check=True)
        commands = {
            "normcli": _normcli("apply", stats, path, "-o", out),
            "polars copy": _peer("polars_copy", path),
        }
        if not key:
            commands["scikit-learn"] = _peer("sklearn_apply", path)
        yield Work(f"apply{groups}, {rows:,} × 8", commands, {"polars copy": goal})
        if not key:
            normalized = folder() / "normalized.parquet"
            subprocess.run(_normcli("apply", stats, path, "-o", normalized), check=True)
            yield Work(
                f"invert, {rows:,} × 8",
                {
                    "normcli": _normcli("invert", stats, normalized, "-o", out),
                    "polars copy": _peer("polars_copy", normalized),
                },
                {"polars copy": goal},
            )
    for left in folder().glob("*.out"):
        left.unlink()


def _tensors(size: Size) -> Iterator[Work]:
    rows, width = size.rows(100_000, 1_000_000), 128
    vectors, scalars = make("vectors", rows), make("scalars", rows)
    fit = _normcli("fit", vectors, "-c", "x")
    columns = f"{width} columns"
    yield Work(
        f"fit zscore, {rows:,} vectors of {width} float32",
        {"normcli": fit, columns: _normcli("fit", scalars)},
        {columns: 2.0},
    )
    stats, normalized, out = (folder() / f"vectors{i}" for i in (".json", ".parquet", ".out"))
    subprocess.run([*fit, "-o", str(stats)], check=True)
    subprocess.run(_normcli("apply", stats, vectors, "-o", normalized), check=True)
    for direction, path in (("apply", vectors), ("invert", normalized)):
        yield Work(
            f"{direction}, {rows:,} vectors of {width} float32",
            {
                "normcli": _normcli(direction, stats, path, "-o", out, "--to", "parquet"),
                "polars copy": _peer("polars_copy", path),
            },
            {"polars copy": 1.3},
        )
    for left in (*folder().glob("*.out"), normalized):
        left.unlink()


def _starts(size: Size) -> Iterator[Work]:
    typer = _python("import typer")
    yield Work("--version", {"normcli": _normcli("--version"), "typer": typer}, {"typer": 1.3})
    one = _python(_ONE_COMMAND, "--help")
    for command in (["--help"], ["fit", "--help"]):
        yield Work(
            " ".join(command),
            {"normcli": _normcli(*command), "one-command Typer app": one},
            {"one-command Typer app": 1.3},
        )
    yield Work(
        "fit of 344 penguins",
        {
            "normcli": _normcli("fit", _SAMPLE, "--null-value", "NA"),
            "import polars, typer": _peer("nothing", _SAMPLE),
        },
        {"import polars, typer": 1.5},
    )


def _peaks(size: Size) -> Iterator[Work]:
    """Yield works of which only the memory matters: that of four times as many rows."""
    if size.quick:  # hardly more than what the imports take
        return
    rows = size.rows(1_000_000, 40_000_000)
    many, few = make("float64", rows), make("float64", rows // 4)
    stats, out = folder() / "stats.json", folder() / "out.parquet"
    subprocess.run(_normcli("fit", few, "-x", "h", "-o", stats), check=True)
    fit = ("fit", "-c", ",".join(COLUMNS))
    for name, command in (
        ("fit", fit),
        ("fit by 1,000 groups", (*fit, "--by", "g")),
        ("apply", ("apply", "-o", out, stats)),
    ):
        fewer = f"{rows // 4:,} rows"
        yield Work(
            f"memory: {name}, {rows:,} × 8",
            {"normcli": _normcli(*command, many), fewer: _normcli(*command, few)},
            memory_goals={fewer: 1.15},
        )
    out.unlink()


SECTIONS: Mapping[str, Callable[[Size], Iterator[Work]]] = {
    "fits": _fits,
    "texts": _texts,
    "quantiles": _quantiles,
    "carrying": _carrying,
    "tensors": _tensors,
    "peaks": _peaks,
    "starts": _starts,
}
"""The works by what they are about."""
