"""Apply and invert: data that do not fit the stats file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import normcli
from normcli.errors import NormWarning

DATA = pl.DataFrame({"k": ["a", "a", "b"], "x": [1.0, 2.0, 4.0], "y": [1, 2, 3]})


def plain(path: Path) -> None:
    normcli.fit(DATA).save(path)


def grouped(path: Path) -> None:
    normcli.fit(DATA, by="k").save(path)


def logarithmic(path: Path) -> None:
    normcli.fit(DATA, method="log").save(path)


def no_values(path: Path) -> None:
    frame = DATA.with_columns(pl.when(pl.col("k") == "a").then(pl.col("x")).alias("x"))
    with pytest.warns(NormWarning):
        normcli.fit(frame, by="k").save(path)


def by_number(path: Path) -> None:
    normcli.fit(DATA, by="y").save(path)


def dated(path: Path) -> None:
    frame = pl.DataFrame({"x": ["2024-01-01", "2024-01-03"]}).select(pl.col("x").str.to_date())
    normcli.fit(frame, columns="x").save(path)


def by_row(path: Path) -> None:
    normcli.fit(DATA, method="layernorm").save(path)


def without_gamma(path: Path) -> None:
    normcli.fit(DATA, method="layernorm:gamma=0").save(path)


APPLY = ["apply", "s.json", "a.csv", "-o", "out/kept.csv"]
INVERT = ["invert", "s.json", "a.csv", "-o", "out/kept.csv"]
CSV = DATA.write_csv()
DROPPED = DATA.drop("y")
KEPT = DATA.with_columns(pl.lit(1.0).alias("@numeric.mean"), pl.lit(1.0).alias("@numeric.std"))

CASES: list[tuple[str, Any, Any, list[str], int]] = [
    ("missing column", plain, DROPPED, [], 3),
    ("renamed column", plain, DATA.rename({"y": "yy"}), [], 3),
    ("no column at all", plain, pl.DataFrame({"z": [1]}), ["--missing-column", "skip"], 3),
    ("unknown column", plain, DATA, ["-c", "xx"], 3),
    ("text where numbers were fitted", plain, "k,x,y\na,one,1\n", [], 3),
    ("unknown group", grouped, CSV + "c,1.0,1\nd,2.0,2\n", [], 3),
    ("unknown group, null", grouped, CSV + ",1.0,1\n", [], 3),
    ("group without values", no_values, DATA, [], 3),
    ("vector without a member", by_row, DROPPED, [], 3),
    ("vector without a member, skip", by_row, DROPPED, ["--missing-column", "skip"], 3),
    ("vector in part", by_row, DATA, ["-c", "x"], 3),
    ("kept column there already", by_row, KEPT, ["--keep-row-stats"], 3),
    ("missing key", grouped, DATA.drop("k"), [], 3),
    ("missing key, near", grouped, DATA.rename({"k": "kk"}), [], 3),
    ("negative for log", logarithmic, CSV + "a,-1.0,1\n", [], 3),
    ("map of an unknown column", plain, DATA, ["--map", "xx=x"], 3),
    ("map to an unknown column", plain, DATA, ["--map", "x=xx"], 3),
    ("map twice", plain, DATA, ["--map", "x=x", "--map", "x=y"], 2),
    ("number where dates were fitted", dated, DATA.select("x"), [], 3),
    ("bad row at the end", plain, CSV * 1 + "a,1.0,1\n" * 150_000 + "a,oops,1\n", [], 3),
]


@pytest.mark.parametrize(
    ("case", "stats", "data", "arguments", "code"), CASES, ids=[case for case, *_ in CASES]
)
def test_apply_refused(
    cases: Any, case: str, stats: Any, data: Any, arguments: list[str], code: int
) -> None:
    cases.refused(case, [*APPLY, *arguments], {"a.csv": data, "s.json": stats}, code)


PARQUET: list[tuple[str, Any, pl.DataFrame, list[str], int]] = [
    ("text column in parquet", plain, DATA.with_columns(pl.col("x").cast(pl.String)), [], 3),
    (
        "date where numbers were fitted",
        plain,
        DATA.with_columns(pl.lit(0).cast(pl.Date).alias("x")),
        [],
        3,
    ),
    ("other key dtype", by_number, DATA.with_columns(pl.lit("one").alias("y")), [], 3),
    ("fractions as keys", by_number, DATA.with_columns(pl.lit(1.5).alias("y")), [], 3),
    ("unknown group in parquet", grouped, DATA.with_columns(pl.lit("c").alias("k")), [], 3),
]


@pytest.mark.parametrize(
    ("case", "stats", "data", "arguments", "code"), PARQUET, ids=[case for case, *_ in PARQUET]
)
def test_apply_to_parquet_refused(
    cases: Any, case: str, stats: Any, data: pl.DataFrame, arguments: list[str], code: int
) -> None:
    command = ["apply", "s.json", "a.parquet", "-o", "out/kept.parquet", *arguments]
    cases.refused(case, command, {"a.parquet": data, "s.json": stats}, code)


INVERTED: list[tuple[str, Any, Any, list[str], int]] = [
    ("invert: missing column", plain, DROPPED, [], 3),
    ("invert: rows without what they lost", by_row, DATA, [], 3),
    (
        "invert: kept column of text",
        by_row,
        KEPT.with_columns(pl.lit("a").alias("@numeric.std")),
        [],
        3,
    ),
    ("invert: gamma 0", without_gamma, KEPT, [], 3),
    ("invert: text", plain, "k,x,y\na,one,1\n", [], 3),
    ("invert: unknown group", grouped, CSV + "c,1.0,1\n", [], 3),
    ("invert: predictions without map", plain, pl.DataFrame({"predicted": [0.1]}), [], 3),
]


@pytest.mark.parametrize(
    ("case", "stats", "data", "arguments", "code"), INVERTED, ids=[case for case, *_ in INVERTED]
)
def test_invert_refused(
    cases: Any, case: str, stats: Any, data: Any, arguments: list[str], code: int
) -> None:
    cases.refused(case, [*INVERT, *arguments], {"a.csv": data, "s.json": stats}, code)


def test_group_key_that_came_with_the_folders(cases: Any) -> None:
    """The statistics are by year, which the single file does not say."""

    def by_year(path: Path) -> None:
        normcli.fit(DATA.with_columns(pl.lit(2024).alias("year")), by="year").save(path)

    files = {"year=2024/a.csv": DATA, "a.csv": DATA, "s.json": by_year}
    cases.refused("missing key of a folder", APPLY, files, 3)
