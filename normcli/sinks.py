"""Sinks: a lazy frame to a file or stdout, and outputs that appear only when they are whole."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, Any

import polars as pl

from normcli import temporary
from normcli.errors import EnvironmentFailureError, UsageError
from normcli.sources import Encoding, ReadOptions

__all__ = [
    "Outputs",
    "WriteOptions",
    "check_destination",
    "whole_outputs",
    "write_frame",
    "write_text",
]

# Else row groups are as large as the batches happen to be: here always the same, and not tiny.
_ROW_GROUP_ROWS = 1 << 17
_COMPRESSIONS = {
    "parquet": ("zstd", "snappy", "gzip", "lz4", "brotli", "none"),
    "ipc": ("none", "lz4", "zstd"),
    "arrows": ("none", "lz4", "zstd"),
    "csv": ("none", "gzip", "zstd"),
    "tsv": ("none", "gzip", "zstd"),
    "ndjson": ("none", "gzip", "zstd"),
}


@dataclass(frozen=True)
class WriteOptions:
    """How output is written; `text` are the options that text input was read with."""

    encoding: Encoding
    compression: str | None = None
    float_format: str | None = None
    text: ReadOptions = field(default_factory=ReadOptions)

    def __post_init__(self) -> None:
        known = _COMPRESSIONS[self.encoding.format]
        if self.compression is not None and self.compression not in known:
            raise UsageError(
                f"{self.encoding.format} can't be compressed with {self.compression}",
                f"one of: {', '.join(known)}",
            )
        if self.float_format is not None:
            if not re.fullmatch(r"\.\d{1,3}[fe]", self.float_format):
                raise UsageError(
                    f'"{self.float_format}" is no float format', "for example .6f or .10e"
                )
            if self.encoding.format not in ("csv", "tsv"):
                raise UsageError("--float-format is for csv and tsv output")

    @property
    def chosen_compression(self) -> str:
        """The compression to use: what was asked for, or the format's usual one."""
        if self.compression is not None:
            return self.compression
        return self.encoding.compression or _COMPRESSIONS[self.encoding.format][0]


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


def write_text(text: str, destination: str | None) -> None:
    """Write a text to a file, whole or not at all, or to stdout (None or "-")."""
    if destination in (None, "-"):
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    assert destination is not None
    with whole_outputs() as outputs:
        path = outputs.path_for(destination)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            _sync(file)


def write_frame(frame: pl.LazyFrame, target: str | IO[bytes], options: WriteOptions) -> None:
    """Compute a frame and write it to a path or to an open binary stream."""
    if options.encoding.format == "arrows":
        _write_arrow_stream(frame, target, options)
        return
    query = _sink(frame, target, options).collect(background=True, engine="streaming")
    # Waiting in the engine would hold signals back until it ends.
    pause = 0.0005
    try:
        while query.fetch() is None:
            time.sleep(pause)
            pause = min(0.02, 1.5 * pause)
    except BaseException:
        query.cancel()
        raise


def _sink(frame: pl.LazyFrame, target: Any, options: WriteOptions) -> pl.LazyFrame:
    kind = options.encoding.format
    compression: Any = options.chosen_compression
    regular = isinstance(target, str) and not os.path.exists(target)
    common: dict[str, Any] = {"lazy": True, "sync_on_close": "all" if regular else None}
    if kind == "parquet":
        compression = "uncompressed" if compression == "none" else compression
        return _made(
            frame.sink_parquet(
                target, compression=compression, row_group_size=_ROW_GROUP_ROWS, **common
            )
        )
    if kind == "ipc":
        compression = "uncompressed" if compression == "none" else compression
        return _made(frame.sink_ipc(target, compression=compression, **common))
    compression = "uncompressed" if compression == "none" else compression
    common |= {"compression": compression, "check_extension": False}
    if kind == "ndjson":
        return _made(frame.sink_ndjson(target, **common))
    floats: dict[str, Any] = {}
    if options.float_format:
        floats = {
            "float_precision": int(options.float_format[1:-1]),
            "float_scientific": options.float_format.endswith("e"),
        }
    return _made(
        frame.sink_csv(
            target,
            separator=options.text.separator(kind),
            include_header=options.text.header,
            null_value=options.text.null_values[0] if options.text.null_values else None,
            decimal_comma=options.text.decimal_comma,
            **floats,
            **common,
        )
    )


def _made(sink: pl.LazyFrame | None) -> pl.LazyFrame:
    assert sink is not None, "a lazy sink is a frame"
    return sink


def _write_arrow_stream(
    frame: pl.LazyFrame, target: str | IO[bytes], options: WriteOptions
) -> None:
    import pyarrow as pa

    compression = options.chosen_compression
    settings = pa.ipc.IpcWriteOptions(compression=None if compression == "none" else compression)
    schema = frame.collect_schema().to_frame().to_arrow().schema
    with open(target, "wb") if isinstance(target, str) else _left_open(target) as file:
        with pa.ipc.new_stream(file, schema, options=settings) as writer:
            for batch in frame.collect_batches(engine="streaming", maintain_order=True):
                writer.write_table(batch.to_arrow().cast(schema))
        file.flush()
        if isinstance(target, str):
            _sync(file)


@contextmanager
def _left_open(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    yield stream


def _sync(file: IO[Any]) -> None:
    try:
        os.fsync(file.fileno())
    except OSError as error:
        # A device or a pipe can't be synced; a file that can't has not been written.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
