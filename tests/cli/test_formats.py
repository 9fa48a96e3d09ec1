"""Every format, from a path and through pipes: the same statistics, and the same data back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import normcli

FORMATS = [
    "parquet",
    "csv",
    "tsv",
    "ndjson",
    "jsonl",
    "arrow",
    "arrows",
    "csv.gz",
    "csv.zst",
    "tsv.gz",
    "ndjson.gz",
    "jsonl.zst",
]
KEY = ("--by", "key", "--type", "key=String")


def _columns(text: bytes | str) -> Any:
    document = json.loads(text)
    return document["groups"], document["columns"]


@pytest.mark.parametrize("ending", FORMATS)
def test_path(tmp_path: Path, run: Any, files: Any, data: pl.DataFrame, ending: str) -> None:
    write, read = files
    write(data, tmp_path / f"a.{ending}")
    run("fit", f"a.{ending}", *KEY, "-o", "s.json")
    whole = normcli.fit(data, by="key").to_json()
    assert _columns((tmp_path / "s.json").read_text()) == _columns(whole)
    run("apply", "s.json", f"a.{ending}", "-o", f"n.{ending}")
    run("invert", "s.json", f"n.{ending}", "-o", f"b.{ending}")
    assert_frame_equal(read(tmp_path / f"b.{ending}"), data, abs_tol=1e-12)
    expected = normcli.fit(data, by="key").apply(data)
    assert_frame_equal(read(tmp_path / f"n.{ending}"), expected, abs_tol=1e-12)


@pytest.mark.parametrize("ending", FORMATS)
def test_pipes(tmp_path: Path, run: Any, files: Any, data: pl.DataFrame, ending: str) -> None:
    """The format is found from the first bytes, and output is in that of the input."""
    write, read = files
    write(data, tmp_path / f"a.{ending}")
    piped = (tmp_path / f"a.{ending}").read_bytes()
    fitted = run("fit", *KEY, stdin=piped)
    (tmp_path / "s.json").write_bytes(fitted.stdout)
    assert _columns(fitted.stdout) == _columns(normcli.fit(data, by="key").to_json())
    plain = ending.partition(".")[0]
    normalized = run("apply", "s.json", stdin=piped).stdout
    (tmp_path / f"n.{plain}").write_bytes(normalized)
    (tmp_path / f"b.{plain}").write_bytes(run("invert", "s.json", stdin=normalized).stdout)
    assert_frame_equal(read(tmp_path / f"b.{plain}"), data, abs_tol=1e-12)


@pytest.mark.parametrize("to", ["parquet", "csv", "tsv", "ndjson", "arrow", "arrows"])
def test_conversion(tmp_path: Path, run: Any, files: Any, data: pl.DataFrame, to: str) -> None:
    """--to names the format of stdout."""
    write, read = files
    write(data, tmp_path / "a.csv")
    run("fit", "a.csv", *KEY, "-o", "s.json")
    (tmp_path / f"n.{to}").write_bytes(run("apply", "s.json", "a.csv", "--to", to).stdout)
    expected = normcli.fit(data, by="key").apply(data)
    assert_frame_equal(read(tmp_path / f"n.{to}"), expected, abs_tol=1e-12)


@pytest.mark.parametrize("ending", ["parquet", "csv", "ndjson.gz"])
def test_many_files(tmp_path: Path, run: Any, files: Any, data: pl.DataFrame, ending: str) -> None:
    """Glob, directory, hive directory and several files are one data set, however cut."""
    write, read = files
    whole = _columns(normcli.fit(data, by="key").to_json())
    parts = [data[:10], data[10:35], data[35:]]
    for i, part in enumerate(parts):
        write(part, tmp_path / "d" / f"sub{i % 2}" / f"{i}.{ending}")
    write(data, tmp_path / "d" / "_ignored" / f"x.{ending}")
    several = [str(path) for path in sorted(tmp_path.glob("d/sub*/*"), reverse=True)]
    for sources in (["d"], [f"d/sub*/*.{ending}"], [f"d/sub*/**/*.{ending}"], several):
        fitted = run("fit", *sources, *KEY).stdout
        assert _columns(fitted) == whole
        names = [Path(name).name for name in json.loads(fitted)["source"]["files"]]
        assert sorted(names) == [f"{i}.{ending}" for i in range(3)]
    (tmp_path / "s.json").write_bytes(fitted)
    run("apply", "s.json", "d", "-o", "out")
    run("invert", "s.json", "out", "-o", "back/")
    for i, part in enumerate(parts):
        back = read(tmp_path / "back" / f"sub{i % 2}" / f"{i}.{ending}")
        assert_frame_equal(back, part, abs_tol=1e-12)
    run("apply", "s.json", "d", "-o", "d/")  # in place
    for i in range(3):
        name = f"sub{i % 2}/{i}.{ending}"
        assert read(tmp_path / "d" / name).equals(read(tmp_path / "out" / name))
    assert not [*tmp_path.glob("d/**/.*")]


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_hive(tmp_path: Path, run: Any, files: Any, data: pl.DataFrame, ending: str) -> None:
    """Folders named key=value are a column; outputs keep them, and do not say it twice."""
    write, read = files
    for (key,), part in data.group_by("key"):
        write(part.drop("key"), tmp_path / "d" / f"key={key}" / f"part.{ending}")
    fitted = run("fit", "d", "--by", "key").stdout
    assert _columns(fitted) == _columns(
        normcli.fit(data.select("x", "n", "note", "key"), by="key").to_json()
    )
    (tmp_path / "s.json").write_bytes(fitted)
    run("apply", "s.json", "d", "-o", "out")
    expected = normcli.fit(data, by="key").apply(data)
    for (key,), part in expected.group_by("key"):
        written = read(tmp_path / "out" / f"key={key}" / f"part.{ending}")
        assert_frame_equal(written, part.drop("key"), check_row_order=False, abs_tol=1e-12)
    run("apply", "s.json", "d", "-o", f"one.{ending}")
    one = read(tmp_path / f"one.{ending}").select(expected.columns)
    assert_frame_equal(one, expected, check_row_order=False, abs_tol=1e-12)


def test_a_folder_key_that_looks_like_a_pattern(tmp_path: Path, run: Any) -> None:
    path = tmp_path / "d" / "*=1" / "part.parquet"
    path.parent.mkdir(parents=True)
    pl.DataFrame({"x": [1.0, 2.0, 3.0]}).write_parquet(path)
    run("fit", "d", "-c", "x", "-m", "minmax", "-o", "s.json")
    run("apply", "s.json", "d", "-o", "out")
    written = pl.read_parquet(
        tmp_path / "out" / "*=1" / "part.parquet", hive_partitioning=False, glob=False
    )
    assert written.to_dict(as_series=False) == {"x": [0.0, 0.5, 1.0]}


def test_two_passes_over_stdin(tmp_path: Path, run: Any, data: pl.DataFrame) -> None:
    done = run("fit", "-m", "zscore+minmax", stdin=data.write_csv().encode())
    assert done.stderr.decode() == (
        "warning: stdin has to be read more than once: spooling it to disk\n"
    )
    typed = data.with_columns(pl.col("key").cast(pl.Int64))
    whole = normcli.fit(typed, method="zscore+minmax")
    assert json.loads(done.stdout)["columns"] == json.loads(whole.to_json())["columns"]
    quiet = run("fit", "-q", "-m", "zscore+minmax", stdin=data.write_csv().encode())
    assert quiet.stderr == b"" and quiet.stdout == done.stdout


def test_in_place(tmp_path: Path, run: Any, data: pl.DataFrame) -> None:
    path = tmp_path / "x.parquet"
    data.write_parquet(path)
    path.chmod(0o640)
    run("fit", "x.parquet", "-o", "s.json")
    run("apply", "s.json", "x.parquet", "-o", "x.parquet")
    assert not pl.read_parquet(path).equals(data)
    run("invert", "s.json", "x.parquet", "-o", "x.parquet")
    assert_frame_equal(pl.read_parquet(path), data, abs_tol=1e-12)
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(each.name for each in tmp_path.iterdir()) == ["s.json", "x.parquet"]


@pytest.mark.parametrize("ending", ["parquet", "arrow", "csv.gz"])
def test_a_column_called_star(tmp_path: Path, run: Any, files: Any, ending: str) -> None:
    """polars reads "*" as all columns; as a value and as a key it is a name like any other."""
    write, read = files
    frame = pl.DataFrame({"*": [1, 2, 4], "x": [1, 5, 3]})
    write(frame, tmp_path / f"in.{ending}")
    for by in ((), ("--by", "*")):
        run("fit", f"in.{ending}", *by, "-m", "minmax", "-q", "-o", "s.json")
        run("apply", "s.json", f"in.{ending}", "-o", f"out.{ending}")
        run("invert", "s.json", f"out.{ending}", "-o", f"back.{ending}")
        applied = read(tmp_path / f"out.{ending}")
        assert applied.columns == ["*", "x"]
        assert applied["*"].to_list() == ([1, 2, 4] if by else [0, 1 / 3, 1])
        assert read(tmp_path / f"back.{ending}").equals(frame)


def test_ndjson_of_many_columns_keeps_their_order(tmp_path: Path, run: Any) -> None:
    """Polars' parser orders those of an object with more than 32 keys by a hash of the process."""
    wide = pl.DataFrame({f"c{i}": [float(i), 0.5, None] for i in range(50)})
    path = tmp_path / "wide.ndjson"
    wide.write_ndjson(path)
    path.write_text('{"c3": 2}\n' + path.read_text("utf-8") + '{"last": 1}\n{"last": 2}\n', "utf-8")
    names = ["c3", *(name for name in wide.columns if name != "c3"), "last"]
    stats = normcli.fit(path)
    assert list(json.loads(stats.to_json())["columns"]) == names
    stats.save(tmp_path / "s.json")
    # A null is written, too.
    lines = run("apply", "s.json", "wide.ndjson").stdout.splitlines()
    assert [list(json.loads(line)) for line in lines] == [names] * 6
