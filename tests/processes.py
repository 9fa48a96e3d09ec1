"""Commands as processes of their own, without the time that a new interpreter takes.

Most of what a small command costs is to import the engine. A server that has imported everything,
and done nothing with it, forks for each command: what runs is the whole command in a process of its
own, with its own folder, environment and streams. Tests of start-up, pipes, signals and
installation start interpreters instead.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any

__all__ = ["run"]

_TIMEOUT = 300.0


def run(
    arguments: Sequence[str],
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run `normcli` with these arguments, and with a pipe or nothing as input."""
    return _server().run(arguments, folder or Path.cwd(), environment or os.environ, stdin)


@cache
def _server() -> _Server:
    server = _Server()
    atexit.register(server.close)
    return server


class _Server:
    """The process that forks, and what it is asked by; to be closed in the end."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.processes", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            cwd=Path(__file__).parents[1],
        )
        theirs.close()
        ours.settimeout(_TIMEOUT)
        self._socket = ours
        self._lines = ours.makefile("r")

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        stdin: bytes | None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command, and return what it printed."""
        with (
            _piped(stdin) as source,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            request = {
                "arguments": list(arguments),
                "folder": str(folder),
                "environment": dict(environment),
                "streams": [source, *(_path_of(one.fileno()) for one in (out, err))],
            }
            self._socket.sendall(json.dumps(request).encode() + b"\n")
            process = int(self._lines.readline())
            try:
                code = int(self._lines.readline())
            except TimeoutError:
                os.kill(process, signal.SIGKILL)
                raise subprocess.TimeoutExpired(["normcli", *arguments], _TIMEOUT) from None
            return subprocess.CompletedProcess(
                ["normcli", *arguments], code, _content(out), _content(err)
            )

    def close(self) -> None:
        """End the server."""
        self._lines.close()
        self._socket.close()
        self._server.wait(_TIMEOUT)


def _path_of(descriptor: int) -> str:
    return f"/proc/{os.getpid()}/fd/{descriptor}"


@contextlib.contextmanager
def _piped(content: bytes | None) -> Iterator[str]:
    """Give the path of a pipe that delivers this; of nothing if it is None."""
    if content is None:
        yield os.devnull
        return
    reading, writing = os.pipe()

    def write() -> None:
        # Who does not read it all is not at fault.
        with contextlib.suppress(BrokenPipeError), os.fdopen(writing, "wb") as pipe:
            pipe.write(content)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield _path_of(reading)
    finally:
        os.close(reading)
        writer.join()


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _serve(channel: socket.socket) -> None:
    import normcli.api
    import normcli.cli  # noqa: F401

    gc.collect()
    gc.freeze()
    for line in channel.makefile("r"):
        process = os.fork()
        if process == 0:
            channel.close()
            _become(json.loads(line))
        channel.sendall(f"{process}\n".encode())
        _, status = os.waitpid(process, 0)
        channel.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _become(request: Mapping[str, Any]) -> None:
    """Be the command that is asked for, and end."""
    with _ending():
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.argv = ["normcli", *request["arguments"]]
        for number, path in enumerate(request["streams"]):
            file = os.open(path, os.O_RDWR if number else os.O_RDONLY)
            os.dup2(file, number)
            os.close(file)
        from normcli.__main__ import main

        main()


@contextlib.contextmanager
def _ending() -> Iterator[None]:
    """End the process as an interpreter would at the end of its program."""
    code: Any = 1
    try:
        yield
        code = 0
    except SystemExit as error:
        code = error.code
    except BaseException:
        traceback.print_exc()
    finally:
        if isinstance(code, str):
            print(code, file=sys.stderr)
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
