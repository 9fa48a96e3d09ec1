"""What methods have in common whose statistics are those of each row alone: nothing is fitted.

A row is one tensor, in parts (its channels, or groups of them; most methods have one part) that
have statistics of their own. NaN, which stands for null as well, takes no part in them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.errors import DataError
from normcli.methods.base import Method, nonnegative, nonzero_scale

__all__ = ["Kept", "RowMethod", "Rows", "mean_and_std", "nonzero", "root_mean_square"]

Rows = npt.NDArray[np.float64]
"""Numbers by row: rows × parts × elements, or one number for each part: rows × parts."""
Kept = dict[str, Rows]
"""What each row loses, by name: rows × parts."""

# Beyond, squares leave the range of float64.
_LARGE, _SMALL = 2.0**500, 2.0**-500


@dataclass(frozen=True)
class RowMethod(Method):
    """Base of row-wise methods: `forward_rows` and `inverse_rows` instead of expressions."""

    joins: ClassVar[bool] = True
    wants: ClassVar[str] = "numbers, or tensors of one shape"
    keeps: ClassVar[tuple[tuple[str, str], ...]] = ()
    """The numbers that a row loses, names and meanings."""
    by_part: ClassVar[bool] = False
    """Whether a row has several parts."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if "eps" in self.option_fields():
            nonnegative(self, "eps")

    def parts(self, shape: tuple[int, ...]) -> int:
        """Return how many parts a tensor of that shape has."""
        return 1

    @property
    def loss(self) -> str:
        """Why no row can be brought back with these options, if so."""
        gamma = getattr(self, "gamma", 1.0)
        zero = 0 in gamma if isinstance(gamma, tuple) else gamma == 0
        return "multiplies by a gamma of 0" if zero else ""

    def check_shape(self, what: str, shape: tuple[int, ...]) -> None:
        """Raise DataError, naming `what`, if tensors of that shape can't be treated."""
        for option in ("gamma", "beta"):
            self._check_length(what, option, int(np.prod(shape)), "elements")

    def _check_length(self, what: str, option: str, count: int, of: str) -> None:
        value = getattr(self, option, None)
        if isinstance(value, tuple) and len(value) != count:
            raise DataError(
                f"{self.name}: {option} has {len(value)} numbers, but {what} has {count} {of}",
                f"give one number, or {count} with colons between them: {option}=1:0.5:…",
            )

    def spread(self, option: str, shape: tuple[int, ...]) -> Rows:
        """Return an option that is one number or many as parts × elements, or as a scalar."""
        return _spread(getattr(self, option), self.parts(shape), int(np.prod(shape)))

    def forward_rows(self, x: Rows, shape: tuple[int, ...]) -> tuple[Rows, Kept]:
        """Return the normalized rows, and what they lose."""
        raise NotImplementedError

    def inverse_rows(self, y: Rows, kept: Kept, shape: tuple[int, ...]) -> Rows:
        """Return the original rows."""
        raise NotImplementedError


def _spread(value: Any, parts: int, size: int) -> Rows:
    if not isinstance(value, tuple):
        return np.asarray(value, np.float64)
    every = np.repeat(np.asarray(value, np.float64), size // len(value))
    return every.reshape(parts, -1)


def nonzero(scale: Rows) -> Rows:
    """Return scales to divide by: 1 where it is exactly zero."""
    return nonzero_scale(pl.Series(scale.ravel())).to_numpy().reshape(scale.shape)


def mean_and_std(x: Rows) -> tuple[Rows, Rows]:
    """Return the mean and the population standard deviation of each part.

    >>> mean_and_std(np.array([[[1.0, 2.0, 3.0, np.nan]]]))
    (array([[2.]]), array([[0.81649658]]))
    """
    # From the least value on: the mean of a constant row is then exactly its value.
    low = np.fmin.reduce(x, axis=-1)
    with np.errstate(invalid="ignore", over="ignore"):
        counts, sums = _sums(x - low[..., None])
        means = low + _divided(sums, counts)

    def deviation(block: Rows) -> Rows:
        count, first = _sums(block)
        center = _divided(first, count)
        return np.asarray(np.sqrt(_divided(_sums((block - center[..., None]) ** 2)[1], count)))

    with np.errstate(invalid="ignore", over="ignore"):
        return means, scaled(deviation, x - low[..., None])


def root_mean_square(x: Rows) -> Rows:
    """Return √(mean(x²)) of each part.

    >>> root_mean_square(np.array([[[1.0, 7.0, np.nan]]]))
    array([[5.]])
    """

    def root(block: Rows) -> Rows:
        count, squares = _sums(block**2)
        return np.asarray(np.sqrt(_divided(squares, count)))

    return scaled(root, x)


def scaled(statistic: Callable[[Rows], Rows], x: Rows) -> Rows:
    """Return a statistic that grows with x, of parts whose squares may be beyond float64.

    They are multiplied by a power of two before, and the statistic divided by it, both exactly.
    """
    largest = np.fmax.reduce(np.abs(x), axis=-1)
    hard = ((largest > _LARGE) & np.isfinite(largest)) | ((largest < _SMALL) & (largest > 0))
    with np.errstate(invalid="ignore", over="ignore"):
        found = statistic(x)
        if hard.any():
            exponents = np.frexp(largest[hard])[1]
            block = np.ldexp(x[hard], -exponents[:, None])
            found[hard] = np.ldexp(statistic(block[:, None, :])[:, 0], exponents)
    return found


def _sums(x: Rows) -> tuple[Rows, Rows]:
    """Return how many numbers each part has, and their sum."""
    absent = np.isnan(x)
    if not absent.any():
        return np.full(x.shape[:-1], float(x.shape[-1])), x.sum(axis=-1)
    counts = (~absent).sum(axis=-1).astype(np.float64)
    return counts, np.where(absent, 0.0, x).sum(axis=-1)


def _divided(sums: Rows, counts: Rows) -> Rows:
    return np.asarray(sums / np.where(counts == 0, np.nan, counts))
