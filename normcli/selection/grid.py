"""Narrowing: ranges of values ("slots"), each cut into bins, of which some become slots again.

All that exactness asks of a grid is that a larger value never falls into a lower bin; how even
the bins are only decides how many scans a search takes. Keys are even where values spread over
many powers of two, the values themselves where they lie around zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from normcli.selection.keys import KeyScale
from normcli.statistics.base import Planes

__all__ = ["Grid", "KeyGrid", "LinearGrid", "Narrowing"]

Keys = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]


class Grid(Protocol):
    """Bins of slots, the same number in each."""

    @property
    def bins(self) -> int:
        """How many bins each slot has."""
        ...

    def bin_of(self, scale: KeyScale, planes: Planes, slots: Index | None) -> Index:
        """Return the flat number of each value's bin, slot·bins + bin; None: one slot."""
        ...

    def range_of(self, scale: KeyScale, flat: Index, low: Keys, high: Keys) -> tuple[Keys, Keys]:
        """Return bounds for the keys in bins, within the bounds of their slots."""
        ...


@dataclass(frozen=True)
class KeyGrid:
    """Bins of 2^shift[s] keys each, from low[s]; what lies beyond either end counts there."""

    low: Keys
    shift: Keys
    bins: int

    @classmethod
    def over(cls, low: Keys, high: Keys, bins: int) -> KeyGrid:
        """Return a grid of slots from low to high (inclusive); `bins` is a power of two."""
        lengths = np.array([int(width).bit_length() for width in (high - low).tolist()], np.int64)
        shift = np.maximum(0, lengths - (bins.bit_length() - 1)).astype(np.uint64)
        return cls(low, shift, bins)

    def bin_of(self, scale: KeyScale, planes: Planes, slots: Index | None) -> Index:
        keys = scale.keys(planes)
        low = self.low[0] if slots is None else self.low[slots]
        shift = self.shift[0] if slots is None else self.shift[slots]
        inside = np.maximum(keys, low)
        inside -= low
        inside >>= shift
        bins: Index = np.minimum(inside, np.uint64(self.bins - 1), out=inside).view(np.intp)
        return bins if slots is None else slots * self.bins + bins

    @property
    def place(self) -> tuple[bool, int, int, float, float]:
        """Whether bins are even in the values, lowest key and shift, or lowest value and scale."""
        return False, int(self.low[0]), int(self.shift[0]), 0.0, 0.0

    def range_of(self, scale: KeyScale, flat: Index, low: Keys, high: Keys) -> tuple[Keys, Keys]:
        slots, inside = np.divmod(flat, self.bins)
        start = self.low[slots] + (inside.astype(np.uint64) << self.shift[slots])
        width = (np.uint64(1) << self.shift[slots]) - np.uint64(1)
        end = np.where(width > ~start, ~np.uint64(0), start + width)
        first, last = inside == 0, inside == self.bins - 1
        return (
            np.where(first, low[slots], np.maximum(start, low[slots])),
            np.where(last, high[slots], np.minimum(end, high[slots])),
        )


@dataclass(frozen=True)
class LinearGrid:
    """Bins of equal width in the values themselves (floats only)."""

    low: Floats
    per_unit: Floats
    bins: int

    @classmethod
    def over(cls, scale: KeyScale, low: Keys, high: Keys, bins: int) -> LinearGrid | None:
        """Return a grid of slots from low to high, None where their width is no float64."""
        lows, highs = np.array(scale.values(low)), np.array(scale.values(high))
        with np.errstate(over="ignore", divide="ignore"):
            widths = highs - lows
            per_unit = bins / widths
        # Slots of a single value have no width; all that is in them falls into the first bin.
        per_unit[lows == highs] = 0.0
        usable = np.isfinite(per_unit).all() and np.isfinite(widths).all()
        return cls(lows, per_unit, bins) if usable else None

    def bin_of(self, scale: KeyScale, planes: Planes, slots: Index | None) -> Index:
        low = self.low[0] if slots is None else self.low[slots]
        per_unit = self.per_unit[0] if slots is None else self.per_unit[slots]
        # Each step rounds monotonically, so that order is kept; what overflows is beyond an end.
        with np.errstate(over="ignore"):
            inside = planes[0] - low
            inside *= per_unit
        np.clip(inside, 0, self.bins - 1, out=inside)
        bins = inside.astype(np.intp)
        return bins if slots is None else slots * self.bins + bins

    @property
    def place(self) -> tuple[bool, int, int, float, float]:
        """Whether bins are even in the values, lowest key and shift, or lowest value and scale."""
        return True, 0, 0, float(self.low[0]), float(self.per_unit[0])

    def range_of(self, scale: KeyScale, flat: Index, low: Keys, high: Keys) -> tuple[Keys, Keys]:
        slots, inside = np.divmod(flat, self.bins)
        per_unit = np.where(self.per_unit[slots] > 0, self.per_unit[slots], 1.0)
        # A bin more on either side: the bounds have to hold whatever was rounded.
        with np.errstate(over="ignore"):  # an infinity is beyond the slot's own bounds
            start = scale.keys((self.low[slots] + (inside - 1) / per_unit,))
            end = scale.keys((self.low[slots] + (inside + 2) / per_unit,))
        first, last = inside == 0, inside == self.bins - 1
        return (
            np.where(first, low[slots], np.maximum(start, low[slots])),
            np.where(last, high[slots], np.minimum(end, high[slots])),
        )


@dataclass(frozen=True)
class Narrowing:
    """A way from cells down to slots: grid after grid, and which bins lead on (−1: none)."""

    levels: tuple[tuple[Grid, npt.NDArray[np.int32]], ...] = ()

    def then(self, grid: Grid, chosen: Index, slots: int) -> Narrowing:
        """Return the narrowing one level deeper: flat bin chosen[i] becomes slot i."""
        child = np.full(slots * grid.bins, -1, np.int32)
        child[chosen] = np.arange(len(chosen), dtype=np.int32)
        return Narrowing((*self.levels, (grid, child)))

    def locate(
        self, scale: KeyScale, planes: Planes, cells: Index | None
    ) -> tuple[Planes, Index | None]:
        """Return the values that lie in a slot, and which slot it is (None: there is only one)."""
        slots = cells
        for grid, child in self.levels:
            found = child[grid.bin_of(scale, planes, slots)]
            kept = np.flatnonzero(found >= 0)
            slots = found[kept].astype(np.intp)
            planes = tuple(plane[kept] for plane in planes)
        return planes, slots
