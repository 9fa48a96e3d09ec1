"""What the engine tells of long work; who listens decides what to show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from normcli.sources import Extent

__all__ = ["NoProgress", "Progress"]


class Progress(Protocol):
    """Is told how far long work has come."""

    def start(self, what: str, extent: Callable[[], Extent]) -> None:
        """Begin a piece of work; `extent` finds out, at some cost, how much there is."""

    def describe(self, what: str) -> None:
        """Say anew what is being done."""

    def advance(self, rows: int) -> None:
        """Count rows as done; may be called from any thread."""

    def finish(self) -> None:
        """End the piece of work."""


class NoProgress:
    """Progress that nobody watches."""

    def start(self, what: str, extent: Callable[[], Extent]) -> None:
        """Begin."""

    def describe(self, what: str) -> None:
        """Go on to something else."""

    def advance(self, rows: int) -> None:
        """Go on."""

    def finish(self) -> None:
        """End."""
