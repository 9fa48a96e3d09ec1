"""Bad input, as a user meets it: a real process in a folder of its own, its messages reviewed.

Every case has its own folder, with an output that is there already. What a refused command must
leave behind is exactly what it found. The messages stand in `snapshots/`, one file for each test
module; NORMCLI_UPDATE_SNAPSHOTS=1 (with `-n 0`) writes them anew, to be read in the diff.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl
import pytest

from tests import processes

Content = str | bytes | pl.DataFrame | Callable[[Path], None]
Files = Mapping[str, Content]
SNAPSHOTS = Path(__file__).with_name("snapshots")
UPDATE = "NORMCLI_UPDATE_SNAPSHOTS"

# Root may do everything; without these two capabilities permissions count for root as well.
_DROP_PRIVILEGE = """
import ctypes, os, sys
for capability in (1, 2):
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-m", "normcli", *sys.argv[1:]])
"""


def _write(path: Path, content: Content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        path.write_bytes(content.encode())
    elif isinstance(content, bytes):
        path.write_bytes(content)
    elif callable(content):
        content(path)
    elif path.suffix == ".parquet":
        content.write_parquet(path)
    elif path.suffix == ".arrow":
        content.write_ipc(path)
    else:
        content.write_csv(path)


def _everything(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"(folder)"
        for path in sorted(folder.rglob("*"))
    }


class Cases:
    """Runs a command over files made for it and compares its messages with the reviewed ones."""

    def __init__(self, folder: Path, snapshots: Path) -> None:
        self._folder = folder
        self._snapshots = snapshots

    def run(
        self, command: list[str], files: Files, stdin: bytes | None = None
    ) -> tuple[subprocess.CompletedProcess[bytes], bool]:
        """Return the finished process, and whether it left everything as it found it."""
        for name in ("parquet", "csv", "json"):
            _write(self._folder / "out" / f"kept.{name}", f"an older {name}")
        (self._folder / "tmp").mkdir()
        for name, content in files.items():
            _write(self._folder / name, content)
        locked = list(self._folder.rglob("*locked*"))
        before = _everything(self._folder)
        for path in locked:
            path.chmod(0o555 if path.is_dir() else 0o000)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("NORMCLI")}
        environment |= {"TMPDIR": str(self._folder / "tmp"), "COLUMNS": "100", "TERM": "dumb"}
        if not locked:
            done = processes.run(command, self._folder, environment, stdin)
        else:
            done = subprocess.run(
                [sys.executable, "-c", _DROP_PRIVILEGE, *command],
                cwd=self._folder,
                env=environment,
                input=stdin or b"",
                capture_output=True,
                timeout=120,
                check=False,
            )
        for path in locked:
            path.chmod(0o777)
        return done, _everything(self._folder) == before

    def compare(self, case: str, command: list[str], code: int, stderr: bytes) -> None:
        """Compare an exit code and the whole of stderr with the snapshot of the case."""
        text = stderr.decode().replace(str(self._folder), "<folder>")
        shown = " ".join(f"'{a}'" if re.search(r"[\s;*<>'\"]", a) else a for a in command)
        actual = f"$ normcli {shown}\nexit {code}\n{text}"
        known = _sections(self._snapshots)
        if os.environ.get(UPDATE):
            known[case] = actual
            ordered = "\n".join(f"== {name}\n{known[name]}" for name in sorted(known))
            self._snapshots.write_text(ordered)
        assert actual == known.get(case), f"not the reviewed message; {UPDATE}=1 rewrites it"

    def refused(
        self, case: str, command: list[str], files: Files, code: int, stdin: bytes | None = None
    ) -> None:
        """Check that a command is refused: its code, its messages, and nothing else."""
        done, untouched = self.run(command, files, stdin)
        message = done.stderr.decode()
        assert done.returncode == code, message
        assert done.stdout == b""
        assert untouched, "the command changed files"
        assert message.strip(), "silence"
        assert "Traceback" not in message
        self.compare(case, command, code, done.stderr)

    def warned(self, case: str, command: list[str], files: Files) -> None:
        """Check that a command does its work, with a warning."""
        done, untouched = self.run(command, files)
        assert done.returncode == 0, done.stderr.decode()
        assert done.stdout == b""
        assert not untouched, "nothing was written"
        self.compare(case, command, 0, done.stderr)


def _sections(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    sections = ("\n" + path.read_text()).split("\n== ")[1:]
    named = (section.partition("\n") for section in sections)
    return {name: body if body.endswith("\n") else body + "\n" for name, _, body in named}


@pytest.fixture
def cases(tmp_path: Path, request: pytest.FixtureRequest) -> Cases:
    """Return the runner whose snapshots are those of the test's module."""
    return Cases(tmp_path, SNAPSHOTS / f"{request.path.stem.removeprefix('test_')}.txt")
