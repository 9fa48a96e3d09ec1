"""Where output goes: names that tell a format, and outputs that appear only when they are whole."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from normcli import temporary
from normcli.errors import EnvironmentFailureError, UsageError
from normcli.sources import Encoding, Source, encoding_of_name, named_format

__all__ = [
    "Outputs",
    "check_destination",
    "is_directory",
    "output_encoding",
    "sync",
    "whole_outputs",
    "write_text",
]


class Outputs:
    """Files being written under temporary names beside their destinations."""

    def __init__(self) -> None:
        self._pending: list[tuple[str, str]] = []
        self._made: list[str] = []

    def path_for(self, destination: str) -> str:
        """Return the name to write to until the output is whole."""
        # A link stays a link; a device or named pipe is written to as it is.
        real = os.path.realpath(destination)
        check_destination(destination)
        if os.path.exists(real) and not os.path.isfile(real):
            return real
        folder, name = os.path.split(real)
        try:
            unfinished = temporary.make_folder(folder, f".{name}.")
        except OSError as error:
            shown = os.path.dirname(destination) or folder
            raise EnvironmentFailureError(
                f"{destination} can't be written: {error.strerror}",
                f"see who may write to the directory: ls -ld {shown}",
            ) from error
        self._pending.append((os.path.join(unfinished, name), real))
        return self._pending[-1][0]

    def make_directory(self, path: str) -> None:
        """Make a directory and those above it; they go again if the outputs do not get whole."""
        missing = []
        while path and not os.path.isdir(path):
            missing.append(path)
            path = os.path.dirname(path)
        for each in reversed(missing):
            try:
                temporary.make_plain_folder(each)
            except OSError as error:
                shown = os.path.relpath(each)
                raise EnvironmentFailureError(
                    f"the directory {shown} can't be made: {error.strerror}",
                    f"see who may write to the one above: ls -ld {os.path.dirname(shown) or '.'}",
                ) from error
            self._made.append(each)

    def publish(self) -> None:
        """Give all outputs their names, and the modes of the files that they replace."""
        for unfinished, real in self._pending:
            with suppress(FileNotFoundError):
                os.chmod(unfinished, stat.S_IMODE(os.stat(real).st_mode))
        for unfinished, real in self._pending:
            os.replace(unfinished, real)
            temporary.discard(os.path.dirname(unfinished))
        for folder in self._made:
            temporary.release(folder)
        for folder in {os.path.dirname(real) for _, real in self._pending}:
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        self._pending.clear()

    def discard(self) -> None:
        """Remove everything that was begun."""
        for unfinished, _ in self._pending:
            temporary.discard(os.path.dirname(unfinished))
        for folder in reversed(self._made):
            temporary.discard(folder)


def check_destination(destination: str) -> None:
    """Raise EnvironmentFailureError if a file of that name can't be, before work begins."""
    real = os.path.realpath(destination)
    if os.path.isdir(real):
        raise EnvironmentFailureError(
            f"{destination} is a directory", "name a file in it: -o " + _inside(destination)
        )
    folder = os.path.dirname(real)
    shown = os.path.dirname(destination) or folder
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise EnvironmentFailureError(f"{shown} is a file, not a directory", "choose another name")
    if not os.path.isdir(folder):
        raise EnvironmentFailureError(
            f"the directory {shown} does not exist", f"make it first: mkdir -p {shown}"
        )
    if not os.path.exists(real) and not os.access(folder, os.W_OK):
        raise EnvironmentFailureError(
            f"{destination} can't be written: Permission denied",
            f"see who may write to the directory: ls -ld {shown}",
        )


def _inside(folder: str) -> str:
    return os.path.join(folder, "NAME")


@contextmanager
def whole_outputs() -> Iterator[Outputs]:
    """Publish all outputs at the end, or none if anything goes wrong."""
    outputs = Outputs()
    try:
        yield outputs
        outputs.publish()
    except BaseException:
        outputs.discard()
        raise


def write_text(text: str | Iterable[str], destination: str | None) -> None:
    """Write a text, or its pieces, to a file, whole or not at all, or to stdout (None or "-")."""
    pieces = [text] if isinstance(text, str) else text
    if destination in (None, "-"):
        sys.stdout.writelines(pieces)
        sys.stdout.flush()
        return
    assert destination is not None
    with whole_outputs() as outputs:
        path = outputs.path_for(destination)
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(pieces)
            file.flush()
            sync(file)


def sync(file: IO[Any]) -> None:
    """Have what was written to a file go to the disk; raise OSError where it can't."""
    try:
        os.fsync(file.fileno())
    except OSError as error:
        # A device or a pipe can't be synced; a file that can't has not been written.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise


def is_directory(output: str, to: str | None) -> bool:
    """Return whether a name means a directory, to get one output for each input."""
    if output == "-":
        return False
    if os.path.isdir(output) or output.endswith(os.sep):
        return True
    new = not os.path.exists(output) and to is None and encoding_of_name(output) is None
    # "out" can only be meant as a directory; "out.xlsx" was meant as something else.
    return new and not os.path.splitext(output)[1]


def output_encoding(source: Source, output: str | None, to: str | None) -> Encoding:
    """Return how output is encoded: as a flag or the name says, else as the input."""
    if to is not None:
        named = encoding_of_name(output) if output else None
        return Encoding(named_format(to), named.compression if named else None)
    if output is not None and output != "-":
        named = encoding_of_name(output)
        special = os.path.exists(output) and not os.path.isfile(output)
        if named is None and special and source.encoding is not None:
            return source.encoding  # a device, such as /dev/null
        if named is None:
            raise UsageError(
                f"the name {output} does not tell a format that normcli writes",
                "name the format with --to, or end the name with / for a directory",
            )
        return named
    assert source.encoding is not None, "frames are not written to files"
    return source.encoding
