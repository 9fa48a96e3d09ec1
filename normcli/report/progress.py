"""Progress bars on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from normcli.api import Extent, NoProgress, Progress

__all__ = ["progress_on_stderr"]


@contextmanager
def progress_on_stderr(when: str) -> Iterator[Progress]:
    """Give a progress that shows bars: always, never, or (auto) only on a terminal."""
    if when == "never" or (when == "auto" and not sys.stderr.isatty()):
        yield NoProgress()
        return
    from rich import progress as rich
    from rich.console import Console

    # Short work ends before the bar is drawn for the first time.
    console = Console(stderr=True, force_terminal=True if when == "always" else None)
    bars = rich.Progress(
        rich.TextColumn("{task.description}"),
        rich.BarColumn(bar_width=16),
        rich.TextColumn("{task.fields[done]}"),
        rich.TextColumn("left"),
        rich.TimeRemainingColumn(),
        console=console,
        transient=True,
        refresh_per_second=5,
    )

    class Bar:
        """One bar for each piece of work: rows, bytes, rows a second, time left."""

        def __init__(self) -> None:
            self.task: rich.TaskID | None = None
            self.extent = Extent()

        def start(self, what: str, extent: Callable[[], Extent]) -> None:
            self.extent = extent()
            self.task = bars.add_task(what, total=self.extent.rows, done="")

        def describe(self, what: str) -> None:
            if self.task is not None:
                bars.update(self.task, description=what)

        def advance(self, rows: int) -> None:
            if self.task is not None:
                bars.advance(self.task, rows)
                task = bars.tasks[self.task]
                bars.update(self.task, done=done(int(task.completed), task.speed, self.extent))

        def finish(self) -> None:
            if self.task is not None:
                bars.remove_task(self.task)
            self.task = None

    with bars:
        yield Bar()


def done(rows: int, speed: float | None, extent: Extent) -> str:
    """Return how much is done, for reading.

    >>> done(1_500_000, 1e6, Extent(3_000_000, 4_000_000_000))
    '1,500,000 rows · 2.0 of 4.0 GB · 1,000,000 rows/s'
    """
    parts = [f"{rows:,} rows"]
    if extent.rows and extent.bytes:
        share = min(1.0, rows / extent.rows)
        unit, name = (1e9, "GB") if extent.bytes >= 1e9 else (1e6, "MB")
        parts.append(f"{share * extent.bytes / unit:.1f} of {extent.bytes / unit:.1f} {name}")
    if speed:
        parts.append(f"{speed:,.0f} rows/s")
    return " · ".join(parts)
