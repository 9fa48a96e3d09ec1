"""The local engine: batches from polars' streaming scan to a pool of threads."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar, cast

import numpy as np
import polars as pl

from normcli.coding import listed
from normcli.columns import named
from normcli.dtypes import dtype_name, plain_dtype
from normcli.engines.failures import engine_errors
from normcli.engines.progress import Progress
from normcli.errors import DataError
from normcli.fitted import FittedColumn
from normcli.groups import KeyIndex, key_columns
from normcli.joined import to_vector
from normcli.plan import Contribution, Pass
from normcli.progression import ColumnFit, Limits
from normcli.recipe import Recipe, chain_text
from normcli.resolution import Target
from normcli.sources import Source, extent_of, sample_slices
from normcli.tensors import numbers_in_row

__all__ = [
    "BATCH_ROWS",
    "DEFAULT_MEMORY",
    "FitRun",
    "FitSettings",
    "fold_batches",
    "most_rows",
    "run_fit",
]

BATCH_ROWS = 1 << 17
_BATCH_NUMBERS = 1 << 21
_SAMPLE_NUMBERS = 1 << 17
_FETCHED = "POLARS_ROW_GROUP_PREFETCH_SIZE"

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
    def workers(self) -> int:
        """The number of threads that take batches in: half of all, the scan has the others.

        With more threads than cores, one that holds the interpreter's lock is put to sleep now
        and then, and all others wait for it.
        """
        return max(1, (self.threads or os.cpu_count() or 1) // 2)


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
    rows = scans = 0
    while unfinished := [column for column in columns if not column.done]:
        tasks = [column.tasks() for column in unfinished]
        scan = Pass(tuple(task for each in tasks for task in each), by)
        scans += 1
        progress.start("fit" if scans == 1 else f"fit (scan {scans})", lambda: extent_of(source))
        try:
            with engine_errors(source, "fit"), _fetching_ahead(scan, settings):
                _show_sample(source, vectors, scan.of_sample, where)
                done = _run_pass(source, vectors, scan, index, where, settings, progress)
        finally:
            progress.finish()
        _check(done, source, recipe)
        rows = done.rows
        if by:
            done.grow(len(index))
            if scans == 1:
                ranks = index.sort_order()
                done.grow(len(index), ranks)
                index = KeyIndex(index.keys[np.argsort(ranks)])
        states = iter(done.states)
        for column, each in zip(unfinished, tasks, strict=True):
            column.absorb([next(states) for _ in each])
    return FitRun(tuple(column.result() for column in columns), index.keys if by else None, rows)


def most_rows(schema: pl.Schema) -> int:
    """Return the most rows of a batch, so that memory does not grow with what tensors hold."""
    return max(1, _BATCH_NUMBERS // numbers_in_row(schema))


def _limits(targets: Mapping[str, Target], grouped: bool, settings: FitSettings) -> Limits:
    """Share the memory out among the searches that may run at once."""
    searching = sum(
        any(step.fitted and step.searches for step in target.chain) for target in targets.values()
    )
    searches = max(1, searching * (2 if grouped else 1))
    return Limits(settings.memory // searches, settings.workers, settings.sketched)


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
    batches = frame.collect_batches(
        chunk_size=min(settings.batch_rows, most_rows(frame.collect_schema())),
        maintain_order=the_pass.in_order,
        engine="streaming",
    )

    def take_in(contribution: Contribution, batch: pl.DataFrame) -> None:
        if the_pass.by:
            ids = index.number(key_columns(batch, the_pass.by))
            contribution.update(batch, ids, len(index))
        else:
            contribution.update(batch, None, 1)
        progress.advance(batch.height)

    cells = max(1, len(index)) if the_pass.by else 1
    workers = 1 if the_pass.in_order else settings.workers
    return fold_batches(batches, workers, lambda: Contribution(the_pass, cells), take_in)


@contextmanager
def _fetching_ahead(the_pass: Pass, settings: FitSettings) -> Iterator[None]:
    """Have no more row groups of Parquet fetched than there are threads to take them in.

    To find out percentiles takes about as long as to decode; what is fetched earlier would only
    lie in memory. The engine has no other way to be told so.
    """
    if not the_pass.of_sample.tasks or _FETCHED in os.environ:
        yield
        return
    os.environ[_FETCHED] = str(settings.workers)
    try:
        yield
    finally:
        del os.environ[_FETCHED]


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


class Mergeable(Protocol):
    """What batches can be taken into."""

    def settle(self) -> None:
        """Bring it into the form that can be added up, after the last batch."""

    def merge(self, other: Self) -> Self:
        """Return both added up."""


T = TypeVar("T", bound=Mergeable)


def fold_batches(
    batches: object,
    workers: int,
    empty: Callable[[], T],
    take_in: Callable[[T, pl.DataFrame], None],
) -> T:
    """Take all batches in, each into the contribution of whichever worker is free, and add up."""
    idle: queue.SimpleQueue[T] = queue.SimpleQueue()
    every = [empty() for _ in range(workers)]
    for contribution in every:
        idle.put(contribution)

    def work(batch: pl.DataFrame) -> None:
        contribution = idle.get()
        try:
            take_in(contribution, batch)
        finally:
            idle.put(contribution)

    running: set[Future[None]] = set()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for batch in batches:  # type: ignore[attr-defined]
                running.add(pool.submit(work, batch))
                # One batch waits for each worker, no more: memory must not grow with the data.
                while len(running) >= 2 * workers:
                    finished, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in finished:
                        future.result()
            for future in running:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    for contribution in every:
        contribution.settle()
    total = every[0]
    for contribution in every[1:]:
        total = total.merge(contribution)
    return total


def _check(done: Contribution, source: Source, recipe: Recipe) -> None:
    where = f" where {recipe.where}" if recipe.where else ""
    name = source.names[0] if len(source.names) == 1 else "the input"
    if done.rows == 0:
        raise DataError(f"{name} has no rows{where}", "there is nothing to fit on")
    for i, (task, states) in enumerate(zip(done.the_pass.tasks, done.states, strict=True)):
        outside = done.outside[i]
        column = f'{name}: column "{task.column}"'
        if "counts" in states and not recipe.skip_inf:
            infinite = int(states["counts"].fold().to_json()[3][0])
            if infinite and task.partial is not None:
                # The column's own infinities were refused in the scan before.
                raise DataError(
                    f"{column} has {_values(infinite, 'value')} whose distance from the others is "
                    f"beyond float64, so {task.partial.method.name} can't be fitted",
                    "scale the column first, for example with decimal:exponent=300",
                )
            if infinite:
                after = (
                    f" after {chain_text(tuple(s.method for s in task.before))}"
                    if task.before
                    else ""
                )
                raise DataError(
                    f"{column} has {_values(infinite, 'infinite value')}{after}",
                    "count and skip them with --inf skip, or leave them out with --where",
                )
        if outside and task.checked is not None:
            method = task.checked.name
            if task.checked.encodes:
                raise DataError(
                    f"{column} has {_values(outside, 'value')} that {method} has no code for: "
                    f"{listed(done.examples[i])}",
                    "give the method all values, or let others become null: "
                    f"{method}:…,unseen=null",
                )
            others = "yeojohnson" if method == "boxcox" else "symlog, asinh"
            raise DataError(
                f"{column} has {_values(outside, 'value')} outside the domain of {method}",
                f"{task.checked.formula[0]} is not defined there; "
                f"choose another method ({others}), or leave them out with --where",
            )


def _values(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
