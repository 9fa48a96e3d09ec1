"""Windows: the few bins of a grid in which, by a sample, the wanted order statistics lie.

One scan counts the values of all bins and keeps those of the windows. If the wanted ranks turn
out to lie in windows, the search has ended; if not, the counts say where to go on. So a sample
may be as misleading as it likes: it decides how many scans there are, never what is found.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normcli.selection.grid import KeyGrid, LinearGrid
from normcli.selection.keys import KeyScale
from normcli.statistics.ranks import Ranks

__all__ = ["SharedWindows", "Windows"]

Array = npt.NDArray[Any]
Index = npt.NDArray[np.intp]

# Of the normal distribution, one in sixteen thousand lies farther out.
_DEVIATIONS = 4.0
# Where few values lie on one side, their number is not distributed normally.
_EXTRA_RANKS = 10
# Windows that hold more of all values than that cost more than another scan.
_MOST = 0.25
# As many values are enough to tell how much windows hold.
_THIN = 1 << 13
_TOP = (1 << 64) - 1


@dataclass(frozen=True)
class Windows:
    """Bins of one slot; those with a number keep their values, but for the atom of that number.

    An atom is a value that a bin may well hold many times: how often is the bin's count without
    what was kept. `atoms[0]` belongs to no bin.
    """

    grid: KeyGrid | LinearGrid
    numbers: npt.NDArray[np.int32]
    atoms: Array

    @classmethod
    def at(cls, grid: KeyGrid | LinearGrid, bins: Index, atoms: Array) -> Windows:
        """Return windows at bins, each with an atom."""
        numbers = np.zeros(grid.bins, np.int32)
        numbers[bins] = np.arange(1, len(bins) + 1)
        return cls(grid, numbers, np.concatenate([np.zeros(1, atoms.dtype), atoms]))

    @classmethod
    def around(cls, scale: KeyScale, sample: Array, ranks: Ranks, bins: int) -> Windows:
        """Return windows around ranks of a sorted sample, on whichever grid they are smaller."""
        count = len(sample)
        share = ranks.lower / max(1, count - 1)
        reach = _DEVIATIONS * np.sqrt(count * share * (1 - share)) + _EXTRA_RANKS
        first = np.floor(ranks.lower - reach).astype(np.intp)
        last = np.ceil(ranks.upper + reach).astype(np.intp)
        outside = first < 0, last > count - 1
        first, last = np.maximum(first, 0), np.minimum(last, count - 1)
        low, high = sample[first.min()], sample[last.max()]
        values, times = np.unique(sample[1:][sample[1:] == sample[:-1]], return_counts=True)
        values = values[np.argsort(times, kind="stable")]
        some = sample[:: 1 + count // _THIN]
        best, smallest = None, count + 1
        for grid in _grids(scale, low, high, bins):
            start, end = (grid.bin_of(scale, (sample[each],), None) for each in (first, last))
            start[outside[0]], end[outside[1]] = 0, bins - 1
            inside = np.zeros(bins + 1, np.int64)
            np.add.at(inside, start, 1)
            np.add.at(inside, end + 1, -1)
            chosen = np.flatnonzero(np.cumsum(inside[:-1]))
            atoms = np.zeros(bins, sample.dtype)
            # The most frequent value of a bin comes last.
            atoms[grid.bin_of(scale, (values,), None)] = values
            windows = cls.at(grid, chosen, atoms[chosen])
            own = windows.numbers[grid.bin_of(scale, (some,), None)]
            size = int(np.count_nonzero(own.astype(np.bool_) & (some != windows.atoms[own])))
            if size < smallest:
                best, smallest = windows, size
        assert best is not None
        return best if smallest <= _MOST * len(some) else best.without_any()

    def without_any(self) -> Windows:
        """Return the bins without windows."""
        return Windows(self.grid, np.zeros_like(self.numbers), self.atoms[:1])


def _grids(scale: KeyScale, low: Any, high: Any, bins: int) -> list[KeyGrid | LinearGrid]:
    """Return grids from somewhat below `low` to somewhat above `high`.

    So the bins at either end, where all that lies beyond counts, are not those of low and high.
    """
    ends = [int(key) for key in scale.keys((np.array([low, high]),))]
    margin = ((ends[1] - ends[0]) >> 8) + 1
    keys = [
        np.array([end], np.uint64)
        for end in (max(0, ends[0] - margin), min(_TOP, ends[1] + margin))
    ]
    grids: list[KeyGrid | LinearGrid] = [KeyGrid.over(keys[0], keys[1], bins)]
    if scale.kind == "float":
        with np.errstate(over="ignore"):
            gap = (high - low) / 256
            wider = scale.keys((np.array([low - gap, high + gap]),))
        linear = LinearGrid.over(scale, wider[:1], wider[1:], bins) if gap > 0 else None
        if linear is not None:
            grids.append(linear)
    return grids


class SharedWindows:
    """Windows around what any thread meets first, or a sample shows; all threads use them."""

    def __init__(self, make: Callable[[Array], Windows]) -> None:
        self._make = make
        self._windows: Windows | None = None
        self._lock = threading.Lock()

    @property
    def placed(self) -> bool:
        """Whether there are windows."""
        return self._windows is not None

    def around(self, parts: Sequence[Array]) -> Windows:
        """Return the windows, made around ranks of these values if there are none yet."""
        with self._lock:
            if self._windows is None:
                self._windows = self._make(np.sort(np.concatenate(parts)))
            return self._windows
