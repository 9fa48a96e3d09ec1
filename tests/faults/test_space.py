"""Disks that are full, and files that must not grow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

FORMATS = ["parquet", "csv", "ndjson", "arrow", "arrows", "csv.gz"]


def _refused(done: Any, reason: str) -> None:
    message = done.stderr.decode()
    assert done.returncode == 4, message
    assert "Traceback" not in message and "unexpected" not in message, message
    assert reason in message, message


@pytest.mark.parametrize("to", FORMATS)
def test_apply_beyond_the_size_limit(folder: Any, large: Path, to: str) -> None:
    kept = folder.keep(f"kept.{to}")
    arguments = ("apply", "s.json", str(large), "-o", f"out/kept.{to}")
    _refused(folder.run(*arguments, limited=True), "size limit")
    assert kept.read_bytes() == b"what was there before"
    assert folder.left_behind() == []


def test_apply_into_a_directory_beyond_the_size_limit(folder: Any, large: Path) -> None:
    done = folder.run("apply", "s.json", str(large), "-o", "out/new/", limited=True)
    _refused(done, "size limit")
    assert folder.left_behind() == []


def test_fit_beyond_the_size_limit(folder: Any, large: Path) -> None:
    """A stats file of 30,000 groups is larger than the limit."""
    kept = folder.keep("kept.json")
    done = folder.run("fit", str(large), "--by", "id", "-o", "out/kept.json", limited=True)
    _refused(done, "size limit")
    assert kept.read_bytes() == b"what was there before"
    assert folder.left_behind() == []


def test_spooling_beyond_the_size_limit(folder: Any, large: Path) -> None:
    kept = folder.keep("kept.json")
    done = folder.run("fit", "-o", "out/kept.json", stdin=large.read_bytes(), limited=True)
    _refused(done, "size limit")
    assert kept.read_bytes() == b"what was there before"
    assert folder.left_behind() == []


@pytest.mark.parametrize("to", ["parquet", "csv", "ndjson", "ipc", "arrows"])
def test_apply_to_a_full_device(folder: Any, large: Path, to: str) -> None:
    done = folder.run("apply", "s.json", str(large), "-o", "/dev/full", "--to", to)
    _refused(done, "disk is full")


def test_fit_to_a_full_device(folder: Any, large: Path) -> None:
    done = folder.run("fit", str(large), "-o", "/dev/full")
    _refused(done, "disk is full")
