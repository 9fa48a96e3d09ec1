"""A few rows from all over the files, where these can be read from anywhere."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Collection, Iterator
from functools import partial

import polars as pl

from normcli.sources.source import Source

__all__ = ["sample_slices"]

Rows = Callable[[Collection[str], pl.Expr | None], pl.LazyFrame]

# Each costs about as much as a hundred thousand rows of the scan.
_SLICES = 4
_SMALL = 1 << 22
"""Files of fewer bytes are read as a whole about as soon."""


def sample_slices(source: Source, rows: int) -> Iterator[Rows]:
    """Yield slices of about so many rows in all, evenly spaced; none of what has to be read whole.

    Each is, like `Source.rows`, a function of the columns to read and of a condition.
    Rows that come in an order are met in all its parts: values that grow with time, say.
    """
    if source.encoding is None or source.encoding.format not in ("parquet", "ipc"):
        return
    ends = list(itertools.accumulate(source.sizes))
    if not ends or ends[-1] < _SMALL:
        return
    parts, heights = source.parts(), dict[int, int]()
    each = max(1, rows // _SLICES)
    for i in range(_SLICES):
        place = ends[-1] * (2 * i + 1) // (2 * _SLICES)
        chosen = bisect.bisect_right(ends, place)
        frame = parts[chosen].lazy(None, False)
        if chosen not in heights:
            heights[chosen] = frame.select(pl.len()).collect().item()
        start, end = ends[chosen - 1] if chosen else 0, ends[chosen]
        middle = heights[chosen] * (place - start) // (end - start)
        first = max(0, min(middle - each // 2, heights[chosen] - each))
        yield partial(_filtered, frame.slice(first, each))


def _filtered(frame: pl.LazyFrame, columns: Collection[str], where: pl.Expr | None) -> pl.LazyFrame:
    del columns  # the engine finds out by itself
    return frame if where is None else frame.filter(where)
