"""How near an element comes back through a row-wise method, as docs/round-trip.md derives it.

Params are those of the element's row (or part of a row), as apply --keep-row-stats keeps them,
and the element's own gamma and beta.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ROW_BOUNDS", "RowBound"]

Params = Mapping[str, float]

_LEAST = 5e-324


@dataclass(frozen=True)
class RowBound:
    """`examples` are for vectors of four elements; `error` and `spread` as in bounds.Bound."""

    examples: tuple[str, ...]
    error: Callable[[Any, Params, float], float]
    spread: Callable[[Any, Params, float, float], float]


def _ulps(count: int, *magnitudes: float) -> float:
    return count * math.ulp(max(map(abs, magnitudes)))


def _shifted_error(m: Any, p: Params, x: float) -> float:
    """Bound (x − mean)/d·gamma + beta and back, d = √(std² + eps), or 1 for 0."""
    scale = math.hypot(p["std"], math.sqrt(m.eps)) or 1.0
    tiny = _LEAST * (1 + scale + scale / abs(p["gamma"]))
    if (p["gamma"], p["beta"]) == (1, 0):
        return _ulps(4, x, p["mean"]) + tiny
    zero = p["mean"] - p["beta"] / p["gamma"] * scale
    return _ulps(17, x, p["mean"], zero) + tiny


def _shifted_spread(m: Any, p: Params, x: float, eta: float) -> float:
    return (math.hypot(p["std"], math.sqrt(m.eps)) or 1.0) / abs(p["gamma"]) * eta


ROW_BOUNDS: dict[str, RowBound] = {
    "layernorm": RowBound(
        (
            "layernorm",
            "layernorm:eps=0",
            "layernorm:gamma=0.7,beta=-3",
            "layernorm:gamma=1:0.5:2:-3,beta=0:1:-1e3:5,eps=0.1",
        ),
        _shifted_error,
        _shifted_spread,
    ),
}
