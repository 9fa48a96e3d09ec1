"""Sources: path, glob, directory, stdin or a frame in memory, as a polars LazyFrame."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import polars as pl

from normcli.errors import UsageError
from normcli.sources.extent import Extent, extent_of
from normcli.sources.files import expand
from normcli.sources.formats import FORMATS, Encoding, Format, encoding_of_name, named_format
from normcli.sources.options import ReadOptions
from normcli.sources.sampling import sample_slices
from normcli.sources.source import Source, files_source, frame_source
from normcli.sources.stdin import stdin_source

__all__ = [
    "FORMATS",
    "Encoding",
    "Extent",
    "Format",
    "ReadOptions",
    "Source",
    "encoding_of_name",
    "extent_of",
    "frame_source",
    "named_format",
    "open_source",
    "sample_slices",
]


@contextmanager
def open_source(
    paths: Sequence[str],
    format_name: Format | None,
    options: ReadOptions,
    expected: Mapping[str, pl.DataType],
    repeat: bool = False,
) -> Iterator[Source]:
    """Open files, globs and directories, or stdin for "-" and for nothing, as one source."""
    if not paths or list(paths) == ["-"]:
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError(
                "no input: name files, or pipe data in", "for example: normcli fit data.parquet"
            )
        with stdin_source(sys.stdin.buffer, format_name, options, expected, repeat) as source:
            yield source
    elif "-" in paths:
        raise UsageError(
            "stdin (-) can't be read together with files", "write what is piped in to a file first"
        )
    else:
        yield files_source(expand(paths, format_name), options, expected)
