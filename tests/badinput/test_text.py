"""Text that can't be parsed: the message names file, column, row and value."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

CSV = "name,x,y\na,1.5,2\nb,2.5,4\nc,4.0,9\n"
FIT = ["fit", "-o", "out/kept.json"]
# Far behind the rows from which types are found.
LONG = "x,y\n" + "1,0.5\n" * 199_999
LONG_NDJSON = '{"x": 1, "y": 0.5}\n' * 50_000

CASES: list[tuple[str, dict[str, Any], list[str], int]] = [
    ("text in row 200,000", {"a.csv": LONG + "1,oops\n"}, ["a.csv"], 3),
    ("float among whole numbers in row 200,000", {"a.csv": LONG + "1.5,2\n"}, ["a.csv"], 3),
    (
        "text in row 200,000 of a gzip file",
        {"a.csv.gz": gzip.compress((LONG + "1,oops\n").encode(), 1)},
        ["a.csv.gz"],
        3,
    ),
    (
        "text in row 200,000 of the second file",
        {"a.csv": CSV, "b.csv": "name,x,y\n" + "a,1.5,3\n" * 199_999 + "b,n/a,4\n"},
        ["*.csv"],
        3,
    ),
    (
        "text in a late row of ndjson",
        {"a.ndjson": LONG_NDJSON + '{"x":"?","y":1}\n'},
        ["a.ndjson"],
        3,
    ),
    ("broken line of ndjson", {"a.ndjson": '{"x": 1}\n{"x": 2\n{"x": 3}\n'}, ["a.ndjson"], 3),
    ("late broken line of ndjson", {"a.ndjson": LONG_NDJSON + '{"x": 2\n'}, ["a.ndjson"], 3),
    ("ndjson line that is no object", {"a.ndjson": '{"x": 1}\n[1, 2]\n'}, ["a.ndjson"], 3),
    ("ndjson array", {"a.ndjson": '[{"x": 1}, {"x": 2}]\n'}, ["a.ndjson"], 3),
    ("ragged row, too long", {"a.csv": CSV + "d,1,2,3\n"}, ["a.csv"], 3),
    ("late ragged row", {"a.csv": LONG + "1,2,3\n"}, ["a.csv"], 3),
    ("open quote", {"a.csv": CSV + '"d,1,2\n' * 3}, ["a.csv"], 3),
    ("invalid utf-8", {"a.csv": b"name,x\na,1\n\xff\xfeb,2\n"}, ["a.csv"], 3),
    ("invalid utf-8 in the header", {"a.csv": b"na\xffme,x\na,1\n"}, ["a.csv"], 3),
    ("utf-16", {"a.csv": CSV.encode("utf-16")}, ["a.csv"], 3),
    ("duplicate column names", {"a.csv": "x,y,x\n1,2,3\n"}, ["a.csv"], 3),
    ("two columns without a name", {"a.csv": "x,,\n1,2,3\n"}, ["a.csv"], 3),
    ("wrong delimiter", {"a.csv": "x;y\n1;2\n3;4\n"}, ["a.csv"], 3),
    ("forced type that does not fit", {"a.csv": CSV}, ["a.csv", "--type", "name=Int64"], 3),
    (
        "forced date that is none",
        {"a.csv": "d,x\n31.12.24,1\n"},
        ["a.csv", "-c", "*", "--type", "d=Date"],
        3,
    ),
    (
        "forced boolean that is none",
        {"a.csv": "b,x\nyes,1\n"},
        ["a.csv", "-c", "*", "--type", "b=Boolean"],
        3,
    ),
    ("type of an unknown column", {"a.csv": CSV}, ["a.csv", "--type", "nane=String"], 3),
    ("unknown type", {"a.csv": CSV}, ["a.csv", "--type", "x=Flaot64"], 2),
    ("type without a column", {"a.csv": CSV}, ["a.csv", "--type", "Float64"], 2),
    ("long delimiter", {"a.csv": CSV}, ["a.csv", "--delimiter", "::"], 2),
    ("empty delimiter", {"a.csv": CSV}, ["a.csv", "--delimiter", ""], 2),
    (
        "comma as delimiter and decimal point",
        {"a.csv": CSV},
        ["a.csv", "--delimiter", ",", "--decimal-comma"],
        2,
    ),
]


@pytest.mark.parametrize(
    ("case", "files", "arguments", "code"), CASES, ids=[case for case, *_ in CASES]
)
def test_refused(
    cases: Any, case: str, files: dict[str, Any], arguments: list[str], code: int
) -> None:
    cases.refused(case, [*FIT, *arguments], files, code)


STDIN: list[tuple[str, bytes, list[str]]] = [
    ("stdin: text in row 200,000", (LONG + "1,oops\n").encode(), []),
    ("stdin: broken line of ndjson", (LONG_NDJSON + '{"x": 2\n').encode(), []),
    ("stdin: ragged row", (CSV + "d,1,2,3\n").encode(), []),
    ("stdin: invalid utf-8", b"name,x\na,1\n\xff\xfeb,2\n", []),
]


@pytest.mark.parametrize(("case", "stdin", "arguments"), STDIN, ids=[case for case, *_ in STDIN])
def test_refused_stdin(cases: Any, case: str, stdin: bytes, arguments: list[str]) -> None:
    cases.refused(case, [*FIT, *arguments], {}, 3, stdin)
