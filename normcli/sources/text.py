"""Reading CSV, TSV and NDJSON, as files or as a stream."""

from __future__ import annotations

import io
import itertools
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import IO, Any

import polars as pl

from normcli.columns import named
from normcli.errors import DataError
from normcli.sources.diagnosis import Block, explain_lists, explain_structure, explain_values
from normcli.sources.files import InputFile
from normcli.sources.formats import BOM
from normcli.sources.inference import SAMPLE_ROWS, Layout, csv_arguments, infer, settle, unify
from normcli.sources.options import ReadOptions
from normcli.sources.shapes import as_lists, inner_of, to_arrays
from normcli.sources.streams import lazy_frames, open_compressed, whole_lines

__all__ = ["Scan", "convert", "text_files", "text_stream"]

Scan = Callable[[Sequence[InputFile], Collection[str] | None, bool], pl.LazyFrame]
"""Scans files as `Source.lazy` does."""

_ISO_DATE = r"^\d{4}-\d\d-\d\d"
_TRUE_FALSE = {"true": True, "True": True, "TRUE": True, "1": True} | {
    "false": False,
    "False": False,
    "FALSE": False,
    "0": False,
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
    # The files that the engine can't scan by itself.
    piecewise: set[str] = set()
    # In the order of names, so that the columns' order does not depend on the files' order.
    for file in sorted(files, key=lambda file: (os.path.basename(file.path), file.path)):
        warn = not expected and not samples
        # A block of this size holds the sample of most files; a small one is quick to read.
        with open_compressed(file.path, file.encoding.compression) as opened:
            head, _ = _head_of(whole_lines(opened, quotes, file.name, 1 << 20), rows)
        samples[file.path] = infer(head, file.name, format_name, options, rows, warn)
        if file.encoding.compression or (format_name == "ndjson" and head.startswith(BOM)):
            piecewise.add(file.path)
    if format_name == "ndjson":
        samples = _same_columns(samples)
    common = unify(samples, {*options.types, *expected})
    _require_values(common, [file.name for file in files], options, expected)

    def layout_of(file: InputFile) -> Layout:
        # Files may order their columns differently; each is parsed in its own order.
        own = pl.Schema({name: common[name] for name in samples[file.path]})
        return settle(own, format_name, options, expected)

    layout = settle(common, format_name, options, expected)

    def scan(
        chosen: Sequence[InputFile], columns: Collection[str] | None, whole: bool
    ) -> pl.LazyFrame:
        del columns, whole  # the engine finds out by itself
        frames = []
        for (apart, _), members in itertools.groupby(
            chosen, key=lambda file: (file.path in piecewise, tuple(samples[file.path]))
        ):
            group = list(members)
            own = layout_of(group[0])
            if not apart:
                frames.append(_scan_paths([file.path for file in group], own))
            else:
                frames += [
                    lazy_frames(partial(_read_blocks, file, own), own.schema) for file in group
                ]
        return pl.concat(
            [frame.select([named(name) for name in layout.schema]) for frame in frames]
        )

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
    blocks = whole_lines(stream, format_name != "ndjson", "stdin")
    head, taken = _head_of(blocks, SAMPLE_ROWS)
    sample = infer(head, "stdin", format_name, options, SAMPLE_ROWS, warn=not expected)
    _require_values(sample, ["stdin"], options, expected)
    layout = settle(sample, format_name, options, expected)
    rows = lazy_frames(
        lambda: _parse("stdin", itertools.chain(taken, blocks), layout), layout.schema
    )
    return layout.schema, rows


def _read_blocks(file: InputFile, layout: Layout) -> Iterator[pl.DataFrame]:
    with open_compressed(file.path, file.encoding.compression) as opened:
        lines = whole_lines(opened, layout.format != "ndjson", file.name)
        yield from _parse(file.name, lines, layout)


def _parse(name: str, blocks: Iterable[bytes], layout: Layout) -> Iterator[pl.DataFrame]:
    header, rows = layout.options.header and layout.format != "ndjson", 0
    for block in blocks:
        try:
            frame = _parse_block(block, header, layout.read, layout)
            frame = frame.with_columns(_conversions(layout))
        except pl.exceptions.PolarsError as error:
            where = Block(name, block, layout.format, layout.options, header, rows)
            raise _explained(error, where, layout) from error
        header = False
        rows += frame.height
        yield frame


def _parse_block(block: bytes, header: bool, schema: pl.Schema, layout: Layout) -> pl.DataFrame:
    if layout.format == "ndjson":
        return pl.read_ndjson(io.BytesIO(block.removeprefix(BOM)), schema=schema)
    return pl.read_csv(
        io.BytesIO(block),
        has_header=header,
        schema=schema,
        raise_if_empty=False,
        **csv_arguments(layout.format, layout.options),
    )


def _explained(error: Exception, block: Block, layout: Layout) -> DataError:
    """Return the error of a block that can't be parsed: which row, column and value it was."""
    texts = pl.Schema(dict.fromkeys(layout.schema, pl.String()))

    def lenient(name: str, dtype: pl.DataType) -> pl.Expr:
        return convert(name, pl.String(), dtype, layout.options.decimal_comma, strict=False)

    found = explain_structure(block, len(texts)) or explain_lists(block, layout.schema)
    if found is None:
        try:
            fields = _parse_block(block.text, block.header, texts, layout)
        except pl.exceptions.PolarsError:
            pass
        else:
            found = explain_values(block, fields, layout.schema, lenient, layout.fixed)
    what = str(error).strip().splitlines()[0]
    return found or DataError(
        f"{block.name} can't be read as {layout.format} after row {block.rows_before:,}: {what}"
    )


def _require_values(
    sample: pl.Schema,
    names: Sequence[str],
    options: ReadOptions,
    expected: Mapping[str, pl.DataType],
) -> None:
    """Raise DataError if there is nothing to find types from, and nothing else tells them."""
    if not expected and not options.types and all(dtype == pl.Null() for dtype in sample.values()):
        name = names[0] if len(names) == 1 else "the input"
        raise DataError(f"{name} has no rows with values", "there is nothing to fit on")


def _conversions(layout: Layout) -> list[pl.Expr]:
    """Return the conversions that the parser does not make itself."""
    return [
        convert(name, layout.read[name], dtype, layout.options.decimal_comma)
        for name, dtype in layout.schema.items()
        if dtype != layout.read[name]
    ]


def convert(
    name: str,
    read: pl.DataType,
    dtype: pl.DataType,
    decimal_comma: bool = False,
    strict: bool = True,
) -> pl.Expr:
    """Return the conversion of a column to a dtype; if strict, a value that does not fit raises."""
    return _converted(named(name), read, dtype, decimal_comma, strict)


def _converted(
    column: pl.Expr, read: pl.DataType, dtype: pl.DataType, decimal_comma: bool, strict: bool
) -> pl.Expr:
    if isinstance(read, pl.List) and inner_of(read) == pl.String():
        inner: Any = read.inner
        to = inner_of(dtype) if inner == pl.String() else as_lists(inner, inner_of(dtype))
        element = _converted(pl.element(), inner, to, decimal_comma, strict)
        column, read = column.list.eval(element), as_lists(read, inner_of(dtype))
    if isinstance(read, pl.List) and isinstance(dtype, pl.Array):
        return column.map_batches(
            lambda lists: to_arrays(lists, dtype), return_dtype=dtype, is_elementwise=True
        )
    if read != pl.String():
        return column.cast(dtype, strict=strict)
    if dtype == pl.Boolean():
        if strict:
            return column.replace_strict(_TRUE_FALSE, return_dtype=pl.Boolean)
        return column.replace_strict(_TRUE_FALSE, default=None, return_dtype=pl.Boolean)
    if dtype == pl.Time():
        return column.str.to_time(strict=strict)
    if dtype == pl.Date():
        return column.str.to_date("%Y-%m-%d", strict=strict)
    if isinstance(dtype, pl.Datetime):
        # Left to itself the parser takes 01/02/2024 for some day or other.
        other = pl.lit("?" if strict else None, pl.String)
        column = (
            pl.when(column.str.contains(_ISO_DATE))
            .then(column)
            .otherwise(pl.when(column.is_not_null()).then(other))
        )
        return column.str.to_datetime(
            time_unit=dtype.time_unit, time_zone=dtype.time_zone, strict=strict
        )
    if dtype.is_numeric():
        # As the parser does: spaces before a number, none behind it.
        column = column.str.strip_chars_start()
        column = column.str.replace(",", ".", literal=True) if decimal_comma else column
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
