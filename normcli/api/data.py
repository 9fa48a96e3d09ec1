"""Data as users have them, opened as sources: paths, frames, whatever gives Arrow streams."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import polars as pl

from normcli.errors import DataError, did_you_mean
from normcli.sources import ReadOptions, Source, frame_source, named_format, open_source

__all__ = ["ArrowData", "ArrowStream", "Paths", "check_types", "group_keys", "opened"]


Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


class ArrowStream(Protocol):
    """Anything that gives its rows by the Arrow PyCapsule interface: pandas, pyarrow, DuckDB."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the rows."""


ArrowData = pl.DataFrame | ArrowStream
"""Rows in memory."""


@contextmanager
def opened(
    source: Any,
    format: str | None,
    options: ReadOptions,
    expected: Mapping[str, pl.DataType],
    repeat: bool,
) -> Iterator[Source]:
    """Open data that may come in several forms; `repeat` says that they are read more than once."""
    if isinstance(source, (str, os.PathLike)):
        source = [source]
    if isinstance(source, Sequence) and all(isinstance(s, (str, os.PathLike)) for s in source):
        paths = [os.fspath(path) for path in source]
        named = named_format(format) if format else None
        with open_source(paths, named, options, expected, repeat) as opened:
            yield opened
    else:
        yield frame_source(source, expected)


def check_types(source: Source, places: Mapping[str, str]) -> None:
    """Raise DataError if a dtype is given for a column that is not there."""
    for name in source.options.types:
        if name not in source.schema:
            place = places.get(f"types.{name}", "--type")
            message = f'{place} names a column "{name}" that is not there'
            raise DataError(message, did_you_mean(name, source.schema))


def group_keys(by: Sequence[str], schema: pl.Schema) -> tuple[str, ...]:
    """Return the names of the columns to group by."""
    keys = (
        key
        for text in by
        # "a,b" names two keys, unless a column is called just that.
        for key in ([text] if text in schema else [part.strip() for part in text.split(",")])
    )
    return tuple(dict.fromkeys(keys))
