"""The shape of a stats file, format 1, as types that are checked on reading."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = [
    "ColumnDocument",
    "ConditionDocument",
    "Document",
    "QuantilesDocument",
    "SourceDocument",
]


class SourceDocument(msgspec.Struct, forbid_unknown_fields=True):
    """Where the rows came from."""

    rows: int
    files: list[str]
    where: str | None = None


class QuantilesDocument(msgspec.Struct, forbid_unknown_fields=True):
    """That percentiles are those of sketches, and how far they may be off."""

    kind: str
    relative_error: float


class ConditionDocument(msgspec.Struct, forbid_unknown_fields=True):
    """The condition number of the feature covariance; null where it is singular."""

    features: int
    rows: int
    before: float | None
    after: float | None


class ColumnDocument(msgspec.Struct, forbid_unknown_fields=True):
    """One column; the keys of a step beside the known ones are options of its method."""

    dtype: str
    steps: list[dict[str, Any]]
    summary: dict[str, Any]
    small_groups: list[list[Any]] | None = None
    state: dict[str, Any] | None = None
    members: dict[str, str] | None = None


class Document(msgspec.Struct, forbid_unknown_fields=True):
    """A whole stats file."""

    format: str
    source: SourceDocument
    columns: dict[str, ColumnDocument]
    by: dict[str, str] | None = None
    groups: list[list[Any]] | None = None
    read: dict[str, Any] | None = None
    recipe: dict[str, Any] | None = None
    quantiles: QuantilesDocument | None = None
    condition: ConditionDocument | None = None
