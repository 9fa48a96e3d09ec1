"""Exact order statistics in bounded memory, over any number of scans.

A quantile is not a sum: its state can't be merged in small space. But counts are, so ranges of
values narrow down, scan by scan, to the few values that matter. Counts are integers, so neither
the order of rows nor the number of threads can be seen in the result.
"""

from __future__ import annotations

from normcli.selection.search import Search

__all__ = ["Search"]
