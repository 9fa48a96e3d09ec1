"""The loops of a search over the values of one slot: compiled, or the same in NumPy."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from normcli.kernel import compiled_selection
from normcli.selection.grid import Grid, KeyGrid, Narrowing
from normcli.selection.keys import KeyScale
from normcli.statistics.base import Kind, Planes

__all__ = ["count_compiled", "pick_compiled"]

_CODES: dict[Kind, tuple[Literal["f", "i", "u"], Any]] = {
    "float": ("f", np.float64),
    "int": ("i", np.int64),
    "uint": ("u", np.uint64),
}


def _place(scale: KeyScale, grid: Grid) -> tuple[Literal["f", "i", "u"], Any, int, int] | None:
    """Return code, dtype, lowest key and shift of a grid that the compiled loops know."""
    if not isinstance(grid, KeyGrid) or len(grid.low) != 1 or scale.kind not in _CODES:
        return None
    code, dtype = _CODES[scale.kind]
    return code, dtype, int(grid.low[0]), int(grid.shift[0])


def count_compiled(
    scale: KeyScale, grid: Grid, planes: Planes, counts: npt.NDArray[np.int64]
) -> bool:
    """Add the values of one slot to the counts by bin, in place; say whether that could be done."""
    module, place = compiled_selection(), _place(scale, grid)
    if module is None or place is None:
        return False
    code, dtype, low, shift = place
    module.count(np.ascontiguousarray(planes[0], dtype), code, low, shift, counts)
    return True


def pick_compiled(
    scale: KeyScale, narrowing: Narrowing, planes: Planes
) -> tuple[Planes, npt.NDArray[np.intp]] | None:
    """Return the values of one slot that a narrowing leads to, and their slots, if it can."""
    module = compiled_selection()
    if module is None or len(narrowing.levels) != 1:
        return None
    grid, child = narrowing.levels[0]
    place = _place(scale, grid)
    if place is None:
        return None
    code, dtype, low, shift = place
    values = np.ascontiguousarray(planes[0], dtype)
    picked, slots = np.empty_like(values), np.empty(len(values), np.int64)
    found = module.pick(values, code, low, shift, child, picked, slots)
    return (picked[:found].copy(),), slots[:found].astype(np.intp)
