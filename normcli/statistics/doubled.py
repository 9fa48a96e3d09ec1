"""Pairs of float64, hi + lo, that together carry about 106 bits, as arrays.

The error-free sum is Knuth's, the error-free product Dekker's ("A floating-point technique for
extending the available precision", 1971); quotient and root correct a float64 result once. Each
of them, and the way from limbs, has a relative error below 2^−98.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Pairs", "divide", "from_integer", "from_limbs", "multiply", "product", "root"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_SPLITTER = 2.0**27 + 1
_WINDOW = 8


class Pairs(NamedTuple):
    """Numbers (hi + lo)·2^exponent with |lo| at most half an ulp of hi."""

    hi: Floats
    lo: Floats
    exponent: Integers


def _two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    total = a + b
    rest = total - a
    return total, (a - (total - rest)) + (b - rest)


def _split(a: Floats) -> tuple[Floats, Floats]:
    scaled = a * _SPLITTER
    high = scaled - (scaled - a)
    return high, a - high


def _two_product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    result = a * b
    a_high, a_low = _split(a)
    b_high, b_low = _split(b)
    error = ((a_high * b_high - result) + a_high * b_low + a_low * b_high) + a_low * b_low
    return result, error


def from_limbs(limbs: Integers, low: int, bits: int) -> Pairs:
    """Return Σ_i limbs[i]·2^(bits·(low + i)) for each column of balanced digits in base 2^bits.

    bits is 19: three digits make a whole number below 2^57. Those below the eight leading ones,
    of which the first is not 0, weigh less than 2^−130 of the whole.
    """
    count = len(limbs)
    padded = np.concatenate([np.zeros((_WINDOW, limbs.shape[1]), np.int64), limbs])
    top = _WINDOW + count - 1 - np.argmax((limbs != 0)[::-1], axis=0)
    digits = [np.take_along_axis(padded, (top - i)[None], axis=0)[0] for i in range(_WINDOW)]
    first, second, third = (
        (a << 2 * bits) + (b << bits) + c
        for a, b, c in (digits[0:3], digits[3:6], (*digits[6:8], np.int64(0)))
    )
    first_high = first.astype(np.float64)
    first_low = (first - first_high.astype(np.int64)).astype(np.float64)
    second_high = second.astype(np.float64)
    second_low = (second - second_high.astype(np.int64)).astype(np.float64)
    scale = 2.0 ** (-3 * bits)
    total, rest = _two_sum(first_high, first_low + second_high * scale)
    rest += second_low * scale + third.astype(np.float64) * scale**2
    exponent = bits * (low + top - _WINDOW - 2)
    return Pairs(*_two_sum(total, rest), exponent)


def from_integer(number: int) -> tuple[float, float]:
    """Return a whole number as hi and lo."""
    hi = float(number)
    return hi, float(number - int(hi))


def product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return the product of float64 numbers, without error."""
    return _two_product(a, b)


def multiply(a: tuple[Floats, Floats], b: tuple[float, float]) -> tuple[Floats, Floats]:
    """Return the products of pairs and one pair."""
    result, error = _two_product(a[0], np.full_like(a[0], b[0]))
    return _two_sum(result, error + (a[0] * b[1] + a[1] * b[0]))


def divide(a: Pairs, b: tuple[Floats, Floats]) -> Pairs:
    """Return the quotients."""
    quotient = a.hi / b[0]
    result, error = _two_product(quotient, b[0])
    rest = ((a.hi - result) - error) + a.lo - quotient * b[1]
    return Pairs(*_two_sum(quotient, rest / b[0]), a.exponent)


def root(a: Pairs) -> Pairs:
    """Return the square roots; those of 0 are 0."""
    odd = a.exponent & 1
    hi, lo = np.ldexp(a.hi, odd), np.ldexp(a.lo, odd)
    estimate = np.sqrt(hi)
    result, error = _two_product(estimate, estimate)
    rest = ((hi - result) - error) + lo
    correction = rest / np.where(estimate == 0, 1.0, 2 * estimate)
    return Pairs(*_two_sum(estimate, correction), (a.exponent - odd) >> 1)
