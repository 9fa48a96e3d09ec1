"""Reading standard input: finding out what it is, and spooling it where it must be read again."""

from __future__ import annotations

import dataclasses
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, cast

import polars as pl

from normcli import temporary
from normcli.errors import DataError, NormWarning
from normcli.sources.files import InputFile
from normcli.sources.formats import Encoding, Format, sniff, sniff_text
from normcli.sources.options import ReadOptions
from normcli.sources.source import Source, files_source, stream_source
from normcli.sources.streams import CUT_OFF

__all__ = ["stdin_source"]

_HEAD = 1 << 16


@contextmanager
def stdin_source(
    stream: IO[bytes],
    format_name: Format | None,
    options: ReadOptions,
    expected: Mapping[str, pl.DataType],
    repeat: bool,
) -> Iterator[Source]:
    """Open standard input as a source; `repeat` if it will be scanned more than once.

    Parquet and the Arrow file format can't be read in order, so they are spooled as well.
    """
    buffered, encoding = _identify(stream, format_name)
    if not repeat and encoding.format not in ("parquet", "ipc"):
        yield stream_source(buffered, encoding, options, expected)
        return
    why = "read more than once" if repeat else f"read as {encoding.format}"
    warnings.warn(f"stdin has to be {why}: spooling it to disk", NormWarning, stacklevel=2)
    folder = temporary.make_folder(None, "normcli-")
    path = os.path.join(folder, f"stdin.{encoding.format}")
    try:
        _spool(buffered, path)
        file = InputFile(path, "stdin", encoding, "stdin")
        yield _renamed(files_source([file], options, expected))
    finally:
        temporary.discard(folder)


def _spool(stream: IO[bytes], path: str) -> None:
    try:
        with open(path, "wb") as spool:
            shutil.copyfileobj(stream, spool, 1 << 22)
    except OSError as error:
        if error.errno is None:
            raise DataError(f"stdin can't be decompressed: {error}", CUT_OFF) from error
        # The error itself names no file.
        raise OSError(error.errno, error.strerror, path) from error


def _renamed(source: Source) -> Source:
    return dataclasses.replace(source, names=("stdin",), files=(), parts=lambda: ())


def _identify(stream: IO[bytes], format_name: Format | None) -> tuple[IO[bytes], Encoding]:
    """Return the uncompressed stream, nothing of it consumed, and its encoding."""
    try:
        head = stream.read(_HEAD)
    except OSError as error:
        raise DataError(f"stdin can't be decompressed: {error}", CUT_OFF) from error
    if not head:
        raise DataError("stdin is empty", "pipe data in, or name a file")
    peeked = cast(IO[bytes], _Peeked(head, stream))
    found = sniff(head)
    if found in ("gzip", "zstd"):
        import pyarrow as pa

        inner = pa.CompressedInputStream(pa.PythonFile(peeked, "r"), found)
        return _identify(cast(IO[bytes], inner), format_name)
    actual = cast(Format, found or sniff_text(head, "stdin"))
    if (
        format_name
        and (found or format_name not in ("csv", "tsv", "ndjson"))
        and actual != format_name
    ):
        raise DataError(
            f"stdin is not {format_name}; it looks like {actual}",
            f"say --from {actual}, or leave --from out",
        )
    return peeked, Encoding(format_name or actual)


class _Peeked:
    """A stream whose first bytes were read already, and come again."""

    def __init__(self, head: bytes, stream: IO[bytes]) -> None:
        self._head = head
        self._stream = stream
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        """Return at most that many bytes, none at the end."""
        if not self._head:
            return self._stream.read(size)
        piece, self._head = self._head[:size], self._head[size:]
        return piece

    def close(self) -> None:
        """End reading; the stream itself belongs to the process."""
        self.closed = True
