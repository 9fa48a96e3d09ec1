"""Running mean and variance over batches of rows, as batch normalization keeps them."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any, ClassVar, NoReturn, Self

import numpy as np
import numpy.typing as npt

from normcli.statistics.base import Index, Kind, Planes, State, Values
from normcli.statistics.exactsum import ExactSum
from normcli.statistics.kernel import add_moments
from normcli.statistics.pairs import pair_of, variances

__all__ = ["RunningMoments"]

Floats = npt.NDArray[np.float64]


class RunningMoments(State):
    """m ← (1 − α)·m + α·μ and v ← (1 − α)·v + α·σ² over the batches of each cell in turn.

    μ and σ² = Σ(x − μ)²/(n − 1) of a batch's n valid values come from exact sums, in the column's
    units; m and v are float64. α is `momentum`, or 1/k at the k-th batch where that is None. `rest`
    is the share of v's first value that is left, which is therefore not in v itself. Batches with
    fewer than two values are left out: they have no σ². The values of a batch that is not whole yet
    wait in `planes`, with their cells and the numbers of their batches.
    """

    name: ClassVar[str] = "running"
    fields: ClassVar[tuple[str, ...]] = ()
    in_order: ClassVar[bool] = True

    def __init__(self, kind: Kind, cells: int, momentum: float | None) -> None:
        self.kind = kind
        self.momentum = momentum
        self.mean: Floats = np.zeros(cells)
        self.variance: Floats = np.zeros(cells)
        self.rest: Floats = np.ones(cells)
        self.batches = np.zeros(cells, np.int64)
        self.planes: Planes = ()
        self.cells: Index = np.zeros(0, np.intp)
        self.numbers: Index = np.zeros(0, np.intp)

    @classmethod
    def empty(cls, kind: Kind, cells: int) -> Self:
        return cls(kind, cells, None)

    def update(self, values: Values) -> None:
        if len(values) == 0:
            return
        assert values.blocks is not None, "the plan gives every value the number of its batch"
        cells = np.zeros(len(values), np.intp)
        if values.starts is not None and values.cells is not None:
            cells = np.repeat(values.cells, np.diff(values.starts, append=len(values)))
        planes, numbers = values.planes, values.blocks
        if len(self.cells):
            cells = np.concatenate([self.cells, cells])
            # What has waited comes first in its cell.
            order = np.argsort(cells, kind="stable")
            cells = cells[order]
            numbers = np.concatenate([self.numbers, numbers])[order]
            pairs = zip(self.planes, planes, strict=True)
            planes = tuple(np.concatenate(pair)[order] for pair in pairs)
        starts = _batch_starts(cells, numbers)
        owners = cells[starts]
        last = np.append(owners[1:] != owners[:-1], True)
        waiting = np.repeat(last, np.diff(starts, append=len(cells)))
        self._take(tuple(plane[~waiting] for plane in planes), cells[~waiting], numbers[~waiting])
        self.planes = tuple(plane[waiting] for plane in planes)
        self.cells, self.numbers = cells[waiting], numbers[waiting]

    def _take(self, planes: Planes, cells: Index, numbers: Index) -> None:
        """Take in whole batches, sorted by cell and in order within it."""
        starts = _batch_starts(cells, numbers)
        counts = np.diff(starts, append=len(cells)).astype(np.float64)
        size = len(starts)
        total, squares = ExactSum(size), ExactSum(size)
        add_moments(total, squares, planes, starts, np.arange(size))
        means, spreads = _unbiased(total, squares, counts)
        enough = counts > 1
        owners, means, spreads = cells[starts][enough], means[enough], spreads[enough]
        if len(self.mean) == 1:
            self._steps(means.tolist(), spreads.tolist())
            return
        first = np.flatnonzero(np.diff(owners, prepend=-1))
        turns = np.arange(len(owners)) - np.repeat(first, np.diff(first, append=len(owners)))
        order = np.argsort(turns, kind="stable")
        bounds = np.searchsorted(turns[order], np.arange(turns.max(initial=-1) + 2))
        for begin, end in itertools.pairwise(bounds):
            turn = order[begin:end]
            self._step(owners[turn], means[turn], spreads[turn])

    def _step(self, cells: Index, means: Floats, spreads: Floats) -> None:
        """Let one batch of each of these cells move what runs."""
        self.batches[cells] += 1
        share = 1.0 / self.batches[cells] if self.momentum is None else self.momentum
        with np.errstate(over="ignore", invalid="ignore"):
            self.mean[cells] = _moved(self.mean[cells], means, share)
            self.variance[cells] = _moved(self.variance[cells], spreads, share)
        self.rest[cells] *= 1 - share

    def _steps(self, means: list[float], spreads: list[float]) -> None:
        """Let many batches of the only cell move what runs: as `_step`, in plain numbers."""
        mean, variance, rest = (float(each[0]) for each in (self.mean, self.variance, self.rest))
        batch = int(self.batches[0])
        for own_mean, spread in zip(means, spreads, strict=True):
            batch += 1
            share = 1.0 / batch if self.momentum is None else self.momentum
            mean = _moved(mean, own_mean, share)
            variance = _moved(variance, spread, share)
            rest *= 1 - share
        self.mean[0], self.variance[0], self.rest[0] = mean, variance, rest
        self.batches[0] = batch

    def finished(self, unit: int = 1) -> tuple[Floats, Floats]:
        """Return m and v by cell, with what was left as last batches; v has begun with 1.

        Both in natural units, of which the column's are 1/unit.
        """
        twin = self.scatter(np.arange(len(self.mean)), len(self.mean))
        if len(self.cells):
            twin._take(self.planes, self.cells, self.numbers)
        return twin.mean / unit, twin.variance / (unit * unit) + twin.rest

    def scatter(self, where: Index, cells: int) -> Self:
        moved = type(self)(self.kind, cells, self.momentum)
        moved.mean[where] = self.mean
        moved.variance[where] = self.variance
        moved.rest[where] = self.rest
        moved.batches[where] = self.batches
        # Cells must stay sorted for what is found per cell, in the order of their rows.
        new = where[self.cells]
        order = np.argsort(new, kind="stable")
        moved.planes = tuple(plane[order] for plane in self.planes)
        moved.cells, moved.numbers = new[order], self.numbers[order]
        return moved

    def merge(self, other: Self) -> NoReturn:
        raise AssertionError("rows in their order are taken in by one worker")

    def fold(self, cells: int = 1) -> NoReturn:
        raise AssertionError("the order of the rows of all groups is not known here")

    def to_json(self) -> list[list[Any]]:
        return []

    @classmethod
    def from_json(cls, kind: Kind, columns: list[list[Any]]) -> NoReturn:
        raise ValueError("running statistics have no state")


def _moved(running: Any, found: Any, share: Any) -> Any:
    """Return what runs after one more batch: numbers, or arrays of them."""
    return share * found + (1 - share) * running


def _batch_starts(cells: Index, numbers: Index) -> Index:
    """Return where each batch of each cell begins."""
    changes = (cells[1:] != cells[:-1]) | (numbers[1:] != numbers[:-1])
    return np.flatnonzero(np.append(len(cells) > 0, changes)).astype(np.intp)


def _unbiased(total: ExactSum, squares: ExactSum, counts: Floats) -> tuple[Floats, Floats]:
    """Return Σx/n and Σ(x−μ)²/(n−1) of each batch, within a few ulp."""
    high, low = pair_of(total)
    with np.errstate(all="ignore"):
        means = (high + low) / counts
        spreads = variances((high, low), pair_of(squares), counts)
        spreads = spreads * (counts / (counts - 1))
    lost = np.flatnonzero(~np.isfinite(spreads) & (counts > 1))
    if len(lost):
        # Squares beyond float64: few, or an error, so one by one.
        sums, powers = total.integers(), squares.integers()
        for i in lost.tolist():
            n = int(counts[i])
            s = sums[i] * Fraction(2) ** total.exponent
            q = powers[i] * Fraction(2) ** squares.exponent
            spreads[i] = _float((q - s * s / n) / (n - 1))
    return means, spreads


def _float(number: Fraction) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf")
