"""Outputs that can't be written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import normcli

DATA = pl.DataFrame({"x": [1.0, 2.0, 4.0], "y": [1, 2, 3]})


def stats(path: Path) -> None:
    normcli.fit(DATA).save(path)


FILES: dict[str, Any] = {
    "a.csv": DATA,
    "sub/a.csv": DATA,
    "s.json": stats,
    "folder.csv/inside": "",
    "out/locked/inside": "",
}
CASES: list[tuple[str, list[str], int]] = [
    ("fit: no such directory", ["fit", "a.csv", "-o", "nowhere/s.json"], 4),
    ("fit: output is a directory", ["fit", "a.csv", "-o", "out"], 4),
    ("fit: read-only directory", ["fit", "a.csv", "-o", "out/locked/s.json"], 4),
    ("fit: below a file", ["fit", "a.csv", "-o", "a.csv/s.json"], 4),
    ("merge: no such directory", ["merge", "s.json", "-o", "nowhere/s.json"], 4),
    ("apply: no such directory", ["apply", "s.json", "a.csv", "-o", "nowhere/a.csv"], 4),
    ("apply: read-only directory", ["apply", "s.json", "a.csv", "-o", "out/locked/a.csv"], 4),
    ("apply: read-only tree", ["apply", "s.json", "a.csv", "-o", "out/locked/deep/"], 4),
    ("apply: below a file", ["apply", "s.json", "a.csv", "-o", "a.csv/b.csv"], 4),
    ("apply: two inputs, one name", ["apply", "s.json", "a.csv", "sub/a.csv", "-o", "new/"], 3),
    ("apply: stdin into a directory", ["apply", "s.json", "-o", "out/"], 2),
]


@pytest.mark.parametrize(("case", "command", "code"), CASES, ids=[case for case, *_ in CASES])
def test_refused(cases: Any, case: str, command: list[str], code: int) -> None:
    stdin = b"x,y\n1,2\n" if "stdin" in case else None
    cases.refused(case, command, FILES, code, stdin)
