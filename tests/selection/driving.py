"""Drives a search over numbers in memory, as a fit drives it over batches of a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normcli.selection import Search
from normcli.selection.scans import FirstLook
from normcli.statistics import STATISTICS
from normcli.statistics.base import Kind, Planes, Values
from normcli.statistics.ordering import percentile_fraction

__all__ = ["Setting", "planes_of", "search", "searched"]

Index = npt.NDArray[np.intp]
_NOTHING = np.zeros(0, np.intp)


@dataclass(frozen=True)
class Setting:
    """What must not be seen in a result: bytes, workers, rows in a batch.

    `limit` is after how many values the first scan stops collecting them: so small that a few
    values take the ways that otherwise only large files take. None: as the search sets it.
    """

    memory: int = 1 << 30
    workers: int = 2
    batch: int = 100
    limit: int | None = None


def planes_of(kind: Kind, numbers: Sequence[Any]) -> Planes:
    """Return numbers as the arrays that the kind holds them in."""
    if kind == "wide":
        high = np.array([n >> 64 for n in numbers], np.int64)
        return high, np.array([n & (2**64 - 1) for n in numbers], np.uint64)
    dtypes: dict[str, Any] = {"float": np.float64, "int": np.int64, "uint": np.uint64}
    return (np.array(numbers, dtypes[kind]),)


def _values(kind: Kind, planes: Planes, cells: Index | None) -> Values:
    if cells is None:
        return Values(kind, planes, None, None, _NOTHING, _NOTHING, _NOTHING)
    order = np.argsort(cells, kind="stable")
    ordered = cells[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)])
    sorted_planes = tuple(plane[order] for plane in planes)
    return Values(kind, sorted_planes, starts, ordered[starts], _NOTHING, _NOTHING, _NOTHING)


def search(
    kind: Kind,
    planes: Planes,
    percentiles: Sequence[float],
    setting: Setting,
    cells: Index | None = None,
    groups: int = 1,
) -> tuple[dict[float, list[Any]], int]:
    """Return each percentile's value by cell, and how many scans that took."""
    found, scans = searched(kind, planes, percentiles, setting, cells, groups)
    assert found.results is not None
    return {p: found.results[percentile_fraction(p)] for p in percentiles}, scans


def searched(
    kind: Kind,
    planes: Planes,
    percentiles: Sequence[float],
    setting: Setting,
    cells: Index | None = None,
    groups: int = 1,
    points: int = 0,
) -> tuple[Search, int]:
    """Return a search that has ended, and how many scans that took."""
    shares = [percentile_fraction(p) for p in percentiles]
    grouped = cells is not None
    found = Search(kind, shares, setting.memory, setting.workers, grouped, points)
    counts = STATISTICS["counts"].empty(kind, groups)
    extremes: Any = STATISTICS["extremes"].empty(kind, groups)
    scans = 0
    while found.results is None:
        states: list[Any] = [found.scan() for _ in range(setting.workers)]
        for state in states:
            if isinstance(state, FirstLook) and setting.limit is not None:
                state.limit = setting.limit
        for i, start in enumerate(range(0, len(planes[0]), setting.batch)):
            rows = slice(start, start + setting.batch)
            batch = tuple(plane[rows] for plane in planes)
            values = _values(kind, batch, None if cells is None else cells[rows])
            states[i % setting.workers].update(values)
            if scans == 0:
                counts.update(values)
                extremes.update(values)
        total = states[0]
        for state in states[1:]:
            total = total.merge(state)
        if scans == 0:
            tally: Any = counts
            lows, highs = extremes.values()
            found.start(tally.tally[0], lows, highs, total)
        else:
            found.absorb(total)
        scans += 1
        assert scans <= 200, "the search does not end"
    return found, scans
