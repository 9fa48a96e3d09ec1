"""SIGINT, SIGTERM and SIGKILL, in the middle of work and while waiting for input."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

HEAD = b"x,y\n"
ROWS = b"1.5,2.5\n3.5,0.25\n" * 5_000
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
FORMATS = ["csv", "parquet", "arrows"]


def _ends(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    process.send_signal(number)
    assert process.wait(60) == CODES[number]
    assert process.stderr is not None
    message = process.stderr.read().decode()
    assert "Traceback" not in message
    assert message.startswith("normcli: ") and message.count("\n") == 1, message


def _begun(folder: Any) -> bool:
    return any(path.stat().st_size for path in folder.out.glob(".kept.*.tmp"))


@pytest.mark.parametrize("number", CODES)
@pytest.mark.parametrize("command", ["fit", "apply"])
def test_waiting_for_stdin(folder: Any, tools: Any, command: str, number: signal.Signals) -> None:
    """A terminal or an idle pipe sends nothing; the command must end at once all the same."""
    wait_until, listens, _ = tools
    kept = folder.keep("kept.csv")
    stats = ["s.json"] if command == "apply" else []
    process = folder.start(command, *stats, "-o", "out/kept.csv")
    wait_until(lambda: listens(process), process)
    _ends(process, number)
    assert kept.read_bytes() == b"what was there before"
    assert folder.left_behind() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("to", FORMATS)
def test_amid_apply(folder: Any, tools: Any, to: str, number: signal.Signals) -> None:
    wait_until, _, feed = tools
    kept = folder.keep(f"kept.{to}")
    process = folder.start("apply", "s.json", "-o", f"out/kept.{to}")
    stop = feed(process.stdin, HEAD, ROWS)
    wait_until(lambda: any(folder.out.glob(".kept.*.tmp")), process)
    _ends(process, number)
    stop()
    assert kept.read_bytes() == b"what was there before"
    assert folder.left_behind() == []


def test_amid_apply_then_idle(folder: Any, tools: Any) -> None:
    """Half of the output is written, and the pipe has fallen silent."""
    wait_until, _, feed = tools
    kept = folder.keep("kept.csv")
    process = folder.start("apply", "s.json", "-o", "out/kept.csv")
    stop = feed(process.stdin, HEAD, ROWS)
    wait_until(lambda: _begun(folder), process)
    stop()
    _ends(process, signal.SIGINT)
    assert kept.read_bytes() == b"what was there before"
    assert folder.left_behind() == []


_STOPPED_IN_PYTHON = """
import os, signal, sys, time
import normcli
from normcli.api import TransformOptions
from normcli.engines.progress import NoProgress

class Slow(NoProgress):
    rows = signals = 0
    def advance(self, rows):
        self.rows += rows
        time.sleep(0.1)
        if self.rows > 100_000 and not self.signals:
            self.signals = 1
            os.kill(os.getpid(), signal.Signals[sys.argv[1]])

def end(number, frame):
    raise SystemExit

signal.signal(signal.SIGTERM, end)
stats, progress = normcli.load("s.json"), Slow()
options = TransformOptions()
try:
    if sys.argv[2] == "apply":
        stats.write("apply", ["in.parquet"], "out/new.parquet", options=options, progress=progress)
    else:
        normcli.fit("in.parquet", progress=progress).save("out/new.json")
except (KeyboardInterrupt, SystemExit) as stopped:
    rows = progress.rows
    time.sleep(0.5)
    print(type(stopped).__name__, rows < 1_000_000, progress.rows == rows)
"""


@pytest.mark.parametrize(
    ("number", "name"),
    [(signal.SIGINT, "KeyboardInterrupt"), (signal.SIGTERM, "SystemExit")],
)
@pytest.mark.parametrize("command", ["fit", "apply"])
def test_amid_work_in_python(
    folder: Any, large: Path, command: str, number: signal.Signals, name: str
) -> None:
    """In a notebook the process lives on; the work must not."""
    pl.concat([pl.read_parquet(large)] * 10).write_parquet(folder.path / "in.parquet")
    script = [sys.executable, "-c", _STOPPED_IN_PYTHON, number.name, command]
    done = subprocess.run(script, cwd=folder.path, capture_output=True, check=False, timeout=300)
    assert (done.returncode, done.stderr.decode()) == (0, "")
    assert done.stdout.decode() == f"{name} True True\n"
    assert folder.left_behind() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_amid_spooling(folder: Any, tools: Any, number: signal.Signals) -> None:
    """A fit of two passes keeps stdin on disk; that copy has to go as well."""
    wait_until, _, feed = tools
    kept = folder.keep("kept.json")
    process = folder.start("fit", "-q", "-m", "zscore+minmax", "-o", "out/kept.json")
    stop = feed(process.stdin, HEAD, ROWS)
    wait_until(lambda: any(folder.spool.iterdir()), process)
    _ends(process, number)
    stop()
    assert kept.read_bytes() == b"what was there before"
    assert folder.left_behind() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_amid_apply_of_a_file(folder: Any, tools: Any, large: Path, number: signal.Signals) -> None:
    """The directories made for the outputs go, too."""
    wait_until, _, _ = tools
    (folder.path / "data").mkdir()
    for i in range(8):
        (folder.path / "data" / f"part{i}.parquet").write_bytes(large.read_bytes())
    process = folder.start("apply", "s.json", "data", "-o", "out/new/deep/")
    wait_until(lambda: any(folder.out.glob("new/deep/.*.tmp")), process)
    _ends(process, number)
    assert folder.left_behind() == []


def test_killed(folder: Any, tools: Any) -> None:
    """Nobody can tidy up after SIGKILL; the older output is whole all the same."""
    wait_until, _, feed = tools
    kept = folder.keep("kept.parquet")
    process = folder.start("apply", "s.json", "-o", "out/kept.parquet")
    stop = feed(process.stdin, HEAD, ROWS)
    wait_until(lambda: any(folder.out.glob(".kept.*.tmp")), process)
    process.kill()
    process.wait(60)
    stop()
    assert kept.read_bytes() == b"what was there before"


def test_ignored_signals_stay_ignored(folder: Any, large: Path) -> None:
    """As with nohup, or a job that a script runs in the background."""
    command = " ".join(folder.command("apply", "s.json", str(large), "-o", "out/new.parquet"))
    script = f'trap "" INT HUP; {command} & for i in 1 2 3 4 5; do kill -INT $!; done; wait $!'
    done = subprocess.run(["sh", "-c", script], cwd=folder.path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert (folder.out / "new.parquet").stat().st_size > 0
