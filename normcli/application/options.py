"""How a stats file meets data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypedDict

__all__ = ["Direction", "TransformKeywords", "TransformOptions"]

Direction = Literal["apply", "invert"]
UnknownGroup = Literal["error", "null", "global", "keep"]


class TransformKeywords(TypedDict, total=False):
    """The fields of `TransformOptions` as keywords, for the typed interface."""

    columns: str | None
    renamed: Mapping[str, str]
    dtype: Literal["float32", "float64"] | None
    unknown_group: UnknownGroup
    missing_column: Literal["error", "skip"]
    keep_row_stats: bool


@dataclass(frozen=True)
class TransformOptions:
    """How a stats file meets data; `renamed` gives columns the statistics of fitted ones.

    With `keep_row_stats`, what rows lose to row-wise methods is kept in columns of its own.
    """

    columns: str | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    dtype: Literal["float32", "float64"] | None = None
    unknown_group: UnknownGroup = "error"
    missing_column: Literal["error", "skip"] = "error"
    keep_row_stats: bool = False
