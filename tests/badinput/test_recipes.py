"""Recipes that are wrong: the message names the file, and the line or the key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import normcli

DATA = pl.DataFrame(
    {"kind": ["a", "a", "b"], "x": [1.0, 2.0, 4.0], "y": [1, 2, 3], "when": ["mon", "tue", "mon"]}
)
FIT = ["fit", "a.csv", "-o", "out/kept.json"]

# Each is the text of r.toml, and the exit code.
RECIPES: dict[str, tuple[str | bytes, int]] = {
    "toml: no quotes": ("by = [species]\n", 2),
    "toml: no quotes around a glob": ('[columns]\nx = "rms"\nbill_* = "robust"\n', 2),
    "toml: key twice": ('[columns]\nx = "rms"\nx = "robust"\n', 2),
    "toml: table twice": ('[columns]\nx = "rms"\n[columns]\ny = "robust"\n', 2),
    "toml: cut off": ('[columns]\nx = "rms', 2),
    "toml: no value": ("exclude =\n", 2),
    "json": ('{"by": ["kind"]}', 2),
    "not text": (b'exclude = "x"\nwhere = "\xe4 > 1"\n', 2),
    "unknown key": ('exlude = "x"\n', 2),
    "unknown key, nothing near": ('frobnicate = "x"\n', 2),
    "unknown table": ('[column]\nx = "rms"\n', 2),
    "unknown key of a table": ('[read]\nnull_value = ["NA"]\n', 2),
    "key of a table above it": ('method = "rms"\n', 2),
    "key of the recipe below a table": ('[defaults]\nby = ["kind"]\n', 2),
    "key of the recipe below columns": ('[columns]\nx = "rms"\nby = ["kind"]\n', 2),
    "key of the recipe below columns, a text": ('[columns]\nexclude = "sample_*"\n', 2),
    "by is a text": ('by = "kind"\n', 2),
    "by holds a number": ('by = ["kind", 3]\n', 2),
    "where is a list": ('where = ["x > 1"]\n', 2),
    "select is a list": ('select = ["x", "y"]\n', 2),
    "columns is a text": ('columns = "@float"\n', 2),
    "header is a text": ('[read]\nheader = "no"\n', 2),
    "header is a number": ("[read]\nheader = 0\n", 2),
    "null values is a text": ('[read]\nnull_values = "NA"\n', 2),
    "type is a number": ("[read.types]\nx = 64\n", 2),
    "chain is a table": ('[columns]\na.b = "rms"\n', 2),
    "chain is a list": ('[columns]\nx = ["log", "rms"]\n', 2),
    "chain is a date": ("[columns]\nx = 2024-01-02\n", 2),
    "inf": ('inf = "ignore"\n', 2),
    "min group is a text": ('min_group = "30"\n', 2),
    "min group is a fraction": ("min_group = 30.0\n", 2),
    "min group is true": ("min_group = true\n", 2),
    "min group is below 0": ("min_group = -1\n", 2),
    "min group without keys": ("min_group = 2\n", 2),
    "quantiles": ('quantiles = "approximate"\n', 2),
    "unknown method": ('[columns]\n"bill_*" = "robst"\n', 2),
    "unknown method of the default": ('[defaults]\nmethod = "zscor"\n', 2),
    "unknown option": ('[columns]\nx = "minmax:lo=0"\n', 2),
    "options that contradict": ('[columns]\n"a \\"b\\"" = "minmax:low=1,high=0"\n', 2),
    "chain: empty step": ('[columns]\nx = "log++zscore"\n', 2),
    "chain: empty": ('[defaults]\nmethod = ""\n', 2),
    "delimiter": ('[read]\ndelimiter = ";;"\n', 2),
    "delimiter and decimal comma": ('[read]\ndelimiter = ","\ndecimal_comma = true\n', 2),
    "unknown data type": ('[read.types]\nx = "Flot64"\n', 2),
    # What shows only with the data.
    "no such key column": ('by = ["kin"]\n', 3),
    "no such column": ('[columns]\nxx = "rms"\n', 3),
    "no such column, by a glob": ('[columns]\n"bill_*" = "rms"\n', 3),
    "no such class": ('[columns]\n"@flaot" = "rms"\n', 2),
    "no such column to select": ('select = "x,z"\n', 3),
    "no such column to exclude": ('exclude = "z"\n', 3),
    "no such column to type": ('[read.types]\nz = "Float64"\n', 3),
    "column of text": ('[columns]\nwhen = "rms"\n', 3),
    "column of text, selected": ('select = "kind,x"\n', 3),
    "column is a key": ('by = ["kind"]\nselect = "kind,x"\n', 2),
    "where: no such column": ('where = "z > 1"\n', 3),
    "where: no condition": ('where = "sum(x) > 1"\n', 2),
    "where: no SQL": ('where = "x >"\n', 2),
}


@pytest.mark.parametrize(("case", "text", "code"), [(c, *r) for c, r in RECIPES.items()])
def test_refused(cases: Any, case: str, text: str | bytes, code: int) -> None:
    files = {"a.csv": DATA, "r.toml": text}
    cases.refused(case, [*FIT, "-r", "r.toml"], files, code)


@pytest.mark.parametrize(
    "case", ["unknown method", "no such key column", "no such column to type", "where: no SQL"]
)
def test_explained_as_little(cases: Any, case: str) -> None:
    """What a fit would refuse is refused when it is only explained."""
    text, code = RECIPES[case]
    command = ["fit", "a.csv", "-r", "r.toml", "--explain"]
    cases.refused(f"explain: {case}", command, {"a.csv": DATA, "r.toml": text}, code)


def stats(path: Path) -> None:
    chains = {"x": "center", "[y]": "rms"}
    normcli.fit(DATA, set=chains, exclude="kind", by="when").save(path)


def filtered(path: Path) -> None:
    normcli.fit(DATA, columns="x", where="y < 9").save(path)


def typed(path: Path) -> None:
    DATA.write_csv(path.with_suffix(".csv"))
    normcli.fit(path.with_suffix(".csv"), columns="x", types={"y": "String"}).save(path)


def nameless(path: Path) -> None:
    """Make the stats file of a fit that did not say what it was asked."""
    document = json.loads(normcli.fit(DATA, method="rms").to_json())
    del document["recipe"]
    path.write_text(json.dumps(document), encoding="utf-8")


LIKE: dict[str, tuple[Any, list[str], int]] = {
    "like: no such file": (None, [], 3),
    "like: another file": (DATA.write_csv, [], 3),
    "like: no such column": (stats, ["x"], 3),
    "like: no such column by a glob": (stats, ["y"], 3),
    "like: no such key": (stats, ["when"], 3),
    "like: no such column to exclude": (stats, ["kind"], 3),
    "like: no such column of the condition": (filtered, ["y"], 3),
    "like: no such column to type": (typed, ["y"], 3),
    "like: no recipe": (nameless, [], 3),
}


@pytest.mark.parametrize(("case", "made", "less", "code"), [(c, *r) for c, r in LIKE.items()])
def test_like_refused(cases: Any, case: str, made: Any, less: list[str], code: int) -> None:
    files = {"a.csv": DATA.drop(less)} | ({} if made is None else {"old.json": made})
    cases.refused(case, [*FIT, "--like", "old.json"], files, code)


OTHERS: list[tuple[str, list[str], int]] = [
    ("missing", ["-r", "recipe.toml"], 3),
    ("missing, like", ["--like", "stats.json"], 3),
    ("a directory", ["-r", "out"], 4),
    ("not permitted", ["-r", "locked.toml"], 4),
    ("two recipes", ["-r", "r.toml", "--like", "s.json"], 2),
    ("recipe and data from stdin", ["-r", "-", "-"], 2),
    ("stats and data from stdin", ["--like", "-", "-"], 2),
]


@pytest.mark.parametrize(("case", "flags", "code"), OTHERS)
def test_recipes_refused(cases: Any, case: str, flags: list[str], code: int) -> None:
    files = {"a.csv": DATA, "r.toml": "", "locked.toml": "", "s.json": stats}
    source = [] if flags[-1] == "-" else ["a.csv"]
    cases.refused(case, ["fit", *source, "-o", "out/kept.json", *flags], files, code)
