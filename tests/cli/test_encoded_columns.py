"""Columns of text through every format: encoded, and back as they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

FORMATS = ["parquet", "csv", "tsv.gz", "ndjson", "jsonl.zst", "arrow", "arrows"]
ZIPS = ["01234", "10115", "01234", None, "99999"]
DATA = pl.DataFrame(
    {
        "key": ["01", "02", "01", "02", "01"],
        "zip": ZIPS,
        "name": ["Zoë", None, "a, b", "two\nlines", "Zoë"],
        "n": [3, 1, 3, None, 2],
    }
)
CODES = {"zip": [0, 1, 0, None, 2], "name": [0, None, 1, 2, 0], "n": [2, 0, 2, None, 1]}
FIT = ("-m", "ordinal", "-c", "zip,name,n", "--type", "zip=String", "--type", "key=String", "-q")


@pytest.mark.parametrize("ending", FORMATS)
def test_there_and_back(tmp_path: Path, run: Any, files: Any, ending: str) -> None:
    write, read = files
    write(DATA, tmp_path / f"a.{ending}")
    plain = ending.partition(".")[0]
    fitted = run("fit", *FIT, "--by", "key", stdin=(tmp_path / f"a.{ending}").read_bytes())
    (tmp_path / "s.json").write_bytes(fitted.stdout)
    assert json.loads(fitted.stdout)["columns"]["zip"]["dtype"] == "String"
    run("apply", "s.json", f"a.{ending}", "-o", f"n.{ending}")
    carried = read(tmp_path / f"n.{ending}")
    assert {name: carried[name].to_list() for name in CODES} == CODES
    assert carried["key"].to_list() == DATA["key"].to_list()
    piped = run("invert", "s.json", stdin=(tmp_path / f"n.{ending}").read_bytes())
    (tmp_path / f"b.{plain}").write_bytes(piped.stdout)
    back = read(tmp_path / f"b.{plain}")
    if plain not in ("csv", "tsv"):
        assert back.equals(DATA)
    else:
        text = (tmp_path / f"b.{plain}").read_text()
        assert text == DATA.write_csv(separator="\t" if plain == "tsv" else ",")


def test_predictions_and_missing_columns(tmp_path: Path, run: Any) -> None:
    DATA.write_csv(tmp_path / "a.csv")
    run("fit", "a.csv", *FIT, "-o", "s.json")
    (tmp_path / "p.csv").write_text("id,predicted\n1,0.4\n2,1.7\n3,\n4,-0.2\n")
    done = run("invert", "s.json", "p.csv", "--map", "predicted=zip")
    assert done.stdout.decode() == "id,predicted\n1,01234\n2,99999\n3,\n4,01234\n"
    (tmp_path / "z.csv").write_text("zip\n99999\n01234\n")
    assert run("apply", "s.json", "z.csv", "-c", "zip").stdout == b"zip\n2\n0\n"
    found = run("apply", "s.json", "z.csv", "--missing-column", "skip")
    assert found.stdout == b"zip\n2\n0\n"


def test_show(tmp_path: Path, run: Any) -> None:
    names = pl.DataFrame({"[i]name": [f"x{i % 9}" for i in range(30)], "y": range(30)})
    names.write_parquet(tmp_path / "a.parquet")
    run("fit", "a.parquet", "-m", "ordinal", "-s", "y=zscore", "-q", "-o", "s.json")
    table = run("show", "s.json").stdout.decode().splitlines()
    assert table[2].split() == ["[i]name", "String", "ordinal", "30", "0", *"––––"]
    shown = run("show", "s.json", "--column", "[i]name").stdout.decode()
    assert "[i]name: String, ordinal" in shown
    assert "x0, x1, x2, x3, x4, … (9)" in shown
    run("fit", "a.parquet", "-m", "ordinal", "-q", "-o", "s.json")
    assert run("show", "s.json").stdout.decode().splitlines()[1].split()[-1] == "null"


def test_durations_in_text_are_written_as_they_are_read(tmp_path: Path, run: Any) -> None:
    for name, text in (("d.csv", "d\n5\n-7\n"), ("d.ndjson", '{"d":5}\n{"d":-7}\n')):
        (tmp_path / name).write_text(text)
        for chain in ("zscore", "ordinal"):
            run("fit", name, "--type", "d=Duration(us)", "-c", "d", "-m", chain, "-o", "s.json")
            applied = run("apply", "s.json", name)
            assert run("invert", "s.json", stdin=applied.stdout).stdout.decode() == text


@pytest.mark.parametrize("ending", ["parquet", "ndjson", "arrow", "arrows"])
def test_tokens_there_and_back(tmp_path: Path, run: Any, ending: str) -> None:
    (tmp_path / "a.csv").write_text('id,t\n1,"To be, or NOT"\n2,\n3,zoë be\n')
    fitted = run("fit", "a.csv", "-m", "tokens", "-o", "s.json")
    assert fitted.stdout == b""
    run("apply", "s.json", "a.csv", "-o", f"n.{ending}")
    piped = (tmp_path / f"n.{ending}").read_bytes()
    done = run(
        "invert",
        "s.json",
        "--from",
        ending.replace("arrow", "ipc") if ending == "arrow" else ending,
        "--to",
        "csv",
        stdin=piped,
    )
    assert done.stdout.decode() == "id,t\n1,to be or not\n2,\n3,zoë be\n"
    assert done.stderr.count(b"does not bring back capitals") == 1
