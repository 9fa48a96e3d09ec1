"""The typed interface: fit, merge, load, and Stats with apply, invert and save. Prints nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from normcli.api.asking import FitKeywords
from normcli.api.fitting import explain, fit
from normcli.api.stats import Stats, load, merge
from normcli.application import TransformOptions
from normcli.destinations import check_destination, write_text
from normcli.dtypes import parse_dtype
from normcli.engines.local import BATCH_ROWS
from normcli.engines.progress import NoProgress, Progress
from normcli.sources import Extent, ReadOptions

if TYPE_CHECKING:
    from normcli.api.suggesting import suggest
    from normcli.suggestion import Suggestion

__all__ = [
    "BATCH_ROWS",
    "Extent",
    "FitKeywords",
    "NoProgress",
    "Progress",
    "ReadOptions",
    "Stats",
    "Suggestion",
    "TransformOptions",
    "check_destination",
    "explain",
    "fit",
    "load",
    "merge",
    "parse_dtype",
    "suggest",
    "write_text",
]


def __getattr__(name: str) -> Any:
    # What only one command needs takes a while to import, too.
    if name in ("suggest", "Suggestion"):
        from normcli.api import suggesting

        return getattr(suggesting, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
