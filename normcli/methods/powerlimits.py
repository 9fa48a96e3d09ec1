"""What bounds the lambda of a power transform, and when it is worth a warning."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["FAREST", "LARGEST_POWER", "doubt"]

FAREST = 1000.0
"""How far from that of the identity (or of the logarithm) a lambda is looked for."""
LARGEST_POWER = 700.0
"""The largest exponent of e in y; beyond 709 it would not be a float64."""

_ADVICE = "scale it first, for example robust+yeojohnson"
_NEAR = 1e-6
# y is a float64; and what comes back within that part of the values' range has been kept.
_ROUNDING = 2.0**-52
_KEPT = 1e-6


def doubt(
    name: str, power: float, farthest: float, ends: Sequence[tuple[float, float]], width: float
) -> str | None:
    """Return what is wrong with a lambda, if anything.

    `farthest` is |λ| or |λ − 1|, what FAREST bounds; `ends` are ω and l in y = ±(e^(ω·l) − 1)/ω
    of the least and the largest value, and `width` is how far they are from each other.
    """
    if width == 0 or power == 1:
        return None
    largest = max(exponent * log for exponent, log in ends)
    if farthest > FAREST - _NEAR:
        clause = "the last one that is looked at: no power makes it normal"
    elif largest > LARGEST_POWER * (1 - _NEAR):
        clause = "the last one with which y does not overflow"
    elif (share := max(_lost(exponent, log) for exponent, log in ends) / width) > _KEPT:
        lost = f"values back to {share:.1g} of their range" if share < 1 else "no value back"
        clause = f"so far out that y has lost digits, and invert brings {lost}"
    else:
        return None
    return f"a lambda of {power:.6g} for {name}, {clause}; {_ADVICE}"


def _lost(exponent: float, log: float) -> float:
    """Return how far off e^l is that comes back from y, which is rounded."""
    if exponent == 0:
        return math.exp(min(log, 709.0)) * abs(log) * _ROUNDING
    condition = abs(math.expm1(min(-exponent * log, 709.0)) / exponent)
    return math.exp(min(log, 709.0)) * max(1.0, condition) * _ROUNDING
