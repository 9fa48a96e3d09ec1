"""Whole processes in alternation: medians of their seconds, and their peak memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Timing", "alternate"]


@dataclass(frozen=True)
class Timing:
    """What the runs of one command took."""

    seconds: tuple[float, ...]
    peaks: tuple[float, ...]
    """Peak resident set sizes, in MB of 10^6 bytes."""

    @property
    def median(self) -> float:
        """The median of the seconds."""
        return statistics.median(self.seconds)

    @property
    def peak(self) -> float:
        """The median of the peaks."""
        return statistics.median(self.peaks)


def _run(command: Sequence[str], variables: Mapping[str, str]) -> tuple[float, float]:
    environment = {**os.environ, **variables}
    # As installed programs run: the first run, which does not count, leaves the bytecode behind.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - start
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return took, usage.ru_maxrss * 1024 / 1e6


def alternate(
    commands: Mapping[str, Sequence[str]],
    runs: int,
    variables: Mapping[str, Mapping[str, str]] | None = None,
) -> dict[str, Timing]:
    """Run all commands in turn (A B A B …), once to warm up and then `runs` times."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    peaks: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            took, peak = _run(command, (variables or {}).get(name, {}))
            if turn:
                seconds[name].append(took)
                peaks[name].append(peak)
    return {name: Timing(tuple(seconds[name]), tuple(peaks[name])) for name in commands}
