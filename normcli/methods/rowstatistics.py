"""Statistics of rows: of each of their parts, without what is missing there (NaN).

None of them overflows before its result does: where squares would leave the range of float64, a
part is multiplied by a power of two before, and the statistic divided by it, both exactly.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.methods.base import nonzero_scale

__all__ = ["Rows", "mean_and_std", "nonzero", "norm", "root_mean_square"]

Rows = npt.NDArray[np.float64]
"""Numbers by row: rows × parts × elements, or one number for each part: rows × parts."""

_LARGE, _SMALL = 2.0**500, 2.0**-500


def mean_and_std(x: Rows) -> tuple[Rows, Rows]:
    """Return the mean and the population standard deviation of each part.

    >>> mean_and_std(np.array([[[1.0, 2.0, 3.0, np.nan]]]))
    (array([[2.]]), array([[0.81649658]]))
    """
    mean, std = _scaled(_mean_and_std, x)
    return mean, std


def _mean_and_std(x: Rows) -> tuple[Rows, Rows]:
    # From the least value on: the mean of a constant row is then exactly its value.
    low = np.fmin.reduce(x, axis=-1)
    above = x - low[..., None]
    mean = _mean(above)
    return low + mean, np.sqrt(_mean((above - mean[..., None]) ** 2))


def root_mean_square(x: Rows) -> Rows:
    """Return √(mean(x²)) of each part.

    >>> root_mean_square(np.array([[[1.0, 7.0, np.nan]]]))
    array([[5.]])
    """
    return _scaled(lambda block: (np.sqrt(_mean(block**2)),), x)[0]


def norm(x: Rows, kind: str) -> Rows:
    """Return the l2, l1 or max norm of each part.

    >>> [norm(np.array([[[3.0, -4.0]]]), kind).item() for kind in ("l2", "l1", "max")]
    [5.0, 7.0, 4.0]
    """
    if kind == "max":
        return np.asarray(np.fmax.reduce(np.abs(x), axis=-1))
    if kind == "l1":
        return _scaled(lambda block: (_sums(np.abs(block))[0],), x)[0]
    return _scaled(lambda block: (np.sqrt(_sums(block**2)[0]),), x)[0]


def nonzero(scale: Rows) -> Rows:
    """Return scales to divide by: 1 where it is exactly zero."""
    return nonzero_scale(pl.Series(scale.ravel())).to_numpy().reshape(scale.shape)


def _scaled(statistics: Callable[[Rows], tuple[Rows, ...]], x: Rows) -> tuple[Rows, ...]:
    """Return statistics that grow with x as x itself does."""
    largest = np.fmax.reduce(np.abs(x), axis=-1)
    hard = (largest > _LARGE) & np.isfinite(largest) | (largest < _SMALL) & (largest > 0)
    found = statistics(x)
    if hard.any():
        exponents = np.frexp(largest[hard])[1]
        block = np.ldexp(x[hard], -exponents[:, None])[:, None, :]
        for whole, part in zip(found, statistics(block), strict=True):
            whole[hard] = np.ldexp(part[:, 0], exponents)
    return found


def _sums(x: Rows) -> tuple[Rows, Rows | int]:
    """Return the sum of each part's numbers, NaN where there are none, and how many there are."""
    sums = np.asarray(x.sum(axis=-1))
    if not np.isnan(sums).any():
        return sums, x.shape[-1]
    absent = np.isnan(x)
    counts = (~absent).sum(axis=-1).astype(np.float64)
    sums = np.where(counts == 0, np.nan, np.where(absent, 0.0, x).sum(axis=-1))
    return sums, np.maximum(counts, 1)


def _mean(x: Rows) -> Rows:
    sums, counts = _sums(x)
    return np.asarray(sums / counts)
