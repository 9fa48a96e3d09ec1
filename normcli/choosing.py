"""Which columns of the data are treated, and with which fitted columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from normcli.columns import select
from normcli.errors import DataError, did_you_mean
from normcli.fitted import Fitted, FittedColumn

__all__ = ["Choice", "choose"]


@dataclass(frozen=True)
class Choice:
    """A fitted column and what it is for: the column `name`, or `sources` as one vector.

    `sources` are the columns of the data by the members whose places they take.
    """

    name: str
    column: FittedColumn
    sources: Mapping[str, str] | None


def choose(
    fitted: Fitted,
    schema: pl.Schema,
    name: str,
    selector: str | None,
    renamed: Mapping[str, str],
    missing: Literal["error", "skip"],
) -> list[Choice]:
    """Return what is treated, in the order of the data, whose name is for messages.

    `selector` leaves out other columns; `renamed` gives columns the statistics, or the places, of
    fitted ones.
    """
    columns = {column.name: column for column in fitted.columns}
    known = [*columns, *(each for column in fitted.columns for each in column.members or ())]
    for new, old in renamed.items():
        if old not in known:
            raise DataError(
                f'--map: the stats file has no column "{old}"', did_you_mean(old, known)
            )
        if new not in schema:
            raise DataError(f'--map: {name} has no column "{new}"', did_you_mean(new, schema))
    chosen: list[Choice] = []
    for column in _selected(fitted, selector):
        if column.members is not None:
            sources = _sources(column, schema, renamed)
            absent = [m for m, source in sources.items() if source is None]
            present = {m: source for m, source in sources.items() if source is not None}
            if not absent:
                chosen.append(Choice(column.name, column, present))
            elif present or not (renamed or missing == "skip"):
                raise DataError(
                    f'{name} has no column "{absent[0]}", which "{column.name}" takes for its '
                    f"vectors",
                    f"a vector needs all its {len(sources)} columns; "
                    f"was one renamed? --map NEW={absent[0]} ({did_you_mean(absent[0], schema)})",
                )
        elif column.name in renamed:
            continue
        elif column.name in schema:
            chosen.append(Choice(column.name, column, None))
        elif missing == "error" and not renamed:
            raise DataError(
                f'{name} has no column "{column.name}", which the stats file has',
                "leave it out with --missing-column skip; "
                f"or was it renamed? --map NEW={column.name} ({did_you_mean(column.name, schema)})",
            )
    chosen += [Choice(new, columns[old], None) for new, old in renamed.items() if old in columns]
    if not chosen:
        raise DataError(
            f"none of the stats file's columns is in {name}",
            f"stats file: {', '.join(columns)}; {name}: {', '.join(schema)}",
        )
    order = list(schema)
    return sorted(
        chosen, key=lambda c: min(map(order.index, c.sources.values() if c.sources else [c.name]))
    )


def _selected(fitted: Fitted, selector: str | None) -> list[FittedColumn]:
    """Return the fitted columns that a selector names; of vectors it has to name all columns."""
    if selector is None:
        return list(fitted.columns)
    dtypes: dict[str, pl.DataType] = {}
    for column in fitted.columns:
        dtypes |= column.sources
    named = set(select(selector, pl.Schema(dtypes)))
    chosen = []
    for column in fitted.columns:
        own = list(column.sources)
        without = [each for each in own if each not in named]
        if not without:
            chosen.append(column)
        elif len(without) < len(own):
            raise DataError(
                f'--columns leaves out "{without[0]}", which "{column.name}" takes for its vectors',
                f"a vector needs all its columns: {', '.join(own)}",
            )
    return chosen


def _sources(
    column: FittedColumn, schema: pl.Schema, renamed: Mapping[str, str]
) -> dict[str, str | None]:
    """Return the column of the data that takes each member's place, None where there is none."""
    assert column.members is not None
    sources: dict[str, str | None] = {}
    for member in column.members:
        given = [new for new, old in renamed.items() if old == member]
        if len(given) > 1:
            raise DataError(
                f'--map: {given[0]} and {given[1]} are both to be "{member}" of "{column.name}"',
                "a vector takes one column for each of its places",
            )
        here = member in schema and member not in renamed
        sources[member] = given[0] if given else member if here else None
    return sources
