"""What one scan takes in for a search: all values, counts by bin, the values of some bins.

Each is a state of the plan: it is updated with batches, merged, and laid out anew as groups
appear. None is written to a stats file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from normcli.selection.grid import Grid, Narrowing
from normcli.selection.keys import KeyScale
from normcli.selection.loops import keep_inside
from normcli.selection.windows import SharedWindows, Windows
from normcli.statistics.base import Kind, Planes, Values

__all__ = ["Collected", "FirstLook", "Histogram", "Swept"]

Index = npt.NDArray[np.intp]
Counts = npt.NDArray[np.int64]

_PIECE = 1 << 14
_FEW = 16
"""Slots of fewer values than that on average are not worth sorting one by one."""
_ROOM = 5 << 16
"""What windows over ten million values hold, most likely: moving them takes their memory twice."""
_ENOUGH = 1 << 14
"""A sample of fewer values than that makes wide windows."""


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


class Swept:
    """Counts by bin of one slot, and the values in windows as long as these are `whole`.

    They are not any more where there were too many values to keep.
    """

    def __init__(self, scale: KeyScale, windows: Windows, limit: int) -> None:
        self.scale = scale
        self.windows = windows
        self.limit = limit
        self.counts: Counts = np.zeros(windows.grid.bins, np.int64)
        self.whole = True
        self.size = 0
        self._room = windows.atoms[:0]

    @property
    def takes_numbers(self) -> bool:
        """Whether plain numbers can be taken in, with NaN and infinities among them."""
        return True

    @property
    def grid(self) -> Grid:
        """The bins that are counted."""
        return self.windows.grid

    def update(self, values: Values) -> None:
        """Take in a batch, in place."""
        self.take(values.planes[0])

    def take(self, values: npt.NDArray[Any]) -> None:
        """Take in plain numbers, in place; NaN and infinities are left out."""
        values = values.astype(self._room.dtype, copy=False)
        if self.size + len(values) > len(self._room):
            # One large piece of memory, of which what is unused costs nothing.
            least = max(self.size, min(self.limit, _ROOM)) + len(values)
            room = np.empty(max(2 * len(self._room), least), self._room.dtype)
            room[: self.size] = self.kept
            self._room = room
        room = self._room[self.size :]
        self.size += keep_inside(self.scale, self.windows, values, self.counts, room)
        if self.size > self.limit:
            self._drop()

    def _drop(self) -> None:
        self.whole, self.size, self._room = False, 0, self._room[:0].copy()
        self.windows = self.windows.without_any()

    @property
    def kept(self) -> npt.NDArray[Any]:
        """The values that were kept."""
        return self._room[: self.size]

    def merge(self, other: Swept) -> Swept:
        """Return what both have seen."""
        both = Swept(self.scale, self.windows, self.limit + other.limit)
        both.counts = self.counts + other.counts
        both._room = np.concatenate([self.kept, other.kept])
        both.size = len(both._room)
        if not (self.whole and other.whole):
            both._drop()
        return both

    def scatter(self, where: Index, cells: int) -> Swept:
        """Return the same: there is one slot."""
        return self

    def holds(self, bins: Index) -> bool:
        """Say whether the values of all these bins were kept."""
        return self.whole and bool(np.all(self.windows.numbers[bins]))

    def find(self, bins: Index, ranks: Counts) -> npt.NDArray[Any]:
        """Return the values at ranks within bins, all of them in windows."""
        atoms = self.windows.atoms
        wanted = np.zeros(len(self.counts), np.bool_)
        wanted[bins] = True
        values = np.sort(self.kept[wanted[self._bins_of(self.kept)]])
        own = self._bins_of(values)
        start, end = np.searchsorted(own, bins), np.searchsorted(own, bins, side="right")
        atom = atoms[self.windows.numbers[bins]]
        # In order: what was kept below the atom, the atom itself many times, the rest.
        below = np.clip(np.searchsorted(values, atom), start, end) - start
        ties = self.counts[bins] - (end - start)
        place = start + np.where(ranks < below, ranks, ranks - ties)
        tied = (ranks >= below) & (ranks < below + ties)
        if not len(values):
            return atom
        return np.where(tied, atom, values[np.where(tied, 0, place)])

    def _bins_of(self, values: npt.NDArray[Any]) -> Index:
        return self.windows.grid.bin_of(self.scale, (values,), None)


class FirstLook:
    """The first scan of a search: all values while they are few, else (with one cell) windows.

    Without windows to `share`, values beyond `limit` are dropped, and the search goes on with
    the cells' minima and maxima. `room` is how many values may be kept in windows.
    """

    def __init__(self, kind: Kind, limit: int, room: int, share: SharedWindows | None) -> None:
        self.kind: Kind = kind
        self.limit = limit
        self.room = room
        self.share = share
        self.buffer: Collected | None = Collected()
        self.swept: Swept | None = None

    @property
    def takes_numbers(self) -> bool:
        """Whether plain numbers can be taken in, because there are windows."""
        return self.share is not None and self.share.placed

    def take(self, values: npt.NDArray[Any]) -> None:
        """Take in plain numbers, in place; NaN and infinities are left out."""
        if self.buffer is not None:
            self._overflow()
        assert self.swept is not None
        self.swept.take(values)

    def update(self, values: Values) -> None:
        """Take in a batch, in place."""
        if len(values) == 0:
            return
        if self.buffer is not None:
            self.buffer.update(values)
            if self.buffer.size > self.limit:
                self._overflow()
        elif self.swept is not None:
            self.swept.update(values)

    def _overflow(self) -> None:
        """Go over from the buffer to windows."""
        assert self.buffer is not None
        parts, self.buffer = [planes[0] for planes, _ in self.buffer.parts], None
        if self.share is None:
            return
        windows = self.share.around(parts)
        self.swept = Swept(KeyScale(self.kind), windows, self.room)
        for part in parts:
            self.swept.take(part)

    def place_windows(self) -> None:
        """Have windows placed around what was seen, a sample of all rows, if it is enough."""
        if self.share is not None and self.buffer is not None and self.buffer.size >= _ENOUGH:
            self.share.around([planes[0] for planes, _ in self.buffer.parts])

    def merge(self, other: FirstLook) -> FirstLook:
        """Return what both have seen."""
        both = FirstLook(self.kind, self.limit, self.room, self.share)
        if self.buffer is not None and other.buffer is not None:
            both.buffer = self.buffer.merge(other.buffer)
            if both.buffer.size > both.limit:
                both._overflow()
            return both
        for each in (self, other):
            if each.buffer is not None and each.buffer.size:
                each._overflow()
        both.buffer = None
        seen = [each.swept for each in (self, other) if each.swept is not None]
        if seen:
            both.swept = seen[0] if len(seen) == 1 else seen[0].merge(seen[1])
        return both

    def scatter(self, where: Index, cells: int) -> FirstLook:
        """Return the same with cell i become where[i]."""
        moved = FirstLook(self.kind, self.limit, self.room, self.share)
        moved.buffer = None if self.buffer is None else self.buffer.scatter(where, cells)
        moved.swept = self.swept
        return moved
