"""The blocks that rows fall into: by a hash of them, or one after the other."""

from __future__ import annotations

import numpy as np
import polars as pl

from normcli.groups import GroupLayout, Index, segment_starts
from normcli.methods.base import Batches, Blocks
from normcli.rowhash import block_numbers

__all__ = ["RowBlocks"]


class RowBlocks:
    """Tells the blocks of a scan's rows, batch by batch."""

    def __init__(self) -> None:
        self._seen: dict[bool, Index] = {}
        """How many rows came before: all of them, and (True) by group."""

    def numbers(
        self, batch: pl.DataFrame, blocks: Blocks | Batches, layout: GroupLayout | None
    ) -> Index:
        """Return the number of each row's block; `layout` has the rows by group, if they count."""
        if isinstance(blocks, Blocks):
            return block_numbers(batch, blocks)
        seen = self._seen.get(layout is not None, np.zeros(1, np.intp))
        if layout is None:
            return np.asarray(
                np.arange(seen[0], seen[0] + batch.height, dtype=np.intp) // blocks.rows
            )
        ids = layout.ids
        starts = segment_starts(layout.sorted_ids)
        places = np.empty(len(ids), np.intp)
        lengths = np.diff(starts, append=len(ids))
        places[layout.order] = np.arange(len(ids)) - np.repeat(starts, lengths)
        known = ids < len(seen)
        places[known] += seen[ids[known]]
        return places // blocks.rows

    def passed(self, rows: int, ids: Index | None) -> None:
        """Count the rows of a batch, once it is taken in."""
        for grouped, more in (
            (False, np.array([rows])),
            *(() if ids is None else ((True, np.bincount(ids)),)),
        ):
            seen = self._seen.get(grouped, np.zeros(0, np.intp))
            total = np.zeros(max(len(seen), len(more)), np.intp)
            total[: len(seen)] = seen
            total[: len(more)] += more
            self._seen[grouped] = total
