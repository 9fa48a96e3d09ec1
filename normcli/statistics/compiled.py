"""Counts, extremes and moments in one sweep of the compiled kernel.

`Counts`, `Extremes` and `Moments` themselves are the reference: a Sweep takes the values in
straight from a column's memory, and in the end gives the states that they would have had.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.kernel import compiled
from normcli.statistics.base import Kind, State
from normcli.statistics.counts import Counts
from normcli.statistics.exactsum import ExactSum
from normcli.statistics.extremes import Extremes
from normcli.statistics.moments import Moments

__all__ = ["SWEPT", "Cells", "Sweep", "cells_of_rows", "sweep_for"]

Cells = npt.NDArray[np.uint32] | object
"""The cell of each value: an array, or what `cells_of_rows` has made of one."""

SWEPT = (Counts.name, Extremes.name, Moments.name)
"""The statistics that a sweep takes."""

_CODES: dict[Kind, tuple[Literal["f", "i", "u"], Any]] = {
    "float": ("f", np.float64),
    "int": ("i", np.int64),
    "uint": ("u", np.uint64),
}


def sweep_for(names: Collection[str], kind: Kind | None, cells: int) -> Sweep | None:
    """Return a sweep that takes all of these statistics; None if there can be none."""
    if kind not in _CODES or not names or not {*names} <= {*SWEPT} or compiled() is None:
        return None
    return Sweep(kind, cells)


def cells_of_rows(ids: npt.NDArray[np.uint32], cells: int) -> Cells:
    """Return the cells of a batch's rows, out of `cells`, which several columns share.

    The first column that is taken in sorts the rows by cell, for all of them.
    """
    module = compiled()
    return ids if module is None else module.rows(ids, cells)


class Sweep:
    """Counts, extremes and moments of one column, by cell; needs the compiled kernel."""

    def __init__(self, kind: Kind, cells: int) -> None:
        module = compiled()
        assert module is not None
        self.kind = kind
        self.cells = cells
        self._sweep = module.Sweep(_CODES[kind][0], cells)

    def update(self, numbers: pl.Series, ids: Cells | None) -> None:
        """Take in a column of physical numbers; `ids` are their cells, None if all are in one.

        Other threads run meanwhile.
        """
        # Without its name: the engine aborts the process if there is a NUL in it.
        self._sweep.add(numbers.alias("").__arrow_c_stream__(), ids)

    def grow(self, cells: int) -> None:
        """Make room for more cells."""
        self._sweep.grow(cells)
        self.cells = cells

    def states(self) -> dict[str, State]:
        """Return the states of the three statistics."""
        tally, low, high, exponent, sums, squares = self._sweep.result()
        dtype = _CODES[self.kind][1]
        counts = np.frombuffer(tally, np.int64).reshape(4, self.cells)
        total, total_squares = (
            ExactSum.from_digits(
                np.frombuffer(digits, np.int64).reshape(-1, self.cells), each, bits=32
            )
            for digits, each in ((sums, exponent), (squares, 2 * exponent))
        )
        found: dict[str, Any] = {
            "counts": Counts(counts),
            "extremes": Extremes(
                self.kind,
                (np.frombuffer(low, dtype),),
                (np.frombuffer(high, dtype),),
                counts[0] > 0,
            ),
            "moments": Moments(total, total_squares),
        }
        return cast(dict[str, State], found)
