"""What a fit is asked for, from keywords, a recipe file or an earlier fit."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict, Unpack

import polars as pl

from normcli.api.stats import Stats, load
from normcli.dtypes import parse_dtype
from normcli.errors import UsageError
from normcli.recipe import Chain, Recipe, parse_chain
from normcli.request import Request, request_of
from normcli.sources import ReadOptions

__all__ = ["FitKeywords", "Prepared", "prepared"]


class FitKeywords(TypedDict, total=False):
    """What `fit` can be told of columns, chains, rows and text."""

    method: str | None
    set: Mapping[str, str] | Sequence[tuple[str, str]]
    columns: str | None
    exclude: str | None
    by: str | Sequence[str] | None
    where: str | None
    inf: Literal["error", "skip"] | None
    quantiles: Literal["exact", "sketch"] | None
    min_group: int | None
    recipe: str | os.PathLike[str] | None
    like: Stats | str | os.PathLike[str] | None
    delimiter: str | None
    header: bool | None
    null_values: Sequence[str] | None
    decimal_comma: bool | None
    types: Mapping[str, str] | None


@dataclass(frozen=True)
class Prepared:
    """What a fit was asked for, its recipe file or earlier fit included."""

    recipe: Recipe
    sketched: bool
    reading: ReadOptions
    expected: Mapping[str, pl.DataType]

    @property
    def chains(self) -> list[Chain]:
        return [self.recipe.method, *(chain for _, chain in self.recipe.sets)]


def prepared(**options: Unpack[FitKeywords]) -> Prepared:
    """Return all that a fit was asked for; raise UsageError where it contradicts itself."""
    sets, by, types = options.get("set", ()), options.get("by"), options.get("types")
    pairs = sets.items() if isinstance(sets, Mapping) else sets
    method, null_values = options.get("method"), options.get("null_values")
    reading = {
        "delimiter": options.get("delimiter"),
        "header": options.get("header"),
        "null_values": None if null_values is None else tuple(null_values),
        "decimal_comma": options.get("decimal_comma"),
        "types": None if types is None else {n: parse_dtype(text) for n, text in types.items()},
    }
    asked = Request(
        None if method is None else parse_chain(method),
        tuple((selector, parse_chain(chain)) for selector, chain in pairs),
        options.get("columns"),
        options.get("exclude"),
        (by,) if isinstance(by, str) else None if by is None else tuple(by),
        options.get("where"),
        options.get("inf"),
        options.get("quantiles"),
        options.get("min_group"),
        {name: value for name, value in reading.items() if value is not None},
    )
    recipe, like = options.get("recipe"), options.get("like")
    expected: Mapping[str, pl.DataType] = {}
    if recipe is not None and like is not None:
        raise UsageError(
            "--recipe and --like can't be given together",
            "each is a whole recipe; flags change parts of it",
        )
    if recipe is not None:
        from normcli.request.toml import read_recipe

        asked = asked.over(read_recipe(os.fspath(recipe)))
    elif like is not None:
        earlier = like if isinstance(like, Stats) else load(like)
        asked = asked.over(request_of(earlier.fitted, earlier.name or "the earlier fit"))
        expected = earlier.expected("apply")
    complete = asked.recipe()
    if complete.min_group and not complete.by:
        raise UsageError(
            f"{complete.places.get('min_group', '--min-group')} needs group keys",
            "name them with --by",
        )
    return Prepared(complete, asked.quantiles == "sketch", asked.reading(), expected)
