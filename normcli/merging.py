"""Adding up fits of shards: exact states in, the fit of all rows out, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
import polars as pl

from normcli.dtypes import dtype_name
from normcli.errors import StatsFileError
from normcli.fitted import (
    Fitted,
    FittedColumn,
    StepInput,
    conclude,
    fitted_before,
    fold,
    small_among,
    step_channels,
    summarize,
)
from normcli.recipe import Chain, chain_text
from normcli.statistics import State
from normcli.tensors import spread

__all__ = ["merge_fits", "require_state"]


def merge_fits(fits: Sequence[Fitted], names: Sequence[str]) -> Fitted:
    """Return the fit of all rows that the fits have seen; the names are for messages.

    Raise StatsFileError where the fits do not belong together or can't be added up.
    """
    for fitted, name in zip(fits, names, strict=True):
        require_state(fitted, name)
        _require_same(fits[0], names[0], fitted, name)
    keys, places = _common_keys(fits)
    columns = []
    for i, column in enumerate(fits[0].columns):
        chain = tuple(step.method for step in column.steps)
        inputs = tuple(
            None
            if entered is None
            else _merge_inputs(
                [fitted.columns[i].inputs[step] for fitted in fits],
                places,
                keys,
                step_channels(column.name, column.dtype, chain[step]).count,
            )
            for step, entered in enumerate(column.inputs)
        )
        least = fits[0].min_group
        small = small_among(column.name, column.dtype, chain, inputs, least) or ()
        steps = [
            conclude(column.name, column.dtype, chain, step, inputs[step], small)
            for step in range(len(chain))
        ]
        first = inputs[0]
        finished = tuple(step for step in steps if step is not None)
        assert first is not None and len(finished) == len(chain), "require_state has seen to that"
        columns.append(
            FittedColumn(
                column.name,
                column.dtype,
                finished,
                summarize(column.dtype, chain, first),
                inputs,
                small,
                column.members,
            )
        )
    return Fitted(
        sum(fitted.rows for fitted in fits),
        tuple(sorted(file for fitted in fits for file in fitted.files)),
        fits[0].where,
        keys,
        fits[0].read,
        tuple(columns),
        sketched=fits[0].sketched,
        recipe=fits[0].recipe,
    )


def require_state(fitted: Fitted, name: str) -> None:
    """Raise StatsFileError if a fit does not hold what merging needs."""
    for column in fitted.columns:
        if column.inputs[0] is None:
            raise StatsFileError(f"{name} has no state to merge", "fit it again without --no-state")
        chain: Chain = tuple(step.method for step in column.steps)
        for step, method in enumerate(chain):
            if method.fitted and method.in_order:
                raise StatsFileError(
                    f'{name}: column "{column.name}" has the chain {chain_text(chain)}, whose step '
                    f"{method.name} depends on the order of the rows",
                    "fit all files at once, in their order",
                )
            if method.fitted and not method.asks_once and not method.searches:
                raise StatsFileError(
                    f'{name}: column "{column.name}" has the chain {chain_text(chain)}, whose step '
                    f"{method.name} was fitted in several scans of the values themselves",
                    "fit all files at once",
                )
            if method.fitted and method.searches and not (fitted.sketched and method.asks_once):
                raise StatsFileError(
                    f'{name}: column "{column.name}" has the chain {chain_text(chain)}, whose step '
                    f"{method.name} was fitted with percentiles of the values themselves",
                    "fit the shards with --quantiles sketch, or all files at once"
                    if method.asks_once
                    else "fit all files at once",
                )
            if method.fitted and fitted_before(chain, step):
                raise StatsFileError(
                    f'{name}: column "{column.name}" has the chain {chain_text(chain)}, whose step '
                    f"{method.name} was fitted on the output of another fitted step",
                    "such shards can't be added up: fit all files at once, "
                    "or give the earlier step its parameters",
                )


def _require_same(first: Fitted, first_name: str, other: Fitted, name: str) -> None:
    def differs(what: str, a: object, b: object) -> None:
        if a != b:
            raise StatsFileError(
                f"{first_name} and {name} differ in {what}: {_listed(a)}; and {_listed(b)}",
                "merge adds up fits of shards made with the same recipe",
            )

    differs("their columns", [c.name for c in first.columns], [c.name for c in other.columns])
    for mine, theirs in zip(first.columns, other.columns, strict=True):
        differs(f'the dtype of "{mine.name}"', *map(dtype_name, (mine.dtype, theirs.dtype)))
        members = [{k: str(d) for k, d in (c.members or {}).items()} for c in (mine, theirs)]
        differs(f'the columns of "{mine.name}"', *members)
        differs(
            f'the chain of "{mine.name}"',
            chain_text(tuple(step.method for step in mine.steps)),
            chain_text(tuple(step.method for step in theirs.steps)),
        )
    schemas = [{} if f.keys is None else dict(f.keys.schema) for f in (first, other)]
    differs("their group keys", *({k: str(d) for k, d in s.items()} for s in schemas))
    differs("--where", first.where, other.where)
    differs("--quantiles", *("sketch" if f.sketched else "exact" for f in (first, other)))
    differs("how text was read", first.read, other.read)
    for key in {**first.recipe, **other.recipe}:
        differs(
            f'"{key}" of their recipes', *(_in_order(f.recipe.get(key)) for f in (first, other))
        )


def _in_order(value: Any) -> Any:
    """Return a table as a list: the order of chains matters."""
    return [f"{k} = {v}" for k, v in value.items()] if isinstance(value, Mapping) else value


def _listed(value: object) -> str:
    """Return a list, a table or a text as one would say it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_listed(each)}" for key, each in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _common_keys(
    fits: Sequence[Fitted],
) -> tuple[pl.DataFrame | None, list[np.ndarray[tuple[int], np.dtype[np.intp]] | None]]:
    """Return the sorted union of the groups, and where each fit's groups are in it."""
    tables = [fitted.keys for fitted in fits if fitted.keys is not None]
    if not tables:
        return None, [None] * len(fits)
    union = pl.concat(tables).unique().sort(tables[0].columns, nulls_last=False)
    numbered = union.with_row_index("\0cell")
    places = [
        table.join(numbered, on=table.columns, how="left", nulls_equal=True, maintain_order="left")[
            "\0cell"
        ]
        .to_numpy()
        .astype(np.intp)
        for table in tables
    ]
    return union, list(places)


def _merge_inputs(
    entered: Sequence[StepInput | None],
    places: Sequence[np.ndarray[tuple[int], np.dtype[np.intp]] | None],
    keys: pl.DataFrame | None,
    each: int,
) -> StepInput:
    parts = []
    for one, where in zip(entered, places, strict=True):
        assert one is not None, "the chains are the same, so the inputs are"
        if one.groups is None or where is None or keys is None:
            parts.append(one.rows)
        else:
            target, cells = spread(where, each), len(keys) * each
            parts.append({name: state.scatter(target, cells) for name, state in one.groups.items()})
    merged = reduce(_add, parts)
    grouped = all(one is not None and one.groups is not None for one in entered)
    return StepInput(fold(merged, each), merged, True) if grouped else StepInput(merged, None, True)


def _add(first: Mapping[str, State], second: Mapping[str, State]) -> Mapping[str, State]:
    return {name: state.merge(second[name]) for name, state in first.items()}
