"""Progress bars on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from normcli.api import NoProgress

__all__ = ["progress_on_stderr"]


@contextmanager
def progress_on_stderr(when: str) -> Iterator[NoProgress]:
    """Give a progress that shows bars: always, never, or (auto) only on a terminal."""
    if when == "never" or (when == "auto" and not sys.stderr.isatty()):
        yield NoProgress()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True, force_terminal=True if when == "always" else None)
    bars = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[done]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )

    class Shown(NoProgress):
        """Rows as they are done, and how many a second."""

        task: TaskID | None = None

        def start(self, what: str, rows: int | None) -> None:
            self.task = bars.add_task(what, total=rows, done="")

        def advance(self, rows: int) -> None:
            if self.task is None:
                return
            bars.advance(self.task, rows)
            task = bars.tasks[self.task]
            rate = f" · {task.speed:,.0f}/s" if task.speed else ""
            bars.update(self.task, done=f"{int(task.completed):,} rows{rate}")

        def finish(self) -> None:
            if self.task is not None:
                bars.stop_task(self.task)
            self.task = None

    with bars:
        yield Shown()
