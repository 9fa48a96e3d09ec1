"""Parts of an input read by two threads side by side, and given out one after the other."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["read_ahead"]

_READERS = 2
_PATIENCE = 0.1
"""Seconds after which a reader that waits looks whether anybody wants more."""

T = TypeVar("T")


@dataclass(frozen=True)
class _End:
    """Comes after the last item of a part; with the error if it ended so."""

    error: BaseException | None = None


def read_ahead(parts: Sequence[Callable[[], Iterator[T]]], most: int) -> Iterator[T]:
    """Yield the items of all parts in order; while one part is given out, the next is read.

    Of each part at most `most` items wait. What a part raises is raised after its items.

    >>> list(read_ahead([lambda: iter("ab"), lambda: iter("c"), lambda: iter("de")], 1))
    ['a', 'b', 'c', 'd', 'e']
    """
    waiting: list[queue.Queue[T | _End]] = [queue.Queue(most) for _ in parts]
    over = threading.Event()

    def put(i: int, item: T | _End) -> bool:
        while not over.is_set():
            try:
                waiting[i].put(item, timeout=_PATIENCE)
            except queue.Full:
                continue
            return True
        return False

    def read(first: int) -> None:
        for i in range(first, len(parts), _READERS):
            end = _End()
            try:
                if not all(put(i, item) for item in parts[i]()):
                    return
            except BaseException as error:
                end = _End(error)
            if not put(i, end):
                return

    for first in range(min(_READERS, len(parts))):
        # A daemon: who stops in the middle needn't wait for it.
        threading.Thread(target=read, args=(first,), daemon=True).start()
    try:
        for each in waiting:
            while not isinstance(item := each.get(), _End):
                yield item
            if item.error is not None:
                raise item.error
    finally:
        over.set()
