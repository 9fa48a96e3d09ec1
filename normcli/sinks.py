"""Sinks: a lazy frame to a file or stdout, and outputs that appear only when they are whole."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, Any

import polars as pl
import polars.selectors as cs

from normcli.destinations import sync
from normcli.errors import UsageError
from normcli.sources import Encoding, ReadOptions
from normcli.stoppable import StoppableQuery
from normcli.tensors import as_array, numbers_in_row, tensor_of

__all__ = ["WriteOptions", "check_writable", "write_frame"]

# Else row groups are as large as the batches happen to be: here always the same, and not tiny.
_ROW_GROUP_ROWS = 1 << 17
_ROW_GROUP_NUMBERS = 1 << 22
# Normalized numbers have mantissas that nothing compresses: the usual level, 3, makes a file half
# a percent smaller and takes a fifth longer.
_ZSTD_LEVEL = 1
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


def check_writable(schema: pl.Schema, options: WriteOptions) -> None:
    """Raise UsageError if a column can't be written in the format, before anything is written."""
    kind = options.encoding.format
    for column, dtype in schema.items():
        lists = (dtype.is_nested() or dtype.is_extension()) and kind in ("csv", "tsv")
        if lists or (options.encoding.is_text and _holds_bytes(dtype)):
            what = "lists" if lists else "bytes"
            raise UsageError(
                f'column "{column}" is to hold {what}, which {kind} can\'t',
                "write another format: --to parquet, or a name that ends with .parquet"
                + (" or .ndjson" if lists else ""),
            )


def _holds_bytes(dtype: Any) -> bool:
    if isinstance(dtype, (pl.List, pl.Array)):
        return _holds_bytes(dtype.inner)
    if isinstance(dtype, pl.Struct):
        return any(_holds_bytes(field.dtype) for field in dtype.fields)
    return bool(dtype == pl.Binary())


def write_frame(frame: pl.LazyFrame, target: str | IO[bytes], options: WriteOptions) -> None:
    """Compute a frame and write it to a path or to an open binary stream."""
    frame = _writable(frame, options.encoding.format)
    if options.encoding.format == "arrows":
        _write_arrow_stream(frame, target, options)
        return
    if options.encoding.is_text:
        # As they are read: counted in their unit.
        frame = frame.with_columns(cs.duration().to_physical())
    regular = isinstance(target, str) and not os.path.exists(target)
    query = StoppableQuery()
    sink = _sink(query.rows(frame), target, options, regular)
    query.collect(sink, (lambda: _flush(str(target))) if regular else None)


def _flush(path: str) -> None:
    """Have what was written so far go to the disk, so that less is left for the end."""
    with suppress(OSError):  # what is wrong shows when the whole of it is synced
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _writable(frame: pl.LazyFrame, format_name: str) -> pl.LazyFrame:
    """Return the frame as the format can hold it."""
    if format_name == "ndjson":
        schema = frame.collect_schema()
        extended = [name for name, dtype in schema.items() if dtype.is_extension()]
        plain = {name: tensor.dtype for name in extended if (tensor := tensor_of(schema[name]))}
        if plain:
            return frame.map_batches(
                lambda rows: rows.with_columns(as_array(rows[name]) for name in plain),
                schema=pl.Schema({**schema, **plain}),
                streamable=True,
            )
    return frame


def _rows_in_group(schema: pl.Schema) -> int:
    """Return how many rows a row group has: fewer of rows that hold large tensors."""
    return max(1, min(_ROW_GROUP_ROWS, _ROW_GROUP_NUMBERS // numbers_in_row(schema)))


def _sink(frame: pl.LazyFrame, target: Any, options: WriteOptions, regular: bool) -> pl.LazyFrame:
    kind = options.encoding.format
    compression: Any = options.chosen_compression
    common: dict[str, Any] = {"lazy": True, "sync_on_close": "all" if regular else None}
    if kind == "parquet":
        compression = "uncompressed" if compression == "none" else compression
        return _made(
            frame.sink_parquet(
                target,
                compression=compression,
                compression_level=_ZSTD_LEVEL if compression == "zstd" else None,
                row_group_size=_rows_in_group(frame.collect_schema()),
                **common,
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
            sync(file)


@contextmanager
def _left_open(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    yield stream
