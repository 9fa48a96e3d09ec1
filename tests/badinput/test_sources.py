"""Input that is not there, or is not what its name says."""

from __future__ import annotations

import io
from typing import Any

import polars as pl
import pytest

CSV = "name,x,y\na,1.5,2\nb,2.5,4\nc,4.0,9\n"
FRAME = pl.read_csv(io.StringIO(CSV))
PARQUET = io.BytesIO()
FRAME.write_parquet(PARQUET)
FIT = ["fit", "-o", "out/kept.json"]

CASES: list[tuple[str, dict[str, Any], list[str], int]] = [
    ("missing file", {"penguins.csv": CSV}, ["pengiuns.csv"], 3),
    ("missing file, nothing near", {}, ["nowhere/data.parquet"], 3),
    ("empty file", {"a.csv": ""}, ["a.csv"], 3),
    ("blank file", {"a.csv": "\n\n\n"}, ["a.csv"], 3),
    ("empty ndjson", {"a.ndjson": "\n"}, ["a.ndjson"], 3),
    ("header only", {"a.csv": "name,x,y\n"}, ["a.csv"], 3),
    ("parquet without rows", {"a.parquet": FRAME.clear()}, ["a.parquet"], 3),
    ("truncated parquet", {"a.parquet": PARQUET.getvalue()[:-20]}, ["a.parquet"], 3),
    ("truncated arrow", {"a.arrow": b"ARROW1\0\0abc"}, ["a.arrow"], 3),
    ("truncated gzip", {"a.csv.gz": b"\x1f\x8b\x08\0\0"}, ["a.csv.gz"], 3),
    ("parquet named csv", {"a.csv": PARQUET.getvalue()}, ["a.csv"], 3),
    ("csv named parquet", {"a.parquet": CSV}, ["a.parquet"], 3),
    ("ndjson named csv", {"a.csv": '{"x": 1}\n'}, ["a.csv"], 3),
    ("csv named gz", {"a.csv.gz": CSV}, ["a.csv.gz"], 3),
    ("unknown ending", {"a.dat": CSV}, ["a.dat"], 3),
    ("binary as csv", {"a.csv": b"x,y\n\0\1\2\3,\0\n"}, ["a.csv"], 3),
    ("directory without data", {"data/readme.md": "hello"}, ["data"], 3),
    ("glob without match", {"data/a.csv": CSV}, ["data/*.parquet"], 3),
    ("mixed formats", {"d/a.csv": CSV, "d/b.parquet": FRAME}, ["d"], 3),
    ("named twice", {"a.csv": CSV}, ["a.csv", "./a.csv"], 3),
    (
        "missing column in one file",
        {"a.csv": CSV, "b.csv": "name,x,yy\na,1,2\n"},
        ["a.csv", "b.csv"],
        3,
    ),
    (
        "extra column in one file",
        {"a.csv": CSV, "b.csv": "name,x,y,z\na,1,2,3\n"},
        ["a.csv", "b.csv"],
        3,
    ),
    (
        "other dtype in one file",
        {"a.csv": CSV, "b.csv": "name,x,y\na,1,two\n"},
        ["a.csv", "b.csv"],
        3,
    ),
    (
        "missing column in one parquet",
        {"a.parquet": FRAME, "b.parquet": FRAME.drop("y")},
        ["a.parquet", "b.parquet"],
        3,
    ),
    (
        "other dtype in one parquet",
        {"a.parquet": FRAME, "b.parquet": FRAME.with_columns(pl.col("y").cast(pl.Float64))},
        ["*.parquet"],
        3,
    ),
    (
        "folders' keys differ",
        {"d/year=2024/a.csv": CSV, "d/month=1/b.csv": CSV},
        ["d"],
        3,
    ),
    ("pattern for a name", {"a.csv": "x,^.*$\n1,2\n"}, ["a.csv"], 3),
    ("pattern for a name, ndjson", {"a.ndjson": '{"^x$": 1}\n'}, ["a.ndjson"], 3),
    ("key is a column too", {"d/x=1/a.csv": CSV}, ["d"], 3),
    ("stdin and files", {"a.csv": CSV}, ["a.csv", "-"], 2),
    ("unknown format", {"a.csv": CSV}, ["a.csv", "--from", "parket"], 2),
    ("not permitted", {"locked.csv": CSV}, ["locked.csv"], 4),
]


@pytest.mark.parametrize(
    ("case", "files", "arguments", "code"), CASES, ids=[case for case, *_ in CASES]
)
def test_refused(
    cases: Any, case: str, files: dict[str, Any], arguments: list[str], code: int
) -> None:
    cases.refused(case, [*FIT, *arguments], files, code)


STDIN: list[tuple[str, bytes, list[str], int]] = [
    ("no input on stdin", b"", [], 3),
    ("blank stdin", b"\n\n", [], 3),
    ("stdin of another format", PARQUET.getvalue(), ["--from", "ndjson"], 3),
    ("truncated parquet on stdin", PARQUET.getvalue()[:-20], [], 3),
    ("binary on stdin", b"\0\1\2\3abc", [], 3),
    ("text on stdin as parquet", CSV.encode(), ["--from", "parquet"], 3),
    ("header only on stdin", b"name,x,y\n", [], 3),
    ("truncated gzip on stdin", b"\x1f\x8b\x08\0\0", [], 3),
]


@pytest.mark.parametrize(
    ("case", "stdin", "arguments", "code"), STDIN, ids=[case for case, *_ in STDIN]
)
def test_refused_stdin(
    cases: Any, case: str, stdin: bytes, arguments: list[str], code: int
) -> None:
    cases.refused(case, [*FIT, *arguments], {}, code, stdin)
