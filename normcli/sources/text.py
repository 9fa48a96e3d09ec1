"""Reading CSV, TSV and NDJSON, as files or as a stream."""

from __future__ import annotations

import io
import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import IO

import polars as pl

from normcli.dtypes import dtype_name
from normcli.errors import DataError
from normcli.sources.files import InputFile
from normcli.sources.inference import (
    NUMBER,
    SAMPLE_ROWS,
    Layout,
    csv_arguments,
    infer,
    settle,
    unify,
)
from normcli.sources.options import ReadOptions
from normcli.sources.streams import lazy_frames, open_compressed, whole_lines

__all__ = ["Scan", "convert", "text_files", "text_stream"]

Scan = Callable[[Sequence[InputFile]], pl.LazyFrame]

_TRUE_FALSE = {"true": True, "True": True, "TRUE": True, "1": True} | {
    "false": False,
    "False": False,
    "FALSE": False,
    "0": False,
}
_ARTICLES = {
    "Int64": "a whole number (Int64)",
    "Float64": "a number (Float64)",
    "Boolean": "true or false (Boolean)",
    "Date": "a date (Date)",
}


def text_files(
    files: Sequence[InputFile], options: ReadOptions, expected: Mapping[str, pl.DataType]
) -> tuple[pl.Schema, Scan, Callable[[], None]]:
    """Return the common schema of text files, how any of them are scanned, and a diagnosis.

    The diagnosis reads the files again, block by block, and raises a DataError that names the
    first value that can't be parsed.
    """
    format_name = files[0].encoding.format
    quotes = format_name != "ndjson"
    rows = max(100, SAMPLE_ROWS // len(files))

    samples: dict[str, pl.Schema] = {}
    # In the order of names, so that the columns' order does not depend on the files' order.
    for file in sorted(files, key=lambda file: (os.path.basename(file.path), file.path)):
        # A block of this size holds the sample of most files; a small one is quick to read.
        with open_compressed(file.path, file.encoding.compression) as opened:
            head, _ = _head_of(whole_lines(opened, quotes, 1 << 20), rows)
        samples[file.path] = infer(head, file.path, format_name, options, rows)
    if format_name == "ndjson":
        samples = _same_columns(samples)
    common = unify(samples)

    def layout_of(file: InputFile) -> Layout:
        # Files may order their columns differently; each is parsed in its own order.
        own = pl.Schema({name: common[name] for name in samples[file.path]})
        return settle(own, format_name, options, expected)

    layout = settle(common, format_name, options, expected)

    def scan(chosen: Sequence[InputFile]) -> pl.LazyFrame:
        frames = []
        for (compression, _), members in itertools.groupby(
            chosen, key=lambda file: (file.encoding.compression, tuple(samples[file.path]))
        ):
            group = list(members)
            own = layout_of(group[0])
            if compression is None:
                frames.append(_scan_paths([file.path for file in group], own))
            else:
                frames += [
                    lazy_frames(partial(_read_blocks, file, own), own.schema) for file in group
                ]
        return pl.concat([frame.select(layout.schema.names()) for frame in frames])

    def diagnose() -> None:
        for file in files:
            for _ in _read_blocks(file, layout_of(file)):
                pass

    return layout.schema, scan, diagnose


def _same_columns(samples: Mapping[str, pl.Schema]) -> dict[str, pl.Schema]:
    """Give every NDJSON file all columns: one that no line of a sample has is just absent there."""
    every = {name: pl.Null() for schema in samples.values() for name in schema}
    return {
        path: pl.Schema({name: schema.get(name, pl.Null()) for name in every})
        for path, schema in samples.items()
    }


def text_stream(
    stream: IO[bytes], format_name: str, options: ReadOptions, expected: Mapping[str, pl.DataType]
) -> tuple[pl.Schema, pl.LazyFrame]:
    """Return schema and rows of a text stream, which can be read only once."""
    blocks = whole_lines(stream, format_name != "ndjson")
    head, taken = _head_of(blocks, SAMPLE_ROWS)
    layout = settle(
        infer(head, "stdin", format_name, options, SAMPLE_ROWS), format_name, options, expected
    )
    rows = lazy_frames(
        lambda: _parse("stdin", itertools.chain(taken, blocks), layout), layout.schema
    )
    return layout.schema, rows


def _read_blocks(file: InputFile, layout: Layout) -> Iterator[pl.DataFrame]:
    with open_compressed(file.path, file.encoding.compression) as opened:
        yield from _parse(file.path, whole_lines(opened, layout.format != "ndjson"), layout)


def _parse(name: str, blocks: Iterable[bytes], layout: Layout) -> Iterator[pl.DataFrame]:
    header, rows = layout.options.header, 0
    for block in blocks:
        try:
            frame = _parse_block(block, header, layout.read, layout)
            frame = frame.with_columns(_conversions(layout))
        except pl.exceptions.PolarsError as error:
            raise _explained(error, name, block, header, rows, layout) from error
        header = False
        rows += frame.height
        yield frame


def _parse_block(block: bytes, header: bool, schema: pl.Schema, layout: Layout) -> pl.DataFrame:
    if layout.format == "ndjson":
        return pl.read_ndjson(io.BytesIO(block), schema=schema)
    return pl.read_csv(
        io.BytesIO(block),
        has_header=header,
        schema=schema,
        raise_if_empty=False,
        **csv_arguments(layout.format, layout.options),
    )


def _explained(
    error: Exception, name: str, block: bytes, header: bool, rows: int, layout: Layout
) -> DataError:
    """Return the error of a block that can't be parsed: which column, row and value it was."""
    texts = pl.Schema(dict.fromkeys(layout.schema, pl.String()))
    try:
        frame = _parse_block(block, header, texts, layout)
    except pl.exceptions.PolarsError:
        return DataError(
            f"{name} can't be read as {layout.format}, somewhere after row {rows}: "
            f"{str(error).strip().splitlines()[0]}"
        )
    for column, dtype in layout.schema.items():
        try:
            converted = convert(column, pl.String(), dtype, strict=False)
            failed = frame.select(converted.is_null() & pl.col(column).is_not_null()).to_series()
        except pl.exceptions.PolarsError:
            continue
        if failed.any():
            row = failed.arg_max() or 0
            value = frame[column][row]
            return DataError(
                f'{name}: column "{column}", row {rows + row + 1}: '
                f'"{value}" is not {_ARTICLES.get(dtype_name(dtype), dtype_name(dtype))}',
                f'if it means missing, add --null-value "{value}"; '
                f'else say what the column is, for example --type "{column}='
                f'{"Float64" if re.fullmatch(NUMBER, value) else "String"}"',
            )
    return DataError(f"{name} can't be read: {str(error).strip().splitlines()[0]}")


def _conversions(layout: Layout) -> list[pl.Expr]:
    """Return the conversions that the parser does not make itself."""
    return [
        convert(name, layout.read[name], dtype)
        for name, dtype in layout.schema.items()
        if dtype != layout.read[name]
    ]


def convert(name: str, read: pl.DataType, dtype: pl.DataType, strict: bool = True) -> pl.Expr:
    """Return the conversion of a column to a dtype; if strict, a value that does not fit raises."""
    column = pl.col(name)
    if read != pl.String():
        return column.cast(dtype, strict=strict)
    if dtype == pl.Boolean():
        if strict:
            return column.replace_strict(_TRUE_FALSE, return_dtype=pl.Boolean)
        return column.replace_strict(_TRUE_FALSE, default=None, return_dtype=pl.Boolean)
    if dtype == pl.Date():
        return column.str.to_date(strict=strict)
    if dtype == pl.Time():
        return column.str.to_time(strict=strict)
    if isinstance(dtype, pl.Datetime):
        return column.str.to_datetime(
            time_unit=dtype.time_unit, time_zone=dtype.time_zone, strict=strict
        )
    return column.cast(dtype, strict=strict)


def _scan_paths(paths: list[str], layout: Layout) -> pl.LazyFrame:
    """Return the rows of uncompressed text files that all have the layout's columns in order."""
    if layout.format == "ndjson":
        frame = pl.scan_ndjson(paths, schema=layout.read)
    else:
        frame = pl.scan_csv(
            paths,
            has_header=layout.options.header,
            schema=layout.read,
            glob=False,
            **csv_arguments(layout.format, layout.options),
        )
    return frame.with_columns(_conversions(layout))


def _head_of(blocks: Iterator[bytes], rows: int) -> tuple[bytes, list[bytes]]:
    """Return the first lines, enough for a sample of that many rows, and the blocks they are in."""
    taken: list[bytes] = []
    lines = 0
    for block in blocks:
        taken.append(block)
        lines += block.count(b"\n")
        if lines > rows:
            break
    return b"".join(taken), taken
