"""A tensor column's elements as one long column, with the constants of their cells beside them.

A cell is a channel of a group: group·channels + channel. The channels are those of all steps of
a chain together, so that every step's constants stand in one table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.fitted import FittedStep
from normcli.tensors import Channels, joint
from normcli.transform import Lookup, Table, at_rows, literal, step_series

__all__ = ["Elements", "beside", "cells_of", "constants_by_cell", "flat_lookup"]

Index = npt.NDArray[np.intp]


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


def cells_of(elements: Elements, channels: Channels) -> Index | None:
    """Return the cell of each element; None if there is only one."""
    groups = None
    if elements.groups is not None:
        groups = elements.of_rows(elements.groups).astype(np.intp, copy=False)
    if channels.ids is None or channels.count == 1:
        return groups
    own = np.tile(channels.ids, elements.rows)
    return own if groups is None else groups * channels.count + own


def constants_by_cell(
    steps: Sequence[FittedStep],
    channels: Sequence[Channels],
    dtype: pl.DataType,
    groups: int | None,
) -> tuple[Channels, pl.DataFrame]:
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
    return together, pl.DataFrame(columns)


def beside(
    flat: pl.Series, elements: Elements, channels: Channels, table: pl.DataFrame
) -> pl.DataFrame:
    """Return a frame of the elements and, if there are several cells, their constants."""
    frame = flat.alias("\0x").to_frame()
    constants = table.to_dict(as_series=True)
    if table.height == channels.count:  # the same for all groups
        elements = replace(elements, groups=None)
    if not constants or (cells := cells_of(elements, channels)) is None:
        return frame
    if elements.groups is not None or any(one.dtype == pl.List for one in constants.values()):
        return at_rows(frame, constants, pl.Series(cells))
    # The same for every row: copied, which is faster than looked up.
    assert channels.ids is not None
    tiled = (_tiled(one[channels.ids], elements.rows).alias(key) for key, one in constants.items())
    return frame.hstack(list(tiled))


def _tiled(values: pl.Series, times: int) -> pl.Series:
    if values.null_count() or not values.dtype.is_float():
        return values[np.tile(np.arange(len(values)), times)]
    return pl.Series(np.tile(values.to_numpy(), times))


def flat_lookup(frame: pl.DataFrame, table: Table) -> Lookup:
    """Return what gives the expression for a constant: beside the elements, or a literal."""
    columns = set(frame.columns)

    def lookup(name: str) -> pl.Expr:
        return pl.col(name) if name in columns else literal(table, name)

    return lookup
