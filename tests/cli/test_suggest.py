"""normcli suggest: the recipe that it prints, whatever the data come in."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import polars as pl
import pytest

ROWS = 400
SKEWED = pl.DataFrame(
    {
        "id": range(ROWS),
        "price": [1.01 ** (i * 7919 % ROWS * 2) for i in range(ROWS)],
        "size": [float(i * 7919 % ROWS) for i in range(ROWS)],
        "kind": [f"k{i * 31 % 7 % 3}" for i in range(ROWS)],
        "on": [i % 3 == 0 for i in range(ROWS)],
    }
)
NAMES = [
    "a,b",
    "*",
    "[x]",
    "@float",
    'say "no"',
    "back\\slash",
    "größe",
    "# no",
    " ",
    "a.b",
    "x\ty",
]


def test_the_recipe_is_toml_with_a_reason_for_every_column(run: Any, tmp_path: Path) -> None:
    SKEWED.write_csv(tmp_path / "a.csv")
    text = run("suggest", "a.csv").stdout.decode()
    assert text.startswith("# made by: normcli suggest a.csv\n# 400 rows\n")
    recipe = tomllib.loads(text)
    assert recipe["defaults"] == {"method": "skip"}
    assert list(recipe["columns"]) == SKEWED.columns
    assert recipe["columns"]["price"] == "log+zscore"
    lines = text.partition("[columns]\n")[2].splitlines()
    assert len(lines) == SKEWED.width
    assert all(len(line.partition("  # ")[2]) > 5 for line in lines)
    assert len({line.index("  # ") for line in lines}) == 1


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.arrow", "a.arrows", "a.tsv.gz"])
def test_formats_and_stdin_give_the_same_recipe(
    run: Any, tmp_path: Path, files: Any, name: str
) -> None:
    write, _ = files
    write(SKEWED, tmp_path / "first.csv")
    write(SKEWED, tmp_path / name)
    expected = run("suggest", "first.csv").stdout.split(b"\n")[1:]
    assert run("suggest", name).stdout.split(b"\n")[1:] == expected
    done = run("suggest", "-q", stdin=(tmp_path / name).read_bytes())
    assert done.stdout.split(b"\n")[1:] == expected
    assert done.stderr == b""


def test_threads_make_no_difference(run: Any, tmp_path: Path) -> None:
    big = pl.concat([SKEWED.with_columns(pl.col("size") + i) for i in range(700)])
    for part in range(2):
        big[part::2].write_parquet(tmp_path / f"{part}.parquet")
    texts = {run("suggest", "*.parquet", "--threads", n).stdout for n in "112233"}
    assert len(texts) == 1
    assert b"# 280,000 rows; shapes are those of a sample of " in texts.pop()


def test_what_was_said_of_the_data_is_written_down(run: Any, tmp_path: Path) -> None:
    text = "k;x;zip;w\na;1,5;01;1\nb;-;02;2\na;2,5;03;inf\nb;2,7;04;5\na;0,5;05;6\nb;1,7;06;8\n"
    (tmp_path / "a.csv").write_text(text)
    flags = ["--decimal-comma", "--null-value", "-", "--type", "zip=String", "--by", "k"]
    flags += ["--where", "x > 1 or x is null", "-o", "recipe.toml", "-x", "zip"]
    done = run("suggest", str(tmp_path / "a.csv"), *flags)
    assert done.stdout == b""
    written = (tmp_path / "recipe.toml").read_text()
    assert written.startswith("# made by: normcli suggest a.csv --exclude zip --by k --where ")
    assert tomllib.loads(written) == {
        "by": ["k"],
        "where": "x > 1 or x is null",
        "inf": "skip",
        "defaults": {"method": "skip"},
        "columns": {"k": "skip", "x": "zscore", "w": "zscore"},
        "read": {"decimal_comma": True, "null_values": ["-"], "types": {"zip": "String"}},
    }


def _columns(path: Path) -> Any:
    return json.loads(path.read_text())["columns"]


def test_fit_takes_the_recipe_as_it_is(run: Any, tmp_path: Path) -> None:
    """What is suggested is what is fitted, by group or not."""
    frame = SKEWED.with_columns(
        pl.when(pl.col("size") < 9).then(float("inf")).otherwise("size").alias("size"),
        when=pl.date(2024, 1, 1) + pl.duration(days="size"),
        list=pl.concat_list("size", "price"),
    )
    frame.write_parquet(tmp_path / "a.parquet")
    for by in ([], ["--by", "kind"]):
        run("suggest", "a.parquet", *by, "-o", "recipe.toml")
        recipe = tomllib.loads((tmp_path / "recipe.toml").read_text())
        assert recipe["inf"] == "skip"
        run("fit", "-q", "a.parquet", "--recipe", "recipe.toml", "-o", "s.json")
        fitted = {
            column: "+".join(step["method"] for step in content["steps"])
            for column, content in _columns(tmp_path / "s.json").items()
        }
        suggested = {c: re.sub(":[^+]*", "", m) for c, m in recipe["columns"].items()}
        assert fitted == {c: m for c, m in suggested.items() if m != "skip"}
        assert fitted["price"] == "log+zscore"


def test_names_of_any_kind(run: Any, tmp_path: Path) -> None:
    frame = pl.DataFrame({name: [1.5 * i, 2, 8.5] for i, name in enumerate(NAMES)}, strict=False)
    frame.write_parquet(tmp_path / "a.parquet")
    recipe = tomllib.loads(run("suggest", "a.parquet").stdout.decode())
    assert recipe["columns"] == dict.fromkeys(NAMES, "zscore")
    run("suggest", "a.parquet", "-o", "recipe.toml")
    run("fit", "a.parquet", "-r", "recipe.toml", "-o", "s.json")
    run("fit", "a.parquet", "-m", "zscore", "-o", "same.json")
    assert _columns(tmp_path / "s.json") == _columns(tmp_path / "same.json")
    one = tomllib.loads(run("suggest", "a.parquet", "-c", "a,b").stdout.decode())
    assert list(one["columns"]) == ["a,b"]


def test_values_and_paths_do_not_break_out_of_comments(run: Any, tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": ["one\n[columns]\ny = 'log'"] * 30, "y": range(30)})
    (tmp_path / "new\nline").mkdir()
    frame.write_parquet(tmp_path / "new\nline" / "a.parquet")
    recipe = tomllib.loads(run("suggest", "-q", "new\nline/a.parquet").stdout.decode())
    assert recipe["columns"] == {"x": "skip", "y": "skip"}


def test_nothing_to_normalize_is_said(run: Any) -> None:
    done = run("suggest", stdin=b"id,flag\n1,true\n2,false\n")
    assert done.stderr.startswith(b"warning: no column is worth normalizing")
    assert b"flag = " in done.stdout
