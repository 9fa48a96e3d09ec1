"""Apply and invert for tensor columns: their elements as one long column, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.errors import DataError
from normcli.fitted import FittedColumn, step_channels
from normcli.flat import Elements, beside, flat_lookup
from normcli.tensors import Channels, Tensor, flatten, rebuild, shape_text, tensor_of
from normcli.transform import Table, forward, from_float, inverse, step_series, to_float

__all__ = ["TensorColumn", "check_shape"]

Index = npt.NDArray[np.intp]


@dataclass(frozen=True)
class TensorColumn:
    """A tensor column of the data, and the fitted one with whose statistics it is treated.

    `groups` is the number of groups, None without; rows of unknown groups come as group
    `groups`, and `elsewhere` says what becomes of them.
    """

    name: str
    column: FittedColumn
    tensor: Tensor
    """What the data hold."""
    output: pl.DataType
    """The dtype of the elements that come out."""
    direction: Literal["apply", "invert"]
    groups: int | None
    elsewhere: Literal["null", "global", "keep"]

    @cached_property
    def channels(self) -> list[Channels]:
        """The channels of every step."""
        steps = self.column.steps
        return [step_channels(self.name, self.column.dtype, step.method) for step in steps]

    @cached_property
    def tables(self) -> list[Table]:
        """The constants of every step; after those of the groups come those of unknown ones."""
        grouped = self.groups is not None
        made: list[Table] = []
        for i, step in enumerate(self.column.steps):
            table = step_series(i, step, self._entering, grouped)
            if grouped and step.groups is not None:
                overall = step_series(i, step, self._entering, False)
                table = {key: self._with_unknown(one, overall[key]) for key, one in table.items()}
            made.append(table)
        return made

    @property
    def _entering(self) -> pl.DataType:
        """The dtype of the numbers that forward takes, or that inverse gives."""
        return self.tensor.inner if self.direction == "apply" else self.column.inner

    def _with_unknown(self, by_group: pl.Series, overall: pl.Series) -> pl.Series:
        if self.elsewhere != "global":
            return by_group.extend_constant(None, len(overall))
        # A channel without values in a group is as in a group that is unknown.
        groups = len(by_group) // len(overall)
        filled = by_group.to_frame("a").with_columns(
            pl.coalesce("a", pl.concat([overall] * groups).alias("b"))
        )
        return pl.concat([filled["a"], overall]).alias(by_group.name)

    def carry(self, series: pl.Series, groups: Index | None) -> pl.Series:
        """Return the column normalized or brought back; `groups` are the rows' groups."""
        flat, row_of = flatten(series, self.tensor)
        size = 0 if self.tensor.shape is None else self.tensor.size
        elements = Elements(len(series), size, row_of, groups)
        steps, tables = self.column.steps, self.tables
        frame = beside(flat, elements, steps, self.channels, tables, groups is not None)
        table = {key: one for each in tables for key, one in each.items()}
        lookup, x = flat_lookup(frame, table), pl.col("\0x")
        if self.direction == "apply":
            entering = forward(steps, x, self.tensor.inner, lookup, table)
            self._check_domains(frame, entering)
            carried, original = entering[-1], to_float(x, self.tensor.inner)
        else:
            x = to_float(x, pl.Float64())
            carried = inverse(steps, x, self.column.inner, lookup, table)
            original = from_float(x, self.column.inner, None)
        if self.elsewhere in ("keep", "null") and groups is not None and self.groups is not None:
            known = groups < self.groups
            spread = np.repeat(known, size) if row_of is None else known[row_of]
            frame = frame.with_columns(pl.Series("\0known", spread))
            kept = original if self.elsewhere == "keep" else None
            carried = pl.when(pl.col("\0known")).then(carried).otherwise(kept)
        result = frame.select(carried.cast(self.output, strict=False).alias(self.name))
        return rebuild(result.to_series(), series, self.tensor)

    def _check_domains(self, frame: pl.DataFrame, entering: Sequence[pl.Expr]) -> None:
        for x, step in zip(entering, self.column.steps, strict=False):
            inside = step.method.domain(x)
            if inside is None:
                continue
            outside = frame.select((x.is_finite() & ~inside).sum()).item()
            if outside:
                raise DataError(
                    f'column "{self.name}" has at least {outside:,} value'
                    f"{'' if outside == 1 else 's'} outside the domain of {step.method.name}",
                    f"{step.method.formula[0]} is not defined there; "
                    "leave such rows out, or leave the column out with --columns",
                )


def check_shape(name: str, column: FittedColumn, found: pl.DataType, what: str) -> Tensor:
    """Return what the tensors of the data are; raise DataError if they are not like the fitted."""
    fitted, tensor = column.tensor, tensor_of(found)
    assert fitted is not None
    if tensor is None:
        raise DataError(
            f'{what}: column "{name}" holds no tensors; "{column.name}" was fitted on tensors',
            "leave it out by naming the others with --columns",
        )
    if fitted.shape is not None and tensor.shape is not None and tensor.shape != fitted.shape:
        raise DataError(
            f'{what}: column "{name}" has tensors of shape {shape_text(tensor.shape)}; '
            f'"{column.name}" was fitted on shape {shape_text(fitted.shape)}',
            "reshape it, or leave it out by naming the others with --columns",
        )
    return tensor
