"""Reading Parquet and Arrow files."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import IO, Any

import polars as pl

from normcli.columns import named
from normcli.dtypes import dtype_name
from normcli.errors import DataError
from normcli.sources.files import InputFile
from normcli.sources.inference import unify
from normcli.sources.options import ReadOptions
from normcli.sources.shapes import first_misfit, misfit_error, tensors_of_lists
from normcli.sources.streams import CUT_OFF, lazy_frames
from normcli.sources.text import Scan, convert
from normcli.sources.vectors import are_vectors, scan_vectors

__all__ = ["arrow_stream", "binary_files"]

_DIAGNOSED_ROWS = 1 << 14
_CALLED = {"parquet": "Parquet", "ipc": "Arrow", "arrows": "Arrow stream"}


def binary_files(
    files: Sequence[InputFile], options: ReadOptions, expected: Mapping[str, pl.DataType]
) -> tuple[pl.Schema, Scan, Callable[[], None]]:
    """Return the schema that binary files share, how any of them are scanned, and a diagnosis.

    The diagnosis reads lists that are to be tensors again, and raises a DataError that names the
    first one of another shape.
    """
    ordered = sorted(files, key=lambda file: (os.path.basename(file.path), file.path))
    schemas = {file.path: _binary_schema(file) for file in ordered}
    schema = _one_schema(schemas)
    types = _changed(schema, options, expected)

    def scan(
        chosen: Sequence[InputFile], columns: Collection[str] | None, whole: bool
    ) -> pl.LazyFrame:
        read = [name for name in schema if columns is None or name in columns]
        casts = [convert(name, schema[name], types[name]) for name in read if name in types]
        return _scan(chosen, schema, read, whole).with_columns(casts)

    def diagnose() -> None:
        for file in files:
            for name, dtype in types.items():
                if isinstance(schema[name], pl.List):
                    lists = _scan([file], schema, [name], False)
                    _require_shape(file.name, name, dtype, lists)

    return pl.Schema({**schema, **types}), scan, diagnose


def _changed(
    schema: pl.Schema, options: ReadOptions, expected: Mapping[str, pl.DataType]
) -> dict[str, pl.DataType]:
    """Return the columns that have to be converted, and to what."""
    types = tensors_of_lists(schema, expected) | dict(options.types)
    return {
        name: dtype for name, dtype in types.items() if name in schema and dtype != schema[name]
    }


def _scan(
    files: Sequence[InputFile], schema: pl.Schema, columns: Sequence[str], whole: bool
) -> pl.LazyFrame:
    paths: Any = [file.path for file in files]
    format_name = files[0].encoding.format
    if format_name == "parquet":
        read = pl.Schema({name: schema[name] for name in columns})
        if whole and are_vectors(read):
            return scan_vectors(paths, read)
        frame = pl.scan_parquet(paths, glob=False, hive_partitioning=False)
    elif format_name == "ipc":
        frame = pl.scan_ipc(paths, glob=False, hive_partitioning=False)
    else:
        frame = pl.concat([_scan_arrows(path, schema) for path in paths])
    return frame.select([named(name) for name in columns])


def _require_shape(what: str, name: str, dtype: pl.DataType, lists: pl.LazyFrame) -> None:
    """Raise DataError if a list of a column can't be of that dtype."""
    row = 0
    while len(batch := lists.slice(row, _DIAGNOSED_ROWS).collect().to_series()):
        found = first_misfit(batch, dtype)
        if found is not None:
            raise misfit_error(what, name, row + found[0] + 1, found[1], dtype)
        row += len(batch)


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
                schema = pl.Schema(reader.schema)
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


def arrow_stream(
    stream: IO[bytes], options: ReadOptions, expected: Mapping[str, pl.DataType]
) -> tuple[pl.Schema, pl.LazyFrame]:
    """Return schema and rows of an Arrow IPC stream, which can be read only once."""
    import pyarrow as pa

    try:
        reader = pa.ipc.open_stream(stream)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError("stdin is not a whole Arrow stream", CUT_OFF) from error
    schema = pl.Schema(reader.schema)
    types = _changed(schema, options, expected)
    casts = [convert(name, schema[name], dtype) for name, dtype in types.items()]

    def batches() -> Iterator[pl.DataFrame]:
        row = 0
        for batch in reader:
            frame = pl.DataFrame(batch)
            for name, dtype in types.items():
                found = None
                if isinstance(schema[name], pl.List):
                    found = first_misfit(frame[name], dtype)
                if found is not None:
                    raise misfit_error("stdin", name, row + found[0] + 1, found[1], dtype)
            yield frame.with_columns(casts)
            row += frame.height

    changed = pl.Schema({**schema, **types})
    return changed, lazy_frames(batches, changed)
