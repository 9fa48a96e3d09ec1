"""The score of a power transform, in decimals of 100 digits, reckoned apart from the package.

The log likelihood of n values is −n·F(λ), F(λ) = ½·ln var(y) − λ·mean(s·l) up to a constant,
and F is convex: the lambda that makes it least lies in [a, b] if F′(a) ≤ 0 ≤ F′(b).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext

__all__ = ["score"]

_DIGITS = 100


def score(method: str, values: Sequence[float], power: Decimal) -> Decimal:
    """Return F′(λ)."""
    with localcontext(prec=_DIGITS):
        logs = [_log(method, Decimal(x)) for x in values]
        n = len(logs)
        least = Decimal()
        if len({s for s, _ in logs}) == 1:
            # The same subtracted from every y: its digits would cancel in the variance.
            least = min(log for _, log in logs)
        pairs = [_y(s, log, least, power if s > 0 else 2 - power) for s, log in logs]
        middle = [sum(column, Decimal()) / n for column in zip(*pairs, strict=True)]
        covariance = sum(((y - middle[0]) * (dy - middle[1]) for y, dy in pairs), Decimal())
        variance = sum(((y - middle[0]) ** 2 for y, _ in pairs), Decimal())
        return covariance / variance - sum((s * log for s, log in logs), Decimal()) / n


def _log(method: str, x: Decimal) -> tuple[int, Decimal]:
    """Return the sign s of a value, and the logarithm l that its y is made of."""
    if method == "boxcox":
        return 1, x.ln()
    return (1, (1 + x).ln()) if x >= 0 else (-1, (1 - x).ln())


def _y(s: int, log: Decimal, least: Decimal, power: Decimal) -> tuple[Decimal, Decimal]:
    """Return y and dy/dλ; y = s·(e^(ω·l) − e^(ω·least))/ω, and dω/dλ = s."""
    if power == 0:
        return s * (log - least), (log * log - least * least) / 2
    raised, lowered = (power * log).exp(), (power * least).exp()
    y = (raised - lowered) / power
    return s * y, (log * raised - least * lowered - y) / power
