"""Polynomials through values at Chebyshev points, one for each cell, and where they are least.

All sums run over NumPy vectors with an entry for each cell, in one order: a matrix product may add
in an order that depends on how many cells there are, and a group must come to the same result
whatever groups there are besides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["at", "coefficients", "derivative", "minimum", "points"]

Floats = npt.NDArray[np.float64]


def points(count: int) -> list[float]:
    """Return the Chebyshev points of [−1, 1], from right to left; none is 0 if count is even."""
    return [math.cos(math.pi * (k + 0.5) / count) for k in range(count)]


def coefficients(values: Sequence[Floats]) -> list[Floats]:
    """Return the Chebyshev coefficients of the polynomial through the values at the points.

    The constant one is less a value in the middle, so that no digit of the others is lost.

    >>> x = points(4)
    >>> [round(float(c[0]), 9) + 0.0 for c in coefficients([np.array([2 * t * t]) for t in x])]
    [0.707106781, 0.0, 1.0, 0.0]
    """
    size = len(values)
    made = []
    for j in range(size):
        total = np.zeros(len(values[0]))
        for k, value in enumerate(values):
            total += math.cos(math.pi * j * (k + 0.5) / size) * (value - values[size // 2])
        made.append(total * ((2 if j else 1) / size))
    return made


def derivative(series: Sequence[Floats]) -> list[Floats]:
    """Return the Chebyshev coefficients of the derivative."""
    degree = len(series) - 1
    made = [np.zeros(len(series[0])) for _ in range(degree + 2)]
    for j in range(degree, 0, -1):
        made[j - 1] = made[j + 1] + 2 * j * series[j]
    made[0] = made[0] / 2
    return made[:degree]


def at(series: Sequence[Floats], x: Floats) -> Floats:
    """Return the polynomial at x, by Clenshaw's recurrence."""
    last, before = np.zeros(len(x)), np.zeros(len(x))
    for coefficient in reversed(series[1:]):
        last, before = coefficient + 2 * x * last - before, last
    return series[0] + x * last - before


def minimum(slope: Sequence[Floats], low: Floats, high: Floats) -> Floats:
    """Return where the slope of a convex function changes its sign, by bisection of [low, high]."""
    for _ in range(54):
        middle = (low + high) / 2
        falling = at(slope, middle) < 0
        low, high = np.where(falling, middle, low), np.where(falling, high, middle)
    return (low + high) / 2
