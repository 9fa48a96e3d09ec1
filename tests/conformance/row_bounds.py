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
_UNIT = 2.0**-53


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


def _root_mean_square_error(m: Any, p: Params, x: float) -> float:
    scale = math.hypot(p["rms"], math.sqrt(m.eps)) or 1.0
    return _ulps(4, x) + _LEAST * (1 + scale + scale / abs(p["gamma"]))


def _factor(m: Any, p: Params) -> float:
    return min(1.0, float(m.max) / (p["norm"] + 1e-6))


def _root_of(m: Any, p: Params, x: float) -> tuple[float, float, float]:
    """Return z, w = (1 − k·z)·z and s = √(1 − 4k·w) = |1 − 2k·z| of AdaNorm."""
    z = (x - p["mean"]) / (math.hypot(p["std"], math.sqrt(m.eps)) or 1.0)
    k = float(m.k)
    return z, (1 - k * z) * z, abs(1 - 2 * k * z)


def _ada_error(m: Any, p: Params, x: float) -> float:
    scale = math.hypot(p["std"], math.sqrt(m.eps)) or 1.0
    z, w, s = _root_of(m, p, x)
    off = _UNIT * (6 * abs(4 * m.k * w) + s * s)
    root = min(off / s if s else math.inf, math.sqrt(off)) + _UNIT * s
    moved = 1.001 * abs(z) * (7 * _UNIT + root)
    tiny = _LEAST * (1 + scale + scale / abs(float(m.c)))
    return scale * moved + _ulps(4, x, p["mean"]) + tiny


def _ada_spread(m: Any, p: Params, x: float, eta: float) -> float:
    scale = math.hypot(p["std"], math.sqrt(m.eps)) or 1.0
    z, _, s = _root_of(m, p, x)
    w_moved = eta / abs(float(m.c))
    off = 4 * float(m.k) * w_moved
    root = min(off / s if s else math.inf, math.sqrt(off))
    return scale * (2 * w_moved + abs(z) * root) * 1.001


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
    "instancenorm": RowBound(
        ("instancenorm", "instancenorm:eps=0", "instancenorm:gamma=0.5:-3,beta=1e3"),
        _shifted_error,
        _shifted_spread,
    ),
    "groupnorm": RowBound(
        (
            "groupnorm:groups=2",
            "groupnorm:groups=1,eps=0",
            "groupnorm:groups=2,gamma=1:0.5:2:-3,beta=0:1:-1e3:5",
        ),
        _shifted_error,
        _shifted_spread,
    ),
    "rmsnorm": RowBound(
        ("rmsnorm", "rmsnorm:eps=0", "rmsnorm:gamma=1:0.5:2:-3,eps=0.1"),
        _root_mean_square_error,
        lambda m, p, x, eta: (
            (math.hypot(p["rms"], math.sqrt(m.eps)) or 1.0) / abs(p["gamma"]) * eta
        ),
    ),
    "unit": RowBound(
        ("unit", "unit:norm=l1", "unit:norm=max"),
        lambda m, p, x: _ulps(4, x) + _LEAST * (1 + p["norm"]),
        lambda m, p, x, eta: (p["norm"] or 1.0) * eta,
    ),
    "clipnorm": RowBound(
        ("clipnorm", "clipnorm:max=1e-3", "clipnorm:max=1e9"),
        lambda m, p, x: _ulps(4, x) + _LEAST * (1 + 1 / _factor(m, p)),
        lambda m, p, x, eta: eta / _factor(m, p),
    ),
    "adanorm": RowBound(
        ("adanorm", "adanorm:k=0.25", "adanorm:k=0,c=-3", "adanorm:eps=0,k=0.28,c=0.01"),
        _ada_error,
        _ada_spread,
    ),
}
