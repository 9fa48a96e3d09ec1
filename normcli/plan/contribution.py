"""What a batch contributes to the states of a scan, and how contributions add up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, cast

import numpy as np
import polars as pl

from normcli.coding import encode, without
from normcli.columns import physical, plain_chunks, split, split_texts
from normcli.fitted import States
from normcli.flat import Elements, cells_of, pieces
from normcli.groups import GroupLayout, Index
from normcli.methods.base import Batches, Blocks
from normcli.plan.evaluating import evaluate, evaluate_flat
from normcli.plan.task import Pass, Scope, Task
from normcli.plan.values import values_in, vector_values, with_blocks
from normcli.rowblocks import RowBlocks
from normcli.statistics import State, Values
from normcli.statistics.compiled import SWEPT, Cells, Sweep, cells_of_rows, sweep_for
from normcli.tensors import flatten, spread

__all__ = ["Contribution"]


_EXAMPLES = 4
_SIZES = 64
"""Of how many pieces' sizes the sorted cells are kept."""


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
        self.unswept = [
            states.keys() - {prefix + name for prefix in sweeps for name in SWEPT}
            for states, sweeps in zip(self.states, self.sweeps, strict=True)
        ]
        """For each task the states that the compiled kernel does not take in."""
        self.row_blocks = RowBlocks()
        self._cells_of_pieces: dict[tuple[int, int], Cells] = {}
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
        by_cell = None if ids is None else cells_of_rows(ids.astype(np.uint32), self.cells)
        layout = cache(lambda: None if ids is None else GroupLayout.of(ids, cells))
        raw = cache(lambda column: split(batch[column]))

        @cache
        def blocks(wanted: Blocks | Batches, scope: Scope) -> Index:
            return self.row_blocks.numbers(batch, wanted, layout() if scope == "groups" else None)

        def values_of(task: Task, lane: pl.Series) -> Values:
            part = raw(task.column) if task.is_raw else split(lane)
            sorted_by = layout() if task.scope == "groups" else None
            values = values_in(part, sorted_by)
            if task.blocks is not None:
                own = blocks(task.blocks, task.scope)
                values = with_blocks(values, part, sorted_by, task, own)
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
                evaluated, outside = evaluate(task, batch, ids)
                self.outside[i] += outside
                lanes = lanes if task.is_raw else evaluated
            self._sweep(i, lanes, by_cell if task.scope == "groups" else None)
            if self.unswept[i]:
                self._take_in(i, lanes, values_of)
        if self.the_pass.in_order:
            self.row_blocks.passed(batch.height, ids)

    def _sweep(self, i: int, lanes: Sequence[pl.Series], cells: Cells | None) -> None:
        """Take in what the compiled kernel takes of a task."""
        for prefix, lane in zip(self.the_pass.tasks[i].prefixes, lanes, strict=True):
            if prefix in self.sweeps[i]:
                self.sweeps[i][prefix].update(physical(lane), cells)

    def _take_in(
        self,
        i: int,
        lanes: Sequence[pl.Series],
        values_of: Callable[[Task, pl.Series], Values],
        vectors_of: Callable[[pl.Series], Values] | None = None,
    ) -> None:
        """Take in what is left of a task, as values or vectors."""
        task, unswept = self.the_pass.tasks[i], self.unswept[i]
        for prefix, lane in zip(task.prefixes, lanes, strict=True):
            names = {name for name in unswept if name.startswith(prefix)}
            wholes = {name for name in names if _takes_vectors(self.states[i][name])}
            for name in [name for name in names if _takes_numbers(self.states[i][name])]:
                names.remove(name)
                for numbers in plain_chunks(lane):
                    cast(Any, self.states[i][name]).take(numbers)
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
                lanes, outside = evaluate_flat(task, piece, own)
                self.outside[i] += outside
            if self.sweeps[i]:
                self._sweep(i, lanes, self._cells_of_piece(i, own))
            whole.append(lanes)
        if not self.unswept[i]:
            return
        lanes = [flat] if as_it_is else [pl.concat(each) for each in zip(*whole, strict=True)]
        cells = cells_of(elements, task.channels[-1])

        def values_of(task: Task, lane: pl.Series) -> Values:
            layout = None if cells is None else GroupLayout.of(cells, self._cells_of(task))
            values = values_in(split(lane), layout)
            if task.blocks is not None:
                numbers = blocks(task.blocks, task.scope)
                own = np.repeat(numbers, size) if row_of is None else numbers[row_of]
                values = with_blocks(values, split(lane), layout, task, own)
            return values

        def vectors_of(lane: pl.Series) -> Values:
            return vector_values(lane, task, elements, self._cells_of(task))

        self._take_in(i, lanes, values_of, vectors_of)

    def _cells_of_piece(self, i: int, piece: Elements) -> Cells | None:
        """Return the cells of a piece's elements as sweeps take them.

        Without groups those of all pieces of one size are the same, so that they are sorted once.
        """
        task, kept = self.the_pass.tasks[i], self._cells_of_pieces
        if (i, piece.rows) not in kept:
            cells = task.narrow_cells(piece)
            apart = piece.groups is not None or piece.row_of is not None
            if cells is None or apart or len(kept) == _SIZES:
                return cells
            kept[i, piece.rows] = cells_of_rows(cells, self._cells_of(task))
        return kept[i, piece.rows]

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


def _takes_numbers(state: State) -> bool:
    return getattr(state, "takes_numbers", False)  # so does what a search keeps, at times


def _takes_vectors(state: State) -> bool:
    return getattr(state, "of_vectors", False)  # what a search keeps is no statistic


def _least(first: pl.Series, second: pl.Series) -> pl.Series:
    """Return the least few of two lots of values; one without values has no dtype yet."""
    if first.is_empty() or second.is_empty():
        first, second = (second, first) if first.is_empty() else (first, second)
        return first.unique().sort().head(_EXAMPLES)
    return pl.concat([first, second]).unique().sort().head(_EXAMPLES)
