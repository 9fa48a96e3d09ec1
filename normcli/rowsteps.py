"""Chains over the elements of tensors: expressions, and between them steps that take whole rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from normcli.fitted import FittedStep
from normcli.methods.rowwise import Kept, RowMethod, Rows
from normcli.transform import Lookup, Table, forward, inverse, step_constants, to_float

__all__ = ["forward_flat", "inverse_flat"]

Shape = tuple[int, ...] | None
Entered = Callable[[pl.DataFrame, pl.Expr, FittedStep], None]

_CARRIED = "\0carried"
_BLOCK = 1 << 15


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
            carried, lost[i] = _forward(step.method, rows, shape)
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
            carried = _inverse(step.method, rows, kept[i], shape)
            frame, y = _with(frame, carried, absent), pl.col(_CARRIED)
        else:
            y = step.method.inverse(y, step_constants(i, lookup, table))
    return frame, inverse((), y, dtype, lookup, table)


def _forward(method: RowMethod, rows: Rows, shape: tuple[int, ...]) -> tuple[Rows, Kept]:
    made = np.empty_like(rows)
    lost: Kept = {name: np.empty(rows.shape[:2]) for name, _ in method.keeps}
    with np.errstate(all="ignore"):  # infinities follow the formula
        for block in _blocks(rows):
            made[block], own = method.forward_rows(rows[block], shape)
            for name, numbers in own.items():
                lost[name][block] = numbers
    return made, lost


def _inverse(method: RowMethod, rows: Rows, kept: Kept, shape: tuple[int, ...]) -> Rows:
    made = np.empty_like(rows)
    with np.errstate(all="ignore"):  # infinities follow the formula
        for block in _blocks(rows):
            own = {name: numbers[block] for name, numbers in kept.items()}
            made[block] = method.inverse_rows(rows[block], own, shape)
    return made


def _blocks(rows: Rows) -> Iterator[slice]:
    """Cut rows into blocks that fit in a core's cache; no row depends on another."""
    each = max(1, _BLOCK // (rows.shape[1] * rows.shape[2]))
    return (slice(i, i + each) for i in range(0, len(rows), each))


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
