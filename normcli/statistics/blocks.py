"""Exact counts and sums of the values of each block of rows: what a median of means is made of."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from normcli.statistics.base import Index, Kind, State, Values, register
from normcli.statistics.exactsum import ExactSum
from normcli.statistics.kernel import add_moments

__all__ = ["BlockMoments"]

_COUNT = re.compile(r"0|[1-9][0-9]{0,18}")


@register
class BlockMoments(State):
    """n, Σx and Σx² by cell and block, without rounding, in the column's own units.

    `counts` is (cells · blocks) int64, cell after cell; `blocks` is 0 until there is a value.
    """

    name: ClassVar[str] = "blocks"
    fields: ClassVar[tuple[str, ...]] = ("block_counts", "block_sums", "block_sums_of_squares")

    def __init__(
        self,
        cells: int,
        blocks: int,
        counts: npt.NDArray[np.int64],
        total: ExactSum,
        squares: ExactSum,
    ) -> None:
        self.cells = cells
        self.blocks = blocks
        self.counts = counts
        self.total = total
        self.squares = squares

    @classmethod
    def empty(cls, kind: Kind, cells: int) -> Self:
        return cls(cells, 0, np.zeros(0, np.int64), ExactSum(0), ExactSum(0))

    def _sized(self, blocks: int) -> None:
        if self.blocks == 0:
            size = self.cells * blocks
            self.blocks, self.counts = blocks, np.zeros(size, np.int64)
            self.total, self.squares = ExactSum(size), ExactSum(size)

    def update(self, values: Values) -> None:
        if len(values) == 0:
            return
        assert values.blocks is not None, "the plan gives every value its block"
        self._sized(values.block_count)
        places = values.blocks
        if values.starts is not None and values.cells is not None:
            lengths = np.diff(values.starts, append=len(values))
            places = places + np.repeat(values.cells, lengths) * self.blocks
        order = np.argsort(places, kind="stable")
        ordered = places[order]
        starts = np.flatnonzero(np.diff(ordered, prepend=-1)).astype(np.intp)
        own = ordered[starts]
        self.counts[own] += np.diff(starts, append=len(ordered))
        planes = tuple(plane[order] for plane in values.planes)
        add_moments(self.total, self.squares, planes, starts, own)

    def merge(self, other: Self) -> Self:
        if self.blocks and other.blocks and self.blocks != other.blocks:
            raise ValueError(f"{self.blocks} and {other.blocks} blocks")
        if not (self.blocks and other.blocks):
            some = self if self.blocks else other
            parts = (some.counts.copy(), some.total.copy(), some.squares.copy())
            return type(self)(self.cells, some.blocks, *parts)
        return type(self)(
            self.cells,
            self.blocks,
            self.counts + other.counts,
            self.total + other.total,
            self.squares + other.squares,
        )

    def scatter(self, where: Index, cells: int) -> Self:
        if self.blocks == 0:
            return type(self)(cells, 0, self.counts.copy(), ExactSum(0), ExactSum(0))
        target = (where[:, None] * self.blocks + np.arange(self.blocks)).ravel()
        counts = np.zeros(cells * self.blocks, np.int64)
        counts[target] = self.counts
        size = cells * self.blocks
        total, squares = self.total.scatter(target, size), self.squares.scatter(target, size)
        return type(self)(cells, self.blocks, counts, total, squares)

    def fold(self, cells: int = 1) -> Self:
        if self.blocks == 0:
            return type(self)(cells, 0, self.counts.copy(), ExactSum(0), ExactSum(0))
        size = cells * self.blocks
        counts = self.counts.reshape(-1, size).sum(axis=0)
        return type(self)(
            cells, self.blocks, counts, self.total.fold(size), self.squares.fold(size)
        )

    def to_json(self) -> list[list[Any]]:
        columns = (self.counts.tolist(), self.total.to_hex(), self.squares.to_hex())
        # Nothing at all where there are no values: how many blocks there are may not be known.
        some = np.any(self.counts.reshape(self.cells, self.blocks), axis=1)
        return [
            [
                " ".join(map(str, column[i * self.blocks : (i + 1) * self.blocks])) if own else ""
                for i, own in enumerate(some)
            ]
            for column in columns
        ]

    @classmethod
    def from_json(cls, kind: Kind, columns: list[list[Any]]) -> Self:
        if any(not isinstance(text, str) for column in columns for text in column):
            raise ValueError("counts and sums of blocks are texts")
        parts = [[text.split(" ") if text else [] for text in column] for column in columns]
        cells = len(parts[0])
        blocks = max(map(len, parts[0]), default=0)
        if any({*map(len, of_cell)} not in ({0}, {blocks}) for of_cell in zip(*parts, strict=True)):
            raise ValueError("there are not as many counts and sums as blocks")
        nothing = [["0"] * blocks, ["0x0p0"] * blocks, ["0x0p0"] * blocks]
        flat = [
            [text for part in column for text in part or none]
            for column, none in zip(parts, nothing, strict=True)
        ]
        if not all(_COUNT.fullmatch(text) for text in flat[0]):
            raise ValueError("counts must be whole numbers from 0")
        counts = np.array([int(text) for text in flat[0]], np.int64)
        if blocks == 0:
            return cls.empty(kind, cells)
        return cls(cells, blocks, counts, ExactSum.from_hex(flat[1]), ExactSum.from_hex(flat[2]))
