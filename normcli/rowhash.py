"""A hash of rows that is the same on every machine and in every version, and blocks made of it.

A sequence of 64-bit numbers v is hashed from a start h: with each of them h becomes mix(h + v + G),
where mix is the finalizer of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom
number generators", 2014) and G its increment; sums and products are those of 64-bit integers. A
row's hash starts at 0 and takes one v from each column, the columns sorted by name. A row falls
into block h mod blocks. The v of a value:

- whole numbers from −2^63 to 2^64 − 1, in whatever dtype (an integer, a float or a decimal; false
  and true are 0 and 1): their two's complement; other floats the bits of their float64, every NaN
  as 0x7FF8000000000000; other decimals those of their units as float64, divided by 10^scale;
- dates: their days since 1970; times, datetimes, durations: their nanoseconds;
- text and bytes: the hash of their bytes, eight to a number (the first is the lowest; zeros fill
  up the last), started at their length times 0xD6E8FEB86659FD93; categories are their text;
- lists and arrays: the hash of their elements' v, structs: of their fields' v in the order of
  their names, started likewise;
- null: 0xA0761D6478BD642F.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.methods.base import Blocks
from normcli.tensors import as_array, tensor_of

__all__ = ["block_numbers", "row_hashes"]

Hashes = npt.NDArray[np.uint64]
Index = npt.NDArray[np.intp]

_INCREMENT = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
# Without it a sequence would be hashed as numbers are, and 53, "1" be the same row as 50, "4".
_LENGTH = np.uint64(0xD6E8FEB86659FD93)
_NULL = np.uint64(0xA0761D6478BD642F)
_NAN = np.uint64(0x7FF8000000000000)
_WORD = 8
_NANOSECONDS = {"ms": 1_000_000, "us": 1_000, "ns": 1}


def block_numbers(batch: pl.DataFrame, blocks: Blocks) -> Index:
    """Return the number of each row's block, by one column or by the whole row."""
    columns = batch.columns if blocks.by is None else [blocks.by]
    hashes = row_hashes(batch[columns])
    return (hashes % np.uint64(blocks.count)).astype(np.intp)


def row_hashes(frame: pl.DataFrame) -> Hashes:
    """Return the hash of each row, uint64.

    >>> row_hashes(pl.DataFrame({"a": [1, None], "b": ["x", "y"]})).tolist()
    [7401172692319650935, 16957112063873489190]
    """
    hashes = np.zeros(frame.height, np.uint64)
    for name in sorted(frame.columns):
        hashes = _mix(hashes + _numbers(frame[name]))
    return hashes


def _mix(sums: Hashes) -> Hashes:
    """Return mix(s + G) of sums s = h + v."""
    hashes = sums + _INCREMENT
    hashes = (hashes ^ (hashes >> np.uint64(30))) * _FIRST
    hashes = (hashes ^ (hashes >> np.uint64(27))) * _SECOND
    return hashes ^ (hashes >> np.uint64(31))


def _numbers(series: pl.Series) -> Hashes:
    """Return the v of each value."""
    found = _of_values(series)
    if series.null_count():
        found = np.where(series.is_null().to_numpy(), _NULL, found)
    return found


def _of_values(series: pl.Series) -> Hashes:
    """Return the v of each value, anything where it is null."""
    dtype = series.dtype
    if dtype.is_extension():
        # Tensors of a shape are alike, whether it is in their lists or only in their type.
        tensor = tensor_of(dtype)
        shaped = tensor is not None and tensor.shape is not None and tensor.size > 0
        return _of_values(as_array(series) if shaped else series.ext.storage())
    if dtype == pl.Null():
        return np.zeros(len(series), np.uint64)
    if dtype.base_type() in (pl.Categorical, pl.Enum, pl.String, pl.Binary):
        return _of_texts(series)
    if isinstance(dtype, pl.Struct):
        hashes = np.full(len(series), np.uint64(len(series.struct.fields))) * _LENGTH
        for field in sorted(series.struct.fields):
            hashes = _mix(hashes + _numbers(series.struct.field(field)))
        return hashes
    if dtype.is_nested():
        return _of_lists(series)
    if dtype.is_float():
        return _of_floats(series.cast(pl.Float64).fill_null(0.0).to_numpy())
    if isinstance(dtype, pl.Decimal):
        return _of_wide(series.to_physical(), dtype.scale)
    if dtype in (pl.Int128, pl.UInt128):
        return _of_wide(series, 0)
    whole = series.to_physical().fill_null(False if dtype == pl.Boolean() else 0)
    if dtype == pl.UInt64():
        return whole.to_numpy()
    signed: npt.NDArray[np.int64] = whole.cast(pl.Int64).to_numpy()
    if isinstance(dtype, (pl.Datetime, pl.Duration)):
        return signed.view(np.uint64) * np.uint64(_NANOSECONDS[dtype.time_unit or "us"])
    return signed.view(np.uint64)


def _of_floats(numbers: npt.NDArray[np.float64]) -> Hashes:
    """Return whole numbers as integers have them, the bits of all others."""
    found = numbers.view(np.uint64).copy()
    found[np.isnan(numbers)] = _NAN
    whole = (np.floor(numbers) == numbers) & (numbers >= -(2.0**63)) & (numbers < 2.0**64)
    signed = whole & (numbers < 2.0**63)
    found[signed] = numbers[signed].astype(np.int64).view(np.uint64)
    found[whole & ~signed] = numbers[whole & ~signed].astype(np.uint64)
    return found


def _of_wide(units: pl.Series, scale: int) -> Hashes:
    """Return whole numbers as 64-bit integers have them where they fit, others as floats."""
    one = pl.lit(10**scale, pl.Int128)
    x = pl.lit(units.cast(pl.Int128).fill_null(0))
    whole = pl.when(x % one == 0).then(x // one)
    parts = pl.select(
        signed=whole.cast(pl.Int64, strict=False),
        unsigned=whole.cast(pl.UInt64, strict=False),
        units=x.cast(pl.Float64),
    )
    found = _of_floats(parts["units"].to_numpy() / float(10**scale))
    for name in ("unsigned", "signed"):
        held = parts[name].is_not_null().to_numpy()
        found[held] = parts[name].drop_nulls().to_numpy().view(np.uint64)
    return found


def _of_texts(series: pl.Series) -> Hashes:
    """Return the hash of each text's bytes, eight at a time."""
    if series.dtype not in (pl.String(), pl.Binary()):
        series = series.cast(pl.String)
    array = series.cast(pl.Binary).fill_null(b"").rechunk().to_arrow()
    offsets = np.frombuffer(array.buffers()[1], np.int64)[array.offset :][: len(array) + 1]
    data = array.buffers()[2]
    # So that eight bytes can be read from every place.
    padded = np.zeros((0 if data is None else len(data)) + _WORD, np.uint8)
    if data is not None:
        padded[: len(data)] = np.frombuffer(data, np.uint8)
    words = np.ndarray(len(padded) - _WORD + 1, "<u8", padded, strides=(1,))
    starts, lengths = offsets[:-1], np.diff(offsets)

    def word(rows: Index, k: int) -> Hashes:
        left = np.minimum(lengths[rows] - _WORD * k, _WORD).astype(np.uint64)
        unused = np.uint64(8) * (np.uint64(_WORD) - left)
        found: Hashes = (words[starts[rows] + _WORD * k] << unused) >> unused
        return found

    return _in_turn(lengths, -(-lengths // _WORD), word)


def _of_lists(series: pl.Series) -> Hashes:
    """Return the hash of each list's elements."""
    if isinstance(series.dtype, pl.Array):
        series = series.arr.to_list()
    lengths = series.list.len().fill_null(0).to_numpy().astype(np.int64)
    elements = _numbers(series.filter(pl.Series(lengths > 0)).explode())
    starts = np.cumsum(lengths) - lengths
    return _in_turn(lengths, lengths, lambda rows, k: elements[starts[rows] + k])


def _in_turn(
    lengths: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
    number: Callable[[Index, int], Hashes],
) -> Hashes:
    """Return the hash of each row's own sequence: so many numbers, begun at its length."""
    hashes = lengths.astype(np.uint64) * _LENGTH
    rows: Index = np.flatnonzero(counts)
    k = 0
    while len(rows):
        hashes[rows] = _mix(hashes[rows] + number(rows, k))
        k += 1
        rows = rows[counts[rows] > k]
    return hashes
