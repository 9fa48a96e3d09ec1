"""Reading Parquet and Arrow files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

import polars as pl

from normcli.columns import named
from normcli.dtypes import dtype_name
from normcli.errors import DataError
from normcli.sources.files import InputFile
from normcli.sources.inference import unify
from normcli.sources.options import ReadOptions
from normcli.sources.streams import CUT_OFF, lazy_frames
from normcli.sources.text import Scan, convert

__all__ = ["arrow_stream", "binary_files"]

_CALLED = {"parquet": "Parquet", "ipc": "Arrow", "arrows": "Arrow stream"}


def binary_files(files: Sequence[InputFile], options: ReadOptions) -> tuple[pl.Schema, Scan]:
    """Return the schema that binary files share, and how any of them are scanned."""
    """Return the schema that binary files share, and how any of them are scanned."""
    format_name = files[0].encoding.format
    ordered = sorted(files, key=lambda file: (os.path.basename(file.path), file.path))
    schemas = {file.path: _binary_schema(file) for file in ordered}
    schema = _one_schema(schemas)
    unknown = [name for name in options.types if name not in schema]
    types = {name: dtype for name, dtype in options.types.items() if name not in unknown}
    converted = pl.Schema({name: types.get(name, dtype) for name, dtype in schema.items()})
    casts = [
        convert(name, schema[name], dtype) for name, dtype in types.items() if dtype != schema[name]
    ]

    def scan(chosen: Sequence[InputFile]) -> pl.LazyFrame:
        paths: Any = [file.path for file in chosen]
        if format_name == "parquet":
            frame = pl.scan_parquet(paths, glob=False, hive_partitioning=False)
        elif format_name == "ipc":
            frame = pl.scan_ipc(paths, glob=False, hive_partitioning=False)
        else:
            frame = pl.concat([_scan_arrows(path, schema) for path in paths])
        return frame.select([named(name) for name in schema]).with_columns(casts)

    return converted, scan


def _binary_schema(file: InputFile) -> pl.Schema:
    path = file.path
    try:
        if file.encoding.format == "parquet":
            schema = pl.scan_parquet(path, glob=False, hive_partitioning=False).collect_schema()
        elif file.encoding.format == "ipc":
            schema = pl.scan_ipc(path, glob=False, hive_partitioning=False).collect_schema()
        else:
            import pyarrow as pa

            with pa.ipc.open_stream(path) as reader:
                schema = pl.Schema(pl.DataFrame(reader.schema.empty_table()).schema)
    except (pl.exceptions.PolarsError, ValueError, OSError) as error:
        if not os.path.exists(path):
            raise DataError(f"{file.name} is gone", "something removed it meanwhile") from error
        raise DataError(
            f"{file.name} is not a whole {_CALLED[file.encoding.format]} file", CUT_OFF
        ) from error
    return schema


def _one_schema(schemas: Mapping[str, pl.Schema]) -> pl.Schema:
    names = list(schemas)
    first = schemas[names[0]]
    unify({name: pl.Schema(dict.fromkeys(schemas[name], pl.Null())) for name in names})
    for name in names[1:]:
        for column, dtype in schemas[name].items():
            if dtype != first[column]:
                raise DataError(
                    f'column "{column}" is {dtype_name(first[column])} in {names[0]} '
                    f"and {dtype_name(dtype)} in {name}",
                    "write the files with one schema, or fit them one by one",
                )
    return first


def _scan_arrows(path: str, schema: pl.Schema) -> pl.LazyFrame:
    def batches() -> Iterator[pl.DataFrame]:
        import pyarrow as pa

        with pa.OSFile(path) as file, pa.ipc.open_stream(file) as reader:
            for batch in reader:
                yield pl.DataFrame(batch)

    return lazy_frames(batches, schema)


def arrow_stream(stream: IO[bytes]) -> tuple[pl.Schema, pl.LazyFrame]:
    """Return schema and rows of an Arrow IPC stream, which can be read only once."""
    import pyarrow as pa

    try:
        reader = pa.ipc.open_stream(stream)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError("stdin is not a whole Arrow stream", CUT_OFF) from error
    schema = pl.Schema(pl.DataFrame(reader.schema.empty_table()).schema)
    return schema, lazy_frames(lambda: (pl.DataFrame(batch) for batch in reader), schema)
