"""A tensor column's elements as one long column, with the constants of their cells beside them.

A cell is a channel of a group: group·channels + channel. The channels are those of all steps of
a chain together, so that every step's constants stand in one table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.fitted import FittedStep
from normcli.tensors import Channels, joint
from normcli.transform import Lookup, at_rows, literal, step_series

__all__ = ["CellConstants", "Elements", "cells_of", "constants_by_cell", "pieces", "tiled"]

Index = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

_PIECE = 1 << 17
"""How many elements are worked on at a time: they, and what is made of them, stay in the cache."""
_MOST_BY_GROUP = 1 << 22


@dataclass(frozen=True)
class Elements:
    """Which elements there are: so many rows, each of one size or (`row_of`) of its own length.

    `groups` is the number of each row's group, None where groups do not matter.
    """

    rows: int
    size: int
    row_of: Index | None
    groups: Index | None

    def of_rows(self, values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Return for each element what belongs to its row."""
        return np.repeat(values, self.size) if self.row_of is None else values[self.row_of]


def pieces(flat: pl.Series, elements: Elements) -> Iterator[tuple[slice, pl.Series, Elements]]:
    """Cut elements into pieces of whole rows: which rows, their elements, and what these are.

    Lists, whose lengths differ, are one piece.
    """
    each = _rows_in_piece(elements.size)
    if elements.row_of is not None or elements.rows <= each:
        yield slice(0, elements.rows), flat, elements
        return
    for start in range(0, elements.rows, each):
        rows = slice(start, min(start + each, elements.rows))
        count = rows.stop - start
        groups = None if elements.groups is None else elements.groups[rows]
        part = flat.slice(start * elements.size, count * elements.size)
        yield rows, part, replace(elements, rows=count, groups=groups)


def _rows_in_piece(size: int) -> int:
    return max(1, _PIECE // max(1, size))


def cells_of(elements: Elements, channels: Channels) -> Index | None:
    """Return the cell of each element; None if there is only one."""
    groups = None
    if elements.groups is not None:
        groups = elements.of_rows(elements.groups).astype(np.intp, copy=False)
    if channels.ids is None or channels.count == 1:
        return groups
    own = np.tile(channels.ids, elements.rows)
    return own if groups is None else groups * channels.count + own


def tiled(channels: Channels) -> Index | None:
    """Return the channels of a piece's elements, made once; None if there is only one."""
    if channels.ids is None or channels.count == 1:
        return None
    return np.tile(channels.ids, _rows_in_piece(len(channels.ids)))


@dataclass(frozen=True)
class CellConstants:
    """The channels of all steps of a chain together, and the constants: a row for each cell."""

    channels: Channels
    table: pl.DataFrame

    @cached_property
    def series(self) -> dict[str, pl.Series]:
        """The constants by name."""
        return self.table.to_dict(as_series=True)

    @property
    def by_group(self) -> bool:
        """Whether they differ by group."""
        return self.table.height != self.channels.count

    @cached_property
    def _tiled(self) -> pl.DataFrame:
        """The constants beside the elements of a piece, where groups do not matter.

        Copied once: to look them up takes longer than to calculate with them.
        """
        ids = tiled(self.channels)
        assert ids is not None, "there are several channels"
        return self.table[ids]

    @cached_property
    def _by_group(self) -> tuple[dict[str, npt.NDArray[np.float64]], Mask] | None:
        """Each group's constants beside the elements of a row, and which groups lack some.

        None if they are not plain numbers, or too many to be held twice.
        """
        ids, groups = self.channels.ids, self.table.height // self.channels.count
        plain = all(dtype == pl.Float64() for dtype in self.table.schema.values())
        if ids is None or not plain or groups * len(ids) > _MOST_BY_GROUP:
            return None
        lacking = self.table.select(pl.any_horizontal(pl.all().is_null())).to_series().to_numpy()
        return (
            {key: one.to_numpy().reshape(groups, -1)[:, ids] for key, one in self.series.items()},
            np.asarray(lacking.reshape(groups, -1).any(axis=1)),
        )

    def lookup(self, grouped: bool) -> Lookup:
        """Return what gives the expression for a constant: beside the elements, or a literal."""
        if self._are_beside(grouped):
            return pl.col
        return lambda name: literal(self.series, name)

    def _are_beside(self, grouped: bool) -> bool:
        return bool(self.series) and (self.channels.count > 1 or (grouped and self.by_group))

    def beside(self, flat: pl.Series, elements: Elements) -> pl.DataFrame:
        """Return a frame of the elements and, if there are several cells, their constants."""
        frame = flat.alias("\0x").to_frame()
        if not self._are_beside(elements.groups is not None):
            return frame
        if not self.by_group:
            elements = replace(elements, groups=None)
        listed = any(one.dtype == pl.List for one in self.series.values())
        if elements.groups is None and not listed and len(flat) <= self._tiled.height:
            return frame.hstack(self._tiled.head(len(flat)))
        if elements.groups is not None and self._by_group is not None:
            constants, lacking = self._by_group
            if not lacking[elements.groups].any():
                # Whole rows are copied, which is faster than to look up element by element.
                each = (
                    pl.Series(key, of_groups[elements.groups].ravel())
                    for key, of_groups in constants.items()
                )
                return frame.hstack(list(each))
        cells = cells_of(elements, self.channels)
        assert cells is not None, "there are several cells"
        return at_rows(frame, {"": self.series}, pl.Series(cells))


def constants_by_cell(
    steps: Sequence[FittedStep],
    channels: Sequence[Channels],
    dtype: pl.DataType,
    groups: int | None,
) -> CellConstants:
    """Return the channels of all steps together, and a table with a row for each cell.

    `groups` is how many groups there are; None for the constants of all rows.
    """
    together, places = joint(channels)
    columns: dict[str, pl.Series] = {}
    for i, (step, own, place) in enumerate(zip(steps, channels, places, strict=True)):
        by_group = False
        at = place
        if groups is not None:
            at = np.tile(place, groups)
            if by_group := step.groups is not None:
                at += np.repeat(np.arange(groups) * own.count, together.count)
        series = step_series(i, step, dtype, by_group)
        columns |= {key: one[at] for key, one in series.items()}
    return CellConstants(together, pl.DataFrame(columns))
