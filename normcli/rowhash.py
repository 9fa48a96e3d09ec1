"""A hash of rows that is the same on every machine and in every version, and blocks made of it.

Every value becomes a 64-bit number v: an integer, Boolean, date or time its two's complement in
the column's unit; a float the bits of its float64 (−0.0 as 0.0, every NaN as one); a decimal its
128 bits, low half first; text and bytes Σ bᵢ·P^(n−1−i) mod 2^64 over their n bytes, plus n·Q;
null the number N. A row's hash starts at 0; for each column, sorted by name, it becomes
mix(h + v + G), where mix is the finalizer of SplitMix64 (Steele, Lea and Flood, "Fast splittable
pseudorandom number generators", 2014) and G its increment. A row falls into block h mod blocks.
Lists and structs take no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.methods.base import Blocks

__all__ = ["block_numbers", "row_hashes"]

Hashes = npt.NDArray[np.uint64]

_INCREMENT = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_BASE = 0x100000001B3
_LENGTH = np.uint64(0xD6E8FEB86659FD93)
_NULL = np.uint64(0xA0761D6478BD642F)
_NAN = np.uint64(0x7FF8000000000000)


def block_numbers(batch: pl.DataFrame, blocks: Blocks) -> npt.NDArray[np.intp]:
    """Return the number of each row's block, by one column or by the whole row."""
    columns = batch.columns if blocks.by is None else [blocks.by]
    hashes = row_hashes(batch[columns])
    return (hashes % np.uint64(blocks.count)).astype(np.intp)


def row_hashes(frame: pl.DataFrame) -> Hashes:
    """Return the hash of each row, uint64.

    >>> row_hashes(pl.DataFrame({"a": [1, None], "b": ["x", "y"]})).tolist()
    [18303229655185272574, 10072391255464113239]
    """
    hashes = np.zeros(frame.height, np.uint64)
    for name in sorted(frame.columns):
        if not (frame[name].dtype.is_nested() or frame[name].dtype.is_extension()):
            for values in _numbers(frame[name]):
                hashes = _mix(hashes + values + _INCREMENT)
    return hashes


def _mix(hashes: Hashes) -> Hashes:
    hashes = (hashes ^ (hashes >> np.uint64(30))) * _FIRST
    hashes = (hashes ^ (hashes >> np.uint64(27))) * _SECOND
    return hashes ^ (hashes >> np.uint64(31))


def _numbers(series: pl.Series) -> Sequence[Hashes]:
    """Return each value as one or two numbers."""
    null = series.is_null().to_numpy()
    return [np.where(null, _NULL, each) for each in _plain(series)]


def _plain(series: pl.Series) -> Sequence[Hashes]:
    dtype = series.dtype
    if dtype.base_type() in (pl.Categorical, pl.Enum, pl.String, pl.Binary):
        text = series if dtype == pl.Binary() else series.cast(pl.String)
        return [_of_bytes(text.cast(pl.Binary))]
    if isinstance(dtype, pl.Decimal):
        # Arrow keeps a decimal as a 128-bit integer: low half, high half.
        array = series.rechunk().to_arrow()
        halves = np.frombuffer(array.buffers()[1], np.uint64)[2 * array.offset :]
        halves = halves[: 2 * len(array)].reshape(-1, 2)
        return [halves[:, 0], halves[:, 1]]
    if dtype.is_float():
        numbers = series.cast(pl.Float64).fill_null(0.0).to_numpy() + 0.0
        return [np.where(np.isnan(numbers), _NAN, numbers.view(np.uint64))]
    if dtype == pl.Null():
        return [np.zeros(len(series), np.uint64)]
    if dtype == pl.UInt64():
        return [series.fill_null(0).to_numpy()]
    whole: Any = series.to_physical().cast(pl.Int64, strict=False).fill_null(0)
    return [whole.to_numpy().view(np.uint64)]


def _of_bytes(series: pl.Series) -> Hashes:
    """Return the polynomial hash of each value's bytes."""
    filled = series.fill_null(b"")
    lengths = filled.bin.size().to_numpy().astype(np.int64)
    joined = np.frombuffer(b"".join(filled.to_list()), np.uint8).astype(np.uint64)
    hashes = lengths.astype(np.uint64) * _LENGTH
    if len(joined) == 0:
        return hashes
    longest = int(lengths.max())
    powers = np.ones(longest, np.uint64)
    np.multiply.accumulate(np.full(longest - 1, _BASE, np.uint64), out=powers[1:])
    ends = np.cumsum(lengths)
    places = np.repeat(ends, lengths) - 1 - np.arange(len(joined))
    some = lengths > 0
    sums = np.add.reduceat(joined * powers[places], (ends - lengths)[some])
    hashes[some] += sums
    return hashes
