"""Numbers of twice the precision of float64, for many cells at once: unevaluated sums of two.

Exact sums of many cells become such pairs without a loop over the cells, and a variance taken
from pairs is right to the last digit or the one before, however many digits cancel in float64
(Dekker, "A floating-point technique for extending the available precision", 1971).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from normcli.statistics.exactsum import LIMB_BITS, ExactSum

__all__ = ["Pair", "pair_of", "variances"]

Floats = npt.NDArray[np.float64]
Pair = tuple[Floats, Floats]
"""High and low part: the number is their sum."""

_SPLITTER = 2.0**27 + 1


def _sum(a: Floats, b: Floats) -> Pair:
    """Return a + b without error (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _product(a: Floats, b: Floats) -> Pair:
    """Return a·b without error (Veltkamp, Dekker), for magnitudes below 2^500."""
    product = a * b
    halves = []
    for factor in (a, b):
        scaled = _SPLITTER * factor
        high = scaled - (scaled - factor)
        halves.append((high, factor - high))
    (a_high, a_low), (b_high, b_low) = halves
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, error


def pair_of(exact: ExactSum) -> Pair:
    """Return the numbers of all cells, to within 2^−100 of themselves.

    >>> high, low = pair_of(ExactSum.from_integers([2**70 + 1, -3], 0))
    >>> [int(a) + int(b) for a, b in zip(high, low, strict=True)] == [2**70 + 1, -3]
    True
    """
    limbs = exact.carried().limbs
    high, low = np.zeros(exact.cells), np.zeros(exact.cells)
    for i in range(len(limbs) - 1, -1, -1):
        term = np.ldexp(limbs[i].astype(np.float64), LIMB_BITS * (exact.low + i))
        high, error = _sum(high, term)
        low += error
    return _sum(high, low)


def variances(total: Pair, squares: Pair, count: Floats) -> Floats:
    """Return Σ(x−μ)²/n from Σx and Σx², for sums below 2^500; NaN where n is 0."""
    scaled, rest = _product(count, squares[0])
    square, error = _product(total[0], total[0])
    difference, lost = _sum(scaled, -square)
    rest += count * squares[1] - error - 2 * total[0] * total[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((difference + (lost + rest)) / count / count)
