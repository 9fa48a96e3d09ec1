"""Correctly rounded results from exact fractions, reckoned apart from the package.

A float64 y is the correctly rounded value of an exact number r if no float64 is nearer, and if,
where two are equally near, its last bit is even. For a square root both sides are squared:
y = √r rounded exactly when r lies between the squares of the midpoints around y.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

__all__ = ["exact_mean", "exact_mean_square", "exact_variance", "is_nearest", "is_nearest_root"]


def exact_mean(values: Sequence[Fraction]) -> Fraction:
    """Return Σx/n."""
    return sum(values, Fraction(0)) / len(values)


def exact_variance(values: Sequence[Fraction], ddof: int = 0) -> Fraction:
    """Return Σ(x−μ)²/(n−ddof), deviations first."""
    center = exact_mean(values)
    return sum(((value - center) ** 2 for value in values), Fraction(0)) / (len(values) - ddof)


def exact_mean_square(values: Sequence[Fraction]) -> Fraction:
    """Return Σx²/n."""
    return sum((value * value for value in values), Fraction(0)) / len(values)


def _even(y: float) -> bool:
    return int(np.float64(y).view(np.uint64)) % 2 == 0


def _midpoints(y: float) -> tuple[Fraction, Fraction]:
    """Return the numbers halfway between y and the float64 below and above it."""
    above, below = math.nextafter(y, math.inf), math.nextafter(y, -math.inf)
    # Beyond the largest float64 the grid goes on as if there were no end.
    step = Fraction(math.ulp(y)) / 2
    high = Fraction(y) + step if math.isinf(above) else (Fraction(y) + Fraction(above)) / 2
    low = Fraction(y) - step if math.isinf(below) else (Fraction(y) + Fraction(below)) / 2
    return low, high


def is_nearest(y: float, exact: Fraction) -> bool:
    """Whether y is the float64 nearest to the exact number, ties to even."""
    low, high = _midpoints(y)
    return low <= exact <= high if _even(y) else low < exact < high


def is_nearest_root(y: float, exact: Fraction) -> bool:
    """Whether y is the float64 nearest to the square root of the exact number."""
    if y < 0 or math.isinf(y):
        return False
    low, high = _midpoints(y)
    low = max(low, Fraction(0))
    return low**2 <= exact <= high**2 if _even(y) else low**2 < exact < high**2
