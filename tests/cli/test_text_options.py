"""How text is read: options are recorded in the stats file and used again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

TYPES = {
    "d": "Date",
    "t": "Time",
    "dt": "Datetime(us)",
    "tz": "Datetime(us,Europe/Berlin)",
    "ns": "Datetime(ns)",
    "dec": "Decimal(10,2)",
    "b": "Boolean",
    "i": "Int64",
    "u": "UInt8",
    "f": "Float32",
}
TEXT = """k,d,t,dt,tz,ns,dec,b,i,u,f
01,2024-01-02,01:02:03.000004000,2024-01-02T03:04:05.000006,2024-07-01T10:00:00.000000+0200,\
2024-01-02T03:04:05.000000007,1.20,true,4611686018427387904,255,0.5
02,1969-12-31,23:59:59.999999001,1960-01-01T00:00:00.000000,2024-01-01T10:00:00.000000+0100,\
2024-01-02T03:04:05.000000009,-7.05,false,4611686018427387901,0,1.5
02,,,,,,,,,,
"""


def _lines(*rows: str) -> bytes:
    return "".join(f"{row}\n" for row in rows).encode()


def test_forced_types_come_back_as_they_were(tmp_path: Path, run: Any) -> None:
    """Dates, times, decimals, Booleans and large integers as text: the same text, in the end."""
    (tmp_path / "a.csv").write_text(TEXT)
    types = [part for name, kind in TYPES.items() for part in ("--type", f"{name}={kind}")]
    columns = ",".join(TYPES)
    run("fit", "a.csv", "-c", columns, "--type", "k=String", *types, "-o", "s.json")
    run("apply", "s.json", "a.csv", "-o", "n.csv")
    run("invert", "s.json", "n.csv", "-o", "b.csv")
    schema = pl.read_csv(TEXT.encode(), infer_schema=False)
    back = pl.read_csv(tmp_path / "b.csv", infer_schema=False)
    assert_frame_equal(back, schema)
    # And the same through pipes, from NDJSON, and to a typed format.
    piped = run("apply", "s.json", stdin=TEXT.encode()).stdout
    assert piped == (tmp_path / "n.csv").read_bytes()
    run("invert", "s.json", "n.csv", "-o", "b.parquet")
    typed = pl.read_parquet(tmp_path / "b.parquet")
    assert typed["tz"].dtype == pl.Datetime("us", "Europe/Berlin")
    assert typed["u"].dtype == pl.UInt8 and typed["dec"].dtype == pl.Decimal(10, 2)
    typed.write_ndjson(tmp_path / "b.ndjson")
    run("apply", "s.json", "b.ndjson", "-o", "n.ndjson")
    run("invert", "s.json", "n.ndjson", "-o", "b2.parquet")
    assert_frame_equal(pl.read_parquet(tmp_path / "b2.parquet"), typed)


def test_keys_with_leading_zeros_stay_text(tmp_path: Path, run: Any) -> None:
    (tmp_path / "a.csv").write_bytes(_lines("zip,x", "01234,1", "01234,2", "1234,5", "1234,7"))
    run("fit", "a.csv", "--by", "zip", "--type", "zip=String", "-o", "s.json")
    document = json.loads((tmp_path / "s.json").read_text())
    assert document["groups"] == [["01234"], ["1234"]]
    assert document["read"] == {"types": {"zip": "String"}}
    normalized = run("apply", "s.json", "a.csv").stdout.decode()
    assert normalized.splitlines() == ["zip,x", "01234,-1.0", "01234,1.0", "1234,-1.0", "1234,1.0"]
    inverted = run("invert", "s.json", stdin=normalized.encode()).stdout
    assert inverted == (tmp_path / "a.csv").read_bytes()


def test_delimiter_header_and_nulls_are_recorded(tmp_path: Path, run: Any) -> None:
    text = _lines("a|1.5|2", "b|NA|-", "c|2.5|4", "|NA|9")
    (tmp_path / "a.csv").write_bytes(text)
    flags = ["--delimiter", "|", "--no-header", "--null-value", "NA", "--null-value", "-"]
    run("fit", "a.csv", *flags, "-o", "s.json")
    document = json.loads((tmp_path / "s.json").read_text())
    assert document["read"] == {"delimiter": "|", "header": False, "null_values": ["NA", "-"]}
    assert [c["summary"]["null"] for c in document["columns"].values()] == [2, 1]
    normalized = run("apply", "s.json", "a.csv").stdout
    assert normalized.splitlines()[1] == b"b|NA|NA"
    inverted = run("invert", "s.json", stdin=normalized).stdout
    # Every null is written as the first of the texts for it.
    assert inverted == text.replace(b"|-", b"|NA").replace(b"\n|", b"\nNA|")
    again = run("fit", *flags, stdin=text).stdout
    assert json.loads(again)["columns"] == document["columns"]


def test_decimal_comma(tmp_path: Path, run: Any) -> None:
    text = _lines("name;x;y", "a;1,5;2", "b;2,5;4", 'c;"4,0";9')
    (tmp_path / "a.csv").write_bytes(text)
    run("fit", "a.csv", "--decimal-comma", "-o", "s.json")
    document = json.loads((tmp_path / "s.json").read_text())
    assert document["read"] == {"decimal_comma": True}
    assert document["columns"]["x"]["summary"]["max"] == 4.0
    normalized = run("apply", "s.json", "a.csv").stdout
    inverted = run("invert", "s.json", stdin=normalized).stdout
    assert inverted.replace(b'"', b"") == text.replace(b'"', b"")


def test_flags_go_before_what_is_recorded(tmp_path: Path, run: Any) -> None:
    run("fit", "--delimiter", ";", "-o", "s.json", stdin=_lines("x;y", "1;2", "3;4"))
    other = run("apply", "s.json", "--delimiter", "|", stdin=_lines("x|y", "1|2", "3|4")).stdout
    assert other == _lines("x|y", "-1.0|-1.0", "1.0|1.0")


def test_whole_numbers_that_come_back_as_floats(tmp_path: Path, run: Any) -> None:
    """A program in between wrote 3.0 for 3; and a later file has 3.5."""
    run("fit", "-o", "s.json", stdin=_lines("x", "1", "3", "5"))
    assert run("apply", "s.json", stdin=_lines("x", "1.0", "3.5")).stdout.startswith(b"x\n-1.22")
    assert run("invert", "s.json", stdin=_lines("x", "0", "0")).stdout == _lines("x", "3", "3")


PLAIN = _lines("k,x", "a,1", "b,2", "c,6")
VARIANTS = {
    "crlf": PLAIN.replace(b"\n", b"\r\n"),
    "bom": b"\xef\xbb\xbf" + PLAIN,
    "no newline at the end": PLAIN.rstrip(b"\n"),
    "spaces": _lines("k,x", "a, 1", "b,2", "c, 6"),
    "quoted": _lines('"k","x"', '"a","1"', '"b","2"', '"c","6"'),
    "quoted newlines": _lines("k,x", '"a\n,""1",1', '"b\r\n",2', '"c\n\n",6'),
}
JSON = _lines('{"k":"a","x":1}', '{"k":"b","x":2}', '{"k":"c","x":6}')
JSON_VARIANTS = {
    "crlf": JSON.replace(b"\n", b"\r\n"),
    "bom": b"\xef\xbb\xbf" + JSON,
    "blank lines": b"\n" + JSON.replace(b"\n", b"\n\n"),
    "no newline at the end": JSON.rstrip(b"\n"),
    "other order, missing and additional keys": _lines(
        '{"x":1,"k":"a"}', '{"x":2,"z":0}', '{"k":"c","x":6,"z":null}'
    ),
    "floats": _lines('{"k":"a","x":1.0}', '{"k":"b","x":2}', '{"k":"c","x":6}'),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_of_csv(tmp_path: Path, run: Any, variant: str) -> None:
    _check(tmp_path, run, "a.csv", VARIANTS[variant])


@pytest.mark.parametrize("variant", JSON_VARIANTS)
def test_variants_of_ndjson(tmp_path: Path, run: Any, variant: str) -> None:
    _check(tmp_path, run, "a.ndjson", JSON_VARIANTS[variant])


def _check(folder: Path, run: Any, name: str, text: bytes) -> None:
    (folder / name).write_bytes(text)
    for done in (run("fit", name, "-c", "x"), run("fit", "-c", "x", stdin=text)):
        column = json.loads(done.stdout)["columns"]["x"]
        assert column["summary"]["mean"] == 3.0 and column["summary"]["count"] == 3
        assert done.stderr == b""
    (folder / "s.json").write_bytes(done.stdout)
    path = run("apply", "s.json", name).stdout
    assert path == run("apply", "s.json", stdin=text).stdout
    read = pl.read_csv if name.endswith("csv") else pl.read_ndjson
    assert_frame_equal(
        read(path).select("x"),
        pl.DataFrame({"x": [-0.9258200997725514, -0.4629100498862757, 1.3887301496588271]}),
    )


def test_quoted_newlines_at_block_ends(tmp_path: Path, run: Any) -> None:
    """Blocks of stdin are cut where a row ends, not inside a field; here they are 16 MiB."""
    field = "\n".join(["x" * 50] * 20_000)
    rows = [f'"{field}",{i}' for i in range(40)]
    text = _lines("k,x", *rows)
    assert len(text) > 2 * (1 << 24)
    piped = run("fit", stdin=text)
    assert json.loads(piped.stdout)["columns"]["x"]["summary"]["count"] == 40
    (tmp_path / "a.csv").write_bytes(text)
    path = run("fit", "a.csv")
    assert json.loads(path.stdout)["columns"] == json.loads(piped.stdout)["columns"]


def test_header_only_is_carried_over(tmp_path: Path, run: Any) -> None:
    """A shard without rows gives one without rows."""
    run("fit", "-o", "s.json", stdin=PLAIN)
    assert run("apply", "s.json", stdin=b"k,x\n").stdout == b"k,x\n"
    (tmp_path / "a.csv").write_bytes(b"k,x\n")
    (tmp_path / "b.csv").write_bytes(PLAIN)
    both = run("fit", "a.csv", "b.csv").stdout
    assert json.loads(both)["source"]["rows"] == 3


def test_types_settle_what_differs_between_files(tmp_path: Path, run: Any) -> None:
    (tmp_path / "a.csv").write_bytes(_lines("code,x", "1,1", "2,2"))
    (tmp_path / "b.csv").write_bytes(_lines("code,x", "A1,3", "A2,6"))
    done = run("fit", "a.csv", "b.csv", "--type", "code=String", "--by", "code")
    assert json.loads(done.stdout)["groups"] == [["1"], ["2"], ["A1"], ["A2"]]
