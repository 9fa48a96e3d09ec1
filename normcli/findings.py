"""What a fit could not find out, or found to be of little use: worth a warning."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from normcli.fitted import FittedColumn, input_scale
from normcli.methods import Method
from normcli.smallgroups import cells_of
from normcli.statistics import State

__all__ = ["findings", "small_group_notes"]


def findings(column: FittedColumn, min_group: int = 0) -> Iterator[str]:
    """Yield what of a column's fit can't do what it was asked for, or does otherwise."""
    summary = column.summary
    if summary["count"] == 0:
        yield "has no valid value; apply will give null"
        return
    missing = [
        f"{key} of {step.method.name}"
        for step in column.steps
        for key, value in step.params.items()
        if not step.shape and value is None
    ]
    if missing:
        yield f"has too few values for the {' and '.join(missing)}; apply will give null"
    elif column.steps[0].method.encodes:
        yield from column.steps[0].method.remarks(column.steps[0].params, summary["count"])
    elif (
        "min" in summary
        and summary["min"] == summary["max"]
        and not all(step.method.joins for step in column.steps)
    ):
        yield f"is constant ({summary['min']}); {column.steps[0].method.constant}"
    else:
        yield from _of_channels(column)
    yield from _doubts(column)
    yield from small_group_notes(column, min_group)
    yield from _of_groups(column)


def _doubts(column: FittedColumn) -> Iterator[str]:
    """Yield what is wrong with parameters that were found, all the same."""
    chain = tuple(step.method for step in column.steps)
    for i, (step, entered) in enumerate(zip(column.steps, column.inputs, strict=True)):
        if type(step.method).doubt is Method.doubt or entered is None:
            continue
        scale = input_scale(column.dtype, chain, i)
        yield from _doubted(step.method, step.cells, entered.rows, scale, "channels", ())
        if step.groups is not None and entered.groups is not None:
            channels = math.prod(step.shape)
            small = cells_of(column.small, channels)
            of = "channels of groups" if channels > 1 else "groups"
            yield from _doubted(step.method, step.groups, entered.groups, scale, of, small)


def _doubted(
    method: Method,
    params: Mapping[str, Sequence[Any]],
    states: Mapping[str, State],
    scale: int,
    what: str,
    without: Collection[int],
) -> Iterator[str]:
    if "extremes" not in states:
        return
    cells = [
        dict(zip(params, values, strict=True)) for values in zip(*params.values(), strict=True)
    ]
    found = []
    for cell, (own, *ends) in enumerate(zip(cells, *states["extremes"].to_json(), strict=True)):
        if cell not in without and None not in ends and None not in own.values():
            low, high = (float(Fraction(end) / 10**scale) for end in ends)
            found.append(method.doubt(own, low, high))
    doubts = [each for each in found if each is not None]
    if doubts:
        where = f"in {_some(doubts, len(cells), what)} " if len(cells) > 1 else ""
        yield f"{where}has {doubts[0]}"


def _of_channels(column: FittedColumn) -> Iterator[str]:
    """Yield what holds for some of the channels of a tensor column."""
    channels = math.prod(column.steps[0].shape)
    entered = column.inputs[0]
    empty: set[int] = set()
    if channels > 1 and entered is not None:
        counts = entered.rows["counts"].to_json()[0]
        lows, highs = entered.rows["extremes"].to_json()
        empty = {i for i, count in enumerate(counts) if count == 0}
        constant = {i for i in range(channels) if i not in empty and lows[i] == highs[i]}
        if empty:
            yield f"has no valid value in {_some(empty, channels, 'channels')}; they become null"
        if constant:
            some = _some(constant, channels, "channels")
            yield f"is constant in {some}; their scale is taken to be 1"
    for step in column.steps:
        for key, values in step.params.items() if step.shape else ():
            without = _without(values) - (empty if step.shape == column.steps[0].shape else set())
            if without and key not in step.method.given:
                some = _some(without, len(values), "channels")
                yield (
                    f"has too few values for the {key} of {step.method.name} in {some}; "
                    "they become null"
                )


def _of_groups(column: FittedColumn) -> Iterator[str]:
    every = (entered.groups for entered in column.inputs if entered is not None)
    groups = next((states for states in every if states is not None), None)
    if groups is None:
        return
    counts = groups["counts"].to_json()[0]
    empty = {cell for cell, count in enumerate(counts) if count == 0}
    lacking: set[int] = set()
    most = len(counts)
    for step in column.steps:
        for values in (step.groups or {}).values():
            if len(values) == len(counts):
                lacking |= _without(values) - empty
    channels = math.prod(column.steps[0].shape)
    # Those have the parameters of all rows.
    small = set(column.small)
    of = "channels of groups" if channels > 1 else "groups"
    for cells, what in ((empty, "no valid value"), (lacking, "too few values")):
        left = {cell for cell in cells if cell // channels not in small}
        if left:
            yield f"has {what} in {_some(left, most, of)}; apply will treat them as unknown groups"


def small_group_notes(column: FittedColumn, min_group: int) -> Iterator[str]:
    """Yield in how many groups the parameters are those of all rows."""
    if column.small:
        groups = next(
            len(v) // math.prod(s.shape) for s in column.steps for v in (s.groups or {}).values()
        )
        few = "no valid value" if min_group == 1 else f"fewer than {min_group:,} valid values"
        yield (
            f"has {few} in {_some(column.small, groups, 'groups')}; "
            "they take the parameters of all rows"
        )


def _without(values: Collection[Any]) -> set[int]:
    return {cell for cell, value in enumerate(values) if value is None}


def _some(cells: Collection[Any], of: int, what: str) -> str:
    return f"{len(cells):,} of {of:,} {what}"
