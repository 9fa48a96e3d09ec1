"""Real processes that are stopped, run out of space, or lose the other end of a pipe."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import polars as pl
import pytest

import normcli

OLD = b"what was there before"
SIZE_LIMIT = 100_000


def _mind_signals() -> None:
    """Take signals as a shell in a terminal lets commands take them, whoever started the tests."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Folder:
    """A folder with a stats file, an older output, and commands that run in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.out = path / "out"
        self.spool = path / "tmp"
        self.out.mkdir()
        self.spool.mkdir()
        frame = pl.DataFrame({"x": [1.0, 2.0, 4.0], "y": [0.5, 0.25, 8.0]})
        normcli.fit(frame).save(path / "s.json")
        self._started: list[subprocess.Popen[bytes]] = []
        self._environment = os.environ | {"TMPDIR": str(self.spool)}

    def keep(self, name: str) -> Path:
        """Put an older output in its place and return its path."""
        path = self.out / name
        path.write_bytes(OLD)
        return path

    def command(self, *arguments: str) -> list[str]:
        """Return the command line."""
        return [sys.executable, "-m", "normcli", *arguments]

    def start(
        self, *arguments: str, stdin: int = subprocess.PIPE, stdout: int = subprocess.PIPE
    ) -> subprocess.Popen[bytes]:
        """Start a command."""
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=self.path,
            env=self._environment,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            preexec_fn=_mind_signals,
        )
        self._started.append(process)
        return process

    def close(self) -> None:
        """End what is still running and close all pipes."""
        for process in self._started:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()

    def run(
        self, *arguments: str, stdin: bytes = b"", limited: bool = False
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end; `limited` to files of 100 kB."""

        def limit() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE_LIMIT, SIZE_LIMIT))

        return subprocess.run(
            self.command(*arguments),
            cwd=self.path,
            env=self._environment,
            input=stdin,
            capture_output=True,
            preexec_fn=limit if limited else None,
            timeout=300,
            check=False,
        )

    def left_behind(self) -> list[str]:
        """Return what is in the folders of outputs and spools, but for the older output."""
        found = [*self.out.rglob("*"), *self.spool.rglob("*")]
        return sorted(
            str(path.relative_to(self.path)) for path in found if not path.name.startswith("kept.")
        )


def wait_until(happened: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Wait until something has happened in a process that must go on running meanwhile."""
    for _ in range(12_000):
        if happened():
            return
        assert process.poll() is None, process.communicate()[1].decode()
        time.sleep(0.01)
    raise AssertionError("it never happened")


def listens(process: subprocess.Popen[bytes]) -> bool:
    """Return whether a process has set its handlers; that for SIGHUP is the last."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = int(status.split("SigCgt:")[1].split()[0], 16)
    return bool(caught >> (signal.SIGHUP - 1) & 1)


def feed(stream: IO[bytes], head: bytes, rows: bytes) -> Callable[[], None]:
    """Write rows into a pipe for as long as it takes; return what ends that."""
    enough = threading.Event()

    def write() -> None:
        with suppress(BrokenPipeError, ValueError):
            stream.write(head)
            while not enough.is_set():
                stream.write(rows)
                stream.flush()

    thread = threading.Thread(target=write, daemon=True)
    thread.start()

    def stop() -> None:
        enough.set()
        thread.join(60)

    return stop


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    made = Folder(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file of 4.8 MB whose outputs are far beyond the buffers of pipes and the size limit."""
    path = tmp_path_factory.mktemp("large") / "large.parquet"
    rows = pl.int_range(300_000, eager=True)
    frame = pl.DataFrame({"x": (rows * 0.1).sin(), "y": (rows * 0.7).cos(), "id": rows // 10})
    frame.write_parquet(path)
    yield path


@pytest.fixture
def tools() -> tuple[
    Callable[[Callable[[], bool], subprocess.Popen[bytes]], None],
    Callable[[subprocess.Popen[bytes]], bool],
    Callable[[IO[bytes], bytes, bytes], Callable[[], None]],
]:
    """Return `wait_until`, `listens` and `feed`."""
    return wait_until, listens, feed
