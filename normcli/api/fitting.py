"""Fitting: what a fit was asked for, resolved against the data, and the fit itself."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Literal, Unpack

import polars as pl

from normcli.api.asking import FitKeywords, prepared
from normcli.api.data import ArrowData, Paths, check_types, group_keys, opened
from normcli.api.stats import Stats
from normcli.engines.local import BATCH_ROWS, DEFAULT_MEMORY, FitSettings, run_fit
from normcli.engines.progress import NoProgress, Progress
from normcli.errors import NormWarning, UsageError
from normcli.findings import findings
from normcli.fitted import Fitted
from normcli.recipe import Recipe, scans_again
from normcli.request import recorded
from normcli.resolution import Target, resolve
from normcli.sources import Source
from normcli.where import row_predicate

__all__ = ["explain", "fit"]


def fit(
    source: Paths | pl.LazyFrame | ArrowData,
    *,
    method: str | None = None,
    set: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    columns: str | None = None,
    exclude: str | None = None,
    by: str | Sequence[str] | None = None,
    where: str | None = None,
    inf: Literal["error", "skip"] | None = None,
    quantiles: Literal["exact", "sketch"] | None = None,
    min_group: int | None = None,
    recipe: str | os.PathLike[str] | None = None,
    like: Stats | str | os.PathLike[str] | None = None,
    state: bool = True,
    condition: bool = False,
    format: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    null_values: Sequence[str] | None = None,
    decimal_comma: bool | None = None,
    types: Mapping[str, str] | None = None,
    threads: int | None = None,
    batch_rows: int = BATCH_ROWS,
    memory: int = DEFAULT_MEMORY,
    progress: Progress | None = None,
) -> Stats:
    """Compute the statistics that the chains of methods need, and their parameters.

    `source` is a path, several, a glob, a directory, "-" for stdin, a polars frame, or anything
    with the Arrow PyCapsule interface. The result is the same, bit for bit, whatever the order
    of rows and files, the format, `threads` and `batch_rows`. What is not said is taken from
    the file `recipe` or from the recipe of an earlier fit, `like`, and else is the default:
    chains of "zscore", all numeric columns. With `condition`, one scan more finds the condition
    number of the feature covariance before and after. Raises NormError (see normcli.errors) for
    wrong usage or data; warns with NormWarning of constant or empty columns.

    >>> stats = fit(pl.DataFrame({"x": [1.0, 2.0, 3.0]}))
    >>> stats.params("x")
    {'mean': 2.0, 'std': 0.816496580927726}
    >>> fit(pl.DataFrame({"x": [1.0, 2.0, 3.0, 6.0]}), like=stats).params("x")
    {'mean': 3.0, 'std': 1.8708286933869707}
    """
    asked = prepared(
        method=method,
        set=set,
        columns=columns,
        exclude=exclude,
        by=by,
        where=where,
        inf=inf,
        quantiles=quantiles,
        min_group=min_group,
        recipe=recipe,
        like=like,
        delimiter=delimiter,
        header=header,
        null_values=null_values,
        decimal_comma=decimal_comma,
        types=types,
    )
    if batch_rows < 1 or memory < 1 or (threads is not None and threads < 1):
        raise UsageError("threads, batch rows and memory must be at least 1")
    settings = FitSettings(threads, batch_rows, memory, asked.sketched, condition)
    repeat = condition or any(scans_again(chain, asked.sketched) for chain in asked.chains)
    with opened(source, format, asked.reading, asked.expected, repeat) as data:
        return Stats(_fit(data, asked.recipe, state, settings, progress or NoProgress()))


def explain(
    source: Paths | pl.LazyFrame | ArrowData,
    *,
    format: str | None = None,
    **options: Unpack[FitKeywords],
) -> str:
    """Return in words how often a fit would scan the data, and what for; nothing is fitted.

    >>> print(explain(pl.DataFrame({"x": [1.0], "y": [2.0]}), set={"y": "log+zscore+minmax"}))
    2 scans of the data, 2 columns
    scan 1
      x  counts, extremes, moments
      y  counts, extremes, moments; zscore, on the output of log: counts, moments; the domain of log
    scan 2
      y  minmax, on the output of log+zscore: counts, extremes
    <BLANKLINE>
    """
    from normcli.outline import outline

    asked = prepared(**options)
    with opened(source, format, asked.reading, asked.expected, False) as data:
        recipe, targets = _resolved(asked.recipe, data)
        chains = {name: target.chain for name, target in targets.items()}
        row_predicate(recipe.where, data.schema, recipe.places.get("where", "--where"))
        return outline(chains, recipe.by, asked.sketched)


def _fit(
    source: Source,
    recipe: Recipe,
    state: bool,
    settings: FitSettings,
    progress: Progress,
) -> Fitted:
    schema = source.schema
    recipe, resolved = _resolved(recipe, source)
    where = row_predicate(recipe.where, schema, recipe.places.get("where", "--where"))
    run = run_fit(source, recipe, resolved, where, settings, progress)
    # Names below the directory or glob: those of a hive directory's files are often all the same.
    names = [file.relative for file in source.files] or [os.path.basename(n) for n in source.names]
    text = source.encoding is not None and source.encoding.is_text
    read = source.options.to_json() if text or source.options.types else {}
    fitted = Fitted(
        run.rows,
        tuple(sorted(names)),
        recipe.where,
        run.keys,
        read,
        run.columns,
        state,
        settings.sketched,
        recorded(recipe),
    )
    if settings.condition:
        from normcli.engines.conditioning import run_condition  # linear algebra is slow to import

        found = run_condition(source, fitted, where, settings, progress)
        fitted = dataclasses.replace(fitted, condition=found)
    _warn_of_useless(fitted)
    return fitted


def _resolved(recipe: Recipe, source: Source) -> tuple[Recipe, dict[str, Target]]:
    """Return the recipe with its keys by name, and what is normalized."""
    recipe = dataclasses.replace(recipe, by=group_keys(recipe.by, source.schema))
    check_types(source, recipe.places)
    return recipe, resolve(recipe, source.schema)


def _warn_of_useless(fitted: Fitted) -> None:
    for column in fitted.columns:
        for warning in findings(column, fitted.min_group):
            warnings.warn(f'column "{column.name}" {warning}', NormWarning, stacklevel=4)
