"""Wide files are read a strip of columns at a time, so that memory does not grow with the width.

Of Parquet a row group is decoded whole, and more than one at once: a million rows of 200 columns
take gigabytes. Other input comes in pieces, or has to be parsed whole.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from normcli.plan import Task
from normcli.progression import ColumnFit
from normcli.resolution import Target
from normcli.sources import Source

__all__ = ["next_strip", "searches", "strip_width"]

_MOST_STRIPS = 16
_WORTH = 1 << 27
"""Each strip is a scan that opens all files: where it reads as much of one, that is not seen."""
# Columns of a strip, at least. To find out percentiles of a few keeps all threads busy.
_SUMMED = 16
_SEARCHED = 3


def searches(target: Target) -> bool:
    """Return whether percentiles of the values are to be found out."""
    return any(step.fitted and step.searches for step in target.chain)


def strip_width(source: Source, targets: Mapping[str, Target], along: Collection[str]) -> int:
    """Return how many targets one scan is to take; columns `along` are read by each of them."""
    if source.encoding is None or source.encoding.format != "parquet" or not source.files:
        return len(targets)
    strips = max(1, min(_MOST_STRIPS, sum(source.sizes) // len(source.sizes) // _WORTH))
    least = _SEARCHED if any(map(searches, targets.values())) else _SUMMED
    # What is read by each strip must not come to more than a quarter of all.
    return max(least * (1 + len(along)), -(-len(targets) // strips))


def next_strip(
    unfinished: Sequence[ColumnFit], width: int
) -> tuple[Sequence[ColumnFit], list[list[Task]]]:
    """Return the columns that the next scan takes, and the tasks of each."""
    tasks = [column.tasks() for column in unfinished[:width]]
    if all(task.columns is not None for each in tasks for task in each):
        return unfinished[:width], tasks
    # Where a row is told by all its values, all columns are read in any case.
    return unfinished, tasks + [column.tasks() for column in unfinished[width:]]
