"""Streaming queries that stop soon after whoever waits for them is interrupted.

The engine would hold signals back until a query ends; the queries that it runs in the background
can't be stopped while they stream, and abort the process when nobody takes their result.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

import polars as pl

__all__ = ["StoppableQuery"]

_PAUSE = 0.2
_PATIENCE = 1.0


class StoppableQuery:
    """A query that is computed in a thread of its own, from `rows` that end when it is stopped."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def rows(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Return the same rows; once the query is stopped, the next batch of them is an error."""

        def pass_on(batch: pl.DataFrame) -> pl.DataFrame:
            if self._stopped.is_set():
                raise InterruptedError("nobody waits for these rows any more")
            return batch

        return frame.map_batches(pass_on, streamable=True)

    def collect(
        self, query: pl.LazyFrame, meanwhile: Callable[[], None] | None = None
    ) -> pl.DataFrame:
        """Compute a query over `rows`, and do something else now and then until it is done."""
        executor = ThreadPoolExecutor(1)
        result = executor.submit(query.collect, engine="streaming")
        try:
            while wait([result], _PAUSE).not_done:
                if meanwhile is not None:
                    meanwhile()
            return result.result()
        except BaseException:
            self._stopped.set()
            wait([result], _PATIENCE)  # not for ever: the input may be an idle pipe
            raise
        finally:
            executor.shutdown(wait=False)
