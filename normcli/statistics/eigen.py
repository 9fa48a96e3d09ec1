"""Eigenvalues and eigenvectors of symmetric matrices, the same on every machine.

The libraries behind numpy.linalg choose their code by processor, and differ in the last digits.
Jacobi's method needs only additions, products, quotients and roots of float64, which IEEE 754
defines to the last bit; it is also the most accurate one for small eigenvalues (Demmel and
Veselić, "Jacobi's method is more accurate than QR", 1992).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["eigen", "is_singular", "weighted_gram"]

Floats = npt.NDArray[np.float64]

_SWEEPS = 60
_EPSILON = 2.0**-53


def eigen(matrix: Floats) -> tuple[Floats, Floats]:
    """Return eigenvalues, the largest first, and eigenvectors as columns, of a symmetric matrix.

    The largest component of each vector is positive. Rotations as in Golub and Van Loan,
    "Matrix Computations", 4th edition, algorithm 8.5.2 (cyclic by rows).

    >>> values, vectors = eigen(np.array([[2.0, 1.0], [1.0, 2.0]]))
    >>> values.round(12).tolist()
    [3.0, 1.0]
    """
    a = np.array(matrix, np.float64)
    size = len(a)
    v = np.eye(size)
    # Scaled by a power of two, so that no square overflows or vanishes.
    largest = float(np.max(np.abs(a))) if size else 0.0
    exponent = math.frexp(largest)[1] if largest else 0
    a = np.ldexp(a, -exponent)
    for _ in range(_SWEEPS):
        rotated = False
        for p in range(size - 1):
            for q in range(p + 1, size):
                rotated |= _rotate(a, v, p, q)
        if not rotated:
            break
    values = np.ldexp(np.diag(a), exponent)
    order = np.argsort(-values, kind="stable")
    vectors = v[:, order]
    for column in vectors.T:
        if size and column[int(np.argmax(np.abs(column)))] < 0:
            np.negative(column, out=column)
    return values[order], vectors


def _rotate(a: Floats, v: Floats, p: int, q: int) -> bool:
    """Make a[p, q] zero by a rotation, in place; say whether it was not already."""
    off = float(a[p, q])
    pp, qq = float(a[p, p]), float(a[q, q])
    if abs(off) <= _EPSILON * math.sqrt(abs(pp)) * math.sqrt(abs(qq)) or off == 0.0:
        return False
    tau = (qq - pp) / (2.0 * off)
    t = (
        math.copysign(1.0, tau) / (abs(tau) + math.sqrt(1.0 + tau * tau))
        if abs(tau) < 1e150
        else 0.5 / tau
    )
    c = 1.0 / math.sqrt(1.0 + t * t)
    s = t * c
    for matrix in (a, a.T, v):
        left, right = matrix[:, p].copy(), matrix[:, q].copy()
        matrix[:, p] = c * left - s * right
        matrix[:, q] = s * left + c * right
    a[p, q] = a[q, p] = 0.0
    return True


def is_singular(covariance: Floats) -> bool:
    """Return whether a covariance matrix is singular, up to the rounding of its entries.

    That is told from the correlations, so that columns of very different sizes do not matter.

    >>> is_singular(np.array([[1.0, 1e9], [1e9, 1e18]])), is_singular(np.diag([1.0, 1e18]))
    (True, False)
    """
    variances = np.diag(covariance)
    if not (variances > 0).all():
        return True
    deviations = np.sqrt(variances)
    values, _ = eigen(covariance / deviations[:, None] / deviations)
    return bool(values[-1] <= len(values) * 4 * _EPSILON * values[0])


def weighted_gram(vectors: Floats, weights: Floats) -> Floats:
    """Return Σₖ weights[k]·vectors[:, k]·vectors[:, k]ᵀ, symmetric, added up in the order of k."""
    total = np.zeros((len(vectors), len(vectors)))
    for weight, column in zip(weights.tolist(), vectors.T, strict=True):
        total += (weight * column)[:, None] * column
    return (total + total.T) / 2
