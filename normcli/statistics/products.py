"""Exact sums and cross products of vectors, from which their covariance matrix follows."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from normcli.statistics.base import Index, Kind, State, Values, register
from normcli.statistics.exactsum import LIMB_BITS, ExactSum
from normcli.statistics.kernel import CHUNK, digits_of

__all__ = ["CrossProducts"]

Floats = npt.NDArray[np.float64]

# Sums of products of two digits over CHUNK vectors stay below 2^49: as many may be added up.
_SUMS_BETWEEN_FLUSHES = 8
_NUMBERS_AT_ONCE = 2**18


@register
class CrossProducts(State):
    """Σxᵢ and Σxᵢxⱼ by cell over vectors of `size` elements, without rounding.

    Only whole vectors count: one of which an element is missing is left out. Products are those
    of i ≤ j, row by row of the upper triangle. `size` is 0 until there is a vector.
    """

    name: ClassVar[str] = "products"
    fields: ClassVar[tuple[str, ...]] = ("vectors", "sums", "products")
    kinds: ClassVar[tuple[Kind, ...]] = ()
    of_vectors: ClassVar[bool] = True

    def __init__(
        self, size: int, counts: npt.NDArray[np.int64], sums: ExactSum, products: ExactSum
    ) -> None:
        self.size = size
        self.counts = counts
        self.sums = sums
        self.products = products

    @classmethod
    def empty(cls, kind: Kind, cells: int) -> Self:
        return cls(0, np.zeros(cells, np.int64), ExactSum(0), ExactSum(0))

    @property
    def pairs(self) -> int:
        """The number of products of a vector."""
        return self.size * (self.size + 1) // 2

    def _sized(self, size: int) -> None:
        if self.size == 0 and size:
            self.size = size
            cells = len(self.counts)
            self.sums, self.products = ExactSum(cells * size), ExactSum(cells * self.pairs)

    def update(self, values: Values) -> None:
        vectors = values.vectors
        if vectors is None or len(vectors) == 0:
            return
        self._sized(vectors.shape[1])
        starts = np.zeros(1, np.intp) if values.starts is None else values.starts
        cells = np.zeros(1, np.intp) if values.cells is None else values.cells
        ends = np.append(starts[1:], len(vectors))
        self.counts[cells] += ends - starts
        step = max(1, min(CHUNK, _NUMBERS_AT_ONCE // self.size))
        for cell, start, end in zip(cells.tolist(), starts.tolist(), ends.tolist(), strict=True):
            for begin in range(start, end, step):
                self._add(vectors[begin : min(end, begin + step)], cell)

    def _add(self, vectors: Floats, cell: int) -> None:
        """Add the vectors of one cell, cut into digits, so that BLAS adds without rounding."""
        size = self.size
        powers: list[int] = []
        digits: list[Floats] = []
        for rows, low, shift in digits_of(vectors.ravel()):
            for i, row in enumerate(rows):
                powers.append(low + i + shift)
                digits.append(np.ldexp(row, -LIMB_BITS * (low + i)).reshape(vectors.shape))
        if not digits:
            return
        own = np.arange(size) + cell * size
        for power, part in zip(powers, digits, strict=True):
            self.sums.add(power, part.sum(axis=0)[None, :], own)
        stacked = np.concatenate(digits, axis=1)
        gram = stacked.T @ stacked
        upper = np.triu_indices(size)
        pairs = np.arange(self.pairs) + cell * self.pairs
        waiting: dict[int, tuple[Floats, int]] = {}
        for a, power in enumerate(powers):
            for b, other in enumerate(powers):
                block = gram[a * size : (a + 1) * size, b * size : (b + 1) * size][upper]
                at = power + other
                total, count = waiting.get(at, (np.zeros(self.pairs), 0))
                if count == _SUMS_BETWEEN_FLUSHES:
                    self.products.add(at, total[None, :], pairs)
                    total, count = np.zeros(self.pairs), 0
                waiting[at] = (total + block, count + 1)
        for at, (total, _) in waiting.items():
            self.products.add(at, total[None, :], pairs)

    def merge(self, other: Self) -> Self:
        size = max(self.size, other.size)
        if self.size not in (0, size) or other.size not in (0, size):
            raise ValueError(f"vectors of {self.size} and of {other.size} elements")
        mine, theirs = (self if self.size else other), (other if other.size else self)
        if self.size and other.size:
            sums, products = mine.sums + theirs.sums, mine.products + theirs.products
        else:
            sums, products = mine.sums.copy(), mine.products.copy()
        return type(self)(size, self.counts + other.counts, sums, products)

    def scatter(self, where: Index, cells: int) -> Self:
        counts = np.zeros(cells, np.int64)
        counts[where] = self.counts
        if self.size == 0:
            return type(self)(0, counts, ExactSum(0), ExactSum(0))
        each = (self.size, self.pairs)
        spread = [(where[:, None] * n + np.arange(n)).ravel() for n in each]
        return type(self)(
            self.size,
            counts,
            self.sums.scatter(spread[0], cells * each[0]),
            self.products.scatter(spread[1], cells * each[1]),
        )

    def fold(self, cells: int = 1) -> Self:
        counts = self.counts.reshape(-1, cells).sum(axis=0)
        if self.size == 0:
            return type(self)(0, counts, ExactSum(0), ExactSum(0))
        return type(self)(
            self.size,
            counts,
            self.sums.fold(cells * self.size),
            self.products.fold(cells * self.pairs),
        )

    def covariance(self, cell: int, ddof: int = 0) -> tuple[list[float], Floats] | None:
        """Return mean and covariance of a cell's vectors, correctly rounded; None if n ≤ ddof."""
        count = int(self.counts[cell])
        if count <= ddof:
            return None
        sums = self.sums.integers()[cell * self.size : (cell + 1) * self.size]
        products = self.products.integers()[cell * self.pairs : (cell + 1) * self.pairs]
        unit = Fraction(2) ** self.sums.exponent
        mean = [_nearest(Fraction(total) * unit / count) for total in sums]
        # n·Σxᵢxⱼ − Σxᵢ·Σxⱼ as a whole number of units, so that no digits cancel.
        base = min(self.products.exponent, 2 * self.sums.exponent)
        scale = self.products.exponent - base, 2 * self.sums.exponent - base
        divisor = count * (count - ddof)
        power = Fraction(2) ** base / divisor
        matrix = np.zeros((self.size, self.size))
        for k, (i, j) in enumerate(
            zip(*map(np.ndarray.tolist, np.triu_indices(self.size)), strict=True)
        ):
            whole = count * (products[k] << scale[0]) - (sums[i] * sums[j] << scale[1])
            matrix[i, j] = matrix[j, i] = _nearest(whole * power)
        return mean, matrix

    def to_json(self) -> list[list[Any]]:
        sums, products = self.sums.to_hex(), self.products.to_hex()
        cells = range(len(self.counts))
        return [
            self.counts.tolist(),
            [" ".join(sums[c * self.size : (c + 1) * self.size]) for c in cells],
            [" ".join(products[c * self.pairs : (c + 1) * self.pairs]) for c in cells],
        ]

    @classmethod
    def from_json(cls, kind: Kind, columns: list[list[Any]]) -> Self:
        counts, sums, products = columns
        if any(type(n) is not int or not 0 <= n < 2**63 for n in counts):
            raise ValueError("the number of vectors must be a whole number from 0")
        if any(not isinstance(text, str) for text in [*sums, *products]):
            raise ValueError("exact sums are texts")
        state = cls.empty(kind, len(counts))
        state.counts = np.array(counts, np.int64)
        parts = [
            [str(text).split(" ") if text else [] for text in each] for each in (sums, products)
        ]
        size = len(parts[0][0]) if parts[0] else 0
        state.size = size
        if any(len(part) != size for part in parts[0]) or any(
            len(part) != state.pairs for part in parts[1]
        ):
            raise ValueError("the sums and products of vectors do not match")
        state.sums = ExactSum.from_hex([text for part in parts[0] for text in part])
        state.products = ExactSum.from_hex([text for part in parts[1] for text in part])
        return state


def _nearest(number: Fraction) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
