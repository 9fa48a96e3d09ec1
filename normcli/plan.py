"""The plan of a fit: which passes a recipe needs, what a batch contributes, how that folds.

A step is fitted on the output of the steps before it, so it has to wait for those of them that
are fitted themselves: step i belongs to the pass whose number is how many fitted steps stand
before it. All columns and all statistics of a pass share one scan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from normcli.columns import Split, split
from normcli.fitted import (
    FittedStep,
    States,
    StepInput,
    conclude,
    empty_states,
    fitted_before,
    fold,
    needed_statistics,
)
from normcli.groups import GroupLayout, Index, segment_starts
from normcli.recipe import Chain
from normcli.statistics import Values
from normcli.transform import constants_table, forward

__all__ = ["Contribution", "Pass", "Task", "plan_pass"]

Scope = Literal["rows", "groups"]


@dataclass(frozen=True)
class Task:
    """Something a pass takes of one column: statistics of what enters a step, and its domain.

    `before` are the steps up to there with their parameters; in scope "groups" the states
    have a cell for each group, and the steps before use the parameters of the row's group.
    """

    column: str
    dtype: pl.DataType
    step: int
    scope: Scope
    before: tuple[FittedStep, ...]
    statistics: tuple[str, ...]
    checked: tuple[FittedStep, ...]
    """The step itself, if its method is not defined everywhere; else empty."""


@dataclass(frozen=True)
class Pass:
    """One scan of the data."""

    number: int
    tasks: tuple[Task, ...]
    by: Mapping[str, pl.DataType]


def plan_pass(
    number: int,
    chains: Mapping[str, Chain],
    schema: pl.Schema,
    by: Mapping[str, pl.DataType],
    inputs: Mapping[tuple[str, int], StepInput],
) -> Pass:
    """Return the tasks of a pass, given what entered the fitted steps of the passes before."""
    tasks = []
    for column, chain in chains.items():
        dtype = schema[column]
        for step, method in enumerate(chain):
            if fitted_before(chain, step) != number:
                continue
            wanted = needed_statistics(chain, step)
            has_domain = method.domain(pl.lit(0.0)) is not None
            if not wanted and not has_domain:
                continue
            before = tuple(
                conclude(column, dtype, chain, i, inputs.get((column, i))) for i in range(step)
            )
            checked = (FittedStep(method, method.given, None),) if has_domain else ()
            # Exact states of all rows are the sum of the groups'; only parameters that
            # differ by group make the two see different values.
            scopes: tuple[Scope, ...] = ("rows",) if not by else ("groups",)
            if by and number > 0:
                scopes = ("groups", "rows")
            tasks += [
                Task(
                    column,
                    dtype,
                    step,
                    scope,
                    before,
                    wanted,
                    checked if scope == scopes[0] else (),
                )
                for scope in scopes
            ]
    return Pass(number, tuple(tasks), by)


class Contribution:
    """The states of a pass over some batches: `update` takes a batch in, `merge` adds two up."""

    def __init__(self, the_pass: Pass, cells: int = 1) -> None:
        self.the_pass = the_pass
        self.rows = 0
        self.cells = cells
        self.states: list[States] = [
            empty_states(task.statistics, task.dtype, task.step, self._cells_of(task))
            for task in the_pass.tasks
        ]
        self.outside = [0] * len(the_pass.tasks)
        """For each task how many values lay outside the domain of its step."""

    def _cells_of(self, task: Task) -> int:
        return self.cells if task.scope == "groups" else 1

    def update(self, batch: pl.DataFrame, ids: Index | None, cells: int) -> None:
        """Take in a batch, in place; `ids` are the rows' cells, out of `cells`."""
        if cells > self.cells:
            self.grow(cells)
        self.rows += batch.height
        layout = None if ids is None else GroupLayout.of(ids, cells)
        splits: dict[str, Split] = {}
        for i, task in enumerate(self.the_pass.tasks):
            series = batch[task.column]
            if task.before or task.checked:
                series, outside = _evaluate(task, batch, ids)
                self.outside[i] += outside
            if not task.statistics:
                continue
            if task.step == 0:
                if task.column not in splits:
                    splits[task.column] = split(batch[task.column])
                parts = splits[task.column]
            else:
                parts = split(series)
            values = _values(parts, layout if task.scope == "groups" else None)
            for state in self.states[i].values():
                state.update(values)

    def grow(self, cells: int, where: Index | None = None) -> None:
        """Lay the states out anew over `cells` cells, cell i going to where[i], in place."""
        target = np.arange(self.cells) if where is None else where
        self.states = [
            {name: state.scatter(target, cells) for name, state in states.items()}
            if task.scope == "groups"
            else states
            for task, states in zip(self.the_pass.tasks, self.states, strict=True)
        ]
        self.cells = cells

    def merge(self, other: Contribution) -> Contribution:
        """Return the contribution of both sets of batches."""
        merged = Contribution(self.the_pass, max(self.cells, other.cells))
        for each in (self, other):
            each.grow(merged.cells)
        merged.rows = self.rows + other.rows
        merged.outside = [a + b for a, b in zip(self.outside, other.outside, strict=True)]
        merged.states = [
            {name: mine[name].merge(theirs[name]) for name in mine}
            for mine, theirs in zip(self.states, other.states, strict=True)
        ]
        return merged

    def inputs(self) -> dict[tuple[str, int], StepInput]:
        """Return what entered the steps of this pass."""
        found: dict[tuple[str, int], dict[Scope, States]] = {}
        for task, states in zip(self.the_pass.tasks, self.states, strict=True):
            if task.statistics:
                found.setdefault((task.column, task.step), {})[task.scope] = states
        exact = self.the_pass.number == 0
        return {
            key: StepInput(
                scopes.get("rows") or fold(scopes["groups"]), scopes.get("groups"), exact
            )
            for key, scopes in found.items()
        }


def _evaluate(task: Task, batch: pl.DataFrame, ids: Index | None) -> tuple[pl.Series, int]:
    """Return what enters the task's step, and how many of its values lie outside the domain."""
    by_group = task.scope == "groups" and any(step.groups is not None for step in task.before)
    table = constants_table(task.before, task.dtype, by_group)
    frame = batch.select(pl.col(task.column).alias("\0x"))
    if by_group:
        assert ids is not None
        frame = frame.hstack(table[ids])
    lookup = pl.col if by_group else lambda name: pl.lit(table[name][0], table[name].dtype)
    entering = forward(task.before, pl.col("\0x"), task.dtype, lookup, table)[-1]
    series = frame.select(entering.alias(task.column)).to_series()
    outside = 0
    for step in task.checked:
        inside = step.method.domain(pl.col(task.column))
        assert inside is not None
        valid = pl.col(task.column).is_finite()
        outside = series.to_frame().select((valid & ~inside).sum()).item()
    return series, outside


def _values(parts: Split, layout: GroupLayout | None) -> Values:
    valid = parts.valid
    if layout is None:
        planes = parts.planes if valid is None else tuple(p[valid] for p in parts.planes)
        starts = cells = None
        ids = None
    else:
        order, sorted_ids = layout.order, layout.sorted_ids
        if valid is not None:
            keep = valid[order]
            order, sorted_ids = order[keep], sorted_ids[keep]
        planes = tuple(plane[order] for plane in parts.planes)
        starts = segment_starts(sorted_ids)
        cells = sorted_ids[starts]
        ids = layout.ids
    aside: Sequence[Index] = [
        np.zeros(0 if mask is None else int(mask.sum()), np.intp)
        if ids is None or mask is None
        else ids[mask]
        for mask in (parts.null, parts.nan, parts.inf)
    ]
    return Values(parts.kind, planes, starts, cells, *aside)
