"""Reading stats files, strictly: whatever can't be trusted is refused with a reason."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import polars as pl

from normcli.dtypes import dtype_name, parse_dtype
from normcli.errors import NormError, StatsFileError, UsageError
from normcli.fitted import (
    Condition,
    Fitted,
    FittedColumn,
    FittedStep,
    StepInput,
    conclude,
    fitted_before,
    fold,
    inner_dtype,
    input_kind,
    needed_statistics,
    small_among,
    step_channels,
    summarize,
)
from normcli.joined import can_join, vector_dtype
from normcli.methods import METHODS, Parameter
from normcli.methods.base import is_ascending
from normcli.recipe import (
    Chain,
    can_fit,
    chain_text,
    check_chain,
    given_params,
    joins,
    make_step,
    wanted_by,
)
from normcli.request import RECORDED, from_table, recorded
from normcli.smallgroups import with_parameters_of_all
from normcli.sources.options import ReadOptions
from normcli.statistics import STATISTICS
from normcli.statistics.sketch import RELATIVE_ERROR
from normcli.statsfile.document import (
    FORMAT,
    ColumnDocument,
    ConditionDocument,
    Document,
    QuantilesDocument,
)
from normcli.statsfile.keys import keys_from_json, table_from_json, values_from_json
from normcli.tensors import tensor_of, unnested

__all__ = ["from_bytes"]

_MADE_BY = "a stats file is what normcli fit writes"
_DAMAGED = "it was edited or damaged; fit again, or take it from version control"


class _RefusedError(Exception):
    """Something in the file that can't be; the place is put before it on the way up."""


def from_bytes(data: bytes, name: str) -> Fitted:
    """Return the fit that a stats file holds; raise StatsFileError if it can't be trusted."""
    if not data.strip():
        raise StatsFileError(f"{name} is empty", _DAMAGED)
    if not data.lstrip().startswith(b"{"):
        raise StatsFileError(f"{name} is not a stats file", _MADE_BY)
    try:
        document = _decode(data, name)
        return _fitted(document)
    except _RefusedError as error:
        raise StatsFileError(f"{name}: {error}", _DAMAGED) from error
    except msgspec.ValidationError as error:
        raise StatsFileError(f"{name}: {_plainly(str(error))}", _DAMAGED) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StatsFileError(f"{name}: {_place(error, data)}", _DAMAGED) from error


def _place(error: Exception, data: bytes) -> str:
    """Return where a text stops being JSON."""
    if "truncated" in str(error):
        return "the file is cut off"
    found = re.search(r"byte (\d+)", str(error))
    if found is None:
        return _plainly(str(error))
    at = int(found[1])
    near = data[at : at + 20].split(b"\n")[0].decode(errors="replace")
    line = data.count(b"\n", 0, at) + 1
    return f"line {line} is not JSON, from here on: {near}"


def _plainly(message: str) -> str:
    """Return a message of the JSON library without its marks."""
    return re.sub(r" - at `\$\.?([^`]*)`", r" in \1", message).replace("`", '"')


def _decode(data: bytes, name: str) -> Document:
    head = msgspec.json.decode(data)
    version = head.get("format") if isinstance(head, dict) else None
    if isinstance(version, str) and version.startswith("normcli/") and version != FORMAT:
        raise StatsFileError(
            f"{name} has format {version}; this normcli reads {FORMAT}", "install a newer normcli"
        )
    if version != FORMAT:
        raise StatsFileError(
            f'{name} is not a stats file: it has no "format": "{FORMAT}"', _MADE_BY
        )
    if b'"Decimal(' in data or b"(Decimal(" in data:
        # Decimals have more digits than a float64; read all numbers of this file exactly.
        return msgspec.convert(msgspec.json.Decoder(float_hook=Decimal).decode(data), Document)
    return msgspec.convert(head, Document)


def _fitted(document: Document) -> Fitted:
    if document.source.rows < 0:
        raise _RefusedError("source.rows is below 0")
    keys = None
    if (document.by is None) != (document.groups is None):
        raise _RefusedError('"by" and "groups" go together')
    if document.by is not None and document.groups is not None:
        keys = _keys(document.by, document.groups)
    try:
        ReadOptions.from_json(document.read or {})
    except ValueError as error:
        raise _RefusedError(f"read: {error}") from error
    recipe = _recipe(document.recipe or {})
    if not document.columns:
        raise _RefusedError("there are no columns")
    sketched = document.quantiles is not None
    if document.quantiles is not None and document.quantiles != QuantilesDocument(
        "sketch", RELATIVE_ERROR
    ):
        raise _RefusedError(f'"quantiles" is not of kind "sketch" within {RELATIVE_ERROR}')
    columns = []
    for column, part in document.columns.items():
        try:
            least = recipe.get("min_group", 0)
            columns.append(_column(column, part, keys, document.source.rows, sketched, least))
        except (_RefusedError, ValueError, NormError) as error:
            message = error.message if isinstance(error, NormError) else error
            raise _RefusedError(f'column "{column}": {message}') from error
        except (TypeError, AttributeError, KeyError, OverflowError) as error:
            raise _RefusedError(f'column "{column}" holds values of the wrong kind') from error
    _check_once(columns, [] if keys is None else keys.columns)
    return Fitted(
        document.source.rows,
        tuple(document.source.files),
        document.source.where,
        keys,
        document.read or {},
        tuple(columns),
        with_state=any(column.inputs[0] is not None for column in columns),
        sketched=sketched,
        recipe=recipe,
        condition=_condition(document.condition, document.source.rows),
    )


def _condition(part: ConditionDocument | None, rows: int) -> Condition | None:
    if part is None:
        return None
    numbers = (part.before, part.after)
    if any(n is not None and not 1 <= n < math.inf for n in numbers):
        raise _RefusedError("condition: a condition number is at least 1, and finite")
    if part.features < 1 or not 0 <= part.rows <= rows:
        raise _RefusedError("condition: there are no such features or rows")
    return Condition(part.features, part.rows, *numbers)


def _recipe(table: dict[str, Any]) -> dict[str, Any]:
    try:
        return recorded(from_table(table, "recipe.", RECORDED).recipe())
    except UsageError as error:
        raise _RefusedError(error.message) from error


def _keys(by: dict[str, str], groups: list[list[Any]]) -> pl.DataFrame:
    try:
        dtypes = {key: parse_dtype(text) for key, text in by.items()}
        keys = keys_from_json(groups, dtypes)
    except (UsageError, ValueError) as error:
        raise _RefusedError(f"groups: {error}") from error
    if not len(keys) or keys.is_duplicated().any():
        raise _RefusedError("groups: there are none, or one is there twice")
    return keys


def _column(
    name: str,
    part: ColumnDocument,
    keys: pl.DataFrame | None,
    rows: int,
    sketched: bool,
    min_group: int,
) -> FittedColumn:
    dtype = parse_dtype(part.dtype)
    chain = tuple(_method(step) for step in part.steps)
    if not chain:
        raise _RefusedError("there are no steps")
    check_chain(chain, chain_text(chain))
    if not can_fit(chain, dtype):
        raise _RefusedError(f"dtype {part.dtype} holds no {wanted_by(chain)}")
    members = _members(part.members, dtype, chain)
    groups = None if keys is None else len(keys)
    shapes = [step_channels(name, dtype, method).shape for method in chain]
    inputs = [
        _input(state, dtype, (chain, i, sketched), groups, shapes[i])
        for i, state in enumerate([part.state, *(step.get("state") for step in part.steps[1:])])
    ]
    small = _small_groups(part.small_groups, keys)
    counted = () if keys is None else small_among(name, dtype, chain, inputs, min_group)
    if small and not min_group:
        raise _RefusedError("small_groups are there, but no min_group in the recipe")
    if counted is not None and counted != small:
        raise _RefusedError("small_groups contradict the state")
    steps = []
    for i, (method, step) in enumerate(zip(chain, part.steps, strict=True)):
        values_of = inner_dtype(dtype) if i == 0 else pl.Float64()
        read = _step(method, step, values_of, groups, shapes[i])
        if (
            small
            and read.groups
            and read.groups != with_parameters_of_all(read.groups, read.cells, small)
        ):
            raise _RefusedError(f"step {i + 1}: small_groups have other params than all rows")
        concluded = conclude(name, dtype, chain, i, inputs[i], small)
        if concluded is not None and method.fitted:
            _compare(f"step {i + 1}", concluded, read)
        steps.append(read)
    first = inputs[0]
    summary = _summary(part.summary, inner_dtype(dtype), chain)
    if first is not None:
        if summarize(dtype, chain, first) != summary:
            raise _RefusedError("the summary contradicts the state")
        tensor = tensor_of(dtype)
        seen = sum(sum(column) for column in first.rows["counts"].to_json())
        lists = tensor is not None and tensor.shape is None
        size = 1 if tensor is None or tensor.shape is None else tensor.size
        if seen != rows * size and not lists:
            raise _RefusedError("the counts of the state do not add up to source.rows")
        if any(not state.agrees(summary["count"]) for state in first.rows.values()):
            raise _RefusedError("the counts of the state contradict each other")
    return FittedColumn(name, dtype, tuple(steps), summary, tuple(inputs), small, members)


def _members(
    parts: Mapping[str, str] | None, dtype: pl.DataType, chain: Chain
) -> dict[str, pl.DataType] | None:
    """Return the columns that a vector is made of, if it is."""
    if parts is None:
        return None
    members = {name: parse_dtype(text) for name, text in parts.items()}
    if not joins(chain) or len(members) < 2 or dtype != vector_dtype(members):
        raise _RefusedError(f"{len(members)} members do not make up a {dtype_name(dtype)}")
    for name, each in members.items():
        if not can_join(each):
            raise _RefusedError(f'the member "{name}" is {dtype_name(each)}, not a number')
    return members


def _check_once(columns: Sequence[FittedColumn], by: Sequence[str]) -> None:
    """Refuse a column of the data that is fitted twice, or is a group key as well."""
    seen = set(by)
    for column in columns:
        for name in column.sources:
            if name in seen and (column.members is not None or name not in by):
                raise _RefusedError(f'"{name}" is fitted twice, or is a group key')
            seen.add(name)


def _small_groups(rows: list[list[Any]] | None, keys: pl.DataFrame | None) -> tuple[int, ...]:
    """Return where the groups with those keys are among all."""
    if rows is None:
        return ()
    if keys is None or not rows:
        raise _RefusedError("small_groups are empty, or there are no groups")
    numbered = keys.with_row_index("\0cell")
    named = keys_from_json(rows, dict(keys.schema))
    found = named.join(
        numbered, on=keys.columns, how="left", nulls_equal=True, maintain_order="left"
    )["\0cell"].to_list()
    if None in found or sorted(set(found)) != found:
        raise _RefusedError("small_groups are not some of the groups, in their order")
    return tuple(found)


def _method(step: Mapping[str, Any]) -> Any:
    name = step.get("method")
    if not isinstance(name, str) or name not in METHODS:
        raise _RefusedError(f'unknown method "{name}"')
    # groupnorm has an option that is called like the table by group of what is fitted.
    known = {"method", "params", "groups", "state"} - {*METHODS[name].option_fields()}
    options = {key: _plain(value) for key, value in step.items() if key not in known}
    return make_step(name, options)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return float(value) if isinstance(value, Decimal) else value


def _step(
    method: Any,
    step: Mapping[str, Any],
    dtype: pl.DataType,
    cells: int | None,
    shape: tuple[int, ...],
) -> FittedStep:
    params = step.get("params", {})
    names = [parameter.name for parameter in method.sought]
    if not isinstance(params, dict) or list(params) != [
        name for name in names if method.fitted or name in method.given
    ]:
        raise _RefusedError(f"{method.name} must have the params {', '.join(names) or '(none)'}")
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
        raise _RefusedError(
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
                raise _RefusedError(f"{method.name}: the param {key} contradicts the option")
        read[key] = given


def _values(values: list[Any], dtype: pl.DataType, parameter: Parameter) -> list[Any]:
    """Return what each cell has of a parameter."""
    if not parameter.is_list:
        return _numbers(values, dtype, parameter.exact)
    if any(not isinstance(each, list) or not each for each in values if each is not None):
        raise _RefusedError(f"{parameter.name} must be lists, and not empty")
    if parameter.kind == "values":
        return [None if v is None else values_from_json(v, dtype) for v in values]
    # Numbers of an exact decimal column are floats here: they lie between its values.
    lists = [None if v is None else _lists(v) for v in values]
    if parameter.ascending and not all(is_ascending(v) for v in lists if v is not None):
        raise _RefusedError(f"{parameter.name} are not in ascending order")
    return lists


def _lists(values: list[Any]) -> list[Any]:
    """Return numbers, or rows of numbers."""
    if values and all(isinstance(each, list) for each in values):
        return [_lists(each) for each in values]
    numbers = _numbers(values, pl.Float64(), False)
    if None in numbers:
        raise _RefusedError("a list of numbers has gaps")
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
        raise _RefusedError(f"{value!r} is not a number")
    if isinstance(dtype, pl.Decimal) and exact:
        return Decimal(value)
    if isinstance(value, int) and abs(value) < 2**1023:
        return value
    number = float(value)
    if not math.isfinite(number):
        raise _RefusedError(f"{value} is not a finite float64")
    return number


def _table(part: Any, label: str, names: list[str], cells: int) -> list[list[Any]]:
    """Return the columns of a table that has a row for each group."""
    if not isinstance(part, dict) or set(part) != {label, "rows"} or part[label] != names:
        raise _RefusedError(f'a table by group must have "{label}" {names} and "rows"')
    rows = part["rows"]
    if not isinstance(rows, list) or len(rows) != cells:
        raise _RefusedError(f"there must be {cells} rows, one for each group")
    if {type(row) for row in rows} != {list} or {len(row) for row in rows} != {len(names)}:
        raise _RefusedError(f"a group's row does not have {len(names)} values")
    return [list(column) for column in zip(*rows, strict=True)]


def _input(
    state: Any,
    dtype: pl.DataType,
    place: tuple[Chain, int, bool],
    groups: int | None,
    shape: tuple[int, ...],
) -> StepInput | None:
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
        raise _RefusedError(f"the state must have the fields {', '.join(fields)}")
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


def _compare(where: str, computed: FittedStep, read: FittedStep) -> None:
    pairs = ((computed.params[name], value) for name, value in read.params.items())
    if not all(_same(mine, theirs) for mine, theirs in pairs) or computed.groups != read.groups:
        raise _RefusedError(f"{where}: the params contradict the state")


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, pl.Series) or isinstance(second, pl.Series):
        both = isinstance(first, pl.Series) and isinstance(second, pl.Series)
        return both and first.dtype == second.dtype and first.equals(second)
    return bool(first == second)


def _summary(part: Mapping[str, Any], dtype: pl.DataType, chain: Chain) -> dict[str, Any]:
    expected = ["count", "null", "nan", "inf", "min", "max", "mean", "std"]
    if chain[0].encodes:
        expected = expected[:2]
    if [key for key in expected if key in part or key != "inf"] != list(part):
        raise _RefusedError(f"the summary must have {', '.join(expected)}")
    return {key: _number(value, dtype, key in ("min", "max")) for key, value in part.items()}
