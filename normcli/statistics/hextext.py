"""Exact numbers as text "0x…p…", for many cells at once.

The text is canonical: an odd integer in hexadecimal times a power of two, or "0x0p0".
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

__all__ = ["MOST_EXPONENT", "limbs_of", "texts_of"]

Integers = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

_WORD = 64
# No float64, nor its square times any number of rows, is beyond that. The bounds keep a hostile
# file from asking for astronomic shifts.
MOST_EXPONENT = 5000
_MOST_WORDS = 200


def texts_of(limbs: Integers, low: int, bits: int) -> pl.Series:
    """Return the texts of Σ_i limbs[i]·2^(bits·(low + i)), limbs being balanced digits."""
    cells = limbs.shape[1]
    sizes, negative = _magnitudes(limbs, bits)
    zeros = _trailing_zeros(sizes, bits)
    words = _shifted_right(_packed(sizes, bits), zeros)
    # Most significant first, so that the bytes are those of one long hexadecimal number.
    blob = np.ascontiguousarray(words[::-1].T.astype(">u8")).tobytes()
    digits = pl.Series([blob.hex("\n", 8 * len(words))]).str.split("\n").explode()
    is_zero = ~sizes.any(axis=0)
    frame = pl.DataFrame(
        {
            "sign": np.where(negative, 1, 0),
            "digits": digits[:cells],
            "exponent": np.where(is_zero, 0, bits * low + zeros),
        }
    )
    sign = pl.when(pl.col("sign") == 1).then(pl.lit("-0x")).otherwise(pl.lit("0x"))
    number = pl.col("digits").str.strip_chars_start("0")
    number = pl.when(number == "").then(pl.lit("0")).otherwise(number)
    return frame.select(pl.concat_str([sign, number, pl.lit("p"), "exponent"])).to_series()


def _magnitudes(limbs: Integers, bits: int) -> tuple[Integers, npt.NDArray[np.bool_]]:
    """Return the digits of the absolute values, none below 0, and which values are negative."""
    nonzero = limbs != 0
    top = len(limbs) - 1 - np.argmax(nonzero[::-1], axis=0)
    negative = np.take_along_axis(limbs, top[None], axis=0)[0] < 0
    sizes = np.where(negative, -limbs, limbs)
    for i in range(len(sizes) - 1):
        borrow = sizes[i] >> bits
        sizes[i] -= borrow << bits
        sizes[i + 1] += borrow
    return sizes, negative


def _trailing_zeros(sizes: Integers, bits: int) -> Integers:
    first = np.argmax(sizes != 0, axis=0)
    digit = np.take_along_axis(sizes, first[None], axis=0)[0]
    # The lowest bit alone is a power of two, which a float64 holds.
    lowest = np.frexp((digit & -digit).astype(np.float64))[1].astype(np.int64) - 1
    return np.where(digit == 0, 0, bits * first + lowest)


def _packed(sizes: Integers, bits: int) -> Words:
    """Return numbers of digits in base 2^bits as 64-bit words, the least significant first."""
    words = np.zeros((bits * len(sizes) // _WORD + 2, sizes.shape[1]), np.uint64)
    for i, digit in enumerate(sizes.astype(np.uint64)):
        word, shift = divmod(bits * i, _WORD)
        words[word] |= digit << np.uint64(shift)
        if shift:
            words[word + 1] |= digit >> np.uint64(_WORD - shift)
    return words


def _shifted_right(words: Words, amounts: Integers) -> Words:
    """Return numbers shifted right, without words that are 0 in all of them."""
    padded = np.concatenate([words, np.zeros_like(words[:1])])
    skip, shift = amounts // _WORD, (amounts % _WORD).astype(np.uint64)
    shifted = np.zeros_like(words)
    for i in range(len(words)):
        here, above = (
            np.take_along_axis(padded, np.minimum(skip + i + k, len(words))[None], axis=0)[0]
            for k in (0, 1)
        )
        # In two steps, because a shift by 64 is none.
        shifted[i] = (here >> shift) | ((above << np.uint64(1)) << (np.uint64(63) - shift))
    used = np.flatnonzero(shifted.any(axis=1))
    return shifted[: 1 + (int(used[-1]) if len(used) else 0)]


def limbs_of(texts: list[str], bits: int) -> tuple[Integers, int]:
    """Return digits in base 2^bits, and the place of the first, of numbers given as texts.

    Raise ValueError where something is no such number; whether a text is the canonical one is
    for the caller to see.
    """
    words, negative, exponents = _parsed(texts)
    if len(words) > _MOST_WORDS or np.abs(exponents).max() > MOST_EXPONENT:
        raise ValueError("an exact number is beyond all sums of values")
    offsets, shifts = np.divmod(exponents, bits)
    low, cells = int(offsets.min()), np.arange(len(texts))
    size = _WORD * len(words) // bits + 2
    limbs = np.zeros((int(offsets.max()) - low + size, len(texts)), np.int64)
    for i in range(size):
        digit = _cut(words, bits * i - shifts, bits)
        limbs[offsets - low + i, cells] += np.where(negative, -digit, digit)
    return limbs, low


def _parsed(texts: list[str]) -> tuple[Words, npt.NDArray[np.bool_], Integers]:
    series = pl.Series(texts, dtype=pl.String)
    negative = series.str.starts_with("-").to_numpy()
    parts = series.str.strip_prefix("-").str.split_exact("p", 1).struct.unnest()
    digits, exponents = parts.get_columns()
    if not digits.str.starts_with("0x").all() or exponents.null_count():
        raise ValueError('not all exact numbers are of the form "0x…p…"')
    digits = digits.str.slice(2)
    width = max(-(-length // 16) for length in digits.str.len_bytes().unique().to_list())
    blob = digits.str.pad_start(16 * width, "0").str.join("")[0]
    try:
        words = np.frombuffer(bytes.fromhex(blob), ">u8").reshape(len(texts), width)
        powers = exponents.cast(pl.Int64).to_numpy()
    except (ValueError, pl.exceptions.PolarsError) as error:
        raise ValueError('not all exact numbers are of the form "0x…p…"') from error
    return words.T[::-1].astype(np.uint64), negative, powers


def _cut(words: Words, place: Integers, bits: int) -> Integers:
    """Return that many bits of each number, from those places on, which may lie outside."""
    padded = np.concatenate([np.zeros_like(words[:1]), words, np.zeros_like(words[:1])])
    word, shift = place // _WORD + 1, (place % _WORD).astype(np.uint64)
    here, above = (
        np.take_along_axis(padded, np.minimum(word + k, len(words) + 1)[None], axis=0)[0]
        for k in (0, 1)
    )
    number = (here >> shift) | ((above << np.uint64(1)) << (np.uint64(63) - shift))
    digit: Integers = (number & np.uint64((1 << bits) - 1)).astype(np.int64)
    return digit
