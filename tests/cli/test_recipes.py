"""Recipe files, and the recipe of an earlier fit: each key is a flag, and flags win."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

CSV = b"""site;kind;year;depth_a;depth_b;mass;code
01;p;2007;1,5;10;100;7
01;p;2008;2,5;30;-;8
02;q;2008;4,5;50;300;9
02;q;2009;8,0;90;500;x
02;p;2009;8,5;90;700;x
"""
RECIPE = """
by = ["site", "kind"]
where = "year >= 2008"
exclude = "year"
select = "@numeric"
quantiles = "sketch"
inf = "skip"

[defaults]
method = "minmax:low=-1"

[columns]
"depth_*" = "zscore"
depth_b = "log1p+robust"   # the last match wins
kind = "skip"

[read]
decimal_comma = true
null_values = ["-"]
types = {site = "String"}
"""
FLAGS = [
    *("--by", "site,kind", "--where", "year >= 2008", "-x", "year", "-c", "@numeric"),
    *("--quantiles", "sketch", "--inf", "skip", "-m", "minmax:low=-1"),
    *("-s", "depth_*=zscore", "-s", "depth_b=log1p+robust", "-s", "kind=skip"),
    *("--decimal-comma", "--null-value", "-", "--type", "site=String"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data.csv").write_bytes(CSV)
    (tmp_path / "r.toml").write_text(RECIPE, encoding="utf-8")
    return tmp_path


def _fit(run: Any, *arguments: str) -> bytes:
    out = run("fit", "-q", "data.csv", *arguments).stdout
    assert isinstance(out, bytes)
    return out


def test_a_recipe_file_and_the_same_flags_give_the_same_bytes(folder: Path, run: Any) -> None:
    by_file, by_flags = _fit(run, "-r", "r.toml"), _fit(run, *FLAGS)
    assert by_file == by_flags
    document = json.loads(by_file)
    assert document["groups"] == [["01", "p"], ["02", "p"], ["02", "q"]]
    assert document["source"]["where"] == "year >= 2008"
    assert document["read"] == {
        "null_values": ["-"],
        "decimal_comma": True,
        "types": {"site": "String"},
    }
    assert document["quantiles"]["kind"] == "sketch"
    # What stands elsewhere is not said twice, and what is the default not at all.
    assert document["recipe"] == {
        "exclude": "year",
        "inf": "skip",
        "defaults": {"method": "minmax:low=-1"},
        "columns": {"depth_*": "zscore", "depth_b": "log1p+robust", "kind": "skip"},
    }
    assert list(document["recipe"]["columns"]) == ["depth_*", "depth_b", "kind"]
    chains = {
        name: [step["method"] for step in column["steps"]]
        for name, column in document["columns"].items()
    }
    assert chains == {"depth_a": ["zscore"], "depth_b": ["log1p", "robust"], "mass": ["minmax"]}


ONE_BY_ONE = {
    "by": ('by = ["site"]', ["-b", "site"]),
    "by, twice": ('by = ["site", "kind"]', ["-b", "site", "-b", "kind"]),
    "by, with a comma": ('by = ["site,kind"]', ["-b", "site", "-b", "kind"]),
    "where": ("where = \"kind = 'p'\"", ["--where", "kind = 'p'"]),
    "select": ('select = "depth_b,mass"', ["-c", "depth_b,mass"]),
    "exclude": ('exclude = "*_b"', ["-x", "*_b"]),
    "inf": ('inf = "skip"', ["--inf", "skip"]),
    "quantiles": ('quantiles = "sketch"', ["--quantiles", "sketch"]),
    "min_group": (
        'by = ["kind"]\nmin_group = 3',
        ["--by", "kind", "--min-group", "3"],
    ),
    "defaults.method": ('[defaults]\nmethod = "log1p+rms"', ["-m", "log1p+rms"]),
    "columns": (
        '[columns]\n"@integer" = "skip"\ndepth_b = "rms"\n"*_b" = "center"',
        ["-s", "@integer=skip", "-s", "depth_b=rms", "-s", "*_b=center"],
    ),
    "read.null_values": ('[read]\nnull_values = ["-", "x"]', ["--null-value", "x"]),
    "read.types": ('[read.types]\nyear = "Float64"', ["--type", "year=Float64"]),
}
_WITHOUT: list[bytes] = []
ALWAYS = ["--delimiter", ";", "--null-value", "-"]


@pytest.mark.parametrize(("text", "flags"), ONE_BY_ONE.values(), ids=ONE_BY_ONE.keys())
def test_each_key_is_a_flag(folder: Path, run: Any, text: str, flags: list[str]) -> None:
    (folder / "one.toml").write_text(text, encoding="utf-8")
    if not _WITHOUT:
        _WITHOUT.append(_fit(run, *ALWAYS))
    given = ALWAYS if "null_values" not in text else ALWAYS[:2]
    by_file, by_flags = _fit(run, *given, "-r", "one.toml"), _fit(run, *ALWAYS, *flags)
    assert by_file == by_flags
    assert by_file != _WITHOUT[0]


@pytest.mark.parametrize(
    ("text", "flags", "data"),
    [
        ('delimiter = "|"', ["--delimiter", "|"], b"a|b\n1|2\n3|5\n"),
        ("header = false", ["--no-header"], b"1,2\n3,5\n"),
        ("decimal_comma = true", ["--decimal-comma"], b"a;b\n1,5;2\n3,5;5\n"),
    ],
)
def test_each_way_to_read_is_a_flag(
    folder: Path, run: Any, text: str, flags: list[str], data: bytes
) -> None:
    (folder / "one.toml").write_text(f"[read]\n{text}\n", encoding="utf-8")
    (folder / "data.csv").write_bytes(data)
    by_file = _fit(run, "-r", "one.toml")
    assert by_file == _fit(run, *flags)
    assert len(json.loads(by_file)["columns"]) == 2
    assert b'"recipe"' not in by_file


OVER = {
    "method": (["-m", "rms"], {"mass": "rms", "depth_a": "zscore"}),
    "set comes last": (["-s", "depth_a=center"], {"depth_a": "center", "depth_b": "log1p"}),
    "set of a glob, too": (["-s", "depth*=rms"], {"depth_a": "rms", "depth_b": "rms"}),
    "columns": (["-c", "mass"], {"mass": "minmax", "depth_a": "zscore", "depth_b": "log1p"}),
    "exclude": (["-x", "depth_a"], {"year": "minmax", "depth_b": "log1p"}),
    "no exclude": (["-x", ""], {"year": "minmax", "depth_a": "zscore"}),
}


@pytest.mark.parametrize("source", ["recipe", "stats"])
@pytest.mark.parametrize(("flags", "expected"), OVER.values(), ids=OVER.keys())
def test_flags_win(
    folder: Path, run: Any, source: str, flags: list[str], expected: dict[str, str]
) -> None:
    _fit(run, "-r", "r.toml", "-o", "s.json")
    given = ["-r", "r.toml"] if source == "recipe" else ["--like", "s.json"]
    columns = json.loads(_fit(run, *given, *flags))["columns"]
    found = {name: column["steps"][0]["method"] for name, column in columns.items()}
    assert {name: found[name] for name in expected} == expected
    excluded = {"exclude": "depth_a", "no exclude": "", "columns": "year"}
    assert excluded.get(next(n for n, c in OVER.items() if c[0] == flags), "year") not in found


@pytest.mark.parametrize("source", ["recipe", "stats"])
def test_flags_win_over_keys_condition_and_percentiles(folder: Path, run: Any, source: str) -> None:
    _fit(run, "-r", "r.toml", "-o", "s.json")
    given = ["-r", "r.toml"] if source == "recipe" else ["--like", "s.json"]
    flags = ["-b", "kind", "--where", "year < 2009", "--quantiles", "exact", "--inf", "error"]
    document = json.loads(_fit(run, *given, *flags))
    assert document["by"] == {"kind": "String"} and document["source"]["rows"] == 3
    assert "quantiles" not in document and "inf" not in document["recipe"]


@pytest.mark.parametrize("source", ["recipe", "stats"])
def test_flags_win_over_ways_to_read(folder: Path, run: Any, source: str) -> None:
    _fit(run, "-r", "r.toml", "-o", "s.json")
    given = ["-r", "r.toml"] if source == "recipe" else ["--like", "s.json"]
    (folder / "data.csv").write_bytes(CSV.replace(b";", b"|").replace(b"|-|", b"|none|"))
    flags = ["--delimiter", "|", "--null-value", "none", "--type", "mass=Int16"]
    document = json.loads(_fit(run, *given, *flags))
    assert document["read"] == {
        "delimiter": "|",
        "null_values": ["none"],
        "decimal_comma": True,
        "types": {"site": "String", "mass": "Int16"},
    }


def test_like_repeats_a_fit(folder: Path, run: Any) -> None:
    whole = _fit(run, "-r", "r.toml", "-o", "s.json") or (folder / "s.json").read_bytes()
    assert _fit(run, "--like", "s.json") == whole
    assert run("fit", "-q", "data.csv", "--like", "-", stdin=whole).stdout == whole


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["-m", "yes"],
        ["-c", "depth_b,mass", "-m", "log1p+minmax:low=-1,high=2.5,clip=true"],
        ["-s", "depth_b=rms", "-s", "*=center", "-s", "depth_b=rms", "-x", "site,kind,code"],
        ["--by", "kind", "--where", "kind = 'p'", "--no-header"],
    ],
    ids=str,
)
def test_like_repeats_what_flags_asked_for(folder: Path, run: Any, flags: list[str]) -> None:
    flags = ["zscore:ddof=0" if flag == "yes" else flag for flag in flags]
    if "--no-header" in flags:
        (folder / "data.csv").write_bytes(CSV.partition(b"\n")[2])
        flags = [flag.replace("kind", "column_1") for flag in flags]
    if "*=center" in flags:
        flags = [*flags, "--null-value", "x"]
    _fit(run, *ALWAYS, *flags, "-o", "s.json")
    assert _fit(run, "--like", "s.json") == (folder / "s.json").read_bytes()


def test_like_looks_for_columns_anew(folder: Path, run: Any) -> None:
    _fit(run, "-r", "r.toml", "-o", "s.json")
    lines = CSV.decode().splitlines()
    wider = [lines[0] + ";depth_c;extra", *(f"{line};{i};{i}" for i, line in enumerate(lines[1:]))]
    (folder / "data.csv").write_text("\n".join(wider) + "\n", encoding="utf-8")
    columns = json.loads(_fit(run, "--like", "s.json"))["columns"]
    assert columns["depth_c"]["steps"][0]["method"] == "zscore"
    assert columns["extra"]["steps"][0]["method"] == "minmax"


def test_like_reads_columns_and_keys_as_what_they_were(folder: Path, run: Any) -> None:
    """Shards fitted one like the other can be merged, whatever their text looks like."""
    (folder / "a.csv").write_text("zip,x,y\n0A,1.5,2.5\n0A,2.5,1.5\n")
    (folder / "b.csv").write_text("zip,x,y\n01,1,\n01,4,\n")
    run("fit", "a.csv", "--by", "zip", "-o", "a.json")
    run("fit", "-q", "b.csv", "--like", "a.json", "-o", "b.json")
    document = json.loads((folder / "b.json").read_text())
    assert document["groups"] == [["01"]]
    assert {name: c["dtype"] for name, c in document["columns"].items()} == {
        "x": "Float64",
        "y": "Float64",
    }
    run("merge", "a.json", "b.json", "-o", "merged.json")
    run("fit", "-q", "a.csv", "b.csv", "--like", "a.json", "-o", "whole.json")
    assert (folder / "merged.json").read_bytes() == (folder / "whole.json").read_bytes()


def test_shards_of_one_recipe_merge_to_the_whole(folder: Path, run: Any) -> None:
    lines = CSV.replace(b";x", b";0").splitlines(keepends=True)
    for i in range(2):
        (folder / f"{i}.csv").write_bytes(lines[0] + b"".join(lines[1 + 2 * i : 3 + 3 * i]))
        run("fit", "-q", f"{i}.csv", "-r", "r.toml", "-o", f"{i}.json")
    run("fit", "-q", "0.csv", "1.csv", "-r", "r.toml", "-o", "whole.json")
    run("merge", "1.json", "0.json", "-o", "merged.json")
    merged = (folder / "merged.json").read_bytes()
    assert merged == (folder / "whole.json").read_bytes()
    assert b'"depth_b": "log1p+robust"' in merged


def test_a_recipe_from_stdin(folder: Path, run: Any) -> None:
    piped = run("fit", "-q", "data.csv", "-r", "-", stdin=RECIPE.encode()).stdout
    assert piped == _fit(run, "-r", "r.toml")


def test_comments_and_a_byte_order_mark_are_fine(folder: Path, run: Any) -> None:
    text = "\ufeff# what it is for\n" + RECIPE.replace("\n", "  # why\n").replace("\n  # why", "\n")
    (folder / "c.toml").write_text(text, encoding="utf-8")
    assert _fit(run, "-r", "c.toml") == _fit(run, "-r", "r.toml")
