"""The smallest and the largest value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.statistics.base import Index, Kind, Planes, State, Values, register

__all__ = ["Extremes"]

_WIDE_MASK = 2**64 - 1
_LIMITS: dict[Kind, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    # The largest value of every plane, then the smallest.
    "float": ((np.float64(np.inf),), (np.float64(-np.inf),)),
    "int": ((np.int64(2**63 - 1),), (np.int64(-(2**63)),)),
    "uint": ((np.uint64(2**64 - 1),), (np.uint64(0),)),
    "wide": (
        (np.int64(2**63 - 1), np.uint64(2**64 - 1)),
        (np.int64(-(2**63)), np.uint64(0)),
    ),
}


@register
class Extremes(State):
    """Minimum and maximum by cell, exact in the column's own units; 0.0 stands for −0.0 too.

    A 128-bit value lies in two planes (high, low) that are compared in that order.
    `seen` tells the cells that have a value at all.
    """

    name: ClassVar[str] = "extremes"
    fields: ClassVar[tuple[str, ...]] = ("min", "max")

    def __init__(self, kind: Kind, low: Planes, high: Planes, seen: npt.NDArray[np.bool_]) -> None:
        self.kind = kind
        self.low = low
        self.high = high
        self.seen = seen

    @classmethod
    def empty(cls, kind: Kind, cells: int) -> Self:
        largest, smallest = _LIMITS[kind]
        return cls(
            kind,
            tuple(np.full(cells, limit) for limit in largest),
            tuple(np.full(cells, limit) for limit in smallest),
            np.zeros(cells, np.bool_),
        )

    def update(self, values: Values) -> None:
        if len(values) == 0:
            return
        starts = np.zeros(1, np.intp) if values.starts is None else values.starts
        cells = np.zeros(1, np.intp) if values.cells is None else values.cells
        # Adding 0.0 turns −0.0 into 0.0: which of the two comes first must not matter.
        plus_zero = 0.0 if self.kind == "float" else 0
        for state, reduce in ((self.low, np.minimum), (self.high, np.maximum)):
            best = _reduce(values.planes, starts, reduce)
            best = (best[0] + best[0].dtype.type(plus_zero), *best[1:])
            here = tuple(plane[cells] for plane in state)
            for plane, chosen in zip(state, _choose(here, best, reduce), strict=True):
                plane[cells] = chosen
        self.seen[cells] = True

    def merge(self, other: Self) -> Self:
        return type(self)(
            self.kind,
            _choose(self.low, other.low, np.minimum),
            _choose(self.high, other.high, np.maximum),
            self.seen | other.seen,
        )

    def scatter(self, where: Index, cells: int) -> Self:
        moved = self.empty(self.kind, cells)
        for source, target in ((self.low, moved.low), (self.high, moved.high)):
            for old, new in zip(source, target, strict=True):
                new[where] = old
        moved.seen[where] = self.seen
        return moved

    def fold(self, cells: int = 1) -> Self:
        if len(self.seen) == 0:
            return self.empty(self.kind, cells)
        groups = len(self.seen) // cells
        starts = np.arange(cells, dtype=np.intp) * groups
        low, high = (
            tuple(plane.reshape(groups, cells).T.ravel() for plane in planes)
            for planes in (self.low, self.high)
        )
        return type(self)(
            self.kind,
            _reduce(low, starts, np.minimum),
            _reduce(high, starts, np.maximum),
            np.logical_or.reduce(self.seen.reshape(groups, cells), axis=0),
        )

    def values(self) -> tuple[list[Any], list[Any]]:
        """Return minima and maxima as Python numbers, None where a cell has no value."""
        return _numbers(self.low, self.seen), _numbers(self.high, self.seen)

    def to_json(self) -> list[list[Any]]:
        return list(self.values())

    def columns(self) -> Sequence[list[Any] | pl.Series]:
        if self.kind == "wide":
            return self.to_json()
        unseen = np.flatnonzero(~self.seen)
        return [pl.Series(planes[0]).scatter(unseen, None) for planes in (self.low, self.high)]

    @classmethod
    def from_json(cls, kind: Kind, columns: list[list[Any]]) -> Self:
        lows, highs = columns
        wanted = {float, int} if kind == "float" else {int}
        seen = np.array([low is not None for low in lows], np.bool_)
        if [high is not None for high in highs] != seen.tolist() or any(
            not set(map(type, column)) - {type(None)} <= wanted for column in columns
        ):
            raise ValueError("min and max are not numbers of the column's kind, or do not match")
        state = cls.empty(kind, len(seen))
        for planes, column in ((state.low, lows), (state.high, highs)):
            bounds = [bound for bound in column if bound is not None]
            parts = [bounds]
            if kind == "wide":
                parts = [
                    [bound >> 64 for bound in bounds],
                    [bound & _WIDE_MASK for bound in bounds],
                ]
            for plane, part in zip(planes, parts, strict=True):
                try:
                    plane[seen] = np.array(part, plane.dtype)
                except OverflowError as error:
                    raise ValueError("min or max is out of range") from error
        state.seen[:] = seen
        if any(low > high for low, high in zip(lows, highs, strict=True) if low is not None):
            raise ValueError("min is above max")
        return state


def _reduce(planes: Planes, starts: Index, reduce: np.ufunc) -> Planes:
    """Return the least (or greatest) value of each segment, comparing plane after plane."""
    best = reduce.reduceat(planes[0], starts)
    if len(planes) == 1:
        return (best,)
    lengths = np.diff(starts, append=len(planes[0]))
    tied = planes[0] == np.repeat(best, lengths)
    neutral = np.uint64(_WIDE_MASK if reduce is np.minimum else 0)
    return best, reduce.reduceat(np.where(tied, planes[1], neutral), starts)


def _choose(first: Planes, second: Planes, choose: np.ufunc) -> Planes:
    """Return the lesser (or greater) of two values, cell by cell."""
    best = choose(first[0], second[0])
    if len(first) == 1:
        return (best,)
    neutral = np.uint64(_WIDE_MASK if choose is np.minimum else 0)
    tied = (np.where(side[0] == best, side[1], neutral) for side in (first, second))
    return best, choose(*tied)


def _numbers(planes: Planes, seen: npt.NDArray[np.bool_]) -> list[Any]:
    if len(planes) == 2:
        numbers = [
            (high << 64) | low
            for high, low in zip(planes[0].tolist(), planes[1].tolist(), strict=True)
        ]
    else:
        numbers = planes[0].tolist()
    return [number if ok else None for number, ok in zip(numbers, seen.tolist(), strict=True)]
