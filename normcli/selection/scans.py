"""What one scan takes in for a search: all values, counts by bin, or the values of some bins.

Each is a state of the plan: it is updated with batches, merged, and laid out anew as groups
appear. None is written to a stats file.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from normcli.selection.grid import Grid, KeyGrid, Narrowing
from normcli.selection.keys import KeyScale
from normcli.selection.loops import count_compiled, pick_compiled
from normcli.statistics.base import Planes, Values

__all__ = ["Collected", "FirstLook", "Histogram", "SharedGrid"]

Index = npt.NDArray[np.intp]
Counts = npt.NDArray[np.int64]

_PIECE = 1 << 14
_FEW = 16
"""Slots of fewer values than that on average are not worth sorting one by one."""


def _cells_of(values: Values) -> Index | None:
    """Return each value's cell; None if there is only one."""
    if values.starts is None or values.cells is None:
        return None
    return np.repeat(values.cells, np.diff(values.starts, append=len(values)))


def _pieces(values: Values) -> Iterator[tuple[Planes, Index | None]]:
    """Yield the values and their cells in pieces that stay in the cache."""
    cells = _cells_of(values)
    for start in range(0, len(values), _PIECE):
        piece = slice(start, start + _PIECE)
        yield (
            tuple(plane[piece] for plane in values.planes),
            None if cells is None else cells[piece],
        )


class Collected:
    """The values that a narrowing leads to, and the slot of each (all values, without one)."""

    def __init__(self, scale: KeyScale | None = None, narrowing: Narrowing | None = None) -> None:
        self.scale = scale
        self.narrowing = narrowing
        self.parts: list[tuple[Planes, Index]] = []
        self.size = 0

    def update(self, values: Values) -> None:
        """Take in a batch, in place."""
        if self.scale is None or self.narrowing is None:
            self._keep(tuple(plane.copy() for plane in values.planes), _cells_of(values))
            return
        picked = None
        if values.cells is None:
            picked = pick_compiled(self.scale, self.narrowing, values.planes)
        if picked is not None:
            self._keep(*picked)
            return
        for planes, slots in _pieces(values):
            self._keep(*self.narrowing.locate(self.scale, planes, slots))

    def _keep(self, planes: Planes, slots: Index | None) -> None:
        if slots is None:
            slots = np.zeros(len(planes[0]), np.intp)
        self.parts.append((planes, slots))
        self.size += len(slots)

    def merge(self, other: Collected) -> Collected:
        """Return the values of both."""
        both = Collected(self.scale, self.narrowing)
        both.parts = self.parts + other.parts
        both.size = self.size + other.size
        return both

    def scatter(self, where: Index, cells: int) -> Collected:
        """Return the same with cell i become where[i]; slots of a narrowing are not cells."""
        if self.narrowing is not None:
            return self
        moved = Collected()
        moved.parts = [(planes, where[slots]) for planes, slots in self.parts]
        moved.size = self.size
        return moved

    def sorted(self) -> tuple[Planes, Index]:
        """Return all values sorted by slot and value, and their slots."""
        if not self.parts:
            return (np.zeros(0),), np.zeros(0, np.intp)
        planes = tuple(
            np.concatenate([part[0][i] for part in self.parts])
            for i in range(len(self.parts[0][0]))
        )
        slots = np.concatenate([part[1] for part in self.parts])
        if len(slots) and slots[0] == slots[-1] and not np.any(slots != slots[0]):
            order = np.argsort(planes[0]) if len(planes) == 1 else np.lexsort(planes[::-1])
        elif len(planes) == 1:
            return _sorted_in_slots(planes[0], slots)
        else:
            order = np.lexsort((*planes[::-1], slots))
        return tuple(plane[order] for plane in planes), slots[order]


def _sorted_in_slots(plane: npt.NDArray[Any], slots: Index) -> tuple[Planes, Index]:
    """Return values sorted by slot and value, and their slots."""
    # Of each batch the slots come in order, which makes this a merge.
    order = np.argsort(slots, kind="stable")
    plane, slots = plane[order], slots[order]
    ends = [*(np.flatnonzero(np.diff(slots)) + 1).tolist(), len(slots)]
    if len(ends) > len(slots) // _FEW:
        return (plane[np.lexsort((plane, slots))],), slots
    start = 0
    for end in ends:
        plane[start:end].sort()
        start = end
    return (plane,), slots


class Histogram:
    """Counts by bin of the slots that a narrowing leads to."""

    def __init__(self, scale: KeyScale, narrowing: Narrowing, grid: Grid, slots: int) -> None:
        self.scale = scale
        self.narrowing = narrowing
        self.grid = grid
        self.slots = slots
        self.counts: Counts = np.zeros(slots * grid.bins, np.int64)

    def update(self, values: Values) -> None:
        """Take in a batch, in place."""
        whole = values.cells is None and not self.narrowing.levels and self.slots == 1
        if whole and count_compiled(self.scale, self.grid, values.planes, self.counts):
            return
        for planes, slots in _pieces(values):
            planes, slots = self.narrowing.locate(self.scale, planes, slots)
            bins = self.grid.bin_of(self.scale, planes, None if self.slots == 1 else slots)
            np.add.at(self.counts, bins, 1)

    def merge(self, other: Histogram) -> Histogram:
        """Return the counts of both."""
        both = Histogram(self.scale, self.narrowing, self.grid, 0)
        both.slots = self.slots
        both.counts = self.counts + other.counts
        return both

    def scatter(self, where: Index, cells: int) -> Histogram:
        """Return the same: after the first scan no groups appear any more."""
        return self


class SharedGrid:
    """A grid over the range of the first batch that any thread meets; all of them use it."""

    def __init__(self, bins: int) -> None:
        self._bins = bins
        self._grid: KeyGrid | None = None
        self._lock = threading.Lock()

    def over(self, keys: npt.NDArray[np.uint64]) -> KeyGrid:
        """Return the grid, made over these keys if there is none yet."""
        with self._lock:
            if self._grid is None:
                low, high = keys.min(keepdims=True), keys.max(keepdims=True)
                self._grid = KeyGrid.over(low, high, self._bins)
            return self._grid


class FirstLook:
    """The first scan of a search: all values while they are few, else (with one cell) counts.

    With a `shared` grid, values beyond `limit` go into a histogram; without one they are
    dropped, and the search goes on with the cells' minima and maxima.
    """

    def __init__(self, kind: Any, limit: int, shared: SharedGrid | None) -> None:
        self.kind = kind
        self.limit = limit
        self.shared = shared
        self.buffer: Collected | None = Collected()
        self.histogram: Histogram | None = None

    def update(self, values: Values) -> None:
        """Take in a batch, in place."""
        if len(values) == 0:
            return
        if self.buffer is not None:
            self.buffer.update(values)
            if self.buffer.size > self.limit:
                self._overflow()
        elif self.histogram is not None:
            self.histogram.update(values)

    def _overflow(self) -> None:
        """Go over from the buffer to the histogram."""
        assert self.buffer is not None
        parts, self.buffer = self.buffer.parts, None
        if self.shared is None:
            return
        scale = KeyScale(self.kind)
        for planes, _ in parts:
            if self.histogram is None:
                grid = self.shared.over(scale.keys(planes))
                self.histogram = Histogram(scale, Narrowing(), grid, 1)
            nothing = np.zeros(0, np.intp)
            self.histogram.update(Values(self.kind, planes, None, None, nothing, nothing, nothing))

    def merge(self, other: FirstLook) -> FirstLook:
        """Return what both have seen."""
        both = FirstLook(self.kind, self.limit, self.shared)
        if self.buffer is not None and other.buffer is not None:
            both.buffer = self.buffer.merge(other.buffer)
            if both.buffer.size > both.limit:
                both._overflow()
            return both
        for each in (self, other):
            if each.buffer is not None and each.buffer.size:
                each._overflow()
        both.buffer = None
        seen = [each.histogram for each in (self, other) if each.histogram is not None]
        if seen:
            both.histogram = seen[0] if len(seen) == 1 else seen[0].merge(seen[1])
        return both

    def scatter(self, where: Index, cells: int) -> FirstLook:
        """Return the same with cell i become where[i]."""
        moved = FirstLook(self.kind, self.limit, self.shared)
        moved.buffer = None if self.buffer is None else self.buffer.scatter(where, cells)
        moved.histogram = self.histogram
        return moved
