"""Readers that have seen enough: `normcli … | head -1`."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize("to", ["csv", "ndjson", "parquet", "ipc", "arrows"])
@pytest.mark.parametrize("command", ["apply", "invert"])
def test_closed_pipe_is_quiet(folder: Any, large: Path, command: str, to: str) -> None:
    process = folder.start(command, "s.json", str(large), "--to", to, stdin=subprocess.DEVNULL)
    assert process.stdout is not None
    assert process.stdout.read(4)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 0


def test_closed_pipe_of_a_stats_file(folder: Any, large: Path) -> None:
    process = folder.start("fit", str(large), "--by", "id", stdin=subprocess.DEVNULL)
    assert process.stdout.read(4) == b"{\n  "
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 0


def test_closed_pipe_of_a_table(folder: Any) -> None:
    process = folder.start("methods", stdin=subprocess.DEVNULL)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 0
