"""What suggest refuses, and what it warns of."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

CSV = "name,x,y\na,1.5,2\nb,2.5,4\nc,4.0,9\n"
SUGGEST = ["suggest", "-o", "out/kept.json"]

CASES: list[tuple[str, dict[str, Any], list[str], int]] = [
    ("missing file", {"penguins.csv": CSV}, ["pengiuns.csv"], 3),
    ("empty file", {"a.csv": ""}, ["a.csv"], 3),
    ("header only", {"a.csv": "name,x,y\n"}, ["a.csv"], 3),
    ("parquet without rows", {"a.parquet": pl.DataFrame({"x": [1.0]}).clear()}, ["a.parquet"], 3),
    ("no rows where", {"a.csv": CSV}, ["a.csv", "--where", "x > 9"], 3),
    ("unknown column", {"a.csv": CSV}, ["a.csv", "-c", "z"], 3),
    ("unknown column to exclude", {"a.csv": CSV}, ["a.csv", "-x", "nmae"], 3),
    ("unknown class", {"a.csv": CSV}, ["a.csv", "-c", "@floats"], 2),
    ("unknown key", {"a.csv": CSV}, ["a.csv", "--by", "nam"], 3),
    ("condition on an unknown column", {"a.csv": CSV}, ["a.csv", "--where", "z > 9"], 3),
    ("nothing but keys", {"a.csv": CSV}, ["a.csv", "--by", "name", "-c", "name"], 3),
    ("unknown dtype", {"a.csv": CSV}, ["a.csv", "--type", "x=Flaot"], 2),
    ("type of an unknown column", {"a.csv": CSV}, ["a.csv", "--type", "xx=Int64"], 3),
    ("text where a number is needed", {"a.csv": CSV}, ["a.csv", "--type", "name=Int64"], 3),
    ("no directory for the recipe", {"a.csv": CSV}, ["a.csv", "-o", "new/recipe.toml"], 4),
    ("unknown flag", {"a.csv": CSV}, ["a.csv", "--method", "zscore"], 2),
]


@pytest.mark.parametrize(
    ("case", "files", "arguments", "code"), CASES, ids=[case for case, *_ in CASES]
)
def test_refused(
    cases: Any, case: str, files: dict[str, Any], arguments: list[str], code: int
) -> None:
    cases.refused(case, [*SUGGEST, *arguments], files, code)


def test_no_source(cases: Any) -> None:
    cases.refused("no source", SUGGEST, {}, 3, b"")


def test_only_text(cases: Any) -> None:
    text = "name,note\n" + "".join(f"name {i},note {i}\n" for i in range(30))
    cases.warned("only text", [*SUGGEST, "a.csv"], {"a.csv": text})


def test_another_delimiter(cases: Any) -> None:
    cases.warned("another delimiter", [*SUGGEST, "a.csv"], {"a.csv": CSV.replace(",", ";")})


def test_numbers_that_are_text(cases: Any) -> None:
    cases.warned("numbers that are text", [*SUGGEST, "a.csv"], {"a.csv": CSV + "d,NA,3\n"})
