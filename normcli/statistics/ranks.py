"""Where percentiles lie among sorted values: Hyndman and Fan's type 7, in whole numbers.

The quantile at a share p of n values has rank h = (n − 1)·p; it is
x₍⌊h⌋₎ + (h − ⌊h⌋)·(x₍⌊h⌋₊₁₎ − x₍⌊h⌋₎), order statistics being counted from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Ranks"]

Index = npt.NDArray[np.intp]
Counts = npt.NDArray[np.int64]
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Ranks:
    """Places between two order statistics of their cell, none in cells without values.

    Place i is part[i]/whole[i] of the way from x₍lower[i]₎ to x₍upper[i]₎ of cell cells[i]; part
    and whole are int64, or Python integers where those could overflow.
    """

    cells: Index
    lower: Counts
    upper: Counts
    part: Array
    whole: Array

    def __len__(self) -> int:
        return len(self.cells)

    @classmethod
    def at(cls, counts: Counts, share: Fraction) -> Ranks:
        """Return the place of one share in each cell that has `counts` > 0 values."""
        cells = np.flatnonzero(counts)
        factor = np.full(len(cells), share.numerator, object)
        return cls._of(cells, counts[cells], factor, np.full(len(cells), share.denominator, object))

    @classmethod
    def spread(cls, counts: Counts, points: int) -> Ranks:
        """Return evenly spaced places from minimum to maximum, at most one for each value.

        >>> ranks = Ranks.spread(np.array([5, 0, 2]), 3)
        >>> ranks.cells.tolist(), ranks.lower.tolist()
        ([0, 0, 0, 2, 2], [0, 2, 4, 0, 1])
        """
        some = np.flatnonzero(counts)
        many = np.minimum(counts[some], points)
        cells = np.repeat(some, many)
        place = np.arange(len(cells)) - np.repeat(np.cumsum(many) - many, many)
        return cls._of(cells, counts[cells], place, np.maximum(1, np.repeat(many, many) - 1))

    @classmethod
    def _of(cls, cells: Index, counts: Counts, factor: Array, whole: Array) -> Ranks:
        """Return the places of the shares factor/whole."""
        last = counts - 1
        largest = int(last.max(initial=0)) * int(max(factor, default=0))
        small = largest < 2**63 and int(max(whole, default=0)) < 2**53
        dtype = np.int64 if small else object
        scaled, whole = last.astype(dtype) * factor.astype(dtype), whole.astype(dtype)
        lower = (scaled // whole).astype(np.int64)
        return cls(cells, lower, np.minimum(lower + 1, last), scaled % whole, whole)

    @staticmethod
    def joined(parts: Sequence[Ranks]) -> Ranks:
        """Return all places, one part after the other."""
        names = ("cells", "lower", "upper", "part", "whole")
        return Ranks(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    @property
    def weights(self) -> npt.NDArray[np.float64]:
        """The share of the upper order statistic at each place, correctly rounded."""
        if self.part.dtype == object:
            return np.array([p / w for p, w in zip(self.part, self.whole, strict=True)], np.float64)
        return np.asarray(self.part / self.whole, np.float64)

    def between(self, lower: Array, upper: Array) -> list[Any]:
        """Return the quantiles, given the order statistics: exact where they are one of these.

        Of whole numbers they are correctly rounded.
        """
        if lower.dtype == np.float64:
            return self._between_floats(lower, upper)
        rows = zip(
            lower.tolist(), upper.tolist(), self.part.tolist(), self.whole.tolist(), strict=True
        )
        return [a if p == 0 or a == b else (a * (w - p) + b * p) / w for a, b, p, w in rows]

    def _between_floats(self, a: Array, b: Array) -> list[float]:
        weight = self.weights
        # Symmetric, as NumPy's: no overshoot at either end; halves where b − a overflows.
        with np.errstate(over="ignore", invalid="ignore"):
            gap = b - a
            near = np.where(weight < 0.5, a + gap * weight, b - gap * (1 - weight))
            mixed = np.where(np.isinf(gap), a * (1 - weight) + b * weight, near)
        found: list[float] = np.where((self.part == 0) | (a == b), a, mixed).tolist()
        return found

    def by_cell(self, values: list[Any], cells: int) -> list[Any]:
        """Return for each of all cells the list of its places' values, None where it has none."""
        lists: list[Any] = [None] * cells
        edges = [0, *(np.flatnonzero(np.diff(self.cells)) + 1).tolist(), len(self)]
        for start, end in pairwise(edges):
            if start < end:
                lists[int(self.cells[start])] = values[start:end]
        return lists
