"""Batches taken in by a pool of threads, each into a contribution of its own, which add up."""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Protocol, Self, TypeVar

import polars as pl

__all__ = ["Mergeable", "fold_batches"]


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
