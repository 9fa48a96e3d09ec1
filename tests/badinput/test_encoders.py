"""Methods that encode values: what can't be fitted, applied or trusted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import normcli
from normcli.errors import StatsFileError
from tests.badinput.test_statsfile import Edit, _set
from tests.badinput.test_statsfile_mutations import WRONG, _places

CSV = "g,size,n,price\na,small,1,0.5\na,large,2,1.5\nb,small,3,\n"
DATA = pl.DataFrame({"x": ["b", "a", "b", None], "n": [3, 1, 3, 1], "k": ["u", "v", "v", "v"]})
FIT = ["fit", "a.csv", "-o", "out/kept.json"]
APPLY = ["apply", "s.json", "a.csv", "-o", "out/kept.csv"]
INVERT = ["invert", "s.json", "a.csv", "-o", "out/kept.csv"]


def fitted(method: str = "ordinal", columns: str = "size") -> Callable[[Path], None]:
    """Return a maker of a good stats file."""

    def make(path: Path) -> None:
        source = path.with_name("fitted.csv")
        source.write_text(CSV)
        normcli.fit(source, method=method, columns=columns).save(path)
        source.unlink()

    return make


FITS: list[tuple[str, list[str], int]] = [
    ("after another step", ["-m", "zscore+ordinal"], 2),
    ("an unknown choice", ["-m", "ordinal:unseen=keep"], 2),
    ("a category given twice", ["-m", "ordinal:categories=small:large:small"], 2),
    ("a number given twice", ["-m", "ordinal:categories=1:2:03:3", "-c", "n"], 2),
    ("categories of another dtype", ["-m", "ordinal:categories=one:two", "-c", "n"], 2),
    ("a backslash at the end", ["-m", "ordinal:categories=small\\"], 2),
    ("floats", ["-m", "ordinal", "-c", "price"], 3),
    ("not among the categories", ["-m", "ordinal:categories=small:medium", "-c", "size"], 3),
    ("not among the categories, chain", ["-s", "size=ordinal:categories=large+zscore"], 3),
    ("code 0 has no logarithm", ["-m", "ordinal+log"], 3),
    ("tokens: numbers", ["-m", "tokens", "-c", "n"], 3),
    ("tokens: nothing follows", ["-m", "tokens+zscore"], 2),
    ("tokens: length", ["-m", "tokens:length=0"], 2),
    ("tokens: max_words", ["-m", "tokens:max_words=2,oov=<oov>"], 2),
    ("tokens: oov that is a word", ["-m", "tokens:oov=none"], 2),
    ("tokens: no word", ["-m", "tokens:vocabulary=the:Cat"], 2),
    ("tokens: a word twice", ["-m", "tokens:vocabulary=the:cat:the"], 2),
]


@pytest.mark.parametrize(("case", "arguments", "code"), FITS, ids=[case for case, *_ in FITS])
def test_fit_refused(cases: Any, case: str, arguments: list[str], code: int) -> None:
    cases.refused(f"fit: {case}", [*FIT, *arguments], {"a.csv": CSV}, code)


NEW = CSV + "b,medium,1,1\nb,,2,2\nb,huge,3,3\nb,tiny,4,4\nb,big,1,1\n"
CARRIED: list[tuple[str, list[str], Any, Any, int]] = [
    ("apply: not seen", APPLY, fitted(), NEW, 3),
    ("apply: one not seen", APPLY, fitted("ordinal+zscore"), CSV + "a,x-small,1,1\n", 3),
    ("apply: whole number not seen", APPLY, fitted(columns="n"), CSV + "a,small,77,1\n", 3),
    ("apply: fraction", APPLY, fitted(columns="n"), CSV.replace(",1,", ",1.5,"), 3),
    ("apply: renamed", [*APPLY, "--map", "new=size"], fitted(), "new\nmini\n", 3),
    ("invert: text", INVERT, fitted(), CSV, 3),
    ("tokens to csv", APPLY, fitted("tokens"), CSV, 2),
    ("tokens to stdout", ["apply", "s.json", "a.csv"], fitted("tokens"), CSV, 2),
    ("tokens from csv", INVERT, fitted("tokens"), CSV, 3),
    ("invert: no code", [*INVERT, "--map", "n=size"], fitted(), "n\n1\n7\n", 3),
    ("invert: no codes", [*INVERT, "--map", "n=size"], fitted(), "n\n-1\n1\n99\n2\n1e300\n", 3),
]


@pytest.mark.parametrize(
    ("case", "command", "stats", "data", "code"), CARRIED, ids=[case for case, *_ in CARRIED]
)
def test_carrying_refused(
    cases: Any, case: str, command: list[str], stats: Any, data: Any, code: int
) -> None:
    cases.refused(case, command, {"a.csv": data, "s.json": stats}, code)


def test_several_files_and_stdin_are_named(cases: Any) -> None:
    files = {"in/a.csv": CSV, "in/b.csv": NEW, "s.json": fitted()}
    command = ["apply", "s.json", "in", "-o", "out/"]
    cases.refused("apply: not seen in one of several files", command, files, 3)


def test_stdin_is_named(cases: Any) -> None:
    command = ["apply", "s.json", "-", "-o", "out/kept.csv"]
    cases.refused("apply: not seen in stdin", command, {"s.json": fitted()}, 3, NEW.encode())


WIDE = pl.DataFrame({"x": [1.0, 2.0], "v": [[1], [2]], "b": [b"a", b"b"]})
OUTPUTS: list[tuple[str, pl.DataFrame, str]] = [
    ("lists to csv", WIDE.drop("b"), "csv"),
    ("bytes to csv", WIDE.drop("v"), "csv"),
    ("bytes to ndjson", WIDE.drop("v"), "ndjson"),
    ("bytes in a struct to ndjson", WIDE.select("x", s=pl.struct("b")), "ndjson"),
]


@pytest.mark.parametrize(("case", "data", "to"), OUTPUTS, ids=[case for case, *_ in OUTPUTS])
def test_what_a_format_can_not_hold(cases: Any, case: str, data: pl.DataFrame, to: str) -> None:
    def plain(path: Path) -> None:
        normcli.fit(WIDE, columns="x").save(path)

    command = ["apply", "s.json", "a.parquet", "--to", to, "-o", f"out/kept.{to}"]
    cases.refused(case, command, {"a.parquet": data, "s.json": plain}, 2)


# Stats files that someone changed.


def _edited(edit: Edit, **options: Any) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        options.setdefault("columns", "x,n")
        options.setdefault("method", "ordinal")
        document = json.loads(normcli.fit(DATA, **options).to_json())
        edit(document)
        path.write_text(json.dumps(document))

    return make


_STATE = "columns/x/state"
_PARAMS = "columns/x/steps/0/params/categories"
_CHANGES: list[tuple[str, str, Any, dict[str, Any]]] = [
    ("another category", _PARAMS, ["a", "c"], {}),
    ("a category too many", _PARAMS, ["a", "b", "c"], {}),
    ("no categories", _PARAMS, None, {}),
    ("unsorted", _PARAMS, ["b", "a"], {"state": False}),
    ("twice", _PARAMS, ["a", "a"], {"state": False}),
    ("empty", _PARAMS, [], {"state": False}),
    ("null among them", _PARAMS, ["a", None], {"state": False}),
    ("another dtype", _PARAMS, [1, 2], {"state": False}),
    ("no list", _PARAMS, "ab", {"state": False}),
    ("not as it is written", "columns/n/steps/0/params/categories", [True, 3], {"state": False}),
    ("unsorted state", _STATE + "/categories", [["b", 2], ["a", 1]], {}),
    ("twice in the state", _STATE + "/categories", [["a", 1], ["a", 1], ["b", 1]], {}),
    ("another count", _STATE + "/categories", [["a", 1], ["b", 3]], {}),
    ("count of 0", _STATE + "/categories", [["a", 0], ["b", 3]], {}),
    ("count that is Boolean", _STATE + "/categories", [["a", True], ["b", 2]], {}),
    ("null in the state", _STATE + "/categories", [[None, 1], ["b", 2]], {}),
    ("rows too short", _STATE + "/categories", [["a"], ["b", 2]], {}),
    ("infinite text", _STATE + "/inf", 1, {}),
    ("count of NaN", _STATE + "/nan", 1, {}),
    ("floats", "columns/x/dtype", "Float64", {"state": False}),
    ("parameters by group", "columns/x/steps/0/groups", {"params": [], "rows": []}, {"by": "k"}),
    (
        "other categories than given",
        _PARAMS,
        ["a", "b"],
        {"method": "ordinal:categories=b:a", "columns": "x"},
    ),
    (
        "other numbers than given",
        "columns/n/steps/0/params/categories",
        [1, 3],
        {"method": "ordinal:categories=3:1", "columns": "n", "state": False},
    ),
    ("another first step", "columns/x/steps/0/method", "zscore", {}),
]


@pytest.mark.parametrize(
    ("case", "place", "value", "options"), _CHANGES, ids=[case for case, *_ in _CHANGES]
)
def test_edited_stats_file_refused(
    cases: Any, case: str, place: str, value: Any, options: dict[str, Any]
) -> None:
    files = {"s.json": _edited(_set(place, value), **options)}
    cases.refused(f"edited: {case}", ["show", "s.json"], files, 3)


@pytest.mark.parametrize("state", [True, False])
@pytest.mark.parametrize("columns", ["x", "n"])
@pytest.mark.parametrize("method", ["ordinal", "ordinal:unseen=null+zscore", "tokens:oov=<oov>"])
def test_mutations(tmp_path: Path, method: str, columns: str, state: bool) -> None:
    """Whatever is changed: the file loads and means something, or it is refused."""
    frame = DATA.with_columns(pl.col("n").cast(pl.String)) if "tokens" in method else DATA
    stats = normcli.fit(frame, method=method, columns=columns, by="k", state=state)
    text = stats.to_json()
    path = tmp_path / "s.json"
    for place in _places(json.loads(text)):
        for wrong in (*WRONG, "a", 1, ["a", "b"]):
            document = json.loads(text)
            _set("/".join(map(str, place)), wrong)(document)
            path.write_text(json.dumps(document))
            try:
                loaded = normcli.load(path)
            except StatsFileError as error:
                assert "s.json" in str(error), place
            else:
                # What was read is what would be written.
                path.write_text(loaded.to_json())
                assert normcli.load(path).to_json() == loaded.to_json()


MERGES: list[tuple[str, str, str]] = [
    ("other choice", "ordinal", "ordinal:unseen=null"),
    ("other categories", "ordinal:categories=a:b", "ordinal:categories=b:a"),
    ("later step", "ordinal+zscore", "ordinal+zscore"),
]


@pytest.mark.parametrize(("case", "first", "second"), MERGES, ids=[case for case, *_ in MERGES])
def test_merge_refused(cases: Any, case: str, first: str, second: str) -> None:
    def made(method: str) -> Callable[[Path], None]:
        return lambda path: normcli.fit(DATA, method=method, columns="x").save(path)

    files = {"a.json": made(first), "b.json": made(second)}
    command = ["merge", "a.json", "b.json", "-o", "out/kept.json"]
    cases.refused(f"merge: {case}", command, files, 3)


WARNINGS: list[tuple[str, str, list[str]]] = [
    ("constant", "x\na\na\n", []),
    ("no values", "x,y\n,a\n,b\n", ["--type", "x=String"]),
    ("nearly all different", "x\n" + "".join(f"row {i}\n" for i in range(50)), []),
]


@pytest.mark.parametrize(("case", "data", "arguments"), WARNINGS, ids=[c for c, *_ in WARNINGS])
def test_warned(cases: Any, case: str, data: str, arguments: list[str]) -> None:
    command = [*FIT, "-m", "ordinal", *arguments]
    cases.warned(f"warning: {case}", command, {"a.csv": data})
