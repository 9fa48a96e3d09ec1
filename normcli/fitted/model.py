"""A fit as data: columns, their steps with parameters, and the states of what entered them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import polars as pl

from normcli.methods import Method
from normcli.methods.base import once
from normcli.statistics import State
from normcli.tensors import (
    Tensor,
    container,
    nested,
    tensor_of,
)

__all__ = [
    "Condition",
    "Fitted",
    "FittedColumn",
    "FittedStep",
    "States",
    "StepInput",
    "inner_dtype",
]


States = Mapping[str, State]


@dataclass(frozen=True)
class StepInput:
    """The states of the values that enter one step: of all rows, and by group if there are groups.

    `groups` is None without groups. `exact` says that they are states of the data alone, not
    of the output of a fitted step, so that shards of them can be merged.
    """

    rows: States
    groups: States | None
    exact: bool


@dataclass(frozen=True)
class FittedStep:
    """A method with its parameters: of all rows together, and by group.

    Over a tensor whose kept axes have a `shape`, a parameter of all rows is the list of those of
    the channels, and those of the groups are one after the other.
    """

    method: Method
    params: dict[str, Any]
    groups: dict[str, list[Any]] | None
    shape: tuple[int, ...] = ()

    @property
    def cells(self) -> dict[str, list[Any]]:
        """The parameters of all rows, a list of those of the channels for each."""
        return self.params if self.shape else once(self.params)

    @property
    def shaped(self) -> dict[str, Any]:
        """The parameters of all rows, those of channels as lists in lists."""
        if not self.shape:
            return self.params
        return {key: nested(values, self.shape) for key, values in self.params.items()}

    @cached_property
    def encoding(self) -> Mapping[str, pl.Series] | None:
        """What a method that encodes needs, made once; None if it lacks parameters."""
        if any(value is None for value in self.params.values()):
            return None
        return self.method.constants(
            {
                name: value if isinstance(value, pl.Series) else pl.Series(name, [value])
                for name, value in self.params.items()
            }
        )

    def of_group(self, key: str, group: int) -> Any:
        """Return a parameter of one of the groups, those of channels as lists in lists."""
        assert self.groups is not None
        each = math.prod(self.shape)
        return nested(self.groups[key][group * each : (group + 1) * each], self.shape)


@dataclass(frozen=True)
class FittedColumn:
    """A column's chain, fitted; `inputs[i]` is what entered step i, where it is known."""

    name: str
    dtype: pl.DataType
    steps: tuple[FittedStep, ...]
    summary: dict[str, Any]
    inputs: tuple[StepInput | None, ...]
    small: tuple[int, ...] = ()
    """The groups that have too few values and take the parameters of all rows, by number."""
    members: Mapping[str, pl.DataType] | None = None
    """The columns whose values are its vectors' elements, if it is no column of its own."""

    @property
    def tensor(self) -> Tensor | None:
        """What its tensors are, if it is a tensor column."""
        return tensor_of(self.dtype)

    @property
    def sources(self) -> Mapping[str, pl.DataType]:
        """The columns of the data that it is fitted on, with their dtypes."""
        return {self.name: self.dtype} if self.members is None else self.members

    @property
    def normalized(self) -> Mapping[str, pl.DataType]:
        """The same columns with the dtypes that they have once normalized."""
        own = self.tensor if self.members is None else None
        usual = pl.Float64() if own is None else container(own.dtype, pl.Float64())
        return dict.fromkeys(self.sources, usual)

    @property
    def inner(self) -> pl.DataType:
        """The dtype of its values, or of the elements of its tensors."""
        return inner_dtype(self.dtype)


@dataclass(frozen=True)
class Condition:
    """The condition number of the feature covariance before and after; None if it is singular."""

    features: int
    rows: int
    before: float | None
    after: float | None


@dataclass(frozen=True)
class Fitted:
    """A whole fit. `keys` has one row for each group, sorted; None without groups."""

    rows: int
    files: tuple[str, ...]
    where: str | None
    keys: pl.DataFrame | None
    read: dict[str, Any]
    columns: tuple[FittedColumn, ...]
    with_state: bool = field(default=True)
    sketched: bool = False
    """Whether percentiles come from mergeable sketches, not from the values themselves."""
    recipe: dict[str, Any] = field(default_factory=dict)
    """What was asked for and stands nowhere else, in the form of a recipe file."""

    condition: Condition | None = None
    """What became of the condition number of the feature covariance, if that was asked for."""

    def only(self, names: Collection[str]) -> Fitted:
        """Return the fit of those columns alone."""
        kept = tuple(column for column in self.columns if column.name in names)
        return replace(self, columns=kept)

    @property
    def min_group(self) -> int:
        """How many valid values a group needs for parameters of its own; 0: any number will do."""
        return int(self.recipe.get("min_group", 0))

    @property
    def by(self) -> tuple[str, ...]:
        """The names of the group keys."""
        return () if self.keys is None else tuple(self.keys.columns)


def inner_dtype(dtype: pl.DataType) -> pl.DataType:
    """Return the dtype of a column's values, or of the elements of its tensors."""
    tensor = tensor_of(dtype)
    return dtype if tensor is None else tensor.inner
