"""A histogram of leading bits: percentiles within a known relative error, from shards too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from normcli.statistics.base import Index, Kind, Planes, State, Values, register
from normcli.statistics.ordering import floats_of_keys, keys_of_floats
from normcli.statistics.ranks import Ranks

__all__ = ["RELATIVE_ERROR", "Sketch"]

# Sign, exponent and seven bits of the mantissa; the others fall away.
_DROPPED_BITS = 45
_BIN_BITS = 64 - _DROPPED_BITS
RELATIVE_ERROR = 2.0**-8
"""How far a value may be from the middle of its bin (normal float64 numbers)."""

_ENTRY = re.compile(r"([1-9a-f][0-9a-f]{0,4}):([1-9][0-9]{0,18})")
_PENDING = 1 << 20

Codes = npt.NDArray[np.int64]


@register
class Sketch(State):
    """Counts by cell of the values in each bin of an order-preserving view of float64.

    A bin holds all values with the same sign, exponent and seven leading bits of the mantissa,
    so the bins do not depend on the data, and sketches of shards add up. `codes` are
    cell·2^19 + bin, sorted and distinct; `counts` how many values each has.
    """

    name: ClassVar[str] = "sketch"
    fields: ClassVar[tuple[str, ...]] = ("histogram",)

    def __init__(self, cells: int, codes: Codes, counts: Codes) -> None:
        self.cells = cells
        self.codes = codes
        self.counts = counts
        self._pending: list[tuple[Codes, Codes]] = []
        self._size = 0

    @classmethod
    def empty(cls, kind: Kind, cells: int) -> Self:
        nothing = np.zeros(0, np.int64)
        return cls(cells, nothing, nothing)

    def update(self, values: Values) -> None:
        if len(values) == 0:
            return
        codes = _bins(_floats(values.planes))
        if values.starts is not None and values.cells is not None:
            lengths = np.diff(values.starts, append=len(values))
            codes = (np.repeat(values.cells, lengths) << _BIN_BITS) | codes
        self._pending.append(np.unique(codes, return_counts=True))
        self._size += len(self._pending[-1][0])
        if self._size > max(_PENDING, 2 * len(self.codes)):
            self._settle()

    def _settle(self) -> None:
        """Bring what batches have brought into the one sorted table."""
        if self._pending:
            parts = [(self.codes, self.counts), *self._pending]
            self.codes, self.counts = _add_up(parts)
            self._pending, self._size = [], 0

    def merge(self, other: Self) -> Self:
        for each in (self, other):
            each._settle()
        return type(self)(
            self.cells, *_add_up([(self.codes, self.counts), (other.codes, other.counts)])
        )

    def scatter(self, where: Index, cells: int) -> Self:
        self._settle()
        moved = (where[self.codes >> _BIN_BITS] << _BIN_BITS) | _bin_of(self.codes)
        return type(self)(cells, *_add_up([(moved, self.counts)]))

    def fold(self, cells: int = 1) -> Self:
        self._settle()
        kept = (self.codes >> _BIN_BITS) % cells << _BIN_BITS | _bin_of(self.codes)
        return type(self)(cells, *_add_up([(kept, self.counts)]))

    def percentiles(
        self, share: Fraction, lows: Sequence[Any], highs: Sequence[Any]
    ) -> list[float | None]:
        """Return type-7 percentiles of the bins' middles, within each cell's bounds."""
        places = Ranks.at(self._totals(lows), share)
        results: list[float | None] = [None] * self.cells
        found = self._between(places, lows, highs)
        for cell, value in zip(places.cells.tolist(), found, strict=True):
            results[cell] = value
        return results

    def spread(self, points: int, lows: Sequence[Any], highs: Sequence[Any]) -> list[Any]:
        """Return for each cell a list of evenly spaced percentiles, at most one for each value."""
        places = Ranks.spread(self._totals(lows), points)
        return places.by_cell(self._between(places, lows, highs), self.cells)

    def _totals(self, lows: Sequence[Any]) -> Codes:
        """Return how many values each cell has; those of a cell without bounds do not count."""
        self._settle()
        reached = np.concatenate([[0], np.cumsum(self.counts)])
        totals = np.diff(reached[np.searchsorted(self.codes, self._edges())])
        return np.where([low is None for low in lows], 0, totals)

    def _edges(self) -> Codes:
        return np.arange(self.cells + 1) << _BIN_BITS

    def _between(self, places: Ranks, lows: Sequence[Any], highs: Sequence[Any]) -> list[float]:
        middles, reached = _middles(_bin_of(self.codes)), np.cumsum(self.counts)
        first = np.searchsorted(self.codes, self._edges()[:-1])
        before = np.concatenate([[0], reached])[first][places.cells]
        bounds = [
            np.array([0.0 if v is None else float(v) for v in each])[places.cells]
            for each in (lows, highs)
        ]
        a, b = (
            np.clip(middles[np.searchsorted(reached, before + rank, side="right")], *bounds)
            for rank in (places.lower, places.upper)
        )
        weight = places.weights
        with np.errstate(over="ignore"):
            found: list[float] = np.where(a == b, a, a * (1 - weight) + b * weight).tolist()
        return found

    def to_json(self) -> list[list[Any]]:
        self._settle()
        texts: list[list[str]] = [[] for _ in range(self.cells)]
        cells, bins = (self.codes >> _BIN_BITS).tolist(), _bin_of(self.codes).tolist()
        for cell, found, count in zip(cells, bins, self.counts.tolist(), strict=True):
            texts[cell].append(f"{found:x}:{count}")
        return [[" ".join(text) for text in texts]]

    @classmethod
    def from_json(cls, kind: Kind, columns: list[list[Any]]) -> Self:
        codes: list[int] = []
        counts: list[int] = []
        for cell, text in enumerate(columns[0]):
            if not isinstance(text, str):
                raise ValueError('histograms are texts "bin:count …"')
            for entry in text.split(" ") if text else ():
                found, count = _entry(entry)
                code = (cell << _BIN_BITS) | found
                if codes and code <= codes[-1]:
                    raise ValueError(f'"{entry}" is not in the order of a histogram')
                codes.append(code)
                counts.append(count)
        if sum(counts) >= 2**63:
            raise ValueError("the counts of the histograms are beyond any number of rows")
        return cls(len(columns[0]), np.array(codes, np.int64), np.array(counts, np.int64))


def _entry(text: str) -> tuple[int, int]:
    matched = _ENTRY.fullmatch(text)
    found, count = (int(matched[1], 16), int(matched[2])) if matched else (1 << _BIN_BITS, 0)
    if found >> _BIN_BITS or count >= 2**63:
        raise ValueError(f'"{text}" is no entry of a histogram')
    return found, count


def _floats(planes: Planes) -> npt.NDArray[np.float64]:
    if len(planes) == 1:
        return planes[0].astype(np.float64, copy=False)
    # By magnitude, so that a small negative number keeps its digits.
    high, low = planes[0].astype(np.int64), planes[1].astype(np.uint64)
    negative = high < 0
    size_low = np.where(negative, ~low + np.uint64(1), low)
    size_high = np.where(negative, ~high + (low == 0), high)
    size = size_high.astype(np.float64) * 2.0**64 + size_low.astype(np.float64)
    return np.where(negative, -size, size)


def _bins(values: npt.NDArray[np.float64]) -> Codes:
    keys = keys_of_floats(values)
    return (keys >> np.uint64(_DROPPED_BITS)).astype(np.int64)


def _bin_of(codes: Codes) -> Codes:
    return codes & np.int64((1 << _BIN_BITS) - 1)


def _middles(bins: Codes) -> npt.NDArray[np.float64]:
    """Return the middle of each bin; the bin that begins at 0 stands for 0."""
    edges = np.stack([bins, bins + 1]).astype(np.uint64) << np.uint64(_DROPPED_BITS)
    edges[1] -= np.uint64(1)
    values = floats_of_keys(edges)
    middles = values[0] / 2 + values[1] / 2
    zero = _bins(np.zeros(1))[0]
    return np.where((bins == zero) | (bins == zero - 1), 0.0, middles)


def _add_up(parts: Sequence[tuple[Codes, Codes]]) -> tuple[Codes, Codes]:
    codes = np.concatenate([part[0] for part in parts])
    counts = np.concatenate([part[1] for part in parts])
    distinct, places = np.unique(codes, return_inverse=True)
    total = np.zeros(len(distinct), np.int64)
    np.add.at(total, places, counts)
    return distinct, total
