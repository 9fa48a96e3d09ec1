"""Writing stats files: canonical JSON, made to be read in a diff.

Keys are in a fixed order; floats are in shortest round-trip form; what holds only plain values
stands on one line, so that there is one line for each group.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from normcli.dtypes import dtype_name
from normcli.fitted import Fitted, FittedColumn, FittedStep, StepInput
from normcli.recipe import options_of
from normcli.statistics.sketch import RELATIVE_ERROR
from normcli.statsfile.document import FORMAT
from normcli.statsfile.keys import keys_to_json, table_to_json, values_to_json
from normcli.statsfile.table import encode, scalar, table_rows
from normcli.tensors import nested

__all__ = ["to_text"]

# Fewer rows are written one by one.
_MANY = 100


def to_text(fitted: Fitted) -> str:
    """Return the stats file of a fit."""
    document: dict[str, Any] = {"format": FORMAT, "source": _source(fitted)}
    if fitted.keys is not None:
        document["by"] = {name: dtype_name(dtype) for name, dtype in fitted.keys.schema.items()}
        document["groups"] = keys_to_json(fitted.keys)
    if fitted.read:
        document["read"] = fitted.read
    if fitted.recipe:
        document["recipe"] = _recipe(fitted.recipe)
    if fitted.sketched:
        document["quantiles"] = {"kind": "sketch", "relative_error": RELATIVE_ERROR}
    if fitted.condition is not None:
        document["condition"] = dataclasses.asdict(fitted.condition)
    document["columns"] = {column.name: _column(column, fitted) for column in fitted.columns}
    return _pretty(document, "") + "\n"


def _source(fitted: Fitted) -> dict[str, Any]:
    source: dict[str, Any] = {"rows": fitted.rows, "files": sorted(fitted.files)}
    if fitted.where is not None:
        source["where"] = fitted.where
    return source


class _Rows(list[str]):
    """Rows of a table, each as JSON."""


class _Lines(dict[str, Any]):
    """An object of which every key has a line of its own, whatever its values are."""


def _recipe(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _Lines(value) if key == "columns" else value for key, value in table.items()}


def _column(column: FittedColumn, fitted: Fitted) -> dict[str, Any]:
    document: dict[str, Any] = {"dtype": dtype_name(column.dtype)}
    if column.members is not None:
        document["members"] = {name: dtype_name(each) for name, each in column.members.items()}
    document["steps"] = [
        _step(step, column.inputs[i] if i and fitted.with_state else None)
        for i, step in enumerate(column.steps)
    ]
    if column.small and fitted.keys is not None:
        document["small_groups"] = keys_to_json(fitted.keys[list(column.small)])
    document["summary"] = column.summary
    first = column.inputs[0]
    if fitted.with_state and first is not None:
        document["state"] = _state(first, column.steps[0].shape)
    return document


def _step(step: FittedStep, entered: StepInput | None) -> dict[str, Any]:
    document: dict[str, Any] = {"method": step.method.name, **options_of(step.method)}
    if step.params:
        document["params"] = {
            key: values_to_json(value) if isinstance(value, pl.Series) else value
            for key, value in step.shaped.items()
        }
    if step.groups is not None:
        document["groups"] = {
            "params": list(step.groups),
            "rows": _rows(list(step.groups.values()), step.shape),
        }
    if entered is not None and entered.exact:
        document["state"] = _state(entered, step.shape)
    return document


def _rows(columns: list[list[Any]], shape: tuple[int, ...]) -> list[Any]:
    """Return a row for each group; its channels are lists in it."""
    each = math.prod(shape)
    if shape:
        columns = [
            [nested(column[i : i + each], shape) for i in range(0, len(column), each)]
            for column in columns
        ]
    elif len(columns[0]) >= _MANY and all(
        isinstance(column, list) and list not in set(map(type, column)) for column in columns
    ):
        return _Rows(table_rows(columns))
    return [list(row) for row in zip(*columns, strict=True)]


def _state(entered: StepInput, shape: tuple[int, ...]) -> dict[str, Any]:
    states = entered.rows if entered.groups is None else entered.groups
    fields = [field for state in states.values() for field in state.fields]
    columns = [column for state in states.values() for column in state.to_json()]
    if entered.groups is None:
        named = zip(fields, columns, strict=True)
        return {field: _written(nested(column, shape)) for field, column in named}
    return {"fields": fields, "rows": _rows(columns, shape)}


def _written(value: Any) -> Any:
    return table_to_json(value) if isinstance(value, pl.DataFrame) else value


def _pretty(value: Any, indent: str) -> str:
    """Write a value; a list or object of plain values goes on one line."""
    if isinstance(value, Mapping):
        if not isinstance(value, _Lines) and all(_is_plain(each) for each in value.values()):
            pairs = ", ".join(f"{encode(key)}: {scalar(each)}" for key, each in value.items())
            return f"{{{pairs}}}"
        deeper = indent + "  "
        lines = (f"{deeper}{encode(key)}: {_pretty(each, deeper)}" for key, each in value.items())
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list):
        deeper = indent + "  "
        if isinstance(value, _Rows):
            return f"[\n{deeper}" + f",\n{deeper}".join(value) + f"\n{indent}]"
        if all(_is_plain(each) for each in value):
            if any(isinstance(each, Decimal) for each in value):
                return f"[{', '.join(map(scalar, value))}]"
            return encode(value)
        rows = _encoded_rows(value) or [_pretty(each, deeper) for each in value]
        return "[\n" + ",\n".join(deeper + row for row in rows) + f"\n{indent}]"
    return scalar(value)


def _encoded_rows(rows: list[Any]) -> list[str] | None:
    """Return each of many rows encoded, in one go; None if that can't be done."""
    if not all(isinstance(row, list) for row in rows):
        return None
    if any(isinstance(each, list) for row in rows for each in row):
        return [_on_one_line(row) for row in rows]  # lists of a group stay on its line
    try:
        lines = encode(rows)[2:-2].split("], [")
    except TypeError:
        return None
    # More parts than rows: some text holds what stands between two rows.
    return [f"[{line}]" for line in lines] if len(lines) == len(rows) else None


def _on_one_line(value: Any) -> str:
    if not isinstance(value, list):
        return scalar(value)
    try:
        return encode(value)
    except TypeError:  # decimals in it
        return f"[{', '.join(map(_on_one_line, value))}]"


def _is_plain(value: Any) -> bool:
    return not isinstance(value, (Mapping, list))
