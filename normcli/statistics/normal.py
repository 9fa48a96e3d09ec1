"""The standard normal distribution over arrays: Φ and its inverse, near full float64 precision.

Φ by W. J. Cody, "Rational Chebyshev approximations for the error function", Mathematics of
Computation 23 (1969), 631–637; Φ⁻¹ by M. J. Wichura, "Algorithm AS 241: The percentage points of
the normal distribution", Applied Statistics 37 (1988), 477–484.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["cumulative", "percentage_point"]

Floats = npt.NDArray[np.float64]


def _table(*polynomials: str) -> list[list[float]]:
    """Return the coefficients of two polynomials, the highest power first."""
    return [[float(number) for number in text.split()] for text in polynomials]


_ERF = _table(
    """
    1.85777706184603153e-1 3.16112374387056560 1.13864154151050156e2 3.77485237685302021e2
    3.20937758913846947e3
    """,
    """
    1.0 2.36012909523441209e1 2.44024637934444173e2 1.28261652607737228e3 2.84423683343917062e3
    """,
)
_ERFC = _table(
    """
    2.15311535474403846e-8 5.64188496988670089e-1 8.88314979438837594 6.61191906371416295e1
    2.98635138197400131e2 8.81952221241769090e2 1.71204761263407058e3 2.05107837782607147e3
    1.23033935479799725e3
    """,
    """
    1.0 1.57449261107098347e1 1.17693950891312499e2 5.37181101862009858e2 1.62138957456669019e3
    3.29079923573345963e3 4.36261909014324716e3 3.43936767414372164e3 1.23033935480374942e3
    """,
)
_CENTRAL = _table(
    """
    2.5090809287301226727e3 3.3430575583588128105e4 6.7265770927008700853e4
    4.5921953931549871457e4 1.3731693765509461125e4 1.9715909503065514427e3
    1.3314166789178437745e2 3.3871328727963666080
    """,
    """
    5.2264952788528545610e3 2.8729085735721942674e4 3.9307895800092710610e4
    2.1213794301586595867e4 5.3941960214247511077e3 6.8718700749205790830e2
    4.2313330701600911252e1 1.0
    """,
)
_TAIL = _table(
    """
    7.74545014278341407640e-4 2.27238449892691845833e-2 2.41780725177450611770e-1
    1.27045825245236838258 3.64784832476320460504 5.76949722146069140550 4.63033784615654529590
    1.42343711074968357734
    """,
    """
    1.05075007164441684324e-9 5.47593808499534494600e-4 1.51986665636164571966e-2
    1.48103976427480074590e-1 6.89767334985100004550e-1 1.67638483018380384940
    2.05319162663775882187 1.0
    """,
)
_FAR_TAIL = _table(
    """
    2.01033439929228813265e-7 2.71155556874348757815e-5 1.24266094738807843860e-3
    2.65321895265761230930e-2 2.96560571828504891230e-1 1.78482653991729133580
    5.46378491116411436990 6.65790464350110377720
    """,
    """
    2.04426310338993978564e-15 1.42151175831644588870e-7 1.84631831751005468180e-5
    7.86869131145613259100e-4 1.48753612908506148525e-2 1.36929880922735805310e-1
    5.99832206555887937690e-1 1.0
    """,
)
# Φ is taken no farther out: there it is 1e-9 from 0 or 1.
_FARTHEST = 5.65


def _ratio(coefficients: Sequence[Sequence[float]], x: Floats) -> Floats:
    """Return the quotient of two polynomials in x."""
    sums = []
    for polynomial in coefficients:
        total = np.full_like(x, polynomial[0])
        for coefficient in polynomial[1:]:
            total *= x
            total += coefficient
        sums.append(total)
    return np.asarray(sums[0] / sums[1], np.float64)


def cumulative(y: Floats) -> Floats:
    """Return Φ(y) for |y| ≤ 5.65, and beyond what it is there; NaN of NaN.

    >>> cumulative(np.array([-1.0, 0.0, 1.0])).round(12).tolist()
    [0.158655253931, 0.5, 0.841344746069]
    """
    x = np.clip(y, -_FARTHEST, _FARTHEST) / math.sqrt(2)
    size = np.abs(x)
    # e^(−x²) of an x² whose rounding would show in the last digits: of a few leading bits, exact,
    # and of what is left.
    leading = np.trunc(size * 16) / 16
    decay = np.exp(-leading * leading) * np.exp(-(size - leading) * (size + leading))
    half = decay * _ratio(_ERFC, size) / 2
    near = 0.5 + x * _ratio(_ERF, x * x) / 2
    return np.where(size <= 0.46875, near, np.where(x < 0, half, 1 - half))


def percentage_point(p: Floats) -> Floats:
    """Return Φ⁻¹(p) for 0 < p < 1; NaN of NaN.

    >>> percentage_point(np.array([0.025, 0.5])).round(12).tolist()
    [-1.95996398454, 0.0]
    """
    q = p - 0.5
    y = q * _ratio(_CENTRAL, 0.180625 - q * q)
    outer = np.flatnonzero(np.abs(q) > 0.425)
    if len(outer):
        part = q[outer]
        r = np.sqrt(-np.log(np.where(part < 0, p[outer], 1 - p[outer])))
        tail = np.where(r <= 5, _ratio(_TAIL, r - 1.6), _ratio(_FAR_TAIL, r - 5))
        y[outer] = np.copysign(tail, part)
    return y
