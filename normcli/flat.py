"""A tensor column's elements as one long column, with the constants of their cells beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.fitted import FittedStep
from normcli.tensors import Channels
from normcli.transform import CELL, Lookup, Table, literal

__all__ = ["Elements", "beside", "cells_of", "flat_lookup"]

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


def cells_of(elements: Elements, channels: Channels, by_group: bool) -> Index | None:
    """Return the cell of each element: group·channels + channel; None if there is only one."""
    groups = elements.groups if by_group else None
    if groups is not None:
        if elements.row_of is not None:
            groups = groups[elements.row_of]
        else:
            groups = np.repeat(groups, elements.size)
    if channels.ids is None or channels.count == 1:
        return groups
    own = np.tile(channels.ids, elements.rows)
    return own if groups is None else groups * channels.count + own


def beside(
    flat: pl.Series,
    elements: Elements,
    steps: Sequence[FittedStep],
    channels: Sequence[Channels],
    tables: Sequence[Table],
    by_group: bool,
) -> pl.DataFrame:
    """Return a frame of the elements and, where they differ by cell, their constants."""
    columns = [flat.alias("\0x")]
    for i, (step, own, table) in enumerate(zip(steps, channels, tables, strict=True)):
        grouped = by_group and step.groups is not None
        if not table or not (grouped or own.count > 1):
            continue
        plain = {key: one for key, one in table.items() if one.dtype != pl.List}
        if not grouped and own.ids is not None and elements.row_of is None:
            # The same for every row: copied, which is faster than looked up.
            for key, one in plain.items():
                values = one if own.count == elements.size else one[own.ids]
                columns.append(_repeated(values, elements.rows).alias(key))
            if len(plain) == len(table):
                continue
        cells = cells_of(elements, own, grouped)
        assert cells is not None
        taken = {column.name for column in columns}
        columns += [one[cells].alias(key) for key, one in plain.items() if key not in taken]
        if len(plain) < len(table):
            columns.append(pl.Series(f"{i}.{CELL}", cells))
    return pl.DataFrame(columns)


def _repeated(values: pl.Series, times: int) -> pl.Series:
    if values.null_count() or not values.dtype.is_float():
        return values[np.tile(np.arange(len(values)), times)]
    return pl.Series(np.tile(values.to_numpy(), times))


def flat_lookup(frame: pl.DataFrame, table: Table) -> Lookup:
    """Return what gives the expression for a constant: beside the elements, or a literal."""

    def lookup(name: str) -> pl.Expr:
        return pl.col(name) if name in frame.columns else literal(table, name)

    return lookup
