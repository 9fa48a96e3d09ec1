"""The rows to fit on: a condition in SQL that is judged row by row."""

from __future__ import annotations

import polars as pl

from normcli.errors import DataError, UsageError, did_you_mean

__all__ = ["row_predicate"]


def row_predicate(where: str | None, schema: pl.Schema, place: str = "--where") -> pl.Expr | None:
    """Return the rows to fit on as an expression; only a plain condition on a row will do.

    `place` is where the condition was given, for messages.
    """
    if where is None:
        return None
    hint = "write a condition on the columns of a row, for example \"split = 'train'\""
    try:
        predicate = pl.sql_expr(where)
        written = predicate.meta.serialize(format="json")
        roots = predicate.meta.root_names()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise UsageError(f"{place}: {str(error).splitlines()[0]}", hint) from error
    for column in roots:
        if column not in schema:
            raise DataError(f'{place}: there is no column "{column}"', did_you_mean(column, schema))
    # Keys of the written expression; a text that is compared with can't look like one.
    forbidden = ('"Agg":', '"SubPlan":', '"Over":', '"Window":', '"expr":"Len"')
    try:
        # Some mistakes (a text compared with a number) show only when there is something to do.
        dtype = pl.DataFrame(schema=schema).select(predicate.alias("\0where")).schema
    except pl.exceptions.PolarsError as error:
        raise UsageError(f"{place}: {str(error).splitlines()[0]}", hint) from error
    if not roots or any(mark in written for mark in forbidden) or dtype["\0where"] != pl.Boolean():
        raise UsageError(f'{place}: "{where}" is not a condition on a single row', hint)
    return predicate
