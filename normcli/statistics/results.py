"""Means, deviations and mean squares of many cells, correctly rounded.

A few cells are reckoned with integers (`rounding`). Many are reckoned as pairs of float64, whose
relative error is below 2^−90: where all numbers that near round to one float64, that is the
result, and only the rest, about one in 2^36, take integers too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from normcli.statistics import rounding
from normcli.statistics.doubled import (
    Pairs,
    divide,
    from_integer,
    from_limbs,
    multiply,
    product,
    root,
)
from normcli.statistics.exactsum import LIMB_BITS, ExactSum

__all__ = ["means", "root_mean_squares", "standard_deviations"]

Counts = npt.NDArray[np.int64]
Numbers = list[Any]
Exactly = Callable[[Counts], list[float]]
"""Reckons some cells with integers."""

# Below that, integers are faster; and blocks of cells stay in the cache.
_FEW = 24
_BLOCK = 4096
_DOUBT = 2.0**-90


def means(total: ExactSum, counts: Counts, unit: int = 1) -> Numbers:
    """Return Σx/n for sums in units of 1/unit, None where n is 0."""

    def exactly(cells: Counts) -> list[float]:
        return [
            rounding.mean(number, total.exponent, int(n), unit)
            for number, n in zip(total.integers(cells), counts[cells], strict=True)
        ]

    def approximately(cells: slice) -> Pairs:
        return divide(_pairs(total.part(cells)), _divisors(counts[cells], None, unit))

    return _results(counts > 0, exactly, approximately)


def root_mean_squares(squares: ExactSum, counts: Counts, unit: int = 1) -> Numbers:
    """Return √(Σx²/n), None where n is 0."""

    def exactly(cells: Counts) -> list[float]:
        return [
            rounding.root_mean_square(number, squares.exponent, int(n), unit)
            for number, n in zip(squares.integers(cells), counts[cells], strict=True)
        ]

    def approximately(cells: slice) -> Pairs:
        divisors = _divisors(counts[cells], None, unit**2)
        return root(divide(_pairs(squares.part(cells)), divisors))

    return _results(counts > 0, exactly, approximately)


def standard_deviations(
    total: ExactSum, squares: ExactSum, counts: Counts, ddof: int, unit: int = 1
) -> Numbers:
    """Return √(Σ(x−μ)²/(n−ddof)), None where n ≤ ddof."""

    def exactly(cells: Counts) -> list[float]:
        sums = zip(total.integers(cells), squares.integers(cells), counts[cells], strict=True)
        return [
            rounding.standard_deviation(
                number, total.exponent, square, squares.exponent, int(n), ddof, unit
            )
            for number, square, n in sums
        ]

    def approximately(cells: slice) -> Pairs:
        n = counts[cells]
        # n·Σx² − (Σx)², without rounding: what cancels here is gone for good in floats.
        scatter = squares.part(cells).times(n).minus_square(total.part(cells))
        return root(divide(_pairs(scatter), _divisors(n, n - ddof, unit**2)))

    return _results(counts > ddof, exactly, approximately)


def _pairs(sums: ExactSum) -> Pairs:
    limbs = sums.carried()
    if len(limbs.limbs) == 0:
        nothing = np.zeros(sums.cells)
        return Pairs(nothing, nothing, np.zeros(sums.cells, np.int64))
    return from_limbs(limbs.limbs, limbs.low, LIMB_BITS)


def _divisors(
    n: Counts, more: Counts | None, unit: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return n·more·unit, with 1 for what is not above 0: those cells have no result."""
    hi = np.maximum(n, 1).astype(np.float64)
    lo = np.zeros_like(hi)
    if more is not None:
        hi, lo = product(hi, np.maximum(more, 1).astype(np.float64))
    return (hi, lo) if unit == 1 else multiply((hi, lo), from_integer(unit))


def _results(
    present: npt.NDArray[np.bool_], exactly: Exactly, approximately: Callable[[slice], Pairs]
) -> Numbers:
    cells = len(present)
    results = np.zeros(cells)
    undecided = present.copy()
    for start in range(0, cells, _BLOCK) if cells >= _FEW else ():
        block = slice(start, start + _BLOCK)
        hi, lo, exponent = approximately(block)
        doubt = np.abs(hi) * _DOUBT
        # Near the ends of the range, float64 has fewer bits, or none.
        inside = np.abs(np.frexp(hi)[1] + exponent) < 1000
        sure = (hi + (lo + doubt) == hi) & (hi + (lo - doubt) == hi) & (inside | (hi == 0))
        results[block] = np.ldexp(hi, np.where(sure, exponent, 0))
        undecided[block] &= ~sure
    rest = np.flatnonzero(undecided)
    results[rest] = exactly(rest)
    numbers: Numbers = results.tolist()
    for cell in np.flatnonzero(~present).tolist():
        numbers[cell] = None
    return numbers
