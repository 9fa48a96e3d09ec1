"""What a method asks of the data: statistics, percentiles, blocks of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from normcli.methods.expressions import Expressions
from normcli.statistics import Kind, State

__all__ = ["Batches", "Blocks", "Needs", "Question"]


@dataclass(frozen=True)
class Blocks:
    """Rows in `count` blocks, by a hash of one column or (None) of the whole row."""

    count: int
    by: str | None


@dataclass(frozen=True)
class Batches:
    """Blocks of so many rows each, in the order of the rows; groups have blocks of their own."""

    rows: int


@dataclass(frozen=True)
class Needs:
    """What a method has to know of the values that enter it: statistics, and percentiles.

    `spread` asks for that many evenly spaced percentiles, minimum and maximum included, and in
    a cell with fewer values for all of them. With `of`, they are taken not of x itself but of
    what it makes of x and of all that was found before, and need a scan of their own: of one
    expression or of several (`lanes`), and then `fit` gets a summary whose `lanes` are those of
    the expressions. `states` are statistics
    that depend on options of the method.
    """

    statistics: tuple[str, ...] = ()
    percentiles: tuple[float, ...] = ()
    spread: int = 0
    of: Callable[[pl.Expr, Expressions], Sequence[pl.Expr]] | None = None
    lanes: int = 1
    blocks: Blocks | Batches | None = None
    states: Mapping[str, Callable[[Kind, int], State]] = field(default_factory=dict)

    @property
    def searches(self) -> bool:
        """Whether percentiles are asked for, of either sort."""
        return bool(self.percentiles or self.spread)


@dataclass(frozen=True)
class Question:
    """What a method asks for in one scan, in words beside its statistics; for `fit --explain`."""

    what: str = ""
    searched: bool = False
    """Whether exact percentiles are searched for."""
    more: int = 0
    """How many scans more that may need."""
