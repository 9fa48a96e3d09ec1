"""A source: files, a pipe or a frame in memory, as a lazy frame with a known schema."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import IO, Any

import polars as pl

from normcli.columns import check_names, named
from normcli.errors import DataError
from normcli.sources.binary import arrow_stream, binary_files
from normcli.sources.files import InputFile, hive_dtypes
from normcli.sources.formats import Encoding
from normcli.sources.options import ReadOptions
from normcli.sources.shapes import first_misfit, misfit_error, tensors_of_lists, to_arrays
from normcli.sources.text import text_files, text_stream

__all__ = ["Source", "files_source", "frame_source", "stream_source"]


@dataclass(frozen=True)
class Source:
    """Rows to read.

    `lazy` starts a new scan for some columns, or all (None), and may return more; it is told
    whether all rows will be read. Where `repeatable` is false, only one can be made. `parts` are
    the sources of the single files, `hive` the columns that come from folder names.
    `diagnose` raises a better error than the engine's, if it can.
    """

    schema: pl.Schema
    lazy: Callable[[Collection[str] | None, bool], pl.LazyFrame]
    names: tuple[str, ...]
    encoding: Encoding | None
    options: ReadOptions
    repeatable: bool = True
    hive: tuple[str, ...] = ()
    files: tuple[InputFile, ...] = ()
    parts: Callable[[], Sequence[Source]] = field(default=lambda: ())
    diagnose: Callable[[], None] = field(default=lambda: None)

    def __post_init__(self) -> None:
        check_names(self.schema, self.names[0] if self.names else "the frame")

    def rows(self, columns: Collection[str], where: pl.Expr | None) -> pl.LazyFrame:
        """Return these columns, in the schema's order, of the rows for which a condition holds."""
        if where is None:
            frame = self.lazy(columns, True)
        else:
            frame = self.lazy({*columns, *where.meta.root_names()}, True).filter(where)
        return frame.select(named(name) for name in self.schema if name in columns)

    @property
    def sizes(self) -> list[int]:
        """The bytes of each file."""
        return [os.path.getsize(file.path) for file in self.files]


def frame_source(frame: Any, expected: Mapping[str, pl.DataType] | None = None) -> Source:
    """Return the rows of a polars frame, or of anything with the Arrow PyCapsule interface.

    Lists that a fit knows as tensors of one shape become such.
    """
    if not isinstance(frame, (pl.LazyFrame, pl.DataFrame)):
        if not (hasattr(frame, "__arrow_c_stream__") or hasattr(frame, "__arrow_c_array__")):
            kind = type(frame)
            raise TypeError(f"a path, a polars frame or an Arrow table is needed, not {kind}")
        frame = pl.DataFrame(frame)
    schema = frame.collect_schema()
    types = tensors_of_lists(schema, expected or {})
    if types and isinstance(frame, pl.DataFrame):
        frame = _as_tensors(frame, types, whole=True)
    elif types:
        frame = frame.map_batches(
            lambda rows: _as_tensors(rows, types, whole=False),
            schema=pl.Schema({**schema, **types}),
            streamable=True,
        )
    lazy: pl.LazyFrame = frame.lazy()
    return Source(lazy.collect_schema(), lambda *_: lazy, (), None, ReadOptions())


def _as_tensors(frame: pl.DataFrame, types: Mapping[str, pl.DataType], whole: bool) -> pl.DataFrame:
    """Convert columns of lists; of a `whole` frame errors tell the row."""
    try:
        return frame.with_columns(to_arrays(frame[name], dtype) for name, dtype in types.items())
    except pl.exceptions.PolarsError:
        for name, dtype in types.items():
            found = first_misfit(frame[name], dtype)
            if found is not None:
                row = found[0] + 1 if whole else None
                raise misfit_error("the frame", name, row, found[1], dtype) from None
        raise


def files_source(
    files: Sequence[InputFile], options: ReadOptions, expected: Mapping[str, pl.DataType]
) -> Source:
    """Return the rows of files of one format; `expected` are dtypes known from a fit."""
    hive = hive_dtypes(files)
    types = {**expected, **options.types}
    hive = {name: types.get(name, dtype) for name, dtype in hive.items()}
    encoding = files[0].encoding
    # A type may be forced on a folder's key too; the files themselves do not have it.
    inner = ReadOptions(
        options.delimiter,
        options.header,
        options.null_values,
        options.decimal_comma,
        {name: dtype for name, dtype in options.types.items() if name not in hive},
    )
    diagnose: Callable[[], None] = lambda: None  # noqa: E731
    if encoding.is_text:
        schema, scan, diagnose = text_files(files, inner, expected)
    else:
        schema, scan, diagnose = binary_files(files, inner, expected)
    clash = [name for name in hive if name in schema]
    if clash:
        raise DataError(
            f'{files[0].name} has a column "{clash[0]}", and so has the name of its folder',
            "drop or rename one of the two",
        )
    full = pl.Schema({**schema, **hive})

    def lazy(
        chosen: Sequence[InputFile], columns: Collection[str] | None, whole: bool
    ) -> pl.LazyFrame:
        groups = [
            (values, list(members))
            for values, members in itertools.groupby(chosen, key=lambda file: file.hive)
        ]
        return pl.concat(
            [
                scan(members, columns, whole).with_columns(
                    pl.lit(values[name], pl.String).cast(dtype).alias(name)
                    for name, dtype in hive.items()
                )
                for values, members in groups
            ]
        )

    def part(file: InputFile) -> Source:
        return Source(
            full,
            partial(lazy, [file]),
            (file.name,),
            file.encoding,
            options,
            hive=tuple(hive),
            files=(file,),
            diagnose=diagnose,
        )

    return Source(
        full,
        partial(lazy, files),
        tuple(file.name for file in files),
        encoding,
        options,
        hive=tuple(hive),
        files=tuple(files),
        parts=lambda: [part(file) for file in files],
        diagnose=diagnose,
    )


def stream_source(
    stream: IO[bytes], encoding: Encoding, options: ReadOptions, expected: Mapping[str, pl.DataType]
) -> Source:
    """Return the rows of a stream of text or of Arrow batches, which can be read only once."""
    if encoding.is_text:
        schema, rows = text_stream(stream, encoding.format, options, expected)
    else:
        schema, rows = arrow_stream(stream, options, expected)
    return Source(schema, lambda *_: rows, ("stdin",), encoding, options, repeatable=False)
