"""The hot loop: exact Σx and Σx² of a batch, segment by segment, in NumPy.

Each value is cut into signed digits d_k on a fixed grid, x = Σ_k d_k·2^(LIMB_BITS·k) with
|d_k| ≤ 2^(LIMB_BITS−1) (the error-free extraction of Rump, Ogita and Oishi, "Accurate
floating-point summation", 2008). Sums of digits, and of products of two digits, over at most
CHUNK values then stay below 2^53, so float64 adds them exactly whatever the order, and
vectorized code may be used freely. This is the reference; a compiled twin would have to give
the same numbers, because they are exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from normcli.statistics.exactsum import LIMB_BITS, ExactSum

__all__ = ["CHUNK", "add_moments", "digits_of"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Unsigned = npt.NDArray[np.uint64]
Index = npt.NDArray[np.intp]

# Bound: digits · 2^(2(LIMB_BITS−1)) · CHUNK ≤ 2^53, which 8 digits leave room for up to 2^14;
# 2^13 values stay in the cache, and below the size at which BLAS starts threads of its own.
CHUNK = 2**13
_MOST_DIGITS = 8
# Values within 2^±_SAFE can be squared without overflow or underflow of any digit product.
_SAFE_EXPONENT = 300
_BAND = 64
_FIRST = 64
"""Of so many values one usually has digits left, if any of a chunk has."""


class _Digits(NamedTuple):
    """Values 2^(LIMB_BITS·shift)·Σ_i rows[i], rows[i] in multiples of 2^(LIMB_BITS·(low+i))."""

    rows: Floats
    low: int
    shift: int = 0


def add_moments(
    total: ExactSum,
    squares: ExactSum,
    planes: tuple[npt.NDArray[np.generic], ...],
    starts: Index | None = None,
    cells: Index | None = None,
) -> None:
    """Add Σx and Σx² of the values to the sums, in place.

    `planes` is (float64,), (int64,), (uint64,) or, for 128-bit integers, (high int64, low
    uint64), of n finite values each. Without `starts` all values belong to cell 0; else
    values starts[i] … starts[i+1]−1 belong to cell cells[i], and cells are distinct.
    """
    size = len(planes[0])
    for begin in range(0, size, CHUNK):
        end = min(begin + CHUNK, size)
        segment_starts, segment_cells = _segments(starts, cells, begin, end)
        chunk = tuple(plane[begin:end] for plane in planes)
        for digits in _digits(chunk):
            _add_digits(total, squares, digits, segment_starts, segment_cells)


def _segments(
    starts: Index | None, cells: Index | None, begin: int, end: int
) -> tuple[Index | None, Index | None]:
    if starts is None or cells is None:
        return None, None
    first = int(np.searchsorted(starts, begin, side="right")) - 1
    last = int(np.searchsorted(starts, end, side="left"))
    local = starts[first:last] - begin
    local[0] = 0
    return local, cells[first:last]


def _add_digits(
    total: ExactSum,
    squares: ExactSum,
    digits: _Digits,
    starts: Index | None,
    cells: Index | None,
) -> None:
    rows, low, shift = digits
    count = len(rows)
    if starts is None:
        sums = rows.sum(axis=1)[:, None]
        products = np.zeros((2 * count - 1, 1))
        for i in range(count):
            products[2 * i] += np.dot(rows[i], rows[i])
            for j in range(i + 1, count):
                products[i + j] += 2 * np.dot(rows[i], rows[j])
    else:
        sums = np.add.reduceat(rows, starts, axis=1)
        products = np.empty((2 * count - 1, len(starts)))
        for power in range(2 * count - 1):
            # Σ over i + j = power of d_i·d_j, each unordered pair once, then doubled.
            term = rows[power // 2] ** 2 / 2 if power % 2 == 0 else np.zeros(rows.shape[1])
            for i in range(max(0, power - count + 1), (power + 1) // 2):
                term += rows[i] * rows[power - i]
            products[power] = 2 * np.add.reduceat(term, starts)
    total.add(low + shift, sums * _grid(low, count), cells)
    squares.add(2 * (low + shift), products * _grid(2 * low, 2 * count - 1), cells)


@lru_cache(maxsize=256)
def _grid(low: int, count: int) -> Floats:
    """Return the factors that turn multiples of the grid's powers into integers."""
    return np.ldexp(1.0, -LIMB_BITS * np.arange(low, low + count))[:, None]


def digits_of(values: Floats) -> Iterator[_Digits]:
    """Yield digits of float64 values whose sum over all yields is the values."""
    yield from _float_digits(values)


def _digits(planes: tuple[npt.NDArray[np.generic], ...]) -> Iterator[_Digits]:
    """Yield digits whose sum over all yields is the chunk."""
    values = planes[0]
    if len(planes) == 2:
        yield _wide_digits(values.astype(np.int64), planes[1].astype(np.uint64))
    elif values.dtype.kind == "f" or max(abs(int(v)) for v in (values.min(), values.max())) < 2**53:
        yield from _float_digits(values.astype(np.float64, copy=False))
    elif values.dtype.kind == "u":
        yield _wide_digits(np.zeros(len(values), np.int64), values.astype(np.uint64))
    else:
        signed = values.astype(np.int64)
        yield _wide_digits(signed >> 63, signed.view(np.uint64))


def _extract(values: Floats, top: int) -> tuple[_Digits, bool]:
    """Cut |values| < 2^top into digits; say whether nothing is left over."""
    power = -((LIMB_BITS - 1 - top) // LIMB_BITS)
    rest = values.copy()
    rows = np.empty((_MOST_DIGITS, len(values)))
    for row in range(_MOST_DIGITS - 1, -1, -1):
        # Adding and subtracting 1.5·2^(52+g) rounds to a multiple of 2^g, without error.
        magic = 1.5 * 2.0 ** (52 + LIMB_BITS * power)
        np.add(rest, magic, out=rows[row])
        rows[row] -= magic
        rest -= rows[row]
        if not rest[:_FIRST].any() and not rest.any():
            return _Digits(rows[row:], power), True
        power -= 1
    return _Digits(rows, power + 1), False


def _float_digits(values: Floats) -> Iterator[_Digits]:
    largest = max(-float(values.min()), float(values.max()))
    if largest == 0.0:
        return
    top = int(np.frexp(largest)[1])
    if abs(top) < _SAFE_EXPONENT:
        digits, complete = _extract(values, top)
        if complete:
            yield digits
            return
    # Wide-ranging values: band by band of exponents, each scaled to below 2^(_BAND + LIMB_BITS).
    bands = np.frexp(values)[1] // _BAND
    for band in np.unique(bands[values != 0]):
        # Shifted by a multiple of LIMB_BITS, so that the digits keep to the grid.
        shift = int(band) * _BAND // LIMB_BITS
        inside = np.where((bands == band) & (values != 0), values, 0.0)
        digits, complete = _extract(np.ldexp(inside, -shift * LIMB_BITS), _BAND + LIMB_BITS)
        assert complete, "a band spans at most 64 + 19 + 53 bits"
        yield digits._replace(shift=shift)


def _wide_digits(high: Integers, low: Unsigned) -> _Digits:
    """Cut high·2^64 + low into seven signed digits."""
    base = np.int64(1 << LIMB_BITS)
    rows = np.empty((7, len(high)))
    carry = np.zeros(len(high), np.int64)
    for i in range(6):
        shift = LIMB_BITS * i
        piece = (low >> np.uint64(shift)).astype(np.int64) if shift < 64 else high >> (shift - 64)
        if shift < 64 < shift + LIMB_BITS:
            piece |= high << (64 - shift)
        piece = (piece & (base - 1)) + carry
        carry = (piece + base // 2) >> LIMB_BITS
        rows[i] = np.ldexp((piece - (carry << LIMB_BITS)).astype(np.float64), shift)
    # The top digit keeps the sign.
    rows[6] = np.ldexp(((high >> (6 * LIMB_BITS - 64)) + carry).astype(np.float64), 6 * LIMB_BITS)
    return _Digits(rows, 0)
