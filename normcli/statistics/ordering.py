"""Float64 values as unsigned integers in the same order, and percentiles as exact shares."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

__all__ = ["floats_of_keys", "keys_of_floats", "percentile_fraction"]

_SIGN = np.uint64(1 << 63)
_SIGN_BIT = np.int64(-(1 << 63))


def keys_of_floats(values: npt.NDArray[np.float64]) -> npt.NDArray[np.uint64]:
    """Return the bits of values, all flipped if negative, else the sign bit: ordered as values."""
    # Adding 0.0 makes −0.0 the 0.0 that it equals.
    bits = (values + 0.0).view(np.int64)
    return (bits ^ ((bits >> 63) | _SIGN_BIT)).view(np.uint64)


def floats_of_keys(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.float64]:
    """Return the values whose keys these are."""
    positive = (keys & _SIGN) != 0
    return np.where(positive, keys ^ _SIGN, ~keys).view(np.float64)


def percentile_fraction(percentile: float) -> Fraction:
    """Return a percentile as the exact share that its shortest decimal form says.

    >>> percentile_fraction(2.5)
    Fraction(1, 40)
    """
    return Fraction(str(percentile)) / 100
