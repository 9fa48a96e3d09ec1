"""Flags of the commands, help and start-up."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import normcli

COMMANDS = ["fit", "apply", "invert", "merge", "show", "suggest", "methods"]
CSV = b"k,a,b,c\np,1,10,5\np,3,30,6\nq,5,50,7\n"


def _fit(run: Any, *flags: str) -> dict[str, Any]:
    columns = json.loads(run("fit", *flags, stdin=CSV).stdout)["columns"]
    return {name: column["steps"][0]["method"] for name, column in columns.items()}


def test_which_column_gets_which_chain(run: Any) -> None:
    """The last --set that matches wins; skip and --exclude leave a column alone."""
    assert _fit(run) == {"a": "zscore", "b": "zscore", "c": "zscore"}
    assert _fit(run, "-c", "a,b", "-x", "b") == {"a": "zscore"}
    assert _fit(run, "-m", "minmax", "-s", "[ab]=center", "-s", "b=skip") == {
        "a": "center",
        "c": "minmax",
    }
    assert _fit(run, "-s", "a=center", "-s", "@numeric=maxabs") == dict.fromkeys("abc", "maxabs")
    assert _fit(run, "-c", "a", "-s", "b=center") == {"a": "zscore", "b": "center"}


def test_where(run: Any) -> None:
    done = run("fit", "--where", "k = 'p'", "-c", "a", stdin=CSV)
    document = json.loads(done.stdout)
    assert document["source"]["rows"] == 2 and document["source"]["where"] == "k = 'p'"
    assert document["columns"]["a"]["summary"]["mean"] == 2.0


def test_map_brings_predictions_back(tmp_path: Path, run: Any) -> None:
    run("fit", "-o", "s.json", "-c", "a", stdin=CSV)
    done = run("invert", "s.json", "--map", "predicted=a", stdin=b"id,predicted\n1,0\n2,0\n")
    assert done.stdout == b"id,predicted\n1,3\n2,3\n"


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("null", ",20,"), ("global", "1.22474487139"), ("keep", "5.0,20,")],
)
def test_unknown_group(tmp_path: Path, run: Any, mode: str, expected: str) -> None:
    known = b"k,a\np,1\np,3\nq,5\nq,5\n"
    run("fit", "-q", "--by", "k", "-o", "s.json", stdin=known)
    rows = b"k,a\nnew,5\n"
    line = run("apply", "s.json", "--unknown-group", mode, stdin=rows).stdout.splitlines()[1]
    value = line.decode().removeprefix("new,")
    overall = (5 - 3.5) / (11 / 4) ** 0.5
    assert value == {"null": "", "keep": "5.0"}.get(mode, value)
    if mode == "global":
        assert float(value) == pytest.approx(overall, rel=1e-15)


def test_missing_column(tmp_path: Path, run: Any) -> None:
    run("fit", "-o", "s.json", "-c", "a,b", stdin=CSV)
    done = run("apply", "s.json", "--missing-column", "skip", stdin=b"b,z\n30,1\n")
    assert done.stdout == b"b,z\n0.0,1\n"


def test_output_flags(tmp_path: Path, run: Any) -> None:
    run("fit", "-o", "s.json", "-c", "a,b", stdin=CSV)
    text = run("apply", "s.json", "--float-format", ".2f", "-c", "a", stdin=CSV).stdout
    assert text.splitlines()[1] == b"p,-1.22,10,5"
    run("apply", "s.json", "--dtype", "float32", "-o", "n.parquet", stdin=CSV)
    assert pl.read_parquet_schema(tmp_path / "n.parquet")["a"] == pl.Float32
    for name in ("gzip", "zstd"):
        packed = run("apply", "s.json", "--compression", name, stdin=CSV).stdout
        assert packed[:2] in (b"\x1f\x8b", b"\x28\xb5")
        assert run("invert", "s.json", stdin=packed).stdout == CSV
    for name in ("snappy", "none"):
        run("apply", "s.json", "--compression", name, "-o", f"{name}.parquet", stdin=CSV)
        assert pl.read_parquet(tmp_path / f"{name}.parquet").height == 3


def test_show(tmp_path: Path, run: Any) -> None:
    run("fit", "-q", "--by", "k", "-o", "s.json", stdin=CSV)
    table = run("show", "s.json").stdout.decode()
    assert "3 rows, 2 groups by k" in table and "zscore" in table
    one = run("show", "s.json", "--column", "a").stdout.decode()
    assert "(all)" in one and "p " in one and "b" not in one.split("\n")[0]
    whole = json.loads((tmp_path / "s.json").read_text())
    shown = json.loads(run("show", "s.json", "--json").stdout)
    for column in whole["columns"].values():
        del column["state"]
    assert shown == whole


def test_show_marks_small_groups(tmp_path: Path, run: Any) -> None:
    done = run("fit", "--by", "k", "--min-group", "2", "-c", "a", "-o", "s.json", stdin=CSV)
    assert done.stderr.decode().count("they take the parameters of all rows") == 1
    lines = run("show", "s.json", "--column", "a").stdout.decode().splitlines()
    overall, large, small = (line.split() for line in lines[2:5])
    assert small[:3] == ["q", *overall[1:3]] and large[:3] == ["p", "2", "1"]
    assert "as (all): fewer than 2 values" in lines[4] and "as" not in lines[3]
    # It is treated so, too, and not as a group that is not known.
    applied = run("apply", "s.json", stdin=b"k,a\np,3\nq,5\n").stdout
    assert applied == b"k,a\np,1.0\nq,1.224744871391589\n"
    assert run("invert", "s.json", stdin=applied).stdout == b"k,a\np,3\nq,5\n"


def test_show_shortens_lists(run: Any) -> None:
    rows = "".join(f"{i},{1000 * i}\n" for i in range(1, 1201))
    run("fit", "-q", "-m", "quantile", "-c", "b", "-o", "s.json", stdin=f"a,b\n{rows}".encode())
    one = run("show", "s.json", "--column", "b").stdout.decode()
    assert "1,000 2200.2 3400.4 … 1,200,000 (1,000)" in one
    quantiles = json.loads(run("show", "s.json", "--json").stdout)["columns"]["b"]["steps"][0]
    assert len(quantiles["params"]["quantiles"]) == 1000


def test_methods(run: Any) -> None:
    listed = run("methods").stdout.decode()
    names = [line.split()[0] for line in listed.splitlines()[1:] if line[:1].strip()]
    assert {"zscore", "minmax", "log", "clip", "skip"} <= set(names)
    for name in names:
        text = run("methods", name).stdout.decode()
        assert text.startswith(f"{name}: ") and "example: normcli fit" in text


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_has_an_example_and_imports_nothing_heavy(command: str) -> None:
    arguments = [command, "--help"] if command else ["--help"]
    _imports_nothing_heavy(arguments, "Example: normcli")


def test_version_imports_nothing_heavy() -> None:
    _imports_nothing_heavy(["--version"], "normcli ")


def test_version_names_the_kernel(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NORMCLI_KERNEL", raising=False)
    kernel = "C" if importlib.util.find_spec("normcli._exact") else "NumPy"
    assert run("--version").stdout.decode() == f"normcli {normcli.__version__} ({kernel} kernel)\n"
    monkeypatch.setenv("NORMCLI_KERNEL", "numpy")
    assert run("--version").stdout.decode().endswith("(NumPy kernel)\n")


def _imports_nothing_heavy(arguments: list[str], expected: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "normcli", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    assert expected in done.stdout
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert not imported & {"polars", "pyarrow", "numpy"}


def test_show_says_what_is_the_same_in_every_group(run: Any) -> None:
    run("fit", "-q", "--by", "k", "-s", "k2=ordinal", "-o", "s.json", stdin=b"k,k2\np,a\nq,b\n")
    shown = run("show", "s.json", "--column", "k2").stdout.decode()
    assert shown.splitlines()[1:] == [
        "k      categories",
        "(all)        a, b",
        "the same in every group",
    ]
