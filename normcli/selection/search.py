"""A search for quantiles of one column: which scan to make next, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from normcli.selection.grid import Grid, KeyGrid, LinearGrid, Narrowing
from normcli.selection.keys import KeyScale
from normcli.selection.scans import Collected, FirstLook, Histogram, Swept
from normcli.selection.windows import SharedWindows, Windows
from normcli.statistics.base import Kind
from normcli.statistics.ranks import Ranks

__all__ = ["Search"]

Index = npt.NDArray[np.intp]
Counts = npt.NDArray[np.int64]
Scan = FirstLook | Swept | Histogram | Collected

_VALUE_BYTES = 24  # a value, its slot, and room to sort them
_WINDOW_BYTES = 8  # a value of a window; few of them are ever sorted
_COUNT_BYTES = 8
# Few enough bins for their counts to stay in the cache.
_FIRST_BITS = 14
# A sample of more values makes windows no smaller that it would be worth it.
_SAMPLE = 1 << 17
_DTYPES: dict[str, Any] = {"float": np.float64, "int": np.int64, "uint": np.uint64}


class Search:
    """Quantiles by cell, of type 7 (Hyndman and Fan): linear between order statistics.

    Those at `shares`, and with `points` as many as that, evenly spaced. `memory` bounds, in
    bytes, what a scan holds in all `workers` together.
    """

    def __init__(
        self,
        kind: Kind,
        shares: Sequence[Fraction],
        memory: int,
        workers: int,
        grouped: bool,
        points: int = 0,
    ) -> None:
        self.kind: Kind = kind
        self.shares = tuple(shares)
        self.points = points
        self.memory = memory
        self.workers = workers
        self.results: dict[Fraction, list[Any]] | None = None
        """Once found: for each share the quantile of each cell."""
        self.spread: list[Any] = []
        """Once found: for each cell the list of `points` evenly spaced quantiles."""
        # A small part of the budget, so that data that fit are done in one scan, and others
        # have not cost much.
        limit = max(1 << 16, memory // (8 * _VALUE_BYTES * workers))
        room = memory // (4 * _WINDOW_BYTES * workers)
        self._shared = shared = None
        if not grouped and kind != "wide":
            limit = min(limit, _SAMPLE)
            self._shared = shared = SharedWindows(self._windows_around)
        self._next: Callable[[], Scan] = lambda: FirstLook(kind, limit, room, shared)
        self._narrowing = Narrowing()
        self._linear = False
        self._scale = KeyScale(kind)

    def scan(self) -> Scan:
        """Return the empty state of the next scan."""
        return self._next()

    def sample(self) -> FirstLook:
        """Return the empty state of a sample, which places the windows of the first scan."""
        return FirstLook(self.kind, _SAMPLE, 0, self._shared)

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
        if look.swept is not None:
            self._narrow(look.swept)
        else:
            self._cut(len(counts))

    def _keys_of(self, values: list[Any], seen: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint64]:
        if self.kind == "wide":
            some = [self._scale.key(value) for value in values if value is not None]
            found = np.array(some, np.uint64)
        else:
            some = [value for value in values if value is not None]
            found = self._scale.keys((np.array(some, _DTYPES[self.kind]),))
        keys = np.zeros(len(values), np.uint64)
        keys[seen] = found
        return keys

    def absorb(self, scan: Swept | Histogram | Collected) -> None:
        """Go on from a later scan."""
        if isinstance(scan, Collected):
            self._finish(scan)
        elif isinstance(scan, Swept):
            self._answer(scan, np.flatnonzero(scan.windows.numbers)[self._slots])
        else:
            self._narrow(scan)

    def _ranks_of(self, counts: Counts) -> list[Ranks]:
        parts = [Ranks.at(counts, share) for share in self.shares]
        return [*parts, Ranks.spread(counts, self.points)] if self.points else parts

    def _windows_around(self, sample: npt.NDArray[Any]) -> Windows:
        """Return windows for the first scan, given some values, sorted."""
        ordered = sample.astype(_DTYPES[self.kind], copy=False)
        ranks = Ranks.joined(self._ranks_of(np.array([len(sample)])))
        return Windows.around(self._scale, ordered, ranks, self._bins(1, _FIRST_BITS))

    def _begin_targets(self, counts: Counts) -> None:
        """Turn shares into ranks: two order statistics, one after all the other, for each place."""
        self._counts = counts
        parts = self._ranks_of(counts)
        self._sizes = [len(part) for part in parts]
        self._places = Ranks.joined(parts)
        self._slots: Index = np.concatenate([self._places.cells, self._places.cells])
        self._ranks: Counts = np.concatenate([self._places.lower, self._places.upper])
        self._found = np.zeros(len(self._slots), _DTYPES.get(self.kind, object))
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

    def _narrow(self, seen: Swept | Histogram) -> None:
        """Find each open target's bin; collect the bins' values if they are few, else cut again."""
        grid, cumulative = seen.grid, np.cumsum(seen.counts)
        first = self._slots * grid.bins
        position = np.where(first > 0, cumulative[first - 1], 0) + self._ranks
        flat = np.searchsorted(cumulative, position, side="right")
        self._ranks = position - np.where(flat > 0, cumulative[flat - 1], 0)
        if isinstance(seen, Swept) and seen.holds(flat):
            self._answer(seen, flat)
            return
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
        slots = seen.slots if isinstance(seen, Histogram) else 1
        self._narrowing = self._narrowing.then(grid, chosen[keep], slots)
        deepest = bool(np.all(self._low == self._high))
        # However little memory there is: not fewer than make up the results.
        few = max(self.memory // 2 // _VALUE_BYTES, 2 * len(self._places))
        if deepest or int(sizes.sum()) <= few:
            scale, narrowing = self._scale, self._narrowing
            self._next = lambda: Collected(scale, narrowing)
            if isinstance(seen, Swept):
                none = np.zeros(len(keep), _DTYPES[self.kind])
                windows = Windows.at(seen.windows.grid, chosen[keep], none)
                self._next = lambda: Swept(scale, windows, few)
        else:
            self._cut(len(keep))

    def _answer(self, swept: Swept, bins: Index) -> None:
        """Answer the open targets, which lie in windows at bins."""
        found = swept.find(bins, self._ranks)
        # Adding 0.0 makes −0.0 the 0.0 that it equals.
        self._found[self._open] = found + 0.0 if self.kind == "float" else found
        self._publish()

    def _settle(self, low: npt.NDArray[np.uint64], high: npt.NDArray[np.uint64]) -> None:
        """Answer the targets whose bin holds a single key; the others stay open."""
        single = low[self._slots] == high[self._slots]
        self._found[self._open[single]] = self._scale.values(low[self._slots[single]])
        self._open, self._slots = self._open[~single], self._slots[~single]
        self._ranks = self._ranks[~single]

    def _finish(self, collected: Collected) -> None:
        """Answer the open targets from the sorted values of their slots."""
        planes, slots = collected.sorted()
        starts = np.searchsorted(slots, self._slots)
        chosen = starts + self._ranks
        picked = [plane[chosen] for plane in planes]
        if len(picked) == 2:
            pairs = zip(picked[0].tolist(), picked[1].tolist(), strict=True)
            self._found[self._open] = [(high << 64) | low for high, low in pairs]
        else:
            # Adding 0.0 makes −0.0 the 0.0 that it equals.
            self._found[self._open] = picked[0] + 0.0 if self.kind == "float" else picked[0]
        self._publish()

    def _publish(self) -> None:
        lower, upper = np.split(self._found, 2)
        values = self._places.between(lower, upper)
        results: dict[Fraction, list[Any]] = {}
        start, cells = 0, len(self._counts)
        for share, size in zip(self.shares, self._sizes, strict=False):
            column: list[Any] = [None] * cells
            part = slice(start, start + size)
            for cell, value in zip(self._places.cells[part].tolist(), values[part], strict=True):
                column[cell] = value
            results[share] = column
            start += size
        if self.points:
            self.spread = Ranks.spread(self._counts, self.points).by_cell(values[start:], cells)
        self.results = results
