"""A search for quantiles of one column: which scan to make next, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from normcli.selection.grid import Grid, KeyGrid, LinearGrid, Narrowing
from normcli.selection.keys import KeyScale
from normcli.selection.scans import Collected, FirstLook, Histogram, SharedGrid
from normcli.statistics.base import Kind

__all__ = ["Search"]

Index = npt.NDArray[np.intp]
Counts = npt.NDArray[np.int64]
Scan = FirstLook | Histogram | Collected

_VALUE_BYTES = 24  # a value, its slot, and room to sort them
_COUNT_BYTES = 8
# Few enough bins for their counts to stay in the cache.
_FIRST_BITS = 16


class Search:
    """Quantiles by cell, of type 7 (Hyndman and Fan): linear between order statistics.

    Rank h = (n − 1)·p for n values; the quantile is x₍⌊h⌋₎ + (h − ⌊h⌋)·(x₍⌊h⌋₊₁₎ − x₍⌊h⌋₎).
    `memory` bounds, in bytes, what a scan holds in all `workers` together.
    """

    def __init__(
        self, kind: Kind, shares: Sequence[Fraction], memory: int, workers: int, grouped: bool
    ) -> None:
        self.kind: Kind = kind
        self.shares = tuple(shares)
        self.memory = memory
        self.workers = workers
        self.results: dict[Fraction, list[Any]] | None = None
        # A small part of the budget, so that data that fit are done in one scan, and others
        # have not cost much.
        limit = max(1 << 16, memory // (8 * _VALUE_BYTES * workers))
        countable = not grouped and kind != "wide"
        shared = SharedGrid(self._bins(1, _FIRST_BITS)) if countable else None
        self._next: Callable[[], Scan] = lambda: FirstLook(kind, limit, shared)
        self._narrowing = Narrowing()
        self._linear = False
        self._scale = KeyScale(kind)

    def scan(self) -> Scan:
        """Return the empty state of the next scan."""
        return self._next()

    def start(self, counts: Counts, lows: list[Any], highs: list[Any], look: FirstLook) -> None:
        """Go on from the first scan, with each cell's count, minimum and maximum."""
        self._begin_targets(counts)
        if look.buffer is not None:
            self._finish(look.buffer)
            return
        seen = counts > 0
        known = [value for value in lows if value is not None]
        top = [value for value in highs if value is not None]
        self._scale = KeyScale.of_range(self.kind, min(known), max(top))
        self._low = self._keys_of(lows, seen)
        self._high = self._keys_of(highs, seen)
        if look.histogram is not None:
            self._narrow(look.histogram)
        else:
            self._cut(len(counts))

    def _keys_of(self, values: list[Any], seen: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint64]:
        if self.kind == "wide":
            some = [self._scale.key(value) for value in values if value is not None]
            found = np.array(some, np.uint64)
        else:
            dtype = {"float": np.float64, "int": np.int64, "uint": np.uint64}[self.kind]
            found = self._scale.keys((np.array([v for v in values if v is not None], dtype),))
        keys = np.zeros(len(values), np.uint64)
        keys[seen] = found
        return keys

    def absorb(self, scan: Histogram | Collected) -> None:
        """Go on from a later scan."""
        if isinstance(scan, Histogram):
            self._narrow(scan)
        else:
            self._finish(scan)

    def _begin_targets(self, counts: Counts) -> None:
        """Turn shares into ranks: two order statistics for each cell and share."""
        self._counts = counts
        cells = np.flatnonzero(counts)
        self._cells = cells
        targets, ranks, self._weights = [], [], []
        for share in self.shares:
            # Whole numbers, so that a rank is never off by a rounding.
            scaled = (counts[cells] - 1).astype(object) * share.numerator
            lower = np.array([int(h) // share.denominator for h in scaled], np.int64)
            rest = [int(h) % share.denominator for h in scaled]
            self._weights.append([r / share.denominator for r in rest])
            upper = np.minimum(lower + 1, counts[cells] - 1)
            targets += [cells, cells]
            ranks += [lower, upper]
        self._slots: Index = np.concatenate(targets) if targets else np.zeros(0, np.intp)
        self._ranks: Counts = np.concatenate(ranks) if ranks else np.zeros(0, np.int64)
        self._found: list[Any] = [None] * len(self._slots)
        self._open: Index = np.arange(len(self._slots))

    def _bins(self, slots: int, most_bits: int) -> int:
        """Return a power of two of bins for each slot that fits the memory."""
        fitting = self.memory // (2 * _COUNT_BYTES * self.workers * max(1, slots))
        return 1 << max(1, min(most_bits, fitting.bit_length() - 1))

    def _cut(self, slots: int) -> None:
        """Have the slots' values counted by bin in the next scan."""
        scale, narrowing = self._scale, self._narrowing
        bins = self._bins(slots, 22)
        grid: Grid | None = None
        # By turns, since either kind of bin can be very uneven; keys are sure to end.
        if self.kind == "float" and not self._linear:
            grid = LinearGrid.over(scale, self._low, self._high, bins)
        if grid is None:
            grid = KeyGrid.over(self._low, self._high, bins)
        self._linear = isinstance(grid, LinearGrid)
        self._next = lambda: Histogram(scale, narrowing, grid, slots)

    def _narrow(self, seen: Histogram) -> None:
        """Find each open target's bin; collect the bins' values if they are few, else cut again."""
        grid, cumulative = seen.grid, np.cumsum(seen.counts)
        before = np.concatenate([[0], cumulative])
        position = before[self._slots * grid.bins] + self._ranks
        flat = np.searchsorted(cumulative, position, side="right")
        self._ranks = position - before[flat]
        chosen, self._slots = np.unique(flat, return_inverse=True)
        low, high = grid.range_of(self._scale, chosen, self._low, self._high)
        if self._scale.dropped == 0:
            self._settle(low, high)
        keep, self._slots = np.unique(self._slots, return_inverse=True)
        sizes = seen.counts[chosen[keep]]
        self._low, self._high = low[keep], high[keep]
        if len(self._open) == 0:
            self._publish()
            return
        self._narrowing = self._narrowing.then(grid, chosen[keep], seen.slots)
        deepest = bool(np.all(self._low == self._high))
        if deepest or int(sizes.sum()) * _VALUE_BYTES <= self.memory // 2:
            scale, narrowing = self._scale, self._narrowing
            self._next = lambda: Collected(scale, narrowing)
        else:
            self._cut(len(keep))

    def _settle(self, low: npt.NDArray[np.uint64], high: npt.NDArray[np.uint64]) -> None:
        """Answer the targets whose bin holds a single key; the others stay open."""
        single = low[self._slots] == high[self._slots]
        values = self._scale.values(low[self._slots[single]])
        for target, value in zip(self._open[single].tolist(), values, strict=True):
            self._found[target] = value
        self._open, self._slots = self._open[~single], self._slots[~single]
        self._ranks = self._ranks[~single]

    def _finish(self, collected: Collected) -> None:
        """Answer the open targets from the sorted values of their slots."""
        planes, slots = collected.sorted()
        starts = np.searchsorted(slots, self._slots)
        chosen = starts + self._ranks
        picked = [plane[chosen].tolist() for plane in planes]
        values = (
            picked[0]
            if len(picked) == 1
            else [(high << 64) | low for high, low in zip(*picked, strict=True)]
        )
        for target, value in zip(self._open.tolist(), values, strict=True):
            self._found[target] = value + 0.0 if self.kind == "float" else value
        self._publish()

    def _publish(self) -> None:
        size = len(self._cells)
        results: dict[Fraction, list[Any]] = {}
        for i, share in enumerate(self.shares):
            lower = self._found[2 * i * size : (2 * i + 1) * size]
            upper = self._found[(2 * i + 1) * size : (2 * i + 2) * size]
            column: list[Any] = [None] * len(self._counts)
            for cell, a, b, weight in zip(
                self._cells.tolist(), lower, upper, self._weights[i], strict=True
            ):
                column[cell] = _between(a, b, weight)
            results[share] = column
        self.results = results


def _between(a: Any, b: Any, weight: float) -> Any:
    """Return a + weight·(b − a), exactly a where the weight is 0 or both are equal."""
    if weight == 0.0 or a == b:
        return a
    if isinstance(a, float):
        # Symmetric, as NumPy's: no overshoot at either end; halves where b − a overflows.
        gap = b - a
        if gap == float("inf"):
            return a * (1 - weight) + b * weight
        return a + gap * weight if weight < 0.5 else b - gap * (1 - weight)
    exact = a + Fraction(weight) * (b - a)
    return exact.numerator / exact.denominator
