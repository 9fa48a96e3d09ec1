"""Steps of a stats file: methods, parameters and states, each checked against the others."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from normcli.fitted import (
    FittedStep,
    StepInput,
    fitted_before,
    fold,
    input_kind,
    needed_statistics,
)
from normcli.methods import METHODS, Parameter
from normcli.methods.base import is_ascending
from normcli.recipe import (
    Chain,
    given_params,
    make_step,
)
from normcli.statistics import STATISTICS
from normcli.statsfile.keys import table_from_json, values_from_json
from normcli.tensors import unnested

__all__ = ["RefusedError", "compare", "input_of", "method_of", "step_of", "summary_of"]


class RefusedError(Exception):
    """Something in the file that can't be; the place is put before it on the way up."""


def method_of(step: Mapping[str, Any]) -> Any:
    """Return a step's method with its options; raise RefusedError if there is no such method."""
    name = step.get("method")
    if not isinstance(name, str) or name not in METHODS:
        raise RefusedError(f'unknown method "{name}"')
    # groupnorm has an option that is called like the table by group of what is fitted.
    known = {"method", "params", "groups", "state"} - {*METHODS[name].option_fields()}
    options = {key: _plain(value) for key, value in step.items() if key not in known}
    return make_step(name, options)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return float(value) if isinstance(value, Decimal) else value


def step_of(
    method: Any,
    step: Mapping[str, Any],
    dtype: pl.DataType,
    cells: int | None,
    shape: tuple[int, ...],
) -> FittedStep:
    """Return a step with the parameters in the file; raise RefusedError where they can't be."""
    params = step.get("params", {})
    names = [parameter.name for parameter in method.sought]
    if not isinstance(params, dict) or list(params) != [
        name for name in names if method.fitted or name in method.given
    ]:
        raise RefusedError(f"{method.name} must have the params {', '.join(names) or '(none)'}")
    read = {
        parameter.name: _values(unnested(params[parameter.name], shape), dtype, parameter)
        for parameter in method.sought
        if parameter.name in params
    }
    _take_given(read, method, dtype)
    overall = read if shape else {key: values[0] for key, values in read.items()}
    method.check(overall)
    groups = None if "groups" in method.option_fields() else step.get("groups")
    if (groups is not None) != (cells is not None and method.fitted and not method.encodes):
        raise RefusedError(
            f"{method.name}: parameters by group are missing, or there are no groups"
        )
    if groups is None or cells is None:
        return FittedStep(method, overall, None, shape)
    table = _table(groups, "params", names, cells)
    by_group = {
        parameter.name: _values(_by_channel(table[i], shape), dtype, parameter)
        for i, parameter in enumerate(method.sought)
    }
    _take_given(by_group, method, dtype)
    return FittedStep(method, overall, by_group, shape)


def _by_channel(values: list[Any], shape: tuple[int, ...]) -> list[Any]:
    """Return the channels of all groups one after the other."""
    if not shape:
        return values
    return [each for value in values for each in unnested(value, shape)]


def _take_given(read: dict[str, list[Any]], method: Any, dtype: pl.DataType) -> None:
    """Put the parameters that options give in their places; refuse others that stand there."""
    cells = max(map(len, read.values()), default=1)
    for key, given in given_params(method, dtype, cells).items():
        for one, other in zip(given, read[key], strict=True):
            # In a column of decimals a float was read as one.
            decimal = isinstance(other, Decimal) and isinstance(one, float)
            if not _same(one, float(other) if decimal else other):
                raise RefusedError(f"{method.name}: the param {key} contradicts the option")
        read[key] = given


def _values(values: list[Any], dtype: pl.DataType, parameter: Parameter) -> list[Any]:
    """Return what each cell has of a parameter."""
    if not parameter.is_list:
        return _numbers(values, dtype, parameter.exact)
    if any(not isinstance(each, list) or not each for each in values if each is not None):
        raise RefusedError(f"{parameter.name} must be lists, and not empty")
    if parameter.kind == "values":
        return [None if v is None else values_from_json(v, dtype) for v in values]
    # Numbers of an exact decimal column are floats here: they lie between its values.
    lists = [None if v is None else _lists(v) for v in values]
    if parameter.ascending and not all(is_ascending(v) for v in lists if v is not None):
        raise RefusedError(f"{parameter.name} are not in ascending order")
    return lists


def _lists(values: list[Any]) -> list[Any]:
    """Return numbers, or rows of numbers."""
    if values and all(isinstance(each, list) for each in values):
        return [_lists(each) for each in values]
    numbers = _numbers(values, pl.Float64(), False)
    if None in numbers:
        raise RefusedError("a list of numbers has gaps")
    return numbers


def _numbers(values: list[Any], dtype: pl.DataType, exact: bool) -> list[Any]:
    # Numbers that the decoder gave as float are what they should be.
    if set(map(type, values)) <= {float, type(None)} and not isinstance(dtype, pl.Decimal):
        return values
    return [_number(value, dtype, exact) for value in values]


def _number(value: Any, dtype: pl.DataType, exact: bool) -> Any:
    """Return a parameter as it was when it was written: float, int or Decimal."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise RefusedError(f"{value!r} is not a number")
    if isinstance(dtype, pl.Decimal) and exact:
        return Decimal(value)
    if isinstance(value, int) and abs(value) < 2**1023:
        return value
    number = float(value)
    if not math.isfinite(number):
        raise RefusedError(f"{value} is not a finite float64")
    return number


def _table(part: Any, label: str, names: list[str], cells: int) -> list[list[Any]]:
    """Return the columns of a table that has a row for each group."""
    if not isinstance(part, dict) or set(part) != {label, "rows"} or part[label] != names:
        raise RefusedError(f'a table by group must have "{label}" {names} and "rows"')
    rows = part["rows"]
    if not isinstance(rows, list) or len(rows) != cells:
        raise RefusedError(f"there must be {cells} rows, one for each group")
    if {type(row) for row in rows} != {list} or {len(row) for row in rows} != {len(names)}:
        raise RefusedError(f"a group's row does not have {len(names)} values")
    return [list(column) for column in zip(*rows, strict=True)]


def input_of(
    state: Any,
    dtype: pl.DataType,
    place: tuple[Chain, int, bool],
    groups: int | None,
    shape: tuple[int, ...],
) -> StepInput | None:
    """Return the states of what entered a step, None if the file need not have them."""
    chain, step, sketched = place
    names = needed_statistics(chain, step, sketched)
    if state is None or not names or fitted_before(chain, step):
        return None
    kind = input_kind(dtype, chain, step)
    grouped = groups is not None and kind != "text"
    fields = [field for name in names for field in STATISTICS[name].fields]
    if grouped:
        table = _table(state, "fields", fields, groups or 0)
        columns = [_by_channel(column, shape) for column in table]
    elif isinstance(state, dict) and list(state) == fields:
        columns = [unnested(value, shape) for value in state.values()]
    else:
        raise RefusedError(f"the state must have the fields {', '.join(fields)}")
    states = {}
    for name in names:
        statistic = STATISTICS[name]
        taken, columns = columns[: len(statistic.fields)], columns[len(statistic.fields) :]
        if any(Decimal in set(map(type, c)) for c in taken):
            taken = [[_plain(value) for value in column] for column in taken]
        taken = [
            [table_from_json(rows, dtype) for rows in column]
            if field in statistic.tables
            else column
            for field, column in zip(statistic.fields, taken, strict=True)
        ]
        states[name] = statistic.from_json(kind, taken)
    if not grouped:
        return StepInput(states, None, True)
    return StepInput(fold(states, math.prod(shape)), states, True)


def compare(where: str, computed: FittedStep, read: FittedStep) -> None:
    """Raise RefusedError if the parameters read are not those that follow from the state."""
    pairs = ((computed.params[name], value) for name, value in read.params.items())
    if not all(_same(mine, theirs) for mine, theirs in pairs) or computed.groups != read.groups:
        raise RefusedError(f"{where}: the params contradict the state")


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, pl.Series) or isinstance(second, pl.Series):
        both = isinstance(first, pl.Series) and isinstance(second, pl.Series)
        return both and first.dtype == second.dtype and first.equals(second)
    return bool(first == second)


def summary_of(part: Mapping[str, Any], dtype: pl.DataType, chain: Chain) -> dict[str, Any]:
    """Return the description of the column as it was when it was fitted."""
    expected = ["count", "null", "nan", "inf", "min", "max", "mean", "std"]
    if chain[0].encodes:
        expected = expected[:2]
    if [key for key in expected if key in part or key != "inf"] != list(part):
        raise RefusedError(f"the summary must have {', '.join(expected)}")
    return {key: _number(value, dtype, key in ("min", "max")) for key, value in part.items()}
