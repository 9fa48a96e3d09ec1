"""From exact rational numbers to the nearest float64.

All results here are correctly rounded (to nearest, ties to even): Python's int/int division
is, and the square root rounds to odd before that division, as CPython's `statistics` does.
"""

from __future__ import annotations

import math

__all__ = ["mean", "root_mean_square", "square_root", "standard_deviation", "variance"]


def _shifted(number: int, exponent: int, denominator: int) -> tuple[int, int]:
    """Return numerator and denominator of number·2^exponent / denominator."""
    if exponent >= 0:
        return number << exponent, denominator
    return number, denominator << -exponent


def _divide(numerator: int, denominator: int) -> float:
    try:
        return numerator / denominator
    except OverflowError:
        return math.inf if numerator > 0 else -math.inf


def square_root(numerator: int, denominator: int) -> float:
    """Return √(numerator/denominator), correctly rounded."""
    if numerator == 0:
        return 0.0
    # At least 64 bits of the root, an odd last bit standing for all that follow.
    shift = (denominator.bit_length() - numerator.bit_length() + 2 * 64 + 1) // 2
    if shift >= 0:
        numerator <<= 2 * shift
    else:
        denominator <<= -2 * shift
    root = math.isqrt(numerator // denominator)
    root |= root * root * denominator != numerator
    return _divide(root, 1 << shift) if shift >= 0 else _divide(root << -shift, 1)


def mean(total: int, exponent: int, count: int, unit: int = 1) -> float:
    """Return Σx/n for Σx = total·2^exponent in units of 1/unit.

    >>> mean(3, -1, 2)
    0.75
    """
    return _divide(*_shifted(total, exponent, count * unit))


def _variance_ratio(
    total: int, exponent: int, squares: int, squares_exponent: int, count: int, divisor: int
) -> tuple[int, int]:
    # Σ(x−μ)² = Σx² − (Σx)²/n, exactly; no digits cancel in integers.
    base = min(squares_exponent, 2 * exponent)
    numerator = count * (squares << (squares_exponent - base)) - (
        total * total << (2 * exponent - base)
    )
    return _shifted(numerator, base, count * divisor)


def variance(
    total: int,
    exponent: int,
    squares: int,
    squares_exponent: int,
    count: int,
    ddof: int,
    unit: int = 1,
) -> float:
    """Return Σ(x−μ)²/(n−ddof) from the exact sums, in squared natural units."""
    numerator, denominator = _variance_ratio(
        total, exponent, squares, squares_exponent, count, count - ddof
    )
    return _divide(numerator, denominator * unit * unit)


def standard_deviation(
    total: int,
    exponent: int,
    squares: int,
    squares_exponent: int,
    count: int,
    ddof: int,
    unit: int = 1,
) -> float:
    """Return √(Σ(x−μ)²/(n−ddof)) from the exact sums.

    Zero when all values are equal, and else only where the root is below half of 2^−1074.
    """
    numerator, denominator = _variance_ratio(
        total, exponent, squares, squares_exponent, count, count - ddof
    )
    return square_root(numerator, denominator * unit * unit)


def root_mean_square(squares: int, exponent: int, count: int, unit: int = 1) -> float:
    """Return √(Σx²/n) from the exact sum of squares."""
    numerator, denominator = _shifted(squares, exponent, count * unit * unit)
    return square_root(numerator, denominator)
