"""The local engine: batches from polars' streaming scan to a pool of threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import polars as pl

from normcli.columns import named
from normcli.dtypes import dtype_name, plain_dtype
from normcli.engines.checks import check_scan
from normcli.engines.failures import engine_errors
from normcli.engines.folding import fold_batches
from normcli.engines.progress import Progress
from normcli.engines.reading import reading
from normcli.engines.strips import next_strip, searches, strip_width
from normcli.errors import DataError
from normcli.fitted import FittedColumn
from normcli.groups import KeyIndex, key_columns
from normcli.joined import to_vector
from normcli.kernel import compiled
from normcli.plan import Contribution, Pass
from normcli.progression import ColumnFit, Limits
from normcli.recipe import Recipe
from normcli.resolution import Target
from normcli.sources import Source, extent_of, sample_slices
from normcli.tensors import numbers_in_row

__all__ = [
    "BATCH_ROWS",
    "DEFAULT_MEMORY",
    "FitRun",
    "FitSettings",
    "batches_of",
    "run_fit",
]

BATCH_ROWS = 1 << 17
_BATCH_NUMBERS = 1 << 21
_SAMPLE_NUMBERS = 1 << 17

DEFAULT_MEMORY = 1 << 30


@dataclass(frozen=True)
class FitSettings:
    """How a fit runs: threads, batches, bytes for searches; whether percentiles are sketched."""

    threads: int | None = None
    batch_rows: int = BATCH_ROWS
    memory: int = DEFAULT_MEMORY
    sketched: bool = False
    condition: bool = False
    """Whether the condition number of the feature covariance is wanted, too."""

    @property
    def half(self) -> int:
        """Half of the threads, at least one."""
        return max(1, self._threads // 2)

    @property
    def workers(self) -> int:
        """The number of threads that take batches in: one more than half, the scan has all.

        With many more threads than cores, one that holds the interpreter's lock is put to sleep
        now and then, and all others wait for it; NumPy takes that lock all the time.
        """
        return self.half if compiled() is None else min(self._threads, self.half + 1)

    @property
    def _threads(self) -> int:
        return self.threads or os.cpu_count() or 1


@dataclass(frozen=True)
class FitRun:
    """What the scans of a fit found: the columns, the groups' keys, the rows."""

    columns: tuple[FittedColumn, ...]
    keys: pl.DataFrame | None
    rows: int


def run_fit(
    source: Source,
    recipe: Recipe,
    targets: Mapping[str, Target],
    where: pl.Expr | None,
    settings: FitSettings,
    progress: Progress,
) -> FitRun:
    """Run all scans of a fit."""
    by = _key_dtypes(recipe.by, source.schema)
    index = KeyIndex.empty(by)
    limits = _limits(targets, bool(by), settings)
    columns = [
        ColumnFit(name, target, bool(by), limits, recipe.min_group)
        for name, target in targets.items()
    ]
    vectors = {name: each.members for name, each in targets.items() if each.members is not None}
    along = {*by} if where is None else {*by, *where.meta.root_names()}
    width = strip_width(source, targets, along)
    rows = scans = 0
    while unfinished := [column for column in columns if not column.done]:
        strip, tasks = next_strip(unfinished, width)
        scan = Pass(tuple(task for each in tasks for task in each), by)
        scans += 1
        name = "fit" if scans == 1 else f"fit (scan {scans})"
        if width < len(columns):
            finished = len(columns) - len(unfinished)
            name = f"fit ({finished:,} of {len(columns):,} columns)"
        progress.start(name, lambda: extent_of(source))
        try:
            # To find out percentiles takes about as long as to decode: what were fetched earlier
            # would only lie in memory.
            ahead = settings.half if scan.of_sample.tasks else None
            with engine_errors(source, "fit"), reading(ahead):
                _show_sample(source, vectors, scan.of_sample, where)
                done = _run_pass(source, vectors, scan, index, where, settings, progress)
        finally:
            progress.finish()
        check_scan(done, source, recipe)
        rows = done.rows
        if by:
            done.grow(len(index))
            if scans == 1:
                ranks = index.sort_order()
                done.grow(len(index), ranks)
                index = KeyIndex(index.keys[np.argsort(ranks)])
        states = iter(done.states)
        for column, each in zip(strip, tasks, strict=True):
            column.absorb([next(states) for _ in each])
        del done, states  # not while the next scan needs memory, too
    return FitRun(tuple(column.result() for column in columns), index.keys if by else None, rows)


def batches_of(
    frame: pl.LazyFrame, settings: FitSettings, in_order: bool = False
) -> Iterator[pl.DataFrame]:
    """Yield the rows in batches, smaller ones where there are tensors, for these are in memory."""
    most = max(1, _BATCH_NUMBERS // numbers_in_row(frame.collect_schema()))
    return frame.collect_batches(
        chunk_size=min(settings.batch_rows, most), maintain_order=in_order, engine="streaming"
    )


def _limits(targets: Mapping[str, Target], grouped: bool, settings: FitSettings) -> Limits:
    """Share the memory out among the searches that may run at once."""
    searching = max(1, sum(map(searches, targets.values())) * (2 if grouped else 1))
    return Limits(settings.memory // searching, settings.workers, settings.sketched)


def _key_dtypes(by: tuple[str, ...], schema: pl.Schema) -> dict[str, pl.DataType]:
    dtypes: dict[str, pl.DataType] = {}
    for name in by:
        dtype = schema[name]
        if dtype.is_nested() or dtype == pl.Object():
            raise DataError(f'column "{name}" is {dtype_name(dtype)} and can\'t be a group key')
        dtypes[name] = plain_dtype(dtype)
    return dtypes


def _run_pass(
    source: Source,
    vectors: Mapping[str, Mapping[str, pl.DataType]],
    the_pass: Pass,
    index: KeyIndex,
    where: pl.Expr | None,
    settings: FitSettings,
    progress: Progress,
) -> Contribution:
    frame = _read(source.rows, source.schema, vectors, the_pass, where)

    def take_in(contribution: Contribution, batch: pl.DataFrame) -> None:
        if the_pass.by:
            ids = index.number(key_columns(batch, the_pass.by))
            contribution.update(batch, ids, len(index))
        else:
            contribution.update(batch, None, 1)
        progress.advance(batch.height)

    cells = max(1, len(index)) if the_pass.by else 1
    # To find out percentiles takes memory, but little time, with one thread more.
    workers = settings.half if the_pass.of_sample.tasks else settings.workers
    workers = 1 if the_pass.in_order else workers
    batches = batches_of(frame, settings, the_pass.in_order)
    return fold_batches(batches, workers, lambda: Contribution(the_pass, cells), take_in)


def _read(
    rows: Callable[[Collection[str], pl.Expr | None], pl.LazyFrame],
    schema: pl.Schema,
    vectors: Mapping[str, Mapping[str, pl.DataType]],
    the_pass: Pass,
    where: pl.Expr | None,
) -> pl.LazyFrame:
    """Return the rows and columns that a pass is about."""
    reads = [task.columns for task in the_pass.tasks]
    needed = set(the_pass.by).union(*(schema if each is None else each for each in reads))
    joined = {name: members for name, members in vectors.items() if name in needed}
    return rows(needed.union(*joined.values()), where).select(
        *(named(name) for name in schema if name in needed),
        *(to_vector(members).alias(name) for name, members in joined.items()),
    )


def _show_sample(
    source: Source,
    vectors: Mapping[str, Mapping[str, pl.DataType]],
    the_pass: Pass,
    where: pl.Expr | None,
) -> None:
    """Show those tasks a sample of the rows that have use for one; where to look, it may say."""
    if not the_pass.tasks:
        return
    shown = Contribution(the_pass)
    for rows in sample_slices(source, _SAMPLE_NUMBERS // numbers_in_row(source.schema)):
        frame = _read(rows, source.schema, vectors, the_pass, where)
        shown.update(frame.collect(engine="streaming"), None, 1)
    for states in shown.states:
        for state in states.values():
            cast(Any, state).place_windows()
