"""Columns of data and the fitted columns whose statistics they are treated with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from normcli.application.options import Direction, TransformOptions
from normcli.choosing import Choice
from normcli.columns import number_kind
from normcli.dtypes import dtype_name
from normcli.errors import DataError
from normcli.fitted import FittedColumn
from normcli.kept import KeptColumn, kept_columns
from normcli.methods.rowwise import RowMethod
from normcli.tensorcolumns import TensorColumn, check_shape
from normcli.tensors import tensor_of
from normcli.tensortargets import TensorTarget
from normcli.transform import (
    constants_table,
    for_all_groups,
    lookup_of,
)

__all__ = ["Matcher", "Target"]

_TEXTS = (pl.String, pl.Categorical, pl.Enum)


@dataclass(frozen=True)
class Target:
    """A column of the data, and the fitted column whose statistics it is treated with."""

    name: str
    dtype: pl.DataType
    column: FittedColumn
    table: pl.DataFrame
    known: pl.Series | None
    """For each row of the table whether the group has parameters; None if all have."""
    output: pl.DataType
    prefix: str

    @property
    def encodes(self) -> bool:
        """Whether the first step makes codes of values."""
        return self.column.steps[0].method.encodes

    @property
    def nested(self) -> bool:
        """Whether what leaves the chain are lists."""
        output = self.column.steps[-1].method.output
        return output is not None and output.is_nested()

    def constant(self, name: str) -> pl.Expr:
        """Return the expression for a constant, once joined to the rows."""
        return lookup_of(self.constants, self.known is not None, self.prefix)(name)

    @cached_property
    def constants(self) -> dict[str, pl.Series]:
        """The constants by name."""
        return self.table.to_dict(as_series=True)


@dataclass(frozen=True)
class Matcher:
    """Matches columns of data, called `name` in messages, with fitted ones, and checks them."""

    direction: Direction
    options: TransformOptions
    name: str
    groups: int | None
    """The number of groups, if there are any."""

    def tensor(self, choice: Choice, schema: pl.Schema) -> TensorTarget:
        name, column = choice.name, choice.column
        dtype = column.dtype if choice.sources else schema[name]
        tensor = check_shape(name, column, dtype, self.name, self.direction)
        output = column.inner
        if self.direction == "apply":
            output = self._float(pl.Float32() if tensor.inner == pl.Float32() else pl.Float64())
        elif output.is_float():
            output = self._float(output)
        groups = self.groups
        own = TensorColumn(
            name,
            self.name,
            column,
            tensor,
            pl.Float64() if choice.sources else output,
            self.direction,
            groups,
            self.options.unknown_group,
        )
        kept = self._kept_columns(name, column, schema)
        if choice.sources is None:
            return TensorTarget(own, kept, what=self.name)
        assert column.members is not None
        sources: dict[str, pl.DataType] = {}
        members: list[tuple[pl.DataType | None, pl.DataType]] = []
        for (member, fitted), source in zip(
            column.members.items(), choice.sources.values(), strict=True
        ):
            sources[source] = found = schema[source]
            self._check_number(source, member, fitted, found)
            if self.direction == "apply":
                single = found == pl.Float32()
                members.append((None, self._float(pl.Float32() if single else pl.Float64())))
            else:
                members.append((fitted, self._float(fitted) if fitted.is_float() else fitted))
        return TensorTarget(own, kept, sources, members, self.name)

    def _kept_columns(self, name: str, column: FittedColumn, schema: pl.Schema) -> list[KeptColumn]:
        """Return the columns for what rows lose; raise DataError where they can't be."""
        kept = kept_columns(name, column)
        names = ", ".join(each.name for each in kept)
        if self.direction == "invert":
            for step in column.steps:
                if isinstance(step.method, RowMethod) and step.method.loss:
                    raise DataError(
                        f'"{name}" can\'t be brought back: {step.method.name} {step.method.loss}',
                        "leave it out by naming the others with --columns",
                    )
            lacking = [each.name for each in kept if each.name not in schema]
            if lacking:
                raise DataError(
                    f'{self.name} has no column "{lacking[0]}", without which the rows of '
                    f'"{name}" can\'t be brought back',
                    f"apply --keep-row-stats writes what invert needs: {names}",
                )
            return kept
        if not self.options.keep_row_stats:
            return []
        taken = [each.name for each in kept if each.name in schema]
        if taken:
            raise DataError(
                f'{self.name} has a column "{taken[0]}" already, '
                f'which --keep-row-stats would write for "{name}"',
                "rename it",
            )
        return kept

    def target(self, i: int, name: str, column: FittedColumn, dtype: pl.DataType) -> Target:
        self._check_dtype(name, column, dtype)
        first, last = column.steps[0].method, column.steps[-1].method
        if first.encodes:
            through = column.dtype
            output = column.dtype
            if self.direction == "apply":
                coded = last.output_of(column.steps[-1].params)
                output = coded or self._float(pl.Float64())
        elif self.direction == "apply":
            through = column.dtype if dtype.is_temporal() else dtype
            through = pl.Float64() if dtype == pl.Null() else through
            output = self._float(pl.Float32() if dtype == pl.Float32() else pl.Float64())
        else:
            through = output = column.dtype
            if column.dtype.is_float():
                output = self._float(column.dtype)
        table = constants_table(column.steps, through, grouped=False)
        known = None
        if self.groups is not None and table.width:
            by_group = constants_table(column.steps, through, grouped=True)
            if by_group.height != self.groups:  # every parameter is given
                by_group = table[[0] * self.groups]
            table, known = for_all_groups(by_group, table, self.options.unknown_group == "global")
        elif self.groups is not None:
            # Nothing depends on the group, but a group may be unknown all the same.
            known = pl.Series([True] * self.groups + [False])
        return Target(name, through, column, table, known, output, f"\0{i}.")

    def _float(self, usual: pl.DataType) -> pl.DataType:
        """Return the dtype of floats that are asked for, or else the usual one."""
        return {"float32": pl.Float32(), "float64": pl.Float64()}.get(
            self.options.dtype or "", usual
        )

    def _check_dtype(self, name: str, column: FittedColumn, dtype: pl.DataType) -> None:
        if not self._check_encoded(name, column, dtype):
            self._check_number(name, column.name, column.dtype, dtype)

    def _check_number(
        self, name: str, fitted_name: str, fitted: pl.DataType, dtype: pl.DataType
    ) -> None:
        """Raise DataError if a column does not hold the numbers that a fitted one did."""
        fitted = fitted if self.direction == "apply" else pl.Float64()
        kind = dtype.base_type() if dtype.is_temporal() else number_kind(dtype)
        expected = fitted.base_type() if fitted.is_temporal() else None
        if dtype == pl.Null():
            return
        if kind is None or (expected or kind) != kind or (dtype.is_temporal() and not expected):
            wanted = (
                f'"{fitted_name}" was fitted as {dtype_name(fitted)}'
                if self.direction == "apply"
                else f'normalized values of "{fitted_name}" are numbers'
            )
            raise DataError(
                f'{self.name}: column "{name}" is {dtype_name(dtype)}; {wanted}',
                f'if it holds numbers as text, read it with --type "{name}={dtype_name(fitted)}"'
                if dtype == pl.String()
                else "leave it out by naming the others with --columns",
            )

    def _check_encoded(self, name: str, column: FittedColumn, dtype: pl.DataType) -> bool:
        """Return whether dtype is no matter of numbers; raise DataError if it is the wrong one."""
        first, last = column.steps[0].method, column.steps[-1].method
        if not first.encodes:
            return False
        nested = last.output is not None and last.output.is_nested()
        if self.direction == "invert" and not nested:
            return False
        same = (
            _sort_of(dtype) == _sort_of(column.dtype)
            if self.direction == "apply"
            else (tensor := tensor_of(dtype)) is not None and len(tensor.shape or ()) < 2
        )
        if not same and dtype != pl.Null():
            raise DataError(
                f'{self.name}: column "{name}" is {dtype_name(dtype)}; "{column.name}" '
                + (
                    f"was fitted as {dtype_name(column.dtype)}"
                    if self.direction == "apply"
                    else f"holds lists of numbers once {last.name} has encoded it"
                ),
                "leave it out by naming the others with --columns",
            )
        return True


def _sort_of(dtype: pl.DataType) -> object:
    """Return what values of a dtype can be compared with."""
    if dtype.base_type() in _TEXTS:
        return "text"
    if dtype.is_temporal() or number_kind(dtype) is None:
        return dtype.base_type()
    return "numbers"
