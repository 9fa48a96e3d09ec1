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
    conclude,
    inner_dtype,
    small_among,
    step_channels,
    summarize,
)
from normcli.joined import can_join, vector_dtype
from normcli.recipe import (
    Chain,
    can_fit,
    chain_text,
    check_chain,
    joins,
    wanted_by,
)
from normcli.request import RECORDED, from_table, recorded
from normcli.smallgroups import with_parameters_of_all
from normcli.sources.options import ReadOptions
from normcli.statistics.sketch import RELATIVE_ERROR
from normcli.statsfile.document import (
    ColumnDocument,
    ConditionDocument,
    Document,
    QuantilesDocument,
)
from normcli.statsfile.keys import keys_from_json
from normcli.statsfile.steps import RefusedError, compare, input_of, method_of, step_of, summary_of
from normcli.statsfile.write import FORMAT
from normcli.tensors import tensor_of

__all__ = ["from_bytes"]

_MADE_BY = "a stats file is what normcli fit writes"
_DAMAGED = "it was edited or damaged; fit again, or take it from version control"


def from_bytes(data: bytes, name: str) -> Fitted:
    """Return the fit that a stats file holds; raise StatsFileError if it can't be trusted."""
    if not data.strip():
        raise StatsFileError(f"{name} is empty", _DAMAGED)
    if not data.lstrip().startswith(b"{"):
        raise StatsFileError(f"{name} is not a stats file", _MADE_BY)
    try:
        document = _decode(data, name)
        return _fitted(document)
    except RefusedError as error:
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
        raise RefusedError("source.rows is below 0")
    keys = None
    if (document.by is None) != (document.groups is None):
        raise RefusedError('"by" and "groups" go together')
    if document.by is not None and document.groups is not None:
        keys = _keys(document.by, document.groups)
    try:
        ReadOptions.from_json(document.read or {})
    except ValueError as error:
        raise RefusedError(f"read: {error}") from error
    recipe = _recipe(document.recipe or {})
    if not document.columns:
        raise RefusedError("there are no columns")
    sketched = document.quantiles is not None
    if document.quantiles is not None and document.quantiles != QuantilesDocument(
        "sketch", RELATIVE_ERROR
    ):
        raise RefusedError(f'"quantiles" is not of kind "sketch" within {RELATIVE_ERROR}')
    columns = []
    for column, part in document.columns.items():
        try:
            least = recipe.get("min_group", 0)
            columns.append(_column(column, part, keys, document.source.rows, sketched, least))
        except (RefusedError, ValueError, NormError) as error:
            message = error.message if isinstance(error, NormError) else error
            raise RefusedError(f'column "{column}": {message}') from error
        except (TypeError, AttributeError, KeyError, OverflowError) as error:
            raise RefusedError(f'column "{column}" holds values of the wrong kind') from error
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
        raise RefusedError("condition: a condition number is at least 1, and finite")
    if part.features < 1 or not 0 <= part.rows <= rows:
        raise RefusedError("condition: there are no such features or rows")
    return Condition(part.features, part.rows, *numbers)


def _recipe(table: dict[str, Any]) -> dict[str, Any]:
    try:
        return recorded(from_table(table, "recipe.", RECORDED).recipe())
    except UsageError as error:
        raise RefusedError(error.message) from error


def _keys(by: dict[str, str], groups: list[list[Any]]) -> pl.DataFrame:
    try:
        dtypes = {key: parse_dtype(text) for key, text in by.items()}
        keys = keys_from_json(groups, dtypes)
    except (UsageError, ValueError) as error:
        raise RefusedError(f"groups: {error}") from error
    if not len(keys) or keys.is_duplicated().any():
        raise RefusedError("groups: there are none, or one is there twice")
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
    chain = tuple(method_of(step) for step in part.steps)
    if not chain:
        raise RefusedError("there are no steps")
    check_chain(chain, chain_text(chain))
    if not can_fit(chain, dtype):
        raise RefusedError(f"dtype {part.dtype} holds no {wanted_by(chain)}")
    members = _members(part.members, dtype, chain)
    groups = None if keys is None else len(keys)
    shapes = [step_channels(name, dtype, method).shape for method in chain]
    inputs = [
        input_of(state, dtype, (chain, i, sketched), groups, shapes[i])
        for i, state in enumerate([part.state, *(step.get("state") for step in part.steps[1:])])
    ]
    small = _small_groups(part.small_groups, keys)
    counted = () if keys is None else small_among(name, dtype, chain, inputs, min_group)
    if small and not min_group:
        raise RefusedError("small_groups are there, but no min_group in the recipe")
    if counted is not None and counted != small:
        raise RefusedError("small_groups contradict the state")
    steps = []
    for i, (method, step) in enumerate(zip(chain, part.steps, strict=True)):
        values_of = inner_dtype(dtype) if i == 0 else pl.Float64()
        read = step_of(method, step, values_of, groups, shapes[i])
        if (
            small
            and read.groups
            and read.groups != with_parameters_of_all(read.groups, read.cells, small)
        ):
            raise RefusedError(f"step {i + 1}: small_groups have other params than all rows")
        concluded = conclude(name, dtype, chain, i, inputs[i], small)
        if concluded is not None and method.fitted:
            compare(f"step {i + 1}", concluded, read)
        steps.append(read)
    first = inputs[0]
    summary = summary_of(part.summary, inner_dtype(dtype), chain)
    if first is not None:
        if summarize(dtype, chain, first) != summary:
            raise RefusedError("the summary contradicts the state")
        tensor = tensor_of(dtype)
        seen = sum(sum(column) for column in first.rows["counts"].to_json())
        lists = tensor is not None and tensor.shape is None
        size = 1 if tensor is None or tensor.shape is None else tensor.size
        if seen != rows * size and not lists:
            raise RefusedError("the counts of the state do not add up to source.rows")
        if any(not state.agrees(summary["count"]) for state in first.rows.values()):
            raise RefusedError("the counts of the state contradict each other")
    return FittedColumn(name, dtype, tuple(steps), summary, tuple(inputs), small, members)


def _members(
    parts: Mapping[str, str] | None, dtype: pl.DataType, chain: Chain
) -> dict[str, pl.DataType] | None:
    """Return the columns that a vector is made of, if it is."""
    if parts is None:
        return None
    members = {name: parse_dtype(text) for name, text in parts.items()}
    if not joins(chain) or len(members) < 2 or dtype != vector_dtype(members):
        raise RefusedError(f"{len(members)} members do not make up a {dtype_name(dtype)}")
    for name, each in members.items():
        if not can_join(each):
            raise RefusedError(f'the member "{name}" is {dtype_name(each)}, not a number')
    return members


def _check_once(columns: Sequence[FittedColumn], by: Sequence[str]) -> None:
    """Refuse a column of the data that is fitted twice, or is a group key as well."""
    seen = set(by)
    for column in columns:
        for name in column.sources:
            if name in seen and (column.members is not None or name not in by):
                raise RefusedError(f'"{name}" is fitted twice, or is a group key')
            seen.add(name)


def _small_groups(rows: list[list[Any]] | None, keys: pl.DataFrame | None) -> tuple[int, ...]:
    """Return where the groups with those keys are among all."""
    if rows is None:
        return ()
    if keys is None or not rows:
        raise RefusedError("small_groups are empty, or there are no groups")
    numbered = keys.with_row_index("\0cell")
    named = keys_from_json(rows, dict(keys.schema))
    found = named.join(
        numbered, on=keys.columns, how="left", nulls_equal=True, maintain_order="left"
    )["\0cell"].to_list()
    if None in found or sorted(set(found)) != found:
        raise RefusedError("small_groups are not some of the groups, in their order")
    return tuple(found)
