"""Columns as statistics take them: valid values sorted by cell, the rest counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from normcli.columns import Split
from normcli.flat import Elements
from normcli.groups import GroupLayout, Index, segment_starts
from normcli.methods.base import Blocks
from normcli.plan.task import Task
from normcli.statistics import Values
from normcli.transform import (
    to_float,
)

__all__ = ["values_in", "vector_values", "with_blocks"]


def vector_values(flat: pl.Series, task: Task, elements: Elements, cells: int) -> Values:
    """Return the rows' vectors, as float64 in natural units, without those that lack an element."""
    dtype = task.dtype if task.is_raw else pl.Float64()
    numbers = pl.select(to_float(pl.lit(flat), dtype)).to_series().fill_null(float("nan"))
    vectors = numbers.to_numpy().reshape(elements.rows, -1)
    whole = np.isfinite(vectors).all(axis=1)
    none = np.zeros(0, np.intp)
    if elements.groups is None:
        kept = vectors if whole.all() else vectors[whole]
        return Values("float", (), None, None, none, none, none, vectors=kept)
    layout = GroupLayout.of(elements.groups[whole], cells)
    starts = segment_starts(layout.sorted_ids)
    own = layout.sorted_ids[starts]
    ordered = vectors[whole][layout.order]
    return Values("float", (), starts, own, none, none, none, vectors=ordered)


def with_blocks(
    values: Values, parts: Split, layout: GroupLayout | None, task: Task, blocks: Index
) -> Values:
    """Return the values with the numbers of their rows' blocks, in the same order."""
    count = task.blocks.count if isinstance(task.blocks, Blocks) else 1
    valid = parts.valid
    if layout is not None and (task.scope == "groups" or task.tensor is not None):
        blocks = blocks[layout.order]
        valid = None if valid is None else valid[layout.order]
    taken = blocks if valid is None else blocks[valid]
    return replace(values, blocks=taken, block_count=count)


def values_in(parts: Split, layout: GroupLayout | None) -> Values:
    """Return the values of a column, sorted as the layout says."""
    valid = parts.valid
    if layout is None:
        planes = parts.planes if valid is None else tuple(p[valid] for p in parts.planes)
        starts = cells = None
        ids = None
    else:
        order, sorted_ids = layout.order, layout.sorted_ids
        if valid is not None:
            keep = valid[order]
            order, sorted_ids = order[keep], sorted_ids[keep]
        planes = tuple(plane[order] for plane in parts.planes)
        starts = segment_starts(sorted_ids)
        cells = sorted_ids[starts]
        ids = layout.ids
    null, nan, inf = (
        np.zeros(0 if mask is None else int(mask.sum()), np.intp)
        if ids is None or mask is None
        else ids[mask]
        for mask in (parts.null, parts.nan, parts.inf)
    )
    return Values(parts.kind, planes, starts, cells, null, nan, inf)
