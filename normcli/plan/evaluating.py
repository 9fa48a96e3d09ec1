"""What tasks are about: expressions of what enters a step, and what lies outside its domain."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from normcli.columns import named
from normcli.flat import Elements
from normcli.groups import Index
from normcli.plan.task import Task
from normcli.rowsteps import forward_flat
from normcli.transform import (
    Lookup,
    Table,
    at_rows,
    forward,
    lookup_of,
    step_constants,
)

__all__ = ["evaluate", "evaluate_flat"]


def evaluate(task: Task, batch: pl.DataFrame, ids: Index | None) -> tuple[list[pl.Series], int]:
    """Return what the task is about, and how many values lie outside the domain of its step."""
    lookup = lookup_of(task.table, task.by_group)
    entering = forward(task.steps, pl.col("\0x"), task.dtype, lookup, task.table)[len(task.before)]
    wanted = _wanted(task, entering, lookup, task.table)
    x = named(task.column)
    if task.steps and task.steps[0].method.encodes:
        x = x.cast(task.dtype)
    frame = batch.select(x.alias("\0x"))
    if task.by_group:
        assert ids is not None
        used = {name for expression in wanted for name in expression.meta.root_names()}
        constants = {
            key: one for key, one in task.table.items() if key in used or one.dtype == pl.List
        }
        frame = at_rows(frame, {"": constants}, pl.Series(ids))
    return _taken(frame, wanted)


def evaluate_flat(task: Task, flat: pl.Series, elements: Elements) -> tuple[list[pl.Series], int]:
    """Return the same for the elements of tensors."""
    frame, table = task.constants.beside(flat, elements), task.constants.series
    lookup = task.constants.lookup(elements.groups is not None)
    assert task.tensor is not None
    frame, entering, _ = forward_flat(
        frame, task.before, task.dtype, lookup, table, task.tensor.shape
    )
    return _taken(frame, _wanted(task, entering, lookup, table))


def _wanted(task: Task, entering: pl.Expr, lookup: Lookup, table: Table) -> list[pl.Expr]:
    """Return the number of values outside the domain, and what the task is about."""
    # Codes are whole numbers; what is counted from the first step on are floats.
    lanes: Sequence[pl.Expr] = [entering.cast(pl.Float64)]
    if task.of is not None:
        lanes = task.of(entering, step_constants(len(task.before), lookup, table))
    outside = pl.lit(0)
    if task.checked is not None:
        inside = task.checked.domain(entering)
        assert inside is not None
        outside = (entering.is_finite() & ~inside).sum()
    return [outside.alias("\0outside"), *(lane.alias(f"\0{k}") for k, lane in enumerate(lanes))]


def _taken(frame: pl.DataFrame, wanted: Sequence[pl.Expr]) -> tuple[list[pl.Series], int]:
    """Evaluate what a task is about over a frame of values and constants."""
    # Lazily, so that what several expressions have in common is reckoned once.
    made = frame.lazy().select(wanted).collect(engine="in-memory")
    count = made["\0outside"][0] if made.height else 0
    return made.get_columns()[1:], int(count or 0)
