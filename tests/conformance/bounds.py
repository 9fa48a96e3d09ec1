"""How near a value comes back to what it was: the bounds that docs/round-trip.md derives.

Every registered method has an entry here, or the conformance tests fail. All errors are
absolute, in the units of what enters the step.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from normcli.methods import METHODS, Method

__all__ = ["BOUNDS", "COLUMN_METHODS", "ENCODERS", "Bound", "Coded", "chain_error"]

COLUMN_METHODS = [
    name for name in sorted(METHODS) if not (METHODS[name].joins or METHODS[name].encodes)
]
"""What treats numbers one by one; of others, which take vectors, see row_bounds, and of those
that take text, dates and so on `ENCODERS`."""

Params = Mapping[str, Any]

_LEAST = 5e-324
_MACHINE = 2.0**-52


@dataclass(frozen=True)
class Bound:
    """What is known of one method.

    `examples` are chains of this one step that the tests run. `error` bounds what apply and
    invert do to x; `spread` bounds how far x moves when y is off by eta. Whole numbers come
    back identical where |x| (or |x − shift|, if the method is equivariant) is below `whole`;
    `smallest` is where the domain begins. `covers` says whether the bound holds for an x, y being
    able to hold numbers up to a largest one: elsewhere y overflows, or can't tell x from others.
    """

    examples: tuple[str, ...]
    error: Callable[[Method, Params, float], float]
    spread: Callable[[Method, Params, float, float], float]
    whole: int
    smallest: float = -math.inf
    covers: Callable[[Params, float, float], bool] | None = None
    largest: float = 2.0**1020
    """Beyond that a difference, a power or a parameter may overflow."""
    moves: bool = True
    """Whether the shift lies among the values, wherever these are."""

    def holds(self, p: Params, x: float, largest: float) -> bool:
        """Say whether the bound covers an x, y being able to hold numbers up to `largest`."""
        return self.covers is None or self.covers(p, x, largest)


def _ulps(count: int, *magnitudes: float) -> float:
    return count * math.ulp(max(map(abs, magnitudes)))


def _scale_of(name: str) -> Callable[[Params], float]:
    def scale(p: Params) -> float:
        if name == "range":
            return float(Fraction(p["max"]) - Fraction(p["min"])) or 1.0
        return float(p[name]) or 1.0

    return scale


def _shifted(
    examples: Sequence[str], shift: str, scale: Callable[[Params], float], limited: bool = False
) -> Bound:
    """y = (x − shift)/scale; `limited` if the scale does not grow with max|x − shift|."""

    def within(p: Params, x: float, largest: float) -> bool:
        distance = abs(Fraction(x) - Fraction(p[shift]))
        return distance < Fraction(scale(p)) * Fraction(largest)

    return Bound(
        tuple(examples),
        lambda m, p, x: _ulps(4, x, float(p[shift])) + _LEAST * (1 + scale(p)),
        lambda m, p, x, eta: scale(p) * eta,
        2**49,
        covers=within if limited else None,
    )


def _scaled(examples: Sequence[str], scale: Callable[[Params], float]) -> Bound:
    """y = x/scale."""
    return Bound(
        tuple(examples),
        lambda m, p, x: _ulps(4, x) + _LEAST * (1 + scale(p)),
        lambda m, p, x, eta: scale(p) * eta,
        2**49,
    )


def _width(m: Any) -> float:
    return float(m.high) - float(m.low)


def _minmax_error(m: Any, p: Params, x: float) -> float:
    low, span = float(p["min"]), _scale_of("range")(p)
    tiny = _LEAST * (1 + span + span / _width(m))
    if (m.low, m.high) == (0, 1):
        return _ulps(4, x, low) + tiny
    zero = float(Fraction(p["min"]) - Fraction(m.low) * Fraction(span) / Fraction(_width(m)))
    return _ulps(17, x, low, zero) + tiny


def _batchnorm_error(m: Any, p: Params, x: float) -> float:
    mean: float = p["running_mean"]
    scale = _batchnorm_scale(m, p)
    tiny = _LEAST * (1 + scale + scale / abs(m.gamma))
    zero = float(Fraction(mean) - Fraction(m.beta) * Fraction(scale) / Fraction(m.gamma))
    return _ulps(4 if (m.gamma, m.beta) == (1, 0) else 17, x, mean, zero) + float(tiny)


def _batchnorm_scale(m: Any, p: Params) -> float:
    return float(math.sqrt(float(p["running_var"]) + float(m.eps))) or 1.0


def _batchnorm(*examples: str) -> Bound:
    def spread(m: Any, p: Params, x: float, eta: float) -> float:
        return _batchnorm_scale(m, p) / abs(float(m.gamma)) * eta

    def within(p: Params, x: float, largest: float) -> bool:
        # The scale does not grow with x; of the options that bound it, eps is at least 1e-5.
        distance = abs(Fraction(x) - Fraction(p["running_mean"]))
        scale = max(math.sqrt(p["running_var"]), 2.0**-9)
        return distance * 4 < Fraction(scale) * Fraction(largest)

    return Bound(
        examples,
        _batchnorm_error,
        spread,
        2**47,
        covers=within,
        largest=2.0**510,
        moves=False,
    )


def _curved(
    examples: Sequence[str],
    condition: Callable[[Any, float], float],
    spread: Callable[[Any, float, float], float],
    smallest: float = -math.inf,
) -> Bound:
    """A function and its inverse, each within 3 ulp, 4 with a scale; condition is |y·x′(y)/x|."""
    return Bound(
        tuple(examples),
        lambda m, p, x: (
            4 * (condition(m, x) + 1) * _MACHINE * abs(x) + _LEAST * (1 + getattr(m, "s", 0))
        ),
        lambda m, p, x, eta: spread(m, x, eta),
        2**42,
        smallest,
    )


def _root(power: int, error: float, whole: int, example: str, smallest: float) -> Bound:
    """y = x^(1/power)."""

    def spread(m: Method, p: Params, x: float, eta: float) -> float:
        y = abs(x) ** (1 / power)
        return float((y + eta) ** power - y**power) + error * abs(x)

    return Bound((example,), lambda m, p, x: error * abs(x) + _LEAST, spread, whole, smallest)


def _share(q: Sequence[float], x: float) -> float:
    """Return F(x), with the definition's words: the mean over equal quantiles, 0 and 1 at the ends.

    In steps between quantiles, of which there are len(q) − 1.
    """
    if x <= q[0] or x >= q[-1]:
        return 0.0 if x <= q[0] else len(q) - 1.0
    left, right = bisect.bisect_left(q, x), bisect.bisect_right(q, x)
    if left < right:
        return (left + right - 1) / 2
    gap = Fraction(q[left]) - Fraction(q[left - 1])
    return float(left - 1 + (Fraction(x) - Fraction(q[left - 1])) / gap)


def _value(q: Sequence[float], place: float) -> float:
    """Return what lies so many steps from the least quantile."""
    place = min(max(place, 0.0), len(q) - 1.0)
    i = min(int(place), max(0, len(q) - 2))
    above = q[min(i + 1, len(q) - 1)]
    return float(Fraction(q[i]) + Fraction(place - i) * (Fraction(above) - Fraction(q[i])))


def _quantile_error(m: Any, p: Params, x: float) -> float:
    q = p["quantiles"]
    if x in q:
        return 0.0
    i = bisect.bisect(q, x) - 1
    gap = float(Fraction(q[i + 1]) - Fraction(q[i]))
    error = (8 if m.to == "uniform" else 40) * len(q) * 2.0**-53 * gap + _ulps(1, q[i], q[i + 1])
    share = _share(q, x) / (len(q) - 1)
    # Nearer than that to either end, Φ⁻¹ gives the end itself.
    near = m.to == "normal" and min(share, 1 - share) < 1e-7 * (1 + 1e-6)
    return error + near * 1e-7 * len(q) * gap + 2 * _LEAST


def _quantile_spread(m: Any, p: Params, x: float, eta: float) -> float:
    q, steps = p["quantiles"], len(p["quantiles"]) - 1
    place = _share(q, x)
    # Φ is nowhere steeper than 1/√(2π) < 0.4; and what may be a quantile is taken to be it.
    reach = (eta + place * 2.0**-51) if m.to == "uniform" else 0.4 * eta + 2.0**-49
    # The ends themselves stand in y as if they were that far from themselves.
    near = 1e-7 if m.to == "normal" else 0.0
    ends = [min(place, (1 - near) * steps), max(place, near * steps)]
    ends = [ends[0] - reach * steps, ends[1] + reach * steps]
    if ends[0] < near * steps:
        ends[0] = 0.0
    if ends[1] > (1 - near) * steps:
        ends[1] = float(steps)
    middle = _value(q, place)
    return max(abs(_value(q, end) - middle) for end in ends) * (1 + 1e-9)


def _power(examples: Sequence[str], offset: int, smallest: float = -math.inf) -> Bound:
    """y = ±(e^(ω·l) − 1)/ω with l = ln(offset + |x|), ω = λ, for x < 0 2 − λ."""

    def parts(p: Params, x: float) -> tuple[float, float, float]:
        """Return ω, l, and what a relative error of y is multiplied with to be one of e^l."""
        power = float(2 - p["lambda"] if x < 0 else p["lambda"])
        log = math.log1p(abs(x)) if offset else math.log(x)
        if power == 0:
            return power, log, abs(log)
        return power, log, abs(math.expm1(min(-power * log, 709.0)) / power)

    def covers(p: Params, x: float, largest: float) -> bool:
        power, log, condition = parts(p, x)
        rounding = 2.0**-53 if largest > 2.0**200 else 2.0**-24
        # y = −1/ω to so many digits that the others don't tell x, or y overflows.
        told = abs(power) * condition * 8 * rounding < 2.0**-8
        return told and power * log < math.log(largest) + min(0.0, math.log(abs(power) or 1))

    def error(m: Method, p: Params, x: float) -> float:
        power, log, condition = parts(p, x)
        relative = (16 * condition + 20 * abs(log)) * 2.0**-53
        tiny = 8 * _LEAST * (1 + abs(power) + (1 / abs(power) if power else 0))
        return (offset + abs(x)) * relative + 12 * 2.0**-53 * abs(x) + tiny

    def spread(m: Method, p: Params, x: float, eta: float) -> float:
        power, log, _ = parts(p, x)
        moved = eta / math.exp(power * log)
        if power:
            lost = abs(power) * moved
            moved = -math.log1p(-lost) / abs(power) if lost < 1 else math.inf
        return (offset + abs(x)) * (math.expm1(moved) if moved < 700 else math.inf)

    return Bound(tuple(examples), error, spread, 2**42, smallest, covers)


def _nothing(*examples: str) -> Bound:
    return Bound(examples, lambda m, p, x: 0.0, lambda m, p, x, eta: eta, 2**53)


BOUNDS: dict[str, Bound] = {
    "zscore": _shifted(("zscore", "zscore:ddof=1"), "mean", _scale_of("std")),
    "center": _shifted(("center",), "mean", lambda p: 1.0),
    "mean_range": _shifted(("mean_range",), "mean", _scale_of("range")),
    "median_of_means": _shifted(
        ("median_of_means", "median_of_means:blocks=1"), "mean", _scale_of("std"), limited=True
    ),
    "robust": _shifted(
        ("robust", "robust:low=10,high=90", "robust:unit_variance=true"),
        "median",
        lambda p: float(Fraction(p["q_high"]) - Fraction(p["q_low"])) or 1.0,
        limited=True,
    ),
    "mad": _shifted(
        ("mad", "mad:k=1"),
        "median",
        lambda p: 1.482602218505602 * _scale_of("mad")(p),
        limited=True,
    ),
    "batchnorm": _batchnorm(
        "batchnorm", "batchnorm:batch=4,momentum=none", "batchnorm:batch=8,gamma=2,eps=0.1"
    ),
    "quantile": Bound(
        ("quantile", "quantile:to=normal", "quantile:points=3"),
        _quantile_error,
        _quantile_spread,
        2**39,
    ),
    "minmax": Bound(
        ("minmax", "minmax:low=-1,high=1", "minmax:low=0.1,high=0.7", "minmax:low=1,high=2"),
        _minmax_error,
        lambda m, p, x, eta: _scale_of("range")(p) / _width(m) * eta,
        2**47,
    ),
    "scale": _scaled(("scale", "scale:ddof=1"), _scale_of("std")),
    "maxabs": _scaled(("maxabs",), _scale_of("max_abs")),
    "rms": _scaled(("rms",), _scale_of("rms")),
    "decimal": _scaled(("decimal",), lambda p: 10.0 ** min(p["exponent"], 308)),
    "log": _curved(
        ("log",), lambda m, x: abs(math.log(x)), lambda m, x, eta: x * math.expm1(eta), _LEAST
    ),
    "log2": _curved(
        ("log2",), lambda m, x: abs(math.log(x)), lambda m, x, eta: x * math.expm1(eta), _LEAST
    ),
    "log10": _curved(
        ("log10",),
        lambda m, x: abs(math.log(x)),
        lambda m, x, eta: x * math.expm1(eta * math.log(10)),
        _LEAST,
    ),
    "log1p": _curved(
        ("log1p",),
        lambda m, x: 1 + max(0.0, math.log1p(x)),
        lambda m, x, eta: (1 + x) * math.expm1(eta),
        math.nextafter(-1.0, 0.0),
    ),
    "symlog": _curved(
        ("symlog",),
        lambda m, x: 1 + math.log1p(abs(x)),
        lambda m, x, eta: (1 + abs(x)) * math.expm1(eta),
    ),
    "asinh": _curved(
        ("asinh", "asinh:s=0.01", "asinh:s=1000"),
        lambda m, x: 1 + math.asinh(abs(x) / m.s),
        lambda m, x, eta: (abs(x) + m.s) * math.expm1(eta),
    ),
    "sqrt": _root(2, 3 * 2.0**-53, 2**50, "sqrt", 0.0),
    "cbrt": _root(3, 8 * 2.0**-53, 2**48, "cbrt", -math.inf),
    "boxcox": _power(("boxcox", "boxcox:lambda=0.5", "boxcox:lambda=0"), 0, _LEAST),
    "yeojohnson": _power(("yeojohnson", "yeojohnson:lambda=1.5", "yeojohnson:lambda=0"), 1),
    "clip": _nothing("clip:low=-1e300", "clip:low=-1e300,high=1e300", "clip:low_q=0,high_q=100"),
    # On its own it leaves the column out of the fit.
    "skip": _nothing("skip+clip:low=-1e300"),
}


@dataclass(frozen=True)
class Coded:
    """What is known of a method that encodes values: text, dates and so on.

    `examples` are chains of this one step that the tests run on any column that the method
    takes; `bounded` ones, on the text that the tests have, have no code for what they have not
    seen. `returned` is what apply and invert together make of a text.
    """

    examples: tuple[str, ...]
    bounded: tuple[str, ...]
    returned: Callable[[str], str]


ENCODERS: dict[str, Coded] = {
    "ordinal": Coded(("ordinal", "ordinal:unseen=null"), ("ordinal",), lambda text: text),
    "tokens": Coded(
        ("tokens", "tokens:pad=post,oov=<oov>,length=6"),
        (),
        lambda text: " ".join(text.lower().replace(",", " ").split()),
    ),
}


def chain_error(steps: Sequence[tuple[Method, Params]], entered: Sequence[float]) -> float:
    """Return how far the chain may bring entered[0] back from itself; entered[i] enters step i.

    What the later steps do to their input is a disturbance of the output of the step before.
    """
    eta = 0.0
    for i, ((method, params), x) in enumerate(reversed(list(zip(steps, entered, strict=True)))):
        bound = BOUNDS[method.name]
        disturbed = bound.spread(method, params, x, eta) if i else 0.0
        # Errors of second order, where errors are not small any more at the first.
        eta = bound.error(method, params, x) + disturbed * (1 + 1e-9)
    return eta
