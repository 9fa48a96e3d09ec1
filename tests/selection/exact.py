"""Percentiles of type 7 from sorted values and fractions, reckoned apart from the package."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

__all__ = ["Exact", "percentile"]


class Exact:
    """A percentile of numbers: its exact value, and the two order statistics around its rank."""

    def __init__(self, numbers: Sequence[Any], p: float | Fraction) -> None:
        ordered = sorted(map(Fraction, numbers))
        rank = (len(ordered) - 1) * (p if isinstance(p, Fraction) else Fraction(str(p))) / 100
        self.lower = ordered[math.floor(rank)]
        self.upper = ordered[math.ceil(rank)]
        self.value = self.lower + (rank - math.floor(rank)) * (self.upper - self.lower)

    def check(self, found: Any) -> None:
        """Hold what was found to this: identical to an order statistic, or within 2 ulp of it.

        Between two order statistics, ulp are those of the larger one: where they differ in sign,
        the interpolated value may be much smaller than either.
        """
        if self.lower == self.upper:
            # Compared as numbers, so that neither −0.0 nor the type matters, but every digit.
            nearest = self.value if isinstance(found, int) else Fraction(float(self.value))
            assert Fraction(found) == nearest, (found, self.value)
            assert math.copysign(1, found) == (-1 if self.value < 0 else 1)
            return
        largest = float(max(abs(self.lower), abs(self.upper)))
        assert abs(Fraction(found) - self.value) <= 2 * Fraction(math.ulp(largest))
        between = Fraction(float(self.lower)), Fraction(float(self.upper))
        assert between[0] <= Fraction(found) <= between[1]


def percentile(numbers: Sequence[Any], p: float) -> Exact | None:
    """Return the percentile, None of no numbers."""
    return Exact(numbers, p) if numbers else None
