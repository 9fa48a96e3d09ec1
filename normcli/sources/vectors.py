"""Reading Parquet files for their tensor columns, by pyarrow.

polars decodes such a column in one thread, a row group at a time, and holds several of them:
it takes half as long again, and a multiple of the memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import polars as pl

from normcli.columns import named, number_kind
from normcli.sources.ahead import read_ahead
from normcli.sources.streams import lazy_frames
from normcli.tensors import numbers_in_row, tensor_of

__all__ = ["are_vectors", "scan_vectors"]

_BATCH_NUMBERS = 1 << 19
_BATCH_ROWS = 1 << 15
_BATCHES_AHEAD = 32
_BUFFER_BYTES = 1 << 20


def are_vectors(schema: pl.Schema) -> bool:
    """Return whether there are tensors, and beside them only what both readers read alike."""
    tensors = {name: tensor_of(dtype) for name, dtype in schema.items()}
    return any(tensor and tensor.shape for tensor in tensors.values()) and all(
        tensors[name] is not None or _is_plain(dtype) for name, dtype in schema.items()
    )


def _is_plain(dtype: pl.DataType) -> bool:
    number = dtype.is_numeric() and not dtype.is_decimal() and number_kind(dtype) is not None
    return number or dtype in (pl.Boolean(), pl.String())


def scan_vectors(paths: Sequence[str], schema: pl.Schema) -> pl.LazyFrame:
    """Return the columns of a schema of Parquet files."""

    def frames() -> Iterator[pl.DataFrame]:
        from pyarrow import parquet  # takes a while

        footers = ((path, parquet.read_metadata(path)) for path in paths)
        groups = [
            partial(_row_group, path, footer, i, schema)
            for path, footer in footers
            for i in range(footer.num_row_groups)
        ]
        if pl.thread_pool_size() > 1:
            return read_ahead(groups, _BATCHES_AHEAD)
        return (frame for group in groups for frame in group())

    return lazy_frames(frames, schema)


def _row_group(path: str, footer: Any, i: int, schema: pl.Schema) -> Iterator[pl.DataFrame]:
    from pyarrow.parquet import ParquetFile

    rows = max(1, min(_BATCH_ROWS, _BATCH_NUMBERS // numbers_in_row(schema)))
    # Not the whole row group at a time.
    settings = {"metadata": footer, "buffer_size": _BUFFER_BYTES, "pre_buffer": False}
    with ParquetFile(path, **settings) as file:
        for batch in file.iter_batches(rows, [i], [*schema], use_threads=False):
            yield pl.DataFrame(batch).select(map(named, schema))
