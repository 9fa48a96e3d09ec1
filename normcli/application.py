"""Apply and invert: a stats file's columns carried over the columns of other data.

A `Transform` is a function of a frame, made once for a schema; the engine calls it for every
batch, from any thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypedDict

import numpy as np
import polars as pl

from normcli.choosing import Choice, choose
from normcli.coding import as_fitted, decode, encode, listed, without
from normcli.columns import named, number_kind
from normcli.dtypes import dtype_name
from normcli.errors import DataError, did_you_mean
from normcli.fitted import Fitted, FittedColumn
from normcli.groups import Index, KeyIndex, key_columns
from normcli.kept import KeptColumn, kept_columns
from normcli.methods.rowwise import RowMethod
from normcli.tensorcolumns import TensorColumn, check_shape
from normcli.tensors import tensor_of
from normcli.tensortargets import TensorTarget
from normcli.transform import (
    Table,
    at_rows,
    constants_table,
    for_all_groups,
    forward,
    from_float,
    inverse,
    lookup_of,
    to_float,
)

__all__ = ["Direction", "Transform", "TransformKeywords", "TransformOptions"]

_TEXTS = (pl.String, pl.Categorical, pl.Enum)
Direction = Literal["apply", "invert"]
UnknownGroup = Literal["error", "null", "global", "keep"]


class TransformKeywords(TypedDict, total=False):
    """The fields of `TransformOptions` as keywords, for the typed interface."""

    columns: str | None
    renamed: Mapping[str, str]
    dtype: Literal["float32", "float64"] | None
    unknown_group: UnknownGroup
    missing_column: Literal["error", "skip"]
    keep_row_stats: bool


@dataclass(frozen=True)
class TransformOptions:
    """How a stats file meets data; `renamed` gives columns the statistics of fitted ones.

    With `keep_row_stats`, what rows lose to row-wise methods is kept in columns of its own.
    """

    columns: str | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    dtype: Literal["float32", "float64"] | None = None
    unknown_group: UnknownGroup = "error"
    missing_column: Literal["error", "skip"] = "error"
    keep_row_stats: bool = False


@dataclass(frozen=True)
class _Target:
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


class Transform:
    """A frame of that schema, normalized or brought back."""

    def __init__(
        self,
        fitted: Fitted,
        direction: Direction,
        schema: pl.Schema,
        options: TransformOptions,
        name: str,
    ) -> None:
        self._direction = direction
        self._options = options
        self._name = name
        self._keys = None if fitted.keys is None else KeyIndex(fitted.keys)
        self._key_dtypes = {} if fitted.keys is None else dict(fitted.keys.schema)
        for key in self._key_dtypes:
            if key not in schema:
                raise DataError(f'{name} has no group key "{key}"', did_you_mean(key, schema))
        chosen = choose(
            fitted, schema, name, options.columns, options.renamed, options.missing_column
        )
        self._targets = [
            self._target(i, each.name, each.column, schema[each.name])
            for i, each in enumerate(chosen)
            if each.column.tensor is None
        ]
        self._tensors = [
            self._tensor(each, schema) for each in chosen if each.column.tensor is not None
        ]
        outputs: dict[str, pl.DataType] = {each.name: each.output for each in self._targets}
        for each in self._tensors:
            outputs |= each.outputs(schema)
        kept = {column.name: column.dtype for each in self._tensors for column in each.kept}
        if direction == "invert":
            self._used = tuple(kept)
            kept = {}
        else:
            self._used = ()
        left = {column: dtype for column, dtype in schema.items() if column not in self._used}
        self.schema = pl.Schema({**left, **outputs, **kept})

    def _tensor(self, choice: Choice, schema: pl.Schema) -> TensorTarget:
        name, column = choice.name, choice.column
        dtype = column.dtype if choice.sources else schema[name]
        tensor = check_shape(name, column, dtype, self._name, self._direction)
        output = column.inner
        if self._direction == "apply":
            output = self._float(pl.Float32() if tensor.inner == pl.Float32() else pl.Float64())
        elif output.is_float():
            output = self._float(output)
        groups = None if self._keys is None else len(self._keys)
        own = TensorColumn(
            name,
            self._name,
            column,
            tensor,
            pl.Float64() if choice.sources else output,
            self._direction,
            groups,
            self._options.unknown_group,
        )
        kept = self._kept_columns(name, column, schema)
        if choice.sources is None:
            return TensorTarget(own, kept, what=self._name)
        assert column.members is not None
        sources: dict[str, pl.DataType] = {}
        members: list[tuple[pl.DataType | None, pl.DataType]] = []
        for (member, fitted), source in zip(
            column.members.items(), choice.sources.values(), strict=True
        ):
            sources[source] = found = schema[source]
            self._check_number(source, member, fitted, found)
            if self._direction == "apply":
                single = found == pl.Float32()
                members.append((None, self._float(pl.Float32() if single else pl.Float64())))
            else:
                members.append((fitted, self._float(fitted) if fitted.is_float() else fitted))
        return TensorTarget(own, kept, sources, members, self._name)

    def _kept_columns(self, name: str, column: FittedColumn, schema: pl.Schema) -> list[KeptColumn]:
        """Return the columns for what rows lose; raise DataError where they can't be."""
        kept = kept_columns(name, column)
        names = ", ".join(each.name for each in kept)
        if self._direction == "invert":
            for step in column.steps:
                if isinstance(step.method, RowMethod) and step.method.loss:
                    raise DataError(
                        f'"{name}" can\'t be brought back: {step.method.name} {step.method.loss}',
                        "leave it out by naming the others with --columns",
                    )
            lacking = [each.name for each in kept if each.name not in schema]
            if lacking:
                raise DataError(
                    f'{self._name} has no column "{lacking[0]}", without which the rows of '
                    f'"{name}" can\'t be brought back',
                    f"apply --keep-row-stats writes what invert needs: {names}",
                )
            return kept
        if not self._options.keep_row_stats:
            return []
        taken = [each.name for each in kept if each.name in schema]
        if taken:
            raise DataError(
                f'{self._name} has a column "{taken[0]}" already, '
                f'which --keep-row-stats would write for "{name}"',
                "rename it",
            )
        return kept

    def _target(self, i: int, name: str, column: FittedColumn, dtype: pl.DataType) -> _Target:
        self._check_dtype(name, column, dtype)
        first, last = column.steps[0].method, column.steps[-1].method
        if first.encodes:
            through = column.dtype
            output = column.dtype
            if self._direction == "apply":
                coded = last.output_of(column.steps[-1].params)
                output = coded or self._float(pl.Float64())
        elif self._direction == "apply":
            through = column.dtype if dtype.is_temporal() else dtype
            through = pl.Float64() if dtype == pl.Null() else through
            output = self._float(pl.Float32() if dtype == pl.Float32() else pl.Float64())
        else:
            through = output = column.dtype
            if column.dtype.is_float():
                output = self._float(column.dtype)
        table = constants_table(column.steps, through, grouped=False)
        known = None
        if self._keys is not None and table.width:
            by_group = constants_table(column.steps, through, grouped=True)
            if by_group.height != len(self._keys):  # every parameter is given
                by_group = table[[0] * len(self._keys)]
            table, known = for_all_groups(by_group, table, self._options.unknown_group == "global")
        elif self._keys is not None:
            # Nothing depends on the group, but a group may be unknown all the same.
            known = pl.Series([True] * len(self._keys) + [False])
        return _Target(name, through, column, table, known, output, f"\0{i}.")

    def _float(self, usual: pl.DataType) -> pl.DataType:
        """Return the dtype of floats that are asked for, or else the usual one."""
        return {"float32": pl.Float32(), "float64": pl.Float64()}.get(
            self._options.dtype or "", usual
        )

    def _check_dtype(self, name: str, column: FittedColumn, dtype: pl.DataType) -> None:
        if not self._check_encoded(name, column, dtype):
            self._check_number(name, column.name, column.dtype, dtype)

    def _check_number(
        self, name: str, fitted_name: str, fitted: pl.DataType, dtype: pl.DataType
    ) -> None:
        """Raise DataError if a column does not hold the numbers that a fitted one did."""
        fitted = fitted if self._direction == "apply" else pl.Float64()
        kind = dtype.base_type() if dtype.is_temporal() else number_kind(dtype)
        expected = fitted.base_type() if fitted.is_temporal() else None
        if dtype == pl.Null():
            return
        if kind is None or (expected or kind) != kind or (dtype.is_temporal() and not expected):
            wanted = (
                f'"{fitted_name}" was fitted as {dtype_name(fitted)}'
                if self._direction == "apply"
                else f'normalized values of "{fitted_name}" are numbers'
            )
            raise DataError(
                f'{self._name}: column "{name}" is {dtype_name(dtype)}; {wanted}',
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
        if self._direction == "invert" and not nested:
            return False
        same = (
            _sort_of(dtype) == _sort_of(column.dtype)
            if self._direction == "apply"
            else (tensor := tensor_of(dtype)) is not None and len(tensor.shape or ()) < 2
        )
        if not same and dtype != pl.Null():
            raise DataError(
                f'{self._name}: column "{name}" is {dtype_name(dtype)}; "{column.name}" '
                + (
                    f"was fitted as {dtype_name(column.dtype)}"
                    if self._direction == "apply"
                    else f"holds lists of numbers once {last.name} has encoded it"
                ),
                "leave it out by naming the others with --columns",
            )
        return True

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the frame with its fitted columns carried over; all others stay as they are."""
        names = frame.columns
        cells = None
        if self._keys is not None:
            frame, cells = self._with_constants(frame)
        if self._direction == "apply":
            frame = self._with_codes(frame)
            self._check_domains(frame)
            carried = frame.with_columns(self._expressions)
        else:
            carried = self._decoded(frame.with_columns(self._expressions))
        carried = carried[names]
        tensors = [column for each in self._tensors for column in each.carry(frame, cells)]
        # Every query costs time, and batches may be small and many.
        carried = carried.with_columns(tensors) if tensors else carried
        return carried.drop(self._used) if self._used else carried

    def _with_codes(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Put beside each row the codes of its values that are to be encoded."""
        for target in self._targets:
            if not target.encodes:
                continue
            step = target.column.steps[0]
            x = as_fitted(named(target.name), frame.schema[target.name], target.dtype)
            frame = frame.with_columns(encode(step, x).alias(target.prefix + "code"))
            if step.method.strict and step.encoding is not None:
                lost = self._of_known(target, frame, frame[target.prefix + "code"])
                if len(lost):
                    self._refuse(
                        target,
                        f"{_values(len(lost), 'value')} that {step.method.name} has no code for: "
                        f"{listed(lost)}",
                        "fit again with such values, or let them become null with "
                        f"{step.method.name}:unseen=null when fitting",
                    )
        return frame

    def _decoded(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the frame with the values that codes stand for in the codes' place."""
        for target in self._targets:
            if not target.encodes:
                continue
            step = target.column.steps[0]
            values = frame.select(
                decode(step, named(target.name), target.output).alias(target.name)
            ).to_series()
            if step.method.strict and step.encoding is not None:
                lost = self._of_known(target, frame, values)
                if len(lost):
                    self._refuse(
                        target,
                        f"{_values(len(lost), 'value')} that {'is' if len(lost) == 1 else 'are'} "
                        f"no code of {step.method.name}: {listed(lost)}",
                        f"fit with {step.method.name}:unseen=null to get null for such values",
                    )
            frame = frame.with_columns(values)
        return frame

    def _of_known(self, target: _Target, frame: pl.DataFrame, results: pl.Series) -> pl.Series:
        """Return the values that came to nothing, but for those of unknown groups."""
        values = frame[target.name]
        if self._tells_known(target):
            known = frame[target.prefix + "known"]
            values, results = values.filter(known), results.filter(known)
        return without(values, results)

    def _refuse(self, target: _Target, what: str, hint: str) -> None:
        raise DataError(f'{self._name}: column "{target.name}" has at least {what}', hint)

    def _with_constants(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, Index]:
        """Put beside each row the constants of its group; return the rows' groups as well."""
        assert self._keys is not None
        keys = key_columns(frame, self._key_dtypes)
        cells = self._keys.find(keys)
        if self._options.unknown_group == "error":
            if cells.null_count():
                self._refuse_groups(keys.filter(cells.is_null()), "not in the stats file")
            for target in self._targets:
                if target.known is not None and not target.known[:-1].all():
                    empty = ~target.known[cells] & frame[target.name].is_not_null()
                    if empty.any():
                        self._refuse_groups(
                            keys.filter(empty),
                            f'without parameters of "{target.column.name}" in the stats file',
                        )
            for each in self._tensors:
                rows = each.lacks_parameters(frame, cells.to_numpy())
                if rows is not None:
                    self._refuse_groups(
                        keys.filter(rows),
                        f'without parameters of "{each.column.column.name}" in the stats file',
                    )
        cells = cells.fill_null(len(self._keys)) if cells.null_count() else cells
        known = [
            target.known[cells].alias(target.prefix + "known")
            for target in self._targets
            if target.known is not None and self._tells_known(target)
        ]
        frame = at_rows(frame, self._by_group, cells)
        return frame.hstack(known), cells.to_numpy().astype(np.intp)

    def _refuse_groups(self, keys: pl.DataFrame, why: str) -> None:
        first = ", ".join(f"{name}={_shown(v)}" for name, v in keys.row(0, named=True).items())
        groups = keys.unique().height
        more = f" (and at least {groups - 1} more)" if groups > 1 else ""
        raise DataError(
            f"{self._name}: group {first}{more} is {why}",
            "choose what happens to such rows: --unknown-group null, global or keep",
        )

    def _input(self, target: _Target) -> pl.Expr:
        x = named(target.name)
        return x.cast(target.dtype) if target.dtype.is_temporal() else x

    def _entering(self, target: _Target) -> list[pl.Expr]:
        """Return what enters each step, and last what leaves the chain."""
        codes = pl.col(target.prefix + "code") if target.encodes else None
        return forward(
            target.column.steps,
            self._input(target),
            target.dtype,
            target.constant,
            target.constants,
            codes,
        )

    @cached_property
    def _by_group(self) -> dict[str, Table]:
        """The constants that differ by group."""
        return {each.prefix: each.constants for each in self._targets if each.known is not None}

    @cached_property
    def _expressions(self) -> list[pl.Expr]:
        """What becomes of the targets; made once, for batches may be small and many."""
        carry = self._forward if self._direction == "apply" else self._inverse
        return list(map(carry, self._targets))

    def _forward(self, target: _Target) -> pl.Expr:
        entering = self._entering(target)
        original = entering[1] if target.encodes else to_float(self._input(target), target.dtype)
        kept = self._kept(target, entering[-1], original)
        return kept.cast(target.output).alias(target.name)

    def _inverse(self, target: _Target) -> pl.Expr:
        y = named(target.name)
        if not target.nested:
            y = to_float(y, pl.Float64())
        x = inverse(target.column.steps, y, target.column.dtype, target.constant, target.constants)
        kept = self._kept(target, x, y)
        # Codes wait for all of them to be decoded.
        kept = kept if target.encodes else kept.cast(target.output, strict=False)
        return kept.alias(target.name)

    def _tells_known(self, target: _Target) -> bool:
        """Whether a column tells the rows of known groups, which others are not treated as."""
        return target.known is not None and self._options.unknown_group in ("keep", "null")

    def _kept(self, target: _Target, carried: pl.Expr, original: pl.Expr) -> pl.Expr:
        if not self._tells_known(target):
            return carried
        if self._options.unknown_group == "null":
            return pl.when(pl.col(target.prefix + "known")).then(carried)
        if self._direction == "invert" and not target.encodes:
            original = from_float(original, target.column.dtype, None)
        return pl.when(pl.col(target.prefix + "known")).then(carried).otherwise(original)

    def _check_domains(self, frame: pl.DataFrame) -> None:
        for target in self._targets:
            steps = target.column.steps
            domains = [step.method.domain(pl.col("x")) for step in steps]
            if all(domain is None for domain in domains):
                continue
            for x, step in zip(self._entering(target), steps, strict=False):
                inside = step.method.domain(x)
                if inside is None:
                    continue
                wrong = x.is_finite() & ~inside
                if self._tells_known(target):
                    wrong &= pl.col(target.prefix + "known")
                outside = frame.select(wrong.sum()).item()
                if outside:
                    self._refuse(
                        target,
                        f"{_values(outside, 'value')} outside the domain of {step.method.name}",
                        f"{step.method.formula[0]} is not defined there; "
                        "leave such rows out, or leave the column out with --columns",
                    )


def _values(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _sort_of(dtype: pl.DataType) -> object:
    """Return what values of a dtype can be compared with."""
    if dtype.base_type() in _TEXTS:
        return "text"
    if dtype.is_temporal() or number_kind(dtype) is None:
        return dtype.base_type()
    return "numbers"


def _shown(value: object) -> str:
    """Return a key's value as SQL would write it."""
    return "null" if value is None else repr(value) if isinstance(value, str) else str(value)
