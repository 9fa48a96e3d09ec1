"""Batches taken in by several threads, each into a contribution of its own, which add up."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Protocol, Self, TypeVar

import polars as pl

from normcli.stoppable import StoppableQuery

__all__ = ["Mergeable", "fold_batches", "fold_scan"]

_NOTHING = pl.DataFrame(schema={"nothing": pl.Null})


class Mergeable(Protocol):
    """What batches can be taken into."""

    def settle(self) -> None:
        """Bring it into the form that can be added up, after the last batch."""

    def merge(self, other: Self) -> Self:
        """Return both added up."""


T = TypeVar("T", bound=Mergeable)


def fold_scan(
    frame: pl.LazyFrame,
    batch_rows: int,
    most: int,
    empty: Callable[[], T],
    take_in: Callable[[T, pl.DataFrame], None],
) -> T:
    """Take a frame's rows in, in whatever order, in the threads that scan it; at `most` so many.

    A batch is taken in where it was made, while it is in that core's cache.
    """
    every, work = _shared(most, empty, take_in)

    def take(batch: pl.DataFrame) -> pl.DataFrame:
        work(batch)
        return _NOTHING

    query = StoppableQuery()
    with pl.Config(streaming_chunk_size=batch_rows):
        query.collect(query.rows(frame).map_batches(take, schema=_NOTHING.schema, streamable=True))
    return _total(every)


def fold_batches(
    batches: Iterable[pl.DataFrame],
    workers: int,
    empty: Callable[[], T],
    take_in: Callable[[T, pl.DataFrame], None],
) -> T:
    """Take all batches in, each in whichever of so many threads is free, while a scan goes on."""
    every, work = _shared(workers, empty, take_in)
    running: set[Future[None]] = set()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for batch in batches:
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
    return _total(every)


def _shared(
    threads: int, empty: Callable[[], T], take_in: Callable[[T, pl.DataFrame], None]
) -> tuple[list[T], Callable[[pl.DataFrame], None]]:
    """Return contributions for so many threads, and what takes a batch into one that is idle."""
    every = [empty() for _ in range(threads)]
    idle: queue.SimpleQueue[T] = queue.SimpleQueue()
    for contribution in every:
        idle.put(contribution)

    def work(batch: pl.DataFrame) -> None:
        contribution = idle.get()
        try:
            take_in(contribution, batch)
        finally:
            idle.put(contribution)

    return every, work


def _total(every: Sequence[T]) -> T:
    for contribution in every:
        contribution.settle()
    total = every[0]
    for contribution in every[1:]:
        total = total.merge(contribution)
    return total
