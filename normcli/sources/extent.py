"""How much there is to read: for a progress bar, so an estimate will do."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from normcli.sources.source import Source
from normcli.sources.streams import open_compressed

__all__ = ["Extent", "extent_of"]

_SAMPLE = 1 << 18


@dataclass(frozen=True)
class Extent:
    """Rows and bytes to read; None where nobody can know, as with a pipe."""

    rows: int | None = None
    bytes: int | None = None


def extent_of(source: Source) -> Extent:
    """Return the extent of a source's files: exact rows where a footer tells them."""
    if not source.files or source.encoding is None:
        return Extent()
    size = sum(source.sizes)
    if source.encoding.format in ("parquet", "ipc"):
        scan = pl.scan_parquet if source.encoding.format == "parquet" else pl.scan_ipc
        paths = [file.path for file in source.files]
        rows = scan(paths, glob=False, hive_partitioning=False).select(pl.len()).collect().item()
        return Extent(rows, size)
    if not source.encoding.is_text or source.encoding.compression:
        return Extent(None, size)
    with open_compressed(source.files[0].path, None) as file:
        sample = file.read(_SAMPLE)
    lines = max(1, sample.count(b"\n"))
    return Extent(round(size * lines / len(sample)), size)
