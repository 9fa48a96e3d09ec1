"""The plan of a fit: what one scan takes of the data, what a batch contributes, how that folds.

All columns and all statistics of a scan share it; which tasks there are is the business of
`progression`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.coding import encode, without
from normcli.columns import Split, named, physical, split, split_texts
from normcli.fitted import FittedStep, States
from normcli.flat import CellConstants, Elements, cells_of, constants_by_cell, pieces, tiled
from normcli.groups import GroupLayout, Index, segment_starts
from normcli.methods import Method
from normcli.methods.base import Batches, Blocks, Expressions
from normcli.rowblocks import RowBlocks
from normcli.rowsteps import forward_flat
from normcli.statistics import Kind, State, Values
from normcli.statistics.compiled import SWEPT, Sweep, sweep_for
from normcli.tensors import Channels, Tensor, flatten, spread
from normcli.transform import (
    Lookup,
    Table,
    at_rows,
    constants_table,
    forward,
    lookup_of,
    step_constants,
    to_float,
)

__all__ = ["Contribution", "Pass", "Scope", "Task"]

Scope = Literal["rows", "groups"]

_EXAMPLES = 4


@dataclass(frozen=True)
class Task:
    """Something a scan takes of one column: states of what enters a step, and its domain.

    `before` are the steps up to there with their parameters; in scope "groups" the states
    have a cell for each group, and the steps before use the parameters of the row's group.
    With `partial`, a step of which some parameters are found, the states are of what `of` makes
    of its input and of those parameters; of several expressions (`lanes`), those of expression i
    are under the names "i.name".
    """

    column: str
    dtype: pl.DataType
    step: int
    scope: Scope
    before: tuple[FittedStep, ...]
    empty: Callable[[int], States]
    """Makes states of no rows over a number of cells."""
    checked: Method | None = None
    """The step's method, if it is not defined everywhere."""
    partial: FittedStep | None = None
    of: Callable[[pl.Expr, Expressions], Sequence[pl.Expr]] | None = None
    lanes: int = 1
    blocks: Blocks | Batches | None = None
    kind: Kind | None = None
    """How the values are held where they are not to be counted as numbers ("text")."""
    tensor: Tensor | None = None
    """What the column's tensors are; `dtype` is then that of their elements."""
    channels: tuple[Channels, ...] = ()
    """The channels of the steps before and of the step itself."""

    @property
    def cells_each(self) -> int:
        """The number of cells of all rows, or of each group: one for each channel."""
        return self.channels[-1].count if self.channels else 1

    @property
    def steps(self) -> tuple[FittedStep, ...]:
        """The steps whose parameters it takes."""
        return self.before if self.partial is None else (*self.before, self.partial)

    @property
    def by_group(self) -> bool:
        """Whether these parameters differ by group."""
        return self.scope == "groups" and any(step.groups is not None for step in self.steps)

    @cached_property
    def table(self) -> Table:
        """The constants of the steps: made once, for they may be as many as there are groups."""
        return constants_table(self.steps, self.dtype, self.by_group).to_dict(as_series=True)

    @cached_property
    def constants(self) -> CellConstants:
        """The constants of the steps over tensors, by cell."""
        steps = self.steps
        own = self.channels[: len(steps)]
        groups = None
        if self.scope == "groups":
            # Without parameters by group the groups make no difference.
            counts = (
                len(values) // each.count
                for step, each in zip(steps, own, strict=True)
                for values in (step.groups or {}).values()
            )
            groups = next(counts, None)
        return constants_by_cell(steps, own, self.dtype, groups)

    @cached_property
    def _tiled(self) -> npt.NDArray[np.uint32] | None:
        ids = tiled(self.channels[-1])
        return None if ids is None else ids.astype(np.uint32)

    def narrow_cells(self, piece: Elements) -> npt.NDArray[np.uint32] | None:
        """Return the cells of a piece's elements as the compiled kernel takes them."""
        if piece.groups is None and piece.row_of is None:
            return None if self._tiled is None else self._tiled[: piece.rows * piece.size]
        cells = cells_of(piece, self.channels[-1])
        return None if cells is None else cells.astype(np.uint32)

    @property
    def in_order(self) -> bool:
        """Whether the rows have to come in their order."""
        return any(getattr(state, "in_order", False) for state in self.empty(1).values())

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The columns that are read for it; None for all."""
        if not isinstance(self.blocks, Blocks):
            return (self.column,)
        return None if self.blocks.by is None else (self.column, self.blocks.by)

    @property
    def prefixes(self) -> tuple[str, ...]:
        """What the names of each expression's states begin with."""
        return tuple(f"{k}." for k in range(self.lanes)) if self.lanes > 1 else ("",)

    @property
    def is_raw(self) -> bool:
        """Whether the states are of the column as it comes."""
        return self.step == 0 and self.of is None


@dataclass(frozen=True)
class Pass:
    """One scan of the data."""

    tasks: tuple[Task, ...]
    by: Mapping[str, pl.DataType]


class Contribution:
    """The states of a pass over some batches: `update` takes a batch in, `merge` adds two up."""

    def __init__(self, the_pass: Pass, cells: int = 1) -> None:
        self.the_pass = the_pass
        self.rows = 0
        self.cells = cells
        self.states: list[States] = [task.empty(self._cells_of(task)) for task in the_pass.tasks]
        self.sweeps = [
            self._sweeps_of(*each) for each in zip(the_pass.tasks, self.states, strict=True)
        ]
        self.row_blocks = RowBlocks()
        self.in_order = any(task.in_order for task in the_pass.tasks)
        self.outside = [0] * len(the_pass.tasks)
        """For each task how many values lay outside the domain of its step."""
        self.examples = [pl.Series(dtype=pl.Null)] * len(the_pass.tasks)
        """The least of them, where the step encodes values."""

    def _sweeps_of(self, task: Task, states: States) -> dict[str, Sweep]:
        """Return the compiled kernel's sweeps over a task's lanes, by the prefix of their names."""
        sweeps = {}
        for prefix in task.prefixes:
            names = [name for name in SWEPT if prefix + name in states]
            sweep = sweep_for(names, task.kind, self._cells_of(task))
            if sweep is not None:
                sweeps[prefix] = sweep
        return sweeps

    def _cells_of(self, task: Task) -> int:
        return (self.cells if task.scope == "groups" else 1) * task.cells_each

    def update(self, batch: pl.DataFrame, ids: Index | None, cells: int) -> None:
        """Take in a batch, in place; `ids` are the rows' cells, out of `cells`."""
        if cells > self.cells:
            self.grow(cells)
        self.rows += batch.height
        narrow = None if ids is None else ids.astype(np.uint32)
        layout = cache(lambda: None if ids is None else GroupLayout.of(ids, cells))
        raw = cache(lambda column: split(batch[column]))

        @cache
        def blocks(wanted: Blocks | Batches, scope: Scope) -> Index:
            return self.row_blocks.numbers(batch, wanted, ids if scope == "groups" else None)

        def values_of(task: Task, lane: pl.Series) -> Values:
            part = raw(task.column) if task.is_raw else split(lane)
            sorted_by = layout() if task.scope == "groups" else None
            values = _values(part, sorted_by)
            if task.blocks is not None:
                own = blocks(task.blocks, task.scope)
                values = _with_blocks(values, part, sorted_by, task, own)
            return values

        for i, task in enumerate(self.the_pass.tasks):
            if task.kind == "text":
                self._take_texts(i, task, batch[task.column])
                continue
            if task.tensor is not None:
                self._update_tensor(i, task, batch, ids, blocks)
                continue
            lanes = [batch[task.column]]
            if not task.is_raw or task.checked is not None:
                evaluated, outside = _evaluate(task, batch, ids)
                self.outside[i] += outside
                lanes = lanes if task.is_raw else evaluated
            self._sweep(i, lanes, narrow if task.scope == "groups" else None)
            self._take_in(i, lanes, values_of)
        if self.in_order:
            self.row_blocks.passed(batch.height, ids)

    def _sweep(
        self, i: int, lanes: Sequence[pl.Series], cells: npt.NDArray[np.uint32] | None
    ) -> None:
        """Take in what the compiled kernel takes of a task."""
        for prefix, lane in zip(self.the_pass.tasks[i].prefixes, lanes, strict=True):
            if prefix in self.sweeps[i]:
                self.sweeps[i][prefix].update(physical(lane), cells)

    def _unswept(self, i: int) -> set[str]:
        """Return the states of a task that the compiled kernel does not take in."""
        swept = {prefix + name for prefix in self.sweeps[i] for name in SWEPT}
        return self.states[i].keys() - swept

    def _take_in(
        self,
        i: int,
        lanes: Sequence[pl.Series],
        values_of: Callable[[Task, pl.Series], Values],
        vectors_of: Callable[[pl.Series], Values] | None = None,
    ) -> None:
        """Take in what is left of a task, as values or vectors."""
        task, unswept = self.the_pass.tasks[i], self._unswept(i)
        for prefix, lane in zip(task.prefixes, lanes, strict=True):
            names = {name for name in unswept if name.startswith(prefix)}
            wholes = {name for name in names if _takes_vectors(self.states[i][name])}
            if names - wholes:
                values = values_of(task, lane)
                for name in names - wholes:
                    self.states[i][name].update(values)
            if wholes and vectors_of is not None:
                for name in wholes:
                    self.states[i][name].update(vectors_of(lane))

    def _update_tensor(
        self,
        i: int,
        task: Task,
        batch: pl.DataFrame,
        ids: Index | None,
        blocks: Callable[[Blocks | Batches, Scope], Index],
    ) -> None:
        """Take in the elements of tensors, each in the cell of its group and channel."""
        tensor = task.tensor
        assert tensor is not None
        flat, row_of = flatten(batch[task.column], tensor)
        size = 0 if tensor.shape is None else tensor.size
        elements = Elements(batch.height, size, row_of, ids if task.scope == "groups" else None)
        as_it_is = task.is_raw and task.checked is None
        whole: list[list[pl.Series]] = []
        for _, piece, own in pieces(flat, elements):
            lanes = [piece]
            if not as_it_is:
                lanes, outside = _evaluate_flat(task, piece, own)
                self.outside[i] += outside
            if self.sweeps[i]:
                self._sweep(i, lanes, task.narrow_cells(own))
            whole.append(lanes)
        if not self._unswept(i):
            return
        lanes = [flat] if as_it_is else [pl.concat(each) for each in zip(*whole, strict=True)]
        cells = cells_of(elements, task.channels[-1])

        def values_of(task: Task, lane: pl.Series) -> Values:
            layout = None if cells is None else GroupLayout.of(cells, self._cells_of(task))
            values = _values(split(lane), layout)
            if task.blocks is not None:
                numbers = blocks(task.blocks, task.scope)
                own = np.repeat(numbers, size) if row_of is None else numbers[row_of]
                values = _with_blocks(values, split(lane), layout, task, own)
            return values

        def vectors_of(lane: pl.Series) -> Values:
            return _vector_values(lane, task, elements, self._cells_of(task))

        self._take_in(i, lanes, values_of, vectors_of)

    def _take_texts(self, i: int, task: Task, series: pl.Series) -> None:
        texts, null = split_texts(series)
        if task.partial is not None:
            code = encode(task.partial, pl.col("\0x")).alias("\0code")
            unknown = without(texts, texts.alias("\0x").to_frame().select(code).to_series())
            self.outside[i] += len(unknown)
            self.examples[i] = _least(self.examples[i], unknown)
        none = np.zeros(0, np.intp)
        aside = none if null is None else np.zeros(int(null.sum()), np.intp)
        values = Values("text", (), None, None, aside, none, none, texts=texts)
        for state in self.states[i].values():
            state.update(values)

    def grow(self, cells: int, where: Index | None = None) -> None:
        """Lay the states out anew over `cells` cells, cell i going to where[i], in place."""
        target = np.arange(self.cells) if where is None else where
        self.states = [
            {
                name: state.scatter(spread(target, task.cells_each), cells * task.cells_each)
                for name, state in states.items()
            }
            if task.scope == "groups"
            else states
            for task, states in zip(self.the_pass.tasks, self.states, strict=True)
        ]
        for task, sweeps in zip(self.the_pass.tasks, self.sweeps, strict=True):
            assert not sweeps or where is None, "sweeps are settled first"
            for sweep in sweeps.values() if task.scope == "groups" else ():
                sweep.grow(cells * task.cells_each)
        self.cells = cells

    def settle(self) -> None:
        """Bring what sweeps have found into the states, in place, after the last batch."""
        for i, sweeps in enumerate(self.sweeps):
            found = {
                prefix + name: state
                for prefix, sweep in sweeps.items()
                for name, state in sweep.states().items()
            }
            self.states[i] = {
                name: state.merge(found[name]) if name in found else state
                for name, state in self.states[i].items()
            }
            self.sweeps[i] = {}

    def merge(self, other: Contribution) -> Contribution:
        """Return the contribution of both sets of batches, once both are settled."""
        merged = Contribution(self.the_pass)
        merged.cells = max(self.cells, other.cells)
        for each in (self, other):
            each.grow(merged.cells)
        merged.sweeps = [{} for _ in merged.sweeps]
        merged.rows = self.rows + other.rows
        merged.outside = [a + b for a, b in zip(self.outside, other.outside, strict=True)]
        merged.examples = list(map(_least, self.examples, other.examples))
        merged.states = [
            {name: mine[name].merge(theirs[name]) for name in mine}
            for mine, theirs in zip(self.states, other.states, strict=True)
        ]
        return merged


def _evaluate(task: Task, batch: pl.DataFrame, ids: Index | None) -> tuple[list[pl.Series], int]:
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


def _evaluate_flat(task: Task, flat: pl.Series, elements: Elements) -> tuple[list[pl.Series], int]:
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


def _takes_vectors(state: State) -> bool:
    return getattr(state, "of_vectors", False)  # what a search keeps is no statistic


def _least(first: pl.Series, second: pl.Series) -> pl.Series:
    """Return the least few of two lots of values; one without values has no dtype yet."""
    if first.is_empty() or second.is_empty():
        first, second = (second, first) if first.is_empty() else (first, second)
        return first.unique().sort().head(_EXAMPLES)
    return pl.concat([first, second]).unique().sort().head(_EXAMPLES)


def _vector_values(flat: pl.Series, task: Task, elements: Elements, cells: int) -> Values:
    """Return the rows' vectors, as float64 in natural units, without those that lack an element."""
    dtype = task.dtype if task.is_raw else pl.Float64()
    numbers = pl.select(to_float(pl.lit(flat), dtype)).to_series().fill_null(float("nan"))
    vectors = numbers.to_numpy().reshape(elements.rows, -1)
    whole = np.isfinite(vectors).all(axis=1)
    none = np.zeros(0, np.intp)
    if elements.groups is None:
        kept = vectors if whole.all() else vectors[whole]
        return Values("float", (), None, None, none, none, none, vectors=kept)
    layout = GroupLayout.of(elements.groups[whole], cells)
    starts = segment_starts(layout.sorted_ids)
    own = layout.sorted_ids[starts]
    ordered = vectors[whole][layout.order]
    return Values("float", (), starts, own, none, none, none, vectors=ordered)


def _with_blocks(
    values: Values, parts: Split, layout: GroupLayout | None, task: Task, blocks: Index
) -> Values:
    """Return the values with the numbers of their rows' blocks, in the same order."""
    count = task.blocks.count if isinstance(task.blocks, Blocks) else 1
    valid = parts.valid
    if layout is not None and (task.scope == "groups" or task.tensor is not None):
        blocks = blocks[layout.order]
        valid = None if valid is None else valid[layout.order]
    taken = blocks if valid is None else blocks[valid]
    return replace(values, blocks=taken, block_count=count)


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
    null, nan, inf = (
        np.zeros(0 if mask is None else int(mask.sum()), np.intp)
        if ids is None or mask is None
        else ids[mask]
        for mask in (parts.null, parts.nan, parts.inf)
    )
    return Values(parts.kind, planes, starts, cells, null, nan, inf)
