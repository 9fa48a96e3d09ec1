"""Columns and values that can't be normalized, and those of which a warning tells."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

CSV = "name,body_mass,x\na,1.5,2\nb,2.5,4\nc,4.0,9\n"
DATA: dict[str, Any] = {"a.csv": CSV}
FIT = ["fit", "a.csv", "-o", "out/kept.json"]
INFINITE = pl.DataFrame({"x": [1.0, float("inf"), float("-inf"), 2.0], "y": [1.0, 2.0, 3.0, 4.0]})
SIGNED = pl.DataFrame({"x": [1.0, 0.0, -2.0, None], "y": [1.0, 2.0, 3.0, 4.0]})
NESTED = pl.DataFrame({"x": [1.0, 2.0], "v": [[1.0, 2.0], [3.0]]})

CASES: list[tuple[str, dict[str, Any], list[str], int]] = [
    ("unknown column, near", DATA, ["-c", "bodymass"], 3),
    ("unknown column, in set", DATA, ["-s", "z=minmax"], 3),
    ("unknown column, excluded", DATA, ["-x", "X"], 3),
    ("unknown column, key", DATA, ["--by", "nam"], 3),
    ("unknown class", DATA, ["-c", "@numerical"], 2),
    ("glob without column", DATA, ["-c", "pixel_*"], 3),
    ("text column", DATA, ["-c", "name"], 3),
    ("only text", {"a.csv": "name\na\nb\n"}, [], 3),
    ("all columns excluded", DATA, ["-x", "*"], 3),
    ("key and column", DATA, ["--by", "x", "-c", "x"], 2),
    ("infinite values", {"a.parquet": INFINITE}, ["a.parquet"], 3),
    ("infinite text", {"a.csv": "x\n1\ninf\n"}, [], 3),
    ("log of zero and negative", {"a.parquet": SIGNED}, ["a.parquet", "-m", "log"], 3),
    ("sqrt of a negative", {"a.parquet": SIGNED}, ["a.parquet", "-m", "sqrt"], 3),
    ("log1p below -1", {"a.parquet": SIGNED}, ["a.parquet", "-m", "log1p"], 3),
    ("log after zscore", DATA, ["-m", "zscore+log"], 3),
    ("list column", {"a.parquet": NESTED}, ["a.parquet", "-c", "v"], 3),
    ("list as key", {"a.parquet": NESTED}, ["a.parquet", "--by", "v"], 3),
    ("where: syntax", DATA, ["--where", "x >"], 2),
    ("where: unknown column", DATA, ["--where", "z > 1"], 3),
    ("where: aggregate", DATA, ["--where", "x > avg(x)"], 2),
    ("where: subquery", DATA, ["--where", "x in (select x from self)"], 2),
    ("where: not Boolean", DATA, ["--where", "x + 1"], 2),
    ("where: no column", DATA, ["--where", "1 = 1"], 2),
    ("where: unknown function", DATA, ["--where", "frobnicate(x) > 1"], 2),
    ("where: type mismatch", DATA, ["--where", "name > 1"], 2),
    ("where: two statements", DATA, ["--where", "x > 1; drop table x"], 2),
    ("where: nothing left", DATA, ["--where", "x > 100"], 3),
]


@pytest.mark.parametrize(
    ("case", "files", "arguments", "code"), CASES, ids=[case for case, *_ in CASES]
)
def test_refused(
    cases: Any, case: str, files: dict[str, Any], arguments: list[str], code: int
) -> None:
    command = ["fit", "-o", "out/kept.json"] if arguments[:1] == ["a.parquet"] else FIT
    cases.refused(case, [*command, *arguments], files, code)


WARNINGS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("warning: constant column", {"a.csv": "x,y\n5,1\n5,2\n"}, []),
    ("warning: column of nulls", {"a.csv": "x,y\n,1\n,2\n"}, ["--type", "x=Float64"]),
    ("warning: group of nulls", {"a.csv": "k,x\na,1\na,2\nb,\n"}, ["--by", "k"]),
    (
        "warning: small groups",
        {"a.csv": "k,x,y\na,1,1\na,2,7\nb,4,2\nb,,9\n"},
        ["--by", "k", "--min-group", "2"],
    ),
    (
        "warning: a group of nulls is small",
        {"a.csv": "k,x\na,1\na,2\nb,\n"},
        ["--by", "k", "--min-group", "1"],
    ),
    (
        "warning: small groups when quiet",
        {"a.csv": "k,x\na,1\na,2\nb,4\n"},
        ["--by", "k", "--min-group", "2", "--quiet"],
    ),
    (
        "warning: lambda at the end of its range",
        {"a.csv": "k,x\na,1000001\na,1000002\na,1000004\nb,9\nb,2\nb,4\n"},
        ["-c", "x", "--where", "k = 'a'", "-m", "yeojohnson"],
    ),
    (
        "warning: lambda that loses digits in a group",
        {"a.csv": "k,x\na,1000001\na,1009002\na,1090004\nb,9\nb,2\nb,4\n"},
        ["--by", "k", "-m", "boxcox+zscore"],
    ),
    ("warning: no warnings when quiet", {"a.csv": "x,y\n5,1\n5,2\n"}, ["--quiet"]),
]


@pytest.mark.parametrize(
    ("case", "files", "arguments"), WARNINGS, ids=[case for case, *_ in WARNINGS]
)
def test_warned(cases: Any, case: str, files: dict[str, Any], arguments: list[str]) -> None:
    cases.warned(case, [*FIT, *arguments], files)
