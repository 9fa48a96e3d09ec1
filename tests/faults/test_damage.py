"""Input that turns out to be damaged in the middle of the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest


def _refused(done: Any, name: str) -> None:
    message = done.stderr.decode()
    assert done.returncode == 3, message
    assert name in message and "Traceback" not in message, message


@pytest.mark.parametrize("command", ["fit", "apply"])
def test_corrupt_page(folder: Any, large: Path, command: str) -> None:
    data = bytearray(large.read_bytes())
    middle = len(data) // 3
    data[middle : middle + 4096] = bytes(4096)
    (folder.path / "corrupt.parquet").write_bytes(data)
    kept = folder.keep("kept.parquet")
    stats = ["s.json"] if command == "apply" else []
    done = folder.run(command, *stats, "corrupt.parquet", "-o", "out/kept.parquet")
    _refused(done, "corrupt.parquet")
    assert kept.read_bytes() == b"what was there before"
    assert folder.left_behind() == []


@pytest.mark.parametrize("to", ["parquet", "csv", "arrows"])
def test_bad_row_at_the_very_end(folder: Any, to: str) -> None:
    (folder.path / "a.csv").write_bytes(b"x,y\n" + b"1.5,2.5\n" * 200_000 + b"1.5,oops\n")
    kept = folder.keep(f"kept.{to}")
    done = folder.run("apply", "s.json", "a.csv", "-o", f"out/kept.{to}")
    _refused(done, 'a.csv: column "y", row 200,001: "oops"')
    assert kept.read_bytes() == b"what was there before"
    assert folder.left_behind() == []


def test_bad_row_in_the_last_of_several_files(folder: Any) -> None:
    """None of the outputs appears, not even those of the good files."""
    for name in ("a", "b"):
        (folder.path / f"{name}.csv").write_bytes(b"x,y\n1,2\n")
    (folder.path / "c.csv").write_bytes(b"x,y\n" + b"1.5,2.5\n" * 20_000 + b"1.5,oops\n")
    done = folder.run("apply", "s.json", "a.csv", "b.csv", "c.csv", "-o", "out/new/")
    _refused(done, 'c.csv: column "y", row 20,001')
    assert folder.left_behind() == []


def test_truncated_gzip(folder: Any) -> None:
    frame = pl.DataFrame({"x": (pl.int_range(200_000, eager=True) * 0.1).sin(), "y": 1.5})
    frame.lazy().sink_csv(folder.path / "a.csv.gz", compression="gzip")
    data = (folder.path / "a.csv.gz").read_bytes()
    (folder.path / "a.csv.gz").write_bytes(data[: len(data) - 5000])
    kept = folder.keep("kept.csv")
    done = folder.run("apply", "s.json", "a.csv.gz", "-o", "out/kept.csv")
    _refused(done, "a.csv.gz")
    assert kept.read_bytes() == b"what was there before"
    assert folder.left_behind() == []


def test_file_that_is_gone(folder: Any) -> None:
    """A link in a directory to a file that was removed."""
    (folder.path / "data").mkdir()
    (folder.path / "data" / "a.csv").write_bytes(b"x,y\n1,2\n")
    (folder.path / "data" / "b.csv").symlink_to(folder.path / "removed.csv")
    kept = folder.keep("kept.csv")
    done = folder.run("apply", "s.json", "data", "-o", "out/kept.csv")
    _refused(done, "b.csv")
    assert kept.read_bytes() == b"what was there before"
    assert folder.left_behind() == []
