"""What a fit yields: for every column its chain with the parameters found, and the exact states.

Pure data, and the one function that turns states into parameters: fit, merge and the check of
a stats file all go through `conclude`, so they can't disagree.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast

import polars as pl

from normcli.columns import decimal_scale, number_kind
from normcli.errors import DataError
from normcli.methods import Method
from normcli.methods.base import Found, once
from normcli.methods.rowwise import RowMethod
from normcli.recipe import Chain, count_fitted, given_params, option_text
from normcli.smallgroups import cells_of, small_groups, with_parameters_of_all
from normcli.statistics import STATISTICS, Kind, State, Summary
from normcli.statistics.counts import Counts
from normcli.tensors import (
    ONE_CHANNEL,
    Channels,
    Tensor,
    channels,
    container,
    nested,
    shape_text,
    tensor_of,
)

__all__ = [
    "RAW_STATISTICS",
    "SKETCH_STATISTICS",
    "Condition",
    "Fitted",
    "FittedColumn",
    "FittedStep",
    "StepInput",
    "conclude",
    "constant",
    "empty_states",
    "finish_step",
    "fitted_before",
    "fold",
    "given_step",
    "inner_dtype",
    "input_kind",
    "input_scale",
    "learn",
    "needed_statistics",
    "small_among",
    "step_channels",
    "summarize",
]

States = Mapping[str, State]

RAW_STATISTICS = ("counts", "extremes", "moments")
"""The statistics of every column as it comes in, whatever its methods need."""

SKETCH_STATISTICS = ("counts", "extremes", "sketch")
"""What approximate percentiles are taken from."""


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


def step_channels(name: str, dtype: pl.DataType, method: Method) -> Channels:
    """Return the channels that a step has parameters for: one, but for tensors.

    Raise DataError where lists of given parameters are not as long as there are channels.
    """
    tensor = tensor_of(dtype)
    if isinstance(method, RowMethod):
        assert tensor is not None and tensor.shape is not None, "a chain that joins has tensors"
        method.check_shape(f'column "{name}"', tensor.shape)
    lists = {key: len(value) for key, value in method.given.items() if type(value) is tuple}
    # Vectors are treated as wholes by methods that join columns.
    if tensor is None or method.joins or not (method.fitted or lists):
        found = ONE_CHANNEL
    else:
        found = channels(tensor, method.axis, f'column "{name}"')
    for key, length in lists.items():
        if tensor is None:
            raise DataError(
                f'column "{name}" is no tensor column, but {key} of {method.name} is given as '
                f"a list of {length} values",
                f"give one number: {method.name}:{key}=1",
            )
        if length != found.count:
            shape = (
                "lists" if tensor.shape is None else f"tensors of shape {shape_text(tensor.shape)}"
            )
            raise DataError(
                f'column "{name}": {key} of {method.name} has {length} values, but axis='
                f"{option_text(method.axis)} makes {found.count} channel"
                f"{'' if found.count == 1 else 's'} of {shape}",
                "give one number for each channel, in order, or one for all",
            )
    return found


def given_step(name: str, dtype: pl.DataType, method: Method) -> FittedStep:
    """Return a step whose parameters are all given."""
    own = step_channels(name, dtype, method)
    cells = given_params(method, dtype, own.count)
    return FittedStep(
        method, cells if own.shape else {k: v[0] for k, v in cells.items()}, None, own.shape
    )


def fitted_before(chain: Chain, step: int) -> int:
    """Return how many steps before that one are fitted."""
    return count_fitted(chain[:step])


def input_kind(dtype: pl.DataType, chain: Chain, step: int) -> Kind:
    """Return how the values that enter a step are held."""
    if step:
        return "float"
    return "text" if chain[0].encodes else cast(Kind, number_kind(inner_dtype(dtype)))


def input_scale(dtype: pl.DataType, chain: Chain, step: int) -> int:
    """Return the decimals of the units that the states of a step's input are in."""
    return decimal_scale(inner_dtype(dtype)) if step == 0 and not chain[0].encodes else 0


def needed_statistics(chain: Chain, step: int, sketched: bool) -> tuple[str, ...]:
    """Return the statistics to take of the values that enter a step, in the registry's order."""
    needs = chain[step].needs(once(chain[step].given)) if chain[step].fitted else None
    wanted = set() if needs is None or needs.of is not None else {*needs.statistics}
    if needs is not None and needs.of is None and needs.searches and sketched:
        wanted |= set(SKETCH_STATISTICS)
    if step == 0:
        wanted |= {"counts"} if chain[0].encodes else set(RAW_STATISTICS)
    elif needs is not None:
        wanted.add("counts")
    return tuple(name for name in STATISTICS if name in wanted)


def empty_states(names: Sequence[str], kind: Kind, cells: int) -> States:
    """Return states of no rows."""
    return {name: STATISTICS[name].empty(kind, cells) for name in names}


def fold(states: States, channels: int = 1) -> States:
    """Return the states of all groups' rows together, by channel."""
    return {name: state.fold(channels) for name, state in states.items()}


def small_among(
    name: str,
    dtype: pl.DataType,
    chain: Chain,
    inputs: Sequence[StepInput | None],
    min_group: int,
) -> tuple[int, ...] | None:
    """Return the groups that take the parameters of all rows, since they have too few values.

    Values count as they come in, or, if they are no numbers, as the first step has made them;
    of tensors of one shape, as many elements as a row has in a channel count as one value.
    None if how many there are is not known.
    """
    if not min_group or not any(method.fitted and not method.encodes for method in chain):
        return ()
    for step, entered in enumerate(inputs):
        if entered is not None and entered.groups is not None:
            counts = cast(Counts, entered.groups["counts"]).tally[0]
            channels = step_channels(name, dtype, chain[step]).count
            tensor = tensor_of(dtype)
            a_row = tensor.size // channels if tensor is not None and tensor.shape else 1
            return small_groups(counts, channels, min_group * a_row)
    return None


def conclude(
    name: str,
    dtype: pl.DataType,
    chain: Chain,
    step: int,
    entered: StepInput | None,
    small: Sequence[int] = (),
) -> FittedStep | None:
    """Return a step with the parameters that follow from the states of what entered it.

    None where they do not follow from them: exact percentiles have no state (sketches have),
    and what a method asks for second depends on what it learned first. The groups in `small`
    take the parameters of all rows.
    """
    method = chain[step]
    if not method.fitted:
        return given_step(name, dtype, method)
    shape = step_channels(name, dtype, method).shape
    given = once(method.given)
    needs = method.needs(given)
    if entered is None or needs is None or needs.of is not None or needs.states:
        return None
    if needs.searches and "sketch" not in entered.rows:
        return None
    scale = input_scale(dtype, chain, step)
    rows = learn(name, method, Summary(entered.rows, scale), given)
    if method.needs({**given, **rows}) is not None:
        return None
    groups = None
    if entered.groups is not None:
        unused = cells_of(small, step_channels(name, dtype, method).count)
        groups = learn(name, method, Summary(entered.groups, scale, unused=unused), given)
    return finish_step(name, dtype, method, rows, groups, shape, small)


def learn(name: str, method: Method, summary: Summary, found: Found) -> dict[str, list[Any]]:
    """Return what a method learns; a DataError that it raises comes to name the column."""
    try:
        return method.fit(summary, found)
    except DataError as error:
        raise DataError(f'column "{name}": {method.name}: {error.message}', error.hint) from error


def finish_step(
    name: str,
    dtype: pl.DataType,
    method: Method,
    rows: Mapping[str, list[Any]],
    groups: Mapping[str, list[Any]] | None,
    shape: tuple[int, ...] = (),
    small: Sequence[int] = (),
) -> FittedStep:
    """Return a step with the parameters found; raise DataError if one is beyond float64.

    The groups in `small` take the parameters of all rows.
    """
    found = _checked(name, dtype, method, rows)
    params = found if shape else {key: values[0] for key, values in found.items()}
    by_group = None
    if groups is not None:
        by_group = _checked(name, dtype, method, with_parameters_of_all(groups, found, small))
    return FittedStep(method, params, by_group, shape)


def _checked(
    name: str, dtype: pl.DataType, method: Method, found: Mapping[str, list[Any]]
) -> dict[str, list[Any]]:
    cells = max((len(values) for values in found.values()), default=1)
    known = {**found, **given_params(method, dtype, cells)}
    params = {parameter.name: known[parameter.name] for parameter in method.sought}
    if method.encodes:
        return params
    for first, second in method.ordered:
        for cell in range(cells):
            low, high = (
                params[key][cell] if key in params else method.options[key]
                for key in (first, second)
            )
            if low is not None and high is not None and low > high:
                raise DataError(
                    f'column "{name}": {first} of {method.name} ({low}) is above {second} ({high})',
                    "one of them was given as an option, the other found in the data",
                )
    for key, values in params.items():
        if _has_infinite(values):
            raise DataError(
                f'column "{name}": the {key} of {method.name} is larger than a float64 can hold',
                "scale the column first, for example with decimal:exponent=300",
            )
    constants = method.constants(
        {p.name: constant(p.name, params[p.name], p.is_list) for p in method.sought}
    )
    if any(_flat(each).is_infinite().any() for each in constants.values()):
        raise DataError(
            f'column "{name}": the scale of {method.name} is larger than a float64 can hold',
            "scale the column first, for example with decimal:exponent=300",
        )
    return params


def _flat(series: pl.Series) -> pl.Series:
    while series.dtype == pl.List:
        series = series.explode()
    return series


def _has_infinite(values: Sequence[Any]) -> bool:
    kinds = set(map(type, values))
    if list in kinds:
        return any(_has_infinite(v if isinstance(v, list) else [v]) for v in values)
    # An integer or a decimal may be beyond float64, so it is not made one to look.
    return float in kinds and not {math.inf, -math.inf}.isdisjoint(
        values if kinds == {float} else [v for v in values if isinstance(v, float)]
    )


def constant(name: str, values: Sequence[Any], listed: bool) -> pl.Series:
    """Return a parameter's numbers, lists of numbers or matrices as a series of float64."""
    if not listed and set(map(type, values)) <= {float, type(None)}:
        return pl.Series(name, values, pl.Float64)
    if any(isinstance(value, list) and value and isinstance(value[0], list) for value in values):
        return pl.Series(name, values, pl.List(pl.List(pl.Float64)))
    return pl.Series(
        name,
        [None if v is None else [float(n) for n in v] if listed else float(v) for v in values],
        pl.List(pl.Float64) if listed else pl.Float64,
    )


def summarize(dtype: pl.DataType, chain: Chain, entered: StepInput) -> dict[str, Any]:
    """Return the description of a whole column for people: counts, extremes, mean, std.

    Of values that are no numbers it is only how many there are.
    """
    if chain[0].encodes:
        count, null = (n[0] for n in entered.rows["counts"].to_json()[:2])
        return {"count": count, "null": null}
    rows = fold(entered.rows) if tensor_of(dtype) else entered.rows
    summary = Summary(rows, decimal_scale(inner_dtype(dtype)))
    fields = STATISTICS["counts"].fields
    counts = dict(zip(fields, (n[0] for n in rows["counts"].to_json()), strict=True))
    if counts["inf"] == 0:
        del counts["inf"]
    # A mean or std beyond float64 (two values of 1e308 apart) has no JSON number.
    mean, std = (
        None if n is None or math.isinf(n) else n for n in (summary.mean[0], summary.std()[0])
    )
    return {
        **counts,
        "min": summary.min[0],
        "max": summary.max[0],
        "mean": mean,
        "std": std,
    }
