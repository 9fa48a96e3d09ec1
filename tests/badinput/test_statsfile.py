"""Stats files that can't be trusted, or do not belong together."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import normcli

pytestmark = pytest.mark.filterwarnings("ignore::normcli.errors.NormWarning")

DATA = pl.DataFrame({"k": ["a", "a", "b"], "x": [1.0, 2.0, 4.0], "y": [1, 2, 3]})
Edit = Callable[[dict[str, Any]], None]


def fitted(frame: pl.DataFrame = DATA, **options: Any) -> Callable[[Path], None]:
    """Return a maker of a good stats file."""
    return lambda path: normcli.fit(frame, **options).save(path)


def edited(edit: Edit, **options: Any) -> Callable[[Path], None]:
    """Return a maker of a stats file that someone changed by hand."""

    def make(path: Path) -> None:
        document = json.loads(normcli.fit(DATA, **options).to_json())
        edit(document)
        path.write_text(json.dumps(document, indent=1))

    return make


def rewritten(pattern: str, replacement: str) -> Callable[[Path], None]:
    """Return a maker of a stats file whose text was changed."""

    def make(path: Path) -> None:
        text, count = re.subn(pattern, replacement, normcli.fit(DATA).to_json(), count=1)
        assert count == 1
        path.write_text(text)

    return make


def cut(path: Path) -> None:
    text = normcli.fit(DATA).to_json()
    path.write_text(text[: len(text) // 2])


def _set(path: str, value: Any) -> Edit:
    *folders, last = path.split("/")

    def edit(document: dict[str, Any]) -> None:
        part: Any = document
        for name in folders:
            part = part[int(name) if name.isdigit() else name]
        part[int(last) if last.isdigit() else last] = value

    return edit


def _duplicate_group(document: dict[str, Any]) -> None:
    document["groups"][1] = document["groups"][0]


def _fewer_groups(document: dict[str, Any]) -> None:
    document["groups"].pop()


def _fewer_rows(document: dict[str, Any]) -> None:
    document["columns"]["x"]["steps"][0]["groups"]["rows"].pop()


def _no_mean(document: dict[str, Any]) -> None:
    del document["columns"]["x"]["steps"][0]["params"]["mean"]


def _no_groups(document: dict[str, Any]) -> None:
    del document["groups"]


FILES: list[tuple[str, Any]] = [
    ("empty", ""),
    ("cut off", cut),
    ("not json", "mean: 1\nstd: 2\n"),
    ("another json", '{"mean": 1}'),
    ("a list", "[1, 2]"),
    ("not text", b"\x80\x81"),
    ("parquet", DATA.write_parquet),
    ("future version", edited(_set("format", "normcli/2"))),
    ("nan", rewritten(r'"mean": [\d.]+', '"mean": NaN')),
    ("infinity", rewritten(r'"std": [\d.]+', '"std": Infinity')),
    ("number too large", rewritten(r'"std": [\d.]+', '"std": 1e999')),
    ("edited param", edited(_set("columns/x/steps/0/params/mean", 2.0))),
    ("edited param of a group", edited(_set("columns/x/steps/0/groups/rows/0/0", 2.0), by="k")),
    ("edited count", edited(_set("columns/x/summary/count", 4))),
    ("edited rows", edited(_set("source/rows", 4))),
    ("edited state", edited(_set("columns/x/state/sum", "0x9p+0"))),
    ("state that is no number", edited(_set("columns/x/state/sum", "seven"))),
    ("param that is text", edited(_set("columns/x/steps/0/params/mean", "2"))),
    ("missing param", edited(_no_mean)),
    ("unknown method", edited(_set("columns/x/steps/0/method", "zscor"))),
    ("unknown option", edited(_set("columns/x/steps/0/dof", 1))),
    ("option out of range", edited(_set("columns/x/steps/0/ddof", -1))),
    ("unknown key", edited(_set("colums", {}))),
    ("unknown dtype", edited(_set("columns/x/dtype", "Float65"))),
    ("no columns", edited(_set("columns", {}))),
    ("columns of another shape", edited(_set("columns", ["x"]))),
    ("no steps", edited(_set("columns/x/steps", []))),
    ("steps that are no list", edited(_set("columns/x/steps", "zscore"))),
    ("duplicate group", edited(_duplicate_group, by="k")),
    ("fewer groups", edited(_fewer_groups, by="k")),
    ("fewer rows of groups", edited(_fewer_rows, by="k")),
    ("keys without groups", edited(_no_groups, by="k")),
    ("group of another dtype", edited(_set("groups/0", [1]), by="k")),
    ("group of another length", edited(_set("groups/0", ["a", "b"]), by="k")),
    ("small groups without a bound", edited(_set("columns/x/small_groups", [["a"]]), by="k")),
    ("small groups without groups", edited(_set("columns/x/small_groups", [["a"]]))),
    (
        "small groups that are not",
        edited(_set("columns/x/small_groups", [["a"]]), by="k", min_group=2),
    ),
    (
        "small groups that are none",
        edited(_set("columns/x/small_groups", [["c"]]), by="k", min_group=2),
    ),
    (
        "small groups with params of their own",
        edited(_set("columns/x/steps/0/groups/rows/1/0", 4.0), by="k", min_group=2),
    ),
    ("unknown way to read", edited(_set("read", {"seperator": ";"}))),
    ("recipe that is a list", edited(_set("recipe", ["zscore"]))),
    ("recipe with an unknown key", edited(_set("recipe", {"selct": "x"}))),
    ("recipe with a key of its own place", edited(_set("recipe", {"by": ["k"]}))),
    ("recipe with an unknown method", edited(_set("recipe", {"columns": {"x": "zscor"}}))),
    ("recipe with a chain as a list", edited(_set("recipe", {"columns": {"x": ["rms"]}}))),
    ("recipe with an unknown way out", edited(_set("recipe", {"inf": "drop"}))),
]


@pytest.mark.parametrize(("case", "made"), FILES, ids=[case for case, _ in FILES])
def test_refused(cases: Any, case: str, made: Any) -> None:
    files = {"data.csv": DATA, "s.json": made}
    cases.refused(case, ["apply", "s.json", "data.csv", "-o", "out/kept.csv"], files, 3)


def test_missing(cases: Any) -> None:
    command = ["apply", "stats.json", "data.csv", "-o", "out/kept.csv"]
    cases.refused("missing", command, {"data.csv": DATA, "stat.json": fitted()}, 3)


def test_not_permitted(cases: Any) -> None:
    command = ["show", "locked.json"]
    cases.refused("not permitted", command, {"locked.json": fitted()}, 4)


def test_show_of_an_unknown_column(cases: Any) -> None:
    command = ["show", "s.json", "--column", "z"]
    cases.refused("show of an unknown column", command, {"s.json": fitted()}, 3)


OTHER = DATA.rename({"y": "z"})
MERGES: list[tuple[str, Any, Any]] = [
    ("merge: other columns", fitted(), fitted(OTHER)),
    ("merge: other dtype", fitted(), fitted(DATA.with_columns(pl.col("y").cast(pl.Float64)))),
    ("merge: other chain", fitted(), fitted(method="minmax")),
    ("merge: other option", fitted(), fitted(method="zscore:ddof=1")),
    ("merge: other groups", fitted(by="k"), fitted()),
    ("merge: other keys", fitted(by="k"), fitted(by="y", columns="x")),
    ("merge: other where", fitted(), fitted(where="x > 1")),
    ("merge: other recipe, columns", fitted(), fitted(columns="x,y")),
    ("merge: other recipe, exclude", fitted(exclude="k"), fitted(exclude="[k]")),
    ("merge: other recipe, inf", fitted(inf="skip"), fitted()),
    ("merge: other recipe, min_group", fitted(by="k", min_group=2), fitted(by="k")),
    ("merge: other recipe, default", fitted(method="rms"), fitted(set={"x,y": "rms"})),
    (
        "merge: other recipe, order",
        fitted(set={"*": "skip", "@numeric": "rms", "x": "rms"}),
        fitted(set={"*": "skip", "x": "rms", "@numeric": "rms"}),
    ),
    ("merge: no state", fitted(), fitted(state=False)),
    ("merge: no state in any", fitted(state=False), fitted(state=False)),
    (
        "merge: a chain that can't be merged",
        fitted(method="zscore+minmax"),
        fitted(method="zscore+minmax"),
    ),
    ("merge: exact percentiles", fitted(method="robust"), fitted(method="robust")),
    (
        "merge: exact percentiles of one column",
        fitted(set={"y": "log1p+mad"}),
        fitted(set={"y": "log1p+mad"}),
    ),
    ("merge: exact percentiles by group", fitted(method="robust", by="k"), fitted(by="k")),
    ("merge: a file that is cut off", fitted(), cut),
]


@pytest.mark.parametrize(("case", "first", "second"), MERGES, ids=[case for case, *_ in MERGES])
def test_merge_refused(cases: Any, case: str, first: Any, second: Any) -> None:
    files = {"a.json": first, "b.json": second}
    cases.refused(case, ["merge", "a.json", "b.json", "-o", "out/kept.json"], files, 3)


def test_merge_of_other_text(cases: Any) -> None:
    def made(delimiter: str) -> Callable[[Path], None]:
        def make(path: Path) -> None:
            source = path.with_suffix(".csv")
            DATA.write_csv(source, separator=delimiter)
            normcli.fit(source, delimiter=delimiter).save(path)

        return make

    files = {"a.json": made(";"), "b.json": made("|")}
    command = ["merge", "a.json", "b.json", "-o", "out/kept.json"]
    cases.refused("merge: read in another way", command, files, 3)
