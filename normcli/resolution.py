"""From a recipe and a schema to what is normalized: columns, and vectors of several columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import polars as pl

from normcli.columns import select
from normcli.dtypes import dtype_name
from normcli.errors import DataError, UsageError, did_you_mean, located
from normcli.joined import can_join, vector_dtype
from normcli.recipe import Chain, Recipe, can_fit, chain_text, given_params, joins, wanted_by
from normcli.tensors import tensor_of

__all__ = ["Target", "resolve"]


@dataclass(frozen=True)
class Target:
    """What a chain is fitted on: a column, or the vector of several columns (`members`)."""

    dtype: pl.DataType
    chain: Chain
    members: Mapping[str, pl.DataType] | None = None


def resolve(recipe: Recipe, schema: pl.Schema) -> dict[str, Target]:
    """Return what is to be normalized by name, in the schema's order.

    Without `columns` these are all numeric ones (text, if the method is one for text) but the
    group keys; a column that `sets`
    names is added, one that `exclude` names or whose chain is `skip` is left out. The numbers
    that are left to the selector of a chain with a method like layernorm are one vector, which
    has the selector's text for its name.
    """
    places = recipe.places
    with located(places.get("by")):
        for key in recipe.by:
            if key not in schema:
                hint = did_you_mean(key, schema)
                raise DataError(f'there is no column "{key}" to group by', hint)
    wanted = recipe.usual_columns if recipe.columns is None else recipe.columns
    requests = [(wanted, recipe.method, "select")]
    requests += [(selector, chain, f"columns.{selector}") for selector, chain in recipe.sets]
    named: dict[str, str] = {}
    last: dict[str, int] = {}
    for i, (selector, _, place) in enumerate(requests):
        named |= dict.fromkeys((selector, *(part.strip() for part in selector.split(","))), place)
        with located(places.get(place)):
            last |= dict.fromkeys(select(selector, schema), i)
    with located(places.get("exclude")):
        excluded = set(select(recipe.exclude, schema)) if recipe.exclude else set()
    chosen: dict[str, int] = {}
    for name, dtype in schema.items():
        chain = requests[last[name]][1] if name in last else ()
        if name in excluded or not chain or all(step.name == "skip" for step in chain):
            continue
        with located(places.get(named.get(name, ""))):
            if name in recipe.by:
                if name in named:
                    raise UsageError(f'"{name}" can\'t be both a group key and a normalized column')
                continue
            if not (can_fit(chain, dtype) or (joins(chain) and can_join(dtype))):
                if name in named:
                    raise DataError(
                        f'column "{name}" is {dtype_name(dtype)}; '
                        f"{chain_text(chain)} needs {wanted_by(chain)}",
                        _dtype_hint(name, dtype),
                    )
                continue
            for other in (other for step in chain for other in step.reads):
                if other not in schema:
                    raise DataError(
                        f'column "{name}": {chain_text(chain)} needs a column "{other}"',
                        did_you_mean(other, schema),
                    )
            try:
                given_params(chain[0], dtype)
            except UsageError as error:
                raise UsageError(f'column "{name}": {error.message}', error.hint) from error
        chosen[name] = last[name]
    targets: dict[str, Target] = {}
    for name, i in chosen.items():
        selector, chain, place = requests[i]
        if not joins(chain) or tensor_of(schema[name]) is not None:
            targets[name] = Target(schema[name], chain)
        elif selector not in targets:
            together = [each for each, number in chosen.items() if number == i]
            with located(places.get(place)):
                targets[selector] = _vector(selector, chain, together, schema)
    if not targets:
        raise DataError("there is no column to normalize", _columns_hint(schema))
    return targets


def _vector(selector: str, chain: Chain, names: Sequence[str], schema: pl.Schema) -> Target:
    """Return the vector of columns that one selector names."""
    tensors = [name for name in names if tensor_of(schema[name]) is not None]
    scalars = [name for name in names if tensor_of(schema[name]) is None]
    if tensors:
        raise DataError(
            f'"{selector}" names numbers ({_some(scalars)}) and tensors ({_some(tensors)}); '
            f"{chain_text(chain)} takes either as its vector",
            "name them by selectors of their own",
        )
    if len(scalars) == 1:
        others = [name for name, dtype in schema.items() if can_fit(chain, dtype)]
        raise DataError(
            f'"{selector}" leaves only the column "{scalars[0]}" to {chain_text(chain)}, '
            "which needs a vector",
            f"name a column of vectors: {_some(others)}"
            if others
            else "name several columns by one selector, like pixel_* or a,b,c, or @numeric",
        )
    members = {name: schema[name] for name in scalars}
    return Target(vector_dtype(members), chain, members)


def _some(names: Iterable[str]) -> str:
    every = list(names)
    return ", ".join(every[:5]) + (", …" if len(every) > 5 else "")


def _columns_hint(schema: pl.Schema) -> str:
    described = [f"{name} ({dtype_name(dtype)})" for name, dtype in schema.items()]
    shown = ", ".join(described[:20]) + (", …" if len(described) > 20 else "")
    (only, *rest) = schema
    for delimiter in ";|\t":
        if not rest and delimiter in only:
            return f"is {delimiter!r} what stands between fields? say so with --delimiter"
    return f"columns: {shown}"


def _dtype_hint(name: str, dtype: pl.DataType) -> str:
    if dtype == pl.String():
        return (
            f"if it holds numbers, say which text means missing (--null-value NA) "
            f'or force the type (--type "{name}=Float64")'
        )
    if dtype.is_float():
        return (
            "floats are no categories; if these are whole numbers, say so "
            f'(--type "{name}=Int64"), or leave it out with --exclude "{name}"'
        )
    depth, inner = 0, dtype
    while isinstance(inner, pl.List):
        depth, inner = depth + 1, cast(pl.DataType, inner.inner)
    if depth > 1 and inner.is_numeric():
        return (
            "if all have one shape, say so, for example: "
            f'--type "{name}=Array({inner},{"x".join("8" * depth)})"'
        )
    return f'leave it out with --exclude "{name}"'
