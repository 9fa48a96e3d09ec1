"""From states to parameters: one function that fit, merge and the check of a stats file share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import polars as pl

from normcli.columns import decimal_scale
from normcli.errors import DataError
from normcli.fitted.entering import (
    fold,
    input_scale,
    step_channels,
)
from normcli.fitted.model import FittedStep, StepInput, inner_dtype
from normcli.methods import Method
from normcli.methods.base import Found, once
from normcli.recipe import Chain, given_params
from normcli.smallgroups import cells_of, small_groups, with_parameters_of_all
from normcli.statistics import STATISTICS, Summary
from normcli.statistics.counts import Counts
from normcli.tensors import (
    tensor_of,
)

__all__ = ["conclude", "constant", "finish_step", "given_step", "learn", "small_among", "summarize"]


def given_step(name: str, dtype: pl.DataType, method: Method) -> FittedStep:
    """Return a step whose parameters are all given."""
    own = step_channels(name, dtype, method)
    cells = given_params(method, dtype, own.count)
    return FittedStep(
        method, cells if own.shape else {k: v[0] for k, v in cells.items()}, None, own.shape
    )


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
