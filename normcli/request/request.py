"""A request: what is asked of a fit, and how one request goes over another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from normcli.errors import UsageError
from normcli.recipe import DEFAULT_METHOD, Chain, Recipe, parse_chain
from normcli.sources.options import ReadOptions

__all__ = ["Request"]

_CHOICES = {"inf": ("error", "skip"), "quantiles": ("exact", "sketch")}


@dataclass(frozen=True)
class Request:
    """What is asked of a fit: a chain, keys, ways to read text … None where nothing is said.

    `read` has fields of ReadOptions; `places` is as in Recipe.
    """

    method: Chain | None = None
    sets: tuple[tuple[str, Chain], ...] = ()
    columns: str | None = None
    exclude: str | None = None
    by: tuple[str, ...] | None = None
    where: str | None = None
    inf: str | None = None
    quantiles: str | None = None
    min_group: int | None = None
    read: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            value = getattr(self, name)
            if value is not None and value not in allowed:
                raise UsageError(f'{name} must be {" or ".join(allowed)}, not "{value}"')
        if self.min_group is not None and self.min_group < 0:
            raise UsageError(f"min_group must not be below 0, but is {self.min_group}")

    def over(self, other: Request) -> Request:
        """Return both requests as one; where both say something, this one counts."""

        def first(name: str) -> Any:
            own = getattr(self, name)
            return getattr(other, name) if own is None else own

        names = ("method", "columns", "exclude", "by", "where", "inf", "quantiles", "min_group")
        types = {**other.read.get("types", {}), **self.read.get("types", {})}
        said = {f"columns.{selector}" for selector, _ in self.sets}
        said |= {f"types.{name}" for name in self.read.get("types", {})}
        said |= {"select"} if self.columns is not None else set()
        said |= {name for name in names if getattr(self, name) is not None}
        return Request(
            **{name: first(name) for name in names},
            # The last one that matches wins, so what this one says comes after.
            sets=(*other.sets, *self.sets),
            read={**other.read, **self.read, **({"types": types} if types else {})},
            places={
                **{name: place for name, place in other.places.items() if name not in said},
                **self.places,
            },
        )

    def recipe(self) -> Recipe:
        """Return the recipe, with defaults where nothing is said."""
        # One selector given twice is that of the last time.
        last: dict[str, Chain] = {}
        for selector, chain in self.sets:
            last.pop(selector, None)
            last[selector] = chain
        return Recipe(
            parse_chain(DEFAULT_METHOD) if self.method is None else self.method,
            tuple(last.items()),
            self.columns,
            self.exclude or None,
            self.by or (),
            self.where,
            self.inf == "skip",
            self.min_group or 0,
            self.places,
        )

    def reading(self) -> ReadOptions:
        """Return how text is read, with defaults where nothing is said."""
        return ReadOptions(**self.read)
