"""A sample of rows that depends on nothing but their numbers, in memory that does not grow."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

__all__ = ["RowSample"]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = ((30, np.uint64(0xBF58476D1CE4E5B9)), (27, np.uint64(0x94D049BB133111EB)))


class RowSample:
    """Rows whose numbers have a small hash (splitmix64), so that periods in the data do no harm.

    All rows are kept up to `limit`; beyond it the bound on the hash is halved, again and again.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bits = np.uint64(0)
        self._frames: list[pl.DataFrame] = []
        self._hashes: list[npt.NDArray[np.uint64]] = []
        self._kept = 0
        self.rows = 0

    def update(self, batch: pl.DataFrame) -> None:
        """Take in the rows that follow those before."""
        hashes = _hash(np.arange(self.rows, self.rows + batch.height, dtype=np.uint64))
        self.rows += batch.height
        self._add(batch, hashes)
        while self._kept > self._limit:
            self._bits += np.uint64(1)
            frame, hashes = pl.concat(self._frames), np.concatenate(self._hashes)
            self._frames, self._hashes, self._kept = [], [], 0
            self._add(frame, hashes)

    def _add(self, frame: pl.DataFrame, hashes: npt.NDArray[np.uint64]) -> None:
        if self._bits:
            kept = hashes >> (np.uint64(64) - self._bits) == 0
            frame, hashes = frame.filter(pl.Series(kept)), hashes[kept]
        if frame.height:
            self._frames.append(frame)
            self._hashes.append(hashes)
            self._kept += frame.height

    def frame(self) -> pl.DataFrame:
        """Return the sampled rows, in order."""
        return pl.concat(self._frames).rechunk() if self._frames else pl.DataFrame()


def _hash(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    mixed = (numbers + np.uint64(1)) * _GOLDEN
    for shift, factor in _MIX:
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * factor
    return mixed ^ (mixed >> np.uint64(31))
