"""What one scan takes of the data: a task for each thing that is to be found out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.fitted import FittedStep, States
from normcli.flat import CellConstants, Elements, cells_of, constants_by_cell, tiled
from normcli.methods import Method
from normcli.methods.base import Batches, Blocks, Expressions
from normcli.statistics import Kind
from normcli.tensors import Channels, Tensor
from normcli.transform import (
    Table,
    constants_table,
)

__all__ = ["Pass", "Scope", "Task"]


Scope = Literal["rows", "groups"]


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
    sample: Callable[[int], States] | None = None
    """Makes states for a few rows from all over the data, which are shown them before the scan."""
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

    @cached_property
    def of_sample(self) -> Pass:
        """What is to be made of a sample of the rows before the scan."""
        tasks = [replace(task, empty=task.sample) for task in self.tasks if task.sample is not None]
        return Pass(tuple(tasks), {})

    @cached_property
    def in_order(self) -> bool:
        """Whether the rows have to come in their order."""
        return any(task.in_order for task in self.tasks)
