"""fit --explain says the scans that a fit makes, and makes none."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import normcli

_CHANCE = np.random.default_rng(3)
_FRAME = pl.DataFrame(
    {
        "g": _CHANCE.integers(0, 3, 500),
        "x": np.exp(_CHANCE.normal(0, 1, 500)),
        "y": 1 + _CHANCE.random(500),
    }
)


class _Scans:
    """Counts the scans of a fit by its progress."""

    def __init__(self) -> None:
        self.count = 0

    def start(self, what: str, extent: object) -> None:
        self.count += 1

    def describe(self, what: str) -> None: ...

    def advance(self, rows: int) -> None: ...

    def finish(self) -> None: ...


@pytest.mark.parametrize("by", [(), ("g",)], ids=["all rows", "by group"])
@pytest.mark.parametrize(
    "chain",
    [
        "zscore",
        "log+zscore",
        "zscore+minmax",
        "zscore:mean=1,std=2+log1p+minmax",
        "robust",
        "mad",
        "mad:median=1",
        "log+mad+zscore",
        "clip:low_q=1,high_q=99+robust",
        "zscore:mean=0,std=1+log",
        "zscore+symlog",
        "zscore+minmax+log1p",
    ],
)
def test_as_many_scans_as_it_says(chain: str, by: tuple[str, ...]) -> None:
    """Where all values fit in memory, percentiles need no scans more."""
    said = normcli.explain(_FRAME, method=chain, columns="x,y", by=by)
    scans = _Scans()
    normcli.fit(_FRAME, method=chain, columns="x,y", by=by, progress=scans)
    assert len(re.findall(r"^scan \d+$", said, re.MULTILINE)) == scans.count
    least = re.match(r"(\d+)", said)
    assert least is not None
    assert int(least[1]) == scans.count


def test_on_the_command_line(tmp_path: Path) -> None:
    _FRAME.write_csv(tmp_path / "a.csv")
    command = [sys.executable, "-m", "normcli", "fit", "a.csv", "--explain", "-o", "s.json"]
    more = ["--by", "g", "-s", "x=clip:low_q=1,high_q=99+robust"]
    done = subprocess.run(
        [*command, *more], cwd=tmp_path, capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout == (
        "2 to 6 scans of the data, 2 columns by g\n"
        "scan 1\n"
        "  x  counts, extremes, moments, percentiles 1, 99 (up to 2 scans more)\n"
        "  y  counts, extremes, moments\n"
        "scan 2\n"
        "  x  robust, on the output of clip:low_q=1,high_q=99: counts, percentiles 25, 50, 75 "
        "(up to 2 scans more)\n"
    )
    assert not (tmp_path / "s.json").exists()
