"""Apply and invert for tensor columns: their elements as one long column, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.dtypes import dtype_name
from normcli.errors import DataError
from normcli.fitted import FittedColumn, FittedStep, step_channels
from normcli.flat import CellConstants, Elements, cells_of, constants_by_cell, pieces
from normcli.methods.rowwise import Kept, RowMethod
from normcli.rowsteps import forward_flat, inverse_flat
from normcli.tensors import Tensor, flatten, rebuild, shape_text, tensor_of
from normcli.transform import for_all_groups, from_float, to_float

__all__ = ["TensorColumn", "check_shape"]

Index = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TensorColumn:
    """A tensor column of the data, and the fitted one with whose statistics it is treated.

    `groups` is the number of groups, None without; rows of unknown groups come as group
    `groups`, and `elsewhere` says what becomes of them.
    """

    name: str
    source: str
    """What messages call the data."""
    column: FittedColumn
    tensor: Tensor
    """What the data hold."""
    output: pl.DataType
    """The dtype of the elements that come out."""
    direction: Literal["apply", "invert"]
    groups: int | None
    elsewhere: Literal["error", "null", "global", "keep"]

    @cached_property
    def _cells(self) -> tuple[CellConstants, pl.Series | None]:
        """The constants, and which cells have parameters.

        The last is None if all have; without groups that does not matter, and they give null.
        """
        steps = self.column.steps
        every = [step_channels(self.name, self.column.dtype, step.method) for step in steps]
        overall = constants_by_cell(steps, every, self._entering, None)
        channels, table = overall.channels, overall.table
        if self.groups is None:
            return overall, None
        if not table.width:
            # Nothing depends on the group, but a group may be unknown all the same.
            known = [True] * self.groups + [False]
            return overall, pl.Series([k for k in known for _ in range(channels.count)])
        by_group = constants_by_cell(steps, every, self._entering, self.groups).table
        table, all_known = for_all_groups(by_group, table, self.elsewhere == "global")
        return CellConstants(channels, table), all_known

    @property
    def _entering(self) -> pl.DataType:
        """The dtype of the numbers that forward takes, or that inverse gives."""
        if self.direction == "apply" and not self.column.inner.is_temporal():
            return self.tensor.inner
        return self.column.inner

    def lacks_parameters(self, series: pl.Series, groups: Index) -> Mask | None:
        """Return which rows hold values whose cells have no parameters; None if there are none."""
        constants, known = self._cells
        if known is None or known[: -constants.channels.count].all():
            return None
        flat, elements = self._elements(series, groups)
        lacking = ~self._at(known, elements) & flat.is_not_null()
        if not lacking.any():
            return None
        rows = elements.of_rows(np.arange(len(series)))[lacking.to_numpy()]
        found = np.zeros(len(series), np.bool_)
        found[rows.astype(np.intp)] = True
        return found

    def _at(self, values: pl.Series, elements: Elements) -> pl.Series:
        """Return for each element the value of its cell."""
        cells = cells_of(elements, self._cells[0].channels)
        assert cells is not None, "there are groups"
        return values[cells]

    def _elements(self, series: pl.Series, groups: Index | None) -> tuple[pl.Series, Elements]:
        flat, row_of = flatten(series, self.tensor)
        if self.direction == "apply" and self._entering.is_temporal():
            flat = flat.cast(self._entering)
        size = 0 if self.tensor.shape is None else self.tensor.size
        return flat, Elements(len(series), size, row_of, groups)

    def carry(
        self, series: pl.Series, groups: Index | None, kept: Mapping[int, Kept]
    ) -> tuple[pl.Series, dict[int, Kept]]:
        """Return the column normalized or brought back, and what its rows have lost.

        `groups` are the rows' groups, `kept` what they had lost to each row-wise step.
        """
        made: list[pl.Series] = []
        lost: list[dict[int, Kept]] = []
        for rows, flat, elements in pieces(*self._elements(series, groups)):
            own = {
                step: {name: numbers[rows] for name, numbers in of_rows.items()}
                for step, of_rows in kept.items()
            }
            carried, left = self._carry(flat, elements, own)
            made.append(carried)
            lost.append(left)
        whole = pl.concat(made) if len(made) > 1 else made[0]
        every = {
            step: {name: np.concatenate([one[step][name] for one in lost]) for name in of_rows}
            for step, of_rows in lost[0].items()
        }
        return rebuild(whole, series, self.tensor), every

    def _carry(
        self, flat: pl.Series, elements: Elements, kept: Mapping[int, Kept]
    ) -> tuple[pl.Series, dict[int, Kept]]:
        constants, known = self._cells
        frame = constants.beside(flat, elements)
        if known is not None and self._tells_known:
            frame = frame.with_columns(self._at(known, elements).alias("\0known"))
        if self._expression is not None:
            return frame.select(self._expression).to_series(), {}
        frame, carried, lost = self._carried(frame, kept)
        return frame.select(self._result(carried)).to_series(), lost

    @cached_property
    def _expression(self) -> pl.Expr | None:
        """The expression for what comes out; None if it is not the same for all elements."""
        methods = [step.method for step in self.column.steps]
        if any(isinstance(each, RowMethod) for each in methods):
            return None
        if self.direction == "apply" and any(
            each.domain(pl.col("\0x")) is not None for each in methods
        ):
            return None
        _, carried, _ = self._carried(pl.DataFrame(), {})
        return self._result(carried)

    def _carried(
        self, frame: pl.DataFrame, kept: Mapping[int, Kept]
    ) -> tuple[pl.DataFrame, pl.Expr, dict[int, Kept]]:
        """Return what comes out as an expression over a frame, and what rows have lost."""
        constants, _ = self._cells
        table, lookup = constants.series, constants.lookup(self.groups is not None)
        steps, shape = self.column.steps, self.tensor.shape
        if self.direction == "apply":
            return forward_flat(
                frame, steps, self._entering, lookup, table, shape, self._check_domain
            )
        return *inverse_flat(frame, steps, self.column.inner, lookup, table, shape, kept), {}

    @property
    def _tells_known(self) -> bool:
        return self.elsewhere in ("keep", "null")

    def _result(self, carried: pl.Expr) -> pl.Expr:
        """Return an expression in the dtype that is wanted, and what unknown groups have."""
        if self._cells[1] is not None and self._tells_known:
            x, original = pl.col("\0x"), None
            if self.elsewhere == "keep":
                original = to_float(x, self._entering)
                if self.direction == "invert":
                    original = from_float(to_float(x, pl.Float64()), self.column.inner, None)
            carried = pl.when(pl.col("\0known")).then(carried).otherwise(original)
        # What is float anyway can be cast strictly, which is faster.
        return carried.cast(self.output, strict=self.output.is_float()).alias(self.name)

    def _check_domain(self, frame: pl.DataFrame, x: pl.Expr, step: FittedStep) -> None:
        inside = step.method.domain(x)
        if inside is None:
            return
        wrong = x.is_finite() & ~inside
        if "\0known" in frame.columns:
            wrong &= pl.col("\0known")
        outside = frame.select(wrong.sum()).item()
        if outside:
            raise DataError(
                f'{self.source}: column "{self.name}" has at least {outside:,} value'
                f"{'' if outside == 1 else 's'} outside the domain of {step.method.name}",
                f"{step.method.formula[0]} is not defined there; "
                "leave such rows out, or leave the column out with --columns",
            )


def check_shape(
    name: str, column: FittedColumn, found: pl.DataType, what: str, direction: str
) -> Tensor:
    """Return what the tensors of the data are; raise DataError if they are not like the fitted."""
    fitted, tensor = column.tensor, tensor_of(found)
    assert fitted is not None
    hint = "leave it out by naming the others with --columns"
    if tensor is None:
        raise DataError(
            f'{what}: column "{name}" is {dtype_name(found)}; '
            f'"{column.name}" was fitted as {dtype_name(column.dtype)}',
            hint,
        )
    if fitted.shape is not None and tensor.shape != fitted.shape:
        held = "lists"
        if tensor.shape is not None:
            held = f"tensors of shape {shape_text(tensor.shape)}"
        raise DataError(
            f'{what}: column "{name}" holds {held}; '
            f'"{column.name}" was fitted on shape {shape_text(fitted.shape)}',
            f"reshape it, or {hint}",
        )
    wanted = fitted.inner if direction == "apply" else pl.Float64()
    kinds = {each.base_type() if each.is_temporal() else None for each in (wanted, tensor.inner)}
    if len(kinds) > 1:
        raise DataError(
            f'{what}: column "{name}" is {dtype_name(found)}; '
            + (
                f'"{column.name}" was fitted as {dtype_name(column.dtype)}'
                if direction == "apply"
                else f'normalized values of "{column.name}" are numbers'
            ),
            hint,
        )
    return tensor
