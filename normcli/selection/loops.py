"""The loop of a search over the values of one slot: compiled, or the same in NumPy."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from normcli.kernel import compiled_selection
from normcli.selection.keys import KeyScale
from normcli.selection.windows import Windows
from normcli.statistics.base import Kind

__all__ = ["keep_inside"]

_CODES: dict[Kind, Literal["f", "i", "u"]] = {"float": "f", "int": "i", "uint": "u"}
_PIECE = 1 << 14


def keep_inside(
    scale: KeyScale,
    windows: Windows,
    values: npt.NDArray[Any],
    counts: npt.NDArray[np.int64],
    kept: npt.NDArray[Any],
) -> int:
    """Add values to the counts by bin, and write those in windows that are no atoms to `kept`.

    NaN and infinities are left out. Return how many these are; there has to be room for all.
    """
    module = compiled_selection()
    if module is None:
        found = 0
        for i in range(0, len(values), _PIECE):
            inside = _keep(scale, windows, values[i : i + _PIECE], counts)
            kept[found : found + len(inside)] = inside
            found += len(inside)
        return found
    linear, low, shift, start, per_unit = windows.grid.place
    written: int = module.sweep(
        np.ascontiguousarray(values),
        "l" if linear else _CODES[scale.kind],
        low,
        shift,
        start,
        per_unit,
        counts,
        windows.numbers,
        windows.atoms,
        kept,
    )
    return written


def _keep(
    scale: KeyScale, windows: Windows, values: npt.NDArray[Any], counts: npt.NDArray[np.int64]
) -> npt.NDArray[Any]:
    if scale.kind == "float" and not (finite := np.isfinite(values)).all():
        values = values[finite]
    bins = windows.grid.bin_of(scale, (values,), None)
    counts += np.bincount(bins, minlength=len(counts))
    numbers = windows.numbers[bins]
    some = np.flatnonzero(numbers)
    found = values[some]
    kept: npt.NDArray[Any] = found[found != windows.atoms[numbers[some]]]
    return kept
