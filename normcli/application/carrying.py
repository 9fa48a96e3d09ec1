"""A stats file"s columns carried over the columns of other data, batch by batch."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import polars as pl

from normcli.application.matching import Matcher, Target
from normcli.application.options import Direction, TransformOptions
from normcli.choosing import choose
from normcli.coding import as_fitted, decode, encode, listed, without
from normcli.columns import named
from normcli.errors import DataError, did_you_mean
from normcli.fitted import Fitted
from normcli.groups import Index, KeyIndex, key_columns
from normcli.transform import (
    Table,
    at_rows,
    forward,
    from_float,
    inverse,
    to_float,
)

__all__ = ["Transform"]


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
        groups = None if self._keys is None else len(self._keys)
        matcher = Matcher(direction, options, name, groups)
        self._targets = [
            matcher.target(i, each.name, each.column, schema[each.name])
            for i, each in enumerate(chosen)
            if each.column.tensor is None
        ]
        self._tensors = [
            matcher.tensor(each, schema) for each in chosen if each.column.tensor is not None
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

    def _of_known(self, target: Target, frame: pl.DataFrame, results: pl.Series) -> pl.Series:
        """Return the values that came to nothing, but for those of unknown groups."""
        values = frame[target.name]
        if self._tells_known(target):
            known = frame[target.prefix + "known"]
            values, results = values.filter(known), results.filter(known)
        return without(values, results)

    def _refuse(self, target: Target, what: str, hint: str) -> None:
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

    def _input(self, target: Target) -> pl.Expr:
        x = named(target.name)
        return x.cast(target.dtype) if target.dtype.is_temporal() else x

    def _entering(self, target: Target) -> list[pl.Expr]:
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

    def _forward(self, target: Target) -> pl.Expr:
        entering = self._entering(target)
        original = entering[1] if target.encodes else to_float(self._input(target), target.dtype)
        kept = self._kept(target, entering[-1], original)
        return kept.cast(target.output).alias(target.name)

    def _inverse(self, target: Target) -> pl.Expr:
        y = named(target.name)
        if not target.nested:
            y = to_float(y, pl.Float64())
        x = inverse(target.column.steps, y, target.column.dtype, target.constant, target.constants)
        kept = self._kept(target, x, y)
        # Codes wait for all of them to be decoded.
        kept = kept if target.encodes else kept.cast(target.output, strict=False)
        return kept.alias(target.name)

    def _tells_known(self, target: Target) -> bool:
        """Whether a column tells the rows of known groups, which others are not treated as."""
        return target.known is not None and self._options.unknown_group in ("keep", "null")

    def _kept(self, target: Target, carried: pl.Expr, original: pl.Expr) -> pl.Expr:
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


def _shown(value: object) -> str:
    """Return a key's value as SQL would write it."""
    return "null" if value is None else repr(value) if isinstance(value, str) else str(value)
