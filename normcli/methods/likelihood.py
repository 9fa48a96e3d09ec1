"""Maximum likelihood for power transforms: the lambda at which y is as normal as it can be.

Per value, −log likelihood is F(λ) = ½·ln var(y) − λ·mean(s·l), up to a constant, with l the
logarithm that y = s·(e^(ω·l) − 1)/ω is made of: ω = λ and s = 1 above zero, ω = 2 − λ and s = −1
below. F is convex, so it has one minimum: var(y) is a sum of squares of differences between
two values, each an integral (or a sum of two) of e^(ω·t), hence log-convex in λ (Marchand,
Muzellec et al., "SecureFedYJ: a safe feature Gaussianization protocol for federated
learning", 2022).

A scan takes exact sums of y at NODES lambdas, the Chebyshev points of a window; the polynomial
through F there has its minimum in the window, or tells on which side to look. F is analytic within
|Im λ| < π/2·span⁻¹, span being the range of s·l, so that a window of ±½·span⁻¹ gives the minimum
to the last digits; a wider one mostly does too, and its last coefficients say whether.

No digits cancel and nothing overflows: l is taken less that of an anchor (the largest value, if
all have one sign), accurately for values near it, and y is divided by its largest power and
by the span, which F makes good for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.methods import chebyshev
from normcli.methods.base import Expressions, Found, Needs, Question
from normcli.statistics import Summary

__all__ = [
    "QUESTIONS",
    "Start",
    "extremes",
    "lanes",
    "needs",
    "nonzero",
    "refine",
    "window",
]

Floats = npt.NDArray[np.float64]

NODES = 16
"""The number of lambdas in a scan; even, so that none is in the middle, where y may be ln x."""

QUESTIONS = (
    Question(),
    Question(f"sums of y at {NODES} lambdas", more=3),
)
"""What is asked for, for `fit --explain`."""

_POINTS = chebyshev.points(NODES)
# Point k lies between edges k and k + 2.
_EDGES = np.array([1.0, *_POINTS, -1.0])
# In units of 1/span: the first window, one that always suffices, and what is near enough.
_WIDE, _NARROW = 3.0, 0.5
# Windows are put together from their ends, and made a little smaller by `_without_zero`.
_NEAR_END = 2.0**-16
_ENOUGH = 1e-7
_DECIMALS = 9
# Values that stay in the processor's cache.
_CHUNK = 2**13

_KEPT = (
    *("count", "span", "anchor", "rise", "fall", "lowest", "highest"),
    *("lower", "upper", "answer", "center", "half"),
)


@dataclass(frozen=True)
class Start:
    """What the search in each cell begins with; arrays with an entry for each.

    `anchor` is the |x| whose logarithm is subtracted, `rise` and `fall` are the logarithms,
    less the anchor's, that are farthest from 0 above and below zero; each is 0 where there are no
    such values. `answer` is what needs no search: NaN where it does.
    """

    count: Floats
    span: Floats
    anchor: Floats
    rise: Floats
    fall: Floats
    center: Floats
    lowest: Floats
    highest: Floats
    answer: Floats


def extremes(summary: Summary) -> tuple[Floats, Floats, Floats]:
    """Return min, max (NaN where there is no value) and the count, as float64 as x will be."""
    unit = 10**summary.scale

    def number(value: Any) -> float:
        if value is None:
            return math.nan
        return float(Fraction(value) * unit) / float(unit) if summary.scale else float(value)

    low, high = (np.array([number(v) for v in each]) for each in (summary.min, summary.max))
    return low, high, np.array(summary.count, np.float64)


@np.errstate(all="ignore")
def window(start: Start) -> dict[str, list[Any]]:
    """Return what is known before the first scan of the search, by cell."""
    reach = np.maximum(start.highest - start.center, start.center - start.lowest)
    half = np.clip(reach, _NARROW / start.span, _WIDE / start.span)
    center = np.where(np.isnan(start.answer) & (start.count > 0), start.center, np.nan)
    half = np.where(np.isnan(center), np.nan, half)
    known = {
        "count": start.count,
        "span": start.span,
        "anchor": start.anchor,
        "rise": start.rise,
        "fall": start.fall,
        "lowest": start.lowest,
        "highest": start.highest,
        "lower": np.full(len(center), -np.inf),
        "upper": np.full(len(center), np.inf),
        "answer": start.answer,
    }
    return _known({**known, **_without_zero(center, half)})


def _without_zero(center: Floats, half: Floats) -> dict[str, Floats]:
    """Return a window none of whose lambdas is 0 or 2, where the formula is another."""
    for _ in range(3):
        nodes = [center + half * point for point in _POINTS]
        special = np.any([(node == 0) | (node == 2) for node in nodes], axis=0)
        half = np.where(special, half * (1 - 2.0**-20), half)
    return {"center": center, "half": half}


def _known(numbers: dict[str, Floats]) -> dict[str, list[Any]]:
    """Return arrays as lists; with lambda as soon as no cell is left to search in."""
    found = {
        key: [None if math.isnan(n) else n for n in each.tolist()] for key, each in numbers.items()
    }
    if all(center is None for center in found["center"]):
        found["lambda"] = found["answer"]
    return found


def needs(found: Found, of: Callable[[pl.Expr, Expressions], Sequence[pl.Expr]]) -> Needs | None:
    """Return what to ask for next: extremes, then sums of what `of` makes by `lanes`."""
    if "lambda" in found:
        return None
    if "center" not in found:
        return Needs(("extremes",))
    return Needs(("moments",), of=of, lanes=NODES + 1)


def nonzero(power: pl.Series) -> pl.Series:
    """Return the exponent, 0 where it is too small for float64 to tell from the logarithm."""
    return pl.select(pl.when(power.abs() < 1e-100).then(0.0).otherwise(power)).to_series()


def lanes(log: pl.Expr, below: pl.Expr | None, p: Expressions) -> list[pl.Expr]:
    """Return s·l, and y at every node less a constant and over a factor that F makes good for.

    `log` is l less that of the anchor; `below` tells the values below zero, if there may be any.
    """
    signed = log if below is None else pl.when(below).then(-log).otherwise(log)
    sides = pl.lit(False) if below is None else below.fill_null(False)
    read = [log, sides, *(p[name] for name in ("center", "half", "span", "rise", "fall"))]
    return [
        signed,
        # In NumPy: its e^z − 1 is several times as fast as what expressions are made of.
        *(pl.map_batches(read, partial(_powers, point), pl.Float64) for point in _POINTS),
    ]


@np.errstate(all="ignore")
def _powers(point: float, read: Sequence[pl.Series]) -> pl.Series:
    """Return y at one node: s·(e^(ω·l) − 1)/ω, over the largest power and the span."""
    log, below, *cells = (series.to_numpy() for series in read)
    made = np.empty(len(log))
    for begin in range(0, len(log), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        own = [each[part] if len(each) == len(log) else each for each in (below, *cells)]
        made[part] = _power(point, log[part], own[0], *own[1:])
    return pl.Series(made)


def _power(
    point: float,
    log: Floats,
    below: npt.NDArray[np.bool_],
    *cells: Floats,
) -> Floats:
    center, half, span, rise, fall = cells
    above = center + half * point
    shift = np.maximum(np.maximum(above * rise, (2 - above) * fall), 0)
    power, sign = above, np.ones(1)
    if below.any():
        power, sign = np.where(below, 2 - above, above), np.where(below, -1.0, 1.0)
    z = log * power
    # e^(z − shift) as a product whose factors do not overflow, since z is at most shift.
    near = np.minimum(z, 300.0) if np.max(shift) > 300 else z
    y = np.expm1(near) * (np.exp((z - near) - shift) if near is not z else np.exp(-shift))
    y *= sign / (power * span)
    # |y| ≤ 1: rounded to multiples of 2^−51, so that exact sums take few digits.
    return (y + 3.0) - 3.0


@np.errstate(all="ignore")
def refine(summary: Summary, found: Found) -> dict[str, list[Any]]:
    """Return where to look next, given the sums over `lanes`; and lambda, once all have one."""
    known = {key: np.array(found[key], np.float64) for key in _KEPT}
    center, half, span = known["center"], known["half"], known["span"]
    mean = summary.lane(0).moments.means(known["count"])
    values = _objective(summary, known, mean)
    series = chebyshev.coefficients(values)
    slope = chebyshev.derivative(series)
    bend = chebyshev.derivative(slope)

    # The polynomial may be off at the ends of a wide window; but F is convex, so that a least
    # value between two others is a sure sign. Points run from right to left.
    least = np.argmin(values, axis=0)
    surely = (least > 0) & (least < NODES - 1)
    end = np.ones(len(center))
    right = ~surely & (chebyshev.at(slope, end) <= 0)
    left = ~surely & ~right & (chebyshev.at(slope, -end) >= 0)
    # Beyond that end it is not, as another window has told: then it is right before the end.
    edge = half * _NEAR_END
    at_right = right & (center + half >= known["upper"] - edge)
    at_left = left & (center - half <= known["lower"] + edge)
    right, left = right & ~at_right, left & ~at_left
    inside = ~(right | left)
    place = chebyshev.minimum(slope, _EDGES[least + 2], _EDGES[least])
    root = center + half * place

    curvature = chebyshev.at(bend, place)
    tail = np.abs(series[-1]) + np.abs(series[-2])
    doubt = half * tail * NODES / np.sqrt(1 - np.minimum(place**2, 0.999)) / curvature
    narrow = half * span <= _NARROW * 1.001
    trusted = narrow | ((doubt <= _ENOUGH) & ~(at_right | at_left))
    answer = np.where(inside & trusted, root, np.nan)
    answer = np.where(right & (center + half >= known["highest"]), known["highest"], answer)
    answer = np.where(left & (center - half <= known["lowest"]), known["lowest"], answer)
    # Zeros have one sign; and a lambda is not claimed to have more digits than it has.
    answer = np.round(np.clip(answer, known["lowest"], known["highest"]), _DECIMALS) + 0.0

    lower = np.where(right, center + half, np.where(inside, center - half, known["lower"]))
    upper = np.where(left, center - half, np.where(inside, center + half, known["upper"]))
    lower = np.where(at_right, center + half * _POINTS[1], lower)
    upper = np.where(at_left, center + half * _POINTS[-2], upper)
    known["lower"], known["upper"] = lower, upper
    closer = np.where(np.isfinite(doubt), np.minimum(10 * doubt, half / 2), half / 2)
    ahead = {direction: _ahead(direction, known, mean, (slope, bend)) for direction in (1.0, -1.0)}
    next_center = np.where(right, ahead[1.0][0], np.where(left, ahead[-1.0][0], root))
    next_half = np.where(right, ahead[1.0][1], np.where(left, ahead[-1.0][1], closer))
    # It lies between two windows that were looked into: then all that is between them.
    between = (right | left | at_right | at_left) & np.isfinite(upper - lower)
    next_center = np.where(between, (lower + upper) / 2, next_center)
    next_half = np.maximum(np.where(between, (upper - lower) / 2, next_half), _NARROW / span)

    known["answer"] = np.where(np.isnan(center), known["answer"], answer)
    closed = np.isnan(center) | ~np.isnan(answer)
    next_center, next_half = (np.where(closed, np.nan, each) for each in (next_center, next_half))
    return _known({**known, **_without_zero(next_center, next_half)})


def _objective(summary: Summary, known: Mapping[str, Floats], mean: Floats) -> list[Floats]:
    """Return F at every node; `mean` is that of s·l."""
    values = []
    for k, point in enumerate(_POINTS):
        node = known["center"] + known["half"] * point
        variance = summary.lane(k + 1).moments.variances(known["count"])
        shift = np.maximum(np.maximum(node * known["rise"], (2 - node) * known["fall"]), 0)
        values.append(np.log(variance) / 2 + (shift - node * mean))
    return values


def _ahead(
    direction: float,
    known: Mapping[str, Floats],
    mean: Floats,
    derivatives: tuple[Sequence[Floats], Sequence[Floats]],
) -> tuple[Floats, Floats]:
    """Return center and half of a window beyond this one, in that direction (1 or −1).

    From two guesses of the minimum: Newton's, good if it is near; and one for far away, where y
    is its largest values alone, so that the slope less what it tends to falls as 1/λ or faster.
    """
    span, half = known["span"], known["half"]
    slope, bend = (chebyshev.at(each, np.full(len(span), direction)) for each in derivatives)
    down, curvature = -direction * slope / half, np.maximum(bend, 0) / half**2
    reached = direction * known["center"] + half
    newton = np.minimum(np.nan_to_num(down / curvature, nan=np.inf), 20 * half)
    below, above = known["fall"] < 0, known["rise"] < 0
    if direction > 0:
        limit = np.maximum(known["rise"], 0) + np.where(below, span, 0) - mean
        origin = np.where(below, 2.0, 0.0)
        farthest = known["highest"]
    else:
        limit = np.maximum(known["fall"], 0) + np.where(above, span, 0) + mean
        origin = np.where(above, 0.0, -2.0)
        farthest = -known["lowest"]
    far = np.maximum(reached - origin, 0) * np.nan_to_num(1 + down / limit, nan=1.0, posinf=1.0)
    stop = np.maximum(reached + np.maximum(2.5 * newton, 1 / span), origin + 1.3 * far)
    stop = np.minimum(stop, np.maximum(farthest, reached + 1 / span))
    first = np.maximum(reached, np.minimum(origin + 0.3 * far, stop - 1 / span))
    return direction * (first + stop) / 2, (stop - first) / 2
