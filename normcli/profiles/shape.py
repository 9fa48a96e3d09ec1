"""The shape of a sample of numbers."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from normcli.profiles.profile import Shape

__all__ = ["shape_of"]

Floats = npt.NDArray[np.float64]

_FENCE = 3.0
_PERCENTILES = np.arange(1, 100)
_NORMAL = np.array([NormalDist().inv_cdf(percent / 100) for percent in _PERCENTILES.tolist()])


def shape_of(sample: npt.NDArray[Any], extremes: tuple[float, float] | None = None) -> Shape | None:
    """Return the shape of finite numbers, None of none; `extremes` are those of all values.

    >>> shape_of(np.array([1.0, 2.0, 3.0, 4.0, 100.0])).quartiles
    (2.0, 3.0, 4.0)
    """
    if not len(sample):
        return None
    x = np.sort(np.asarray(sample, np.float64))
    low, high = extremes or (float(x[0]), float(x[-1]))
    # What is squared and cubed must neither overflow nor vanish.
    magnitude = float(np.abs(x).max()) or 1.0
    scaled = x / magnitude
    q1, q2, q3 = (float(q) for q in np.percentile(scaled, (25, 50, 75)))
    width = q3 - q1
    inside = (scaled >= q1 - _FENCE * width) & (scaled <= q3 + _FENCE * width)
    core = scaled[inside] if width else scaled
    deviation, core_deviation = float(scaled.std()), float(core.std())
    reach = max(high / magnitude - q3, q1 - low / magnitude)
    return Shape(
        len(x),
        _skew(scaled),
        _skew(core),
        1 - len(core) / len(x),
        deviation / core_deviation if core_deviation else 1.0,
        reach / width if width else math.inf if reach else 0.0,
        _straightness(scaled),
        (q1 * magnitude, q2 * magnitude, q3 * magnitude),
        float((scaled == q2).mean()),
    )


def _skew(x: Floats) -> float:
    centred = x - x.mean()
    variance = float((centred * centred).mean())
    return float((centred**3).mean()) / variance**1.5 if variance > 0 else 0.0


def _straightness(x: Floats) -> float:
    values = np.percentile(x, _PERCENTILES)
    if values[0] == values[-1]:
        return 0.0
    return float(np.corrcoef(values, _NORMAL)[0, 1])
