"""normcli and its peers: python -m benchmarks [--quick] [--section NAME] [--only TEXT].

Writes benchmarks/RESULTS.md (with --quick it only prints): for each work the seconds and the
memory of normcli, and the ratio of its median to that of each peer, in the same run, in turn.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.timing import Timing, alternate
from benchmarks.works import SECTIONS, Size, Work, works

_RESULTS = Path(__file__).parent / "RESULTS.md"
_PACKAGES = ("normcli", "polars", "pyarrow", "numpy", "duckdb", "scikit-learn", "pandas")


def _versions() -> Iterator[str]:
    yield f"Python {platform.python_version()}"
    for name in _PACKAGES:
        try:
            yield f"{name} {importlib.metadata.version(name)}"
        except importlib.metadata.PackageNotFoundError:
            yield f"{name} –"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def _load() -> str:
    """Return how many programs were running or waiting for a core, lately."""
    try:
        return f"{os.getloadavg()[1]:.1f}"
    except OSError:
        return "unknown"


def _head(arguments: str) -> str:
    return (
        "# Results\n\n"
        f"Made by `python -m benchmarks{arguments}` on "
        f"{datetime.date.today().isoformat()}: {_processor()}, {os.cpu_count()} cores; "
        f"{', '.join(_versions())}.\n\n"
        "Whole processes in turn (A B A B …), medians. A ratio is normcli's median over that of "
        "the peer in the same run: below 1, normcli is faster. Memory is the median of the peak "
        "resident set sizes.\n\n"
        f"Load average at the start: {_load()}. An idle machine has 0; what is above the number of "
        "cores were other programs, with which seconds are longer and ratios less certain.\n"
    )


def _row(work: Work, timings: dict[str, Timing]) -> str:
    own = timings["normcli"]
    peers = [
        f"{name} {timing.median:.2f} s ({timing.peak:.0f} MB): "
        f"**{own.median / timing.median:.2f}**"
        + (f" (goal {work.goals[name]:g})" if name in work.goals else "")
        + _memory_ratio(own, timing, work.memory_goals.get(name))
        for name, timing in timings.items()
        if name != "normcli"
    ]
    return f"| {work.name} | {own.median:.2f} s | {own.peak:.0f} MB | {'<br>'.join(peers) or '–'} |"


def _memory_ratio(own: Timing, peer: Timing, goal: float | None) -> str:
    return "" if goal is None else f", memory **{own.peak / peer.peak:.2f}** (goal {goal:g})"


def _installed(name: str, command: Sequence[str]) -> bool:
    # What a shell runs for its redirections is named as the program.
    return shutil.which(name if command[0] == "sh" else command[0]) is not None


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small data, three runs, no file")
    parser.add_argument("--section", choices=SECTIONS, help="the works of this section")
    parser.add_argument("--only", default="", help="the works whose name has this text")
    parser.add_argument("--runs", type=int, help="how many runs are counted (5; quick: 3)")
    parser.add_argument("--share", type=float, default=1.0, help="of the usual rows (1.0)")
    arguments = parser.parse_args()
    runs = arguments.runs or (3 if arguments.quick else 5)
    lines = [
        _head("".join(f" {each}" for each in sys.argv[1:])),
        "| work | normcli | memory | peers: ratio |",
        "|---|---|---|---|",
    ]
    for line in lines:
        print(line)
    sections = [arguments.section] if arguments.section else list(SECTIONS)
    for work in works(Size(arguments.quick, arguments.share), sections):
        if arguments.only not in work.name:
            continue
        if arguments.quick:  # the goals are for the usual rows
            work = replace(work, goals={}, memory_goals={})
        commands = {k: v for k, v in work.commands.items() if _installed(k, v)}
        lines.append(_row(work, alternate(commands, runs, work.variables)))
        print(lines[-1], flush=True)
    lines.append(f"\nLoad average at the end: {_load()}.")
    print(lines[-1])
    if not arguments.quick and not arguments.only and not arguments.section:
        _RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"written: {_RESULTS}", file=sys.stderr)


if __name__ == "__main__":
    main()
