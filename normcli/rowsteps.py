"""Chains over the elements of tensors: expressions, and between them steps that take whole rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl

from normcli.fitted import FittedStep
from normcli.methods.rowwise import Kept, RowMethod, Rows
from normcli.transform import Lookup, Table, forward, inverse, step_constants, to_float

__all__ = ["forward_flat", "inverse_flat"]

Shape = tuple[int, ...] | None
Entered = Callable[[pl.DataFrame, pl.Expr, FittedStep], None]

_CARRIED = "\0carried"


def forward_flat(
    frame: pl.DataFrame,
    steps: Sequence[FittedStep],
    dtype: pl.DataType,
    lookup: Lookup,
    table: Table,
    shape: Shape,
    entered: Entered = lambda frame, x, step: None,
) -> tuple[pl.DataFrame, pl.Expr, dict[int, Kept]]:
    """Carry the elements of a frame, as `flat.beside` makes it, through a chain.

    Return the frame with a column more if need be, the expression over it for what leaves the
    chain, as Float64, and what the rows have lost to each row-wise step. `entered` is called
    with what enters each step.
    """
    lost: dict[int, Kept] = {}
    (x,) = forward((), pl.col("\0x"), dtype, lookup, table)
    for i, step in enumerate(steps):
        entered(frame, x, step)
        if isinstance(step.method, RowMethod):
            assert shape is not None, "row-wise methods take tensors of one shape"
            rows, absent = _rows(frame, x, step.method, shape)
            carried, lost[i] = step.method.forward_rows(rows, shape)
            empty = np.isnan(rows).all(axis=-1)
            lost[i] = {key: np.where(empty, np.nan, each) for key, each in lost[i].items()}
            frame, x = _with(frame, carried, absent), pl.col(_CARRIED)
        else:
            x = step.method.forward(x, step_constants(i, lookup, table))
    return frame, x, lost


def inverse_flat(
    frame: pl.DataFrame,
    steps: Sequence[FittedStep],
    dtype: pl.DataType,
    lookup: Lookup,
    table: Table,
    shape: Shape,
    kept: Mapping[int, Kept],
) -> tuple[pl.DataFrame, pl.Expr]:
    """Carry the elements back, with what the rows had lost; return frame and expression."""
    y = to_float(pl.col("\0x"), pl.Float64())
    for i, step in reversed(list(enumerate(steps))):
        if isinstance(step.method, RowMethod):
            assert shape is not None, "row-wise methods take tensors of one shape"
            rows, absent = _rows(frame, y, step.method, shape)
            carried = step.method.inverse_rows(rows, kept[i], shape)
            frame, y = _with(frame, carried, absent), pl.col(_CARRIED)
        else:
            y = step.method.inverse(y, step_constants(i, lookup, table))
    return frame, inverse((), y, dtype, lookup, table)


def _rows(
    frame: pl.DataFrame, x: pl.Expr, method: RowMethod, shape: tuple[int, ...]
) -> tuple[Rows, pl.Series | None]:
    """Return elements as rows × parts × elements, NaN for null, and which are null."""
    values = frame.select(x.alias(_CARRIED)).to_series()
    absent = values.is_null() if values.null_count() else None
    parts = method.parts(shape)
    size = int(np.prod(shape)) // parts
    return values.to_numpy().reshape(-1, parts, size), absent


def _with(frame: pl.DataFrame, rows: Rows, absent: pl.Series | None) -> pl.DataFrame:
    values = pl.Series(_CARRIED, rows.reshape(-1))
    if absent is not None:
        values = pl.select(pl.when(~absent).then(values)).to_series().alias(_CARRIED)
    return frame.with_columns(values)
