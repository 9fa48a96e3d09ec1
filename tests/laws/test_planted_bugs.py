"""The laws bite: statistics that are wrong in ways that were really made do not pass."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import pytest

from normcli.statistics import Kind, State, Values
from normcli.statistics.base import Index
from normcli.statistics.counts import Counts
from normcli.statistics.extremes import Extremes
from normcli.statistics.moments import Moments
from tests.laws.kit import LawError, run_laws


class _Columns(State):
    """A statistic of plain float columns, one for each field; right as long as `add` is."""

    name: ClassVar[str] = "planted"
    fields: ClassVar[tuple[str, ...]] = ("number", "value")

    def __init__(self, table: Any) -> None:
        self.table = table

    @classmethod
    def empty(cls, kind: Kind, cells: int) -> Self:
        return cls(np.zeros((2, cells)))

    @staticmethod
    def add(a: Any, b: Any) -> Any:
        raise NotImplementedError

    def update(self, values: Values) -> None:
        starts = np.zeros(1, np.intp) if values.starts is None else values.starts
        cells = np.zeros(1, np.intp) if values.cells is None else values.cells
        bounds = [*starts.tolist(), len(values)]
        for i, cell in enumerate(cells.tolist()):
            for value in values.planes[0][bounds[i] : bounds[i + 1]].tolist():
                self.table[:, cell] = self.add(self.table[:, cell], np.array([1.0, value]))

    def merge(self, other: Self) -> Self:
        pairs = zip(self.table.T, other.table.T, strict=True)
        return type(self)(np.array([self.add(a, b) for a, b in pairs]).T.reshape(2, -1))

    def scatter(self, where: Index, cells: int) -> Self:
        moved = np.zeros((2, cells))
        moved[:, where] = self.table
        return type(self)(moved)

    def fold(self, cells: int = 1) -> Self:
        total = np.zeros(2)
        for cell in self.table.T:
            total = self.add(total, cell)
        return type(self)(total[:, None])

    def to_json(self) -> list[list[Any]]:
        return [[repr(float(n)) for n in column] for column in self.table]

    @classmethod
    def from_json(cls, kind: Kind, columns: list[list[Any]]) -> Self:
        return cls(np.array([[float(text) for text in column] for column in columns]))


class CountOfValues(_Columns):
    """Right: shows that what fails in the others is `add`."""

    @staticmethod
    def add(a: Any, b: Any) -> Any:
        return np.array([a[0] + b[0], 0.0])


class AverageOfFloats(_Columns):
    """A weighted average of averages rounds in an order that depends on the parts."""

    @staticmethod
    def add(a: Any, b: Any) -> Any:
        n = a[0] + b[0]
        return np.array([n, (a[0] * a[1] / n + b[0] * b[1] / n) if n else 0.0])


class SumOfFloats(_Columns):
    """The plain float sum, as an engine's aggregate has it."""

    @staticmethod
    def add(a: Any, b: Any) -> Any:
        return a + b


class FirstSeen(_Columns):
    """Keeps the first value: associative and with a neutral element, but not commutative."""

    @staticmethod
    def add(a: Any, b: Any) -> Any:
        return np.array([a[0] + b[0], a[1] if a[0] else b[1]])


class RunningAverage(_Columns):
    """With momentum, as batch normalization has it: the order of rows matters."""

    @staticmethod
    def add(a: Any, b: Any) -> Any:
        return np.array([a[0] + b[0], 0.5 * a[1] + 0.5 * b[1] if a[0] and b[0] else a[1] + b[1]])


class GreatestFromZero(_Columns):
    """Starts at 0, and lets whichever of 0.0 and -0.0 comes first stand."""

    @staticmethod
    def add(a: Any, b: Any) -> Any:
        if a[0] and b[0]:
            return np.array([a[0] + b[0], max(a[1], b[1])])
        return np.array([a[0] + b[0], a[1] if a[0] else b[1]])


class ForgetsNulls(Counts):
    """Folds only the counts of valid values."""

    def fold(self, cells: int = 1) -> Self:
        tally = self.tally.sum(axis=1, keepdims=True)
        tally[1] = 0
        return type(self)(tally)


class MergesInPlace(Counts):
    """Saves a copy, and spoils the operand."""

    def merge(self, other: Self) -> Self:
        self.tally += other.tally
        return type(self)(self.tally)


class ReadsThroughFloat(Extremes):
    """Loses the digits of large integers when it is read."""

    @classmethod
    def from_json(cls, kind: Kind, columns: list[list[Any]]) -> Self:
        even = [[n and n // 2 * 2 for n in column] for column in columns]
        return super().from_json(kind, even)


class FoldsTheLastCellOnly(Moments):
    """Right as long as there is one cell."""

    def fold(self, cells: int = 1) -> Self:
        if self.total.cells == 1:
            return super().fold()
        return type(self)(self.total.fold(), type(self.squares)(1))


class ScattersInOrder(Counts):
    """Leaves the cells where they were."""

    def scatter(self, where: Index, cells: int) -> Self:
        return super().scatter(np.arange(len(where), dtype=np.intp), cells)


@pytest.mark.parametrize(
    "planted",
    [
        AverageOfFloats,
        SumOfFloats,
        FirstSeen,
        RunningAverage,
        GreatestFromZero,
        ForgetsNulls,
        MergesInPlace,
        FoldsTheLastCellOnly,
        ScattersInOrder,
    ],
)
def test_laws_find_the_planted_bug(planted: type[State]) -> None:
    with np.errstate(all="ignore"), pytest.raises(LawError):
        run_laws(planted, "float")


def test_laws_find_lost_digits() -> None:
    with pytest.raises(LawError, match="from_json"):
        run_laws(ReadsThroughFloat, "int")


def test_a_right_statistic_passes() -> None:
    run_laws(CountOfValues, "float")
