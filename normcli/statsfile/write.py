"""Writing stats files: canonical JSON, made to be read in a diff.

Keys are in a fixed order; floats are in shortest round-trip form; what holds only plain values
stands on one line, so that there is one line for each group.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from normcli.dtypes import dtype_name
from normcli.fitted import Fitted, FittedColumn, FittedStep, StepInput
from normcli.recipe import options_of
from normcli.statistics.sketch import RELATIVE_ERROR
from normcli.statsfile.keys import columns_to_json, keys_to_json, table_to_json, values_to_json
from normcli.statsfile.table import encode, scalar, table_rows
from normcli.tensors import nested

__all__ = ["FORMAT", "pieces_of", "to_text"]

FORMAT = "normcli/1"

# Fewer rows are written one by one.
_MANY = 100


def to_text(fitted: Fitted) -> str:
    """Return the stats file of a fit."""
    return "".join(pieces_of(fitted))


def pieces_of(fitted: Fitted) -> Iterator[str]:
    """Yield the stats file of a fit, piece by piece: of many groups it is a long text."""
    document: dict[str, Any] = {"format": FORMAT, "source": _source(fitted)}
    if fitted.keys is not None:
        document["by"] = {name: dtype_name(dtype) for name, dtype in fitted.keys.schema.items()}
        document["groups"] = _rows(columns_to_json(fitted.keys), ())
    if fitted.read:
        document["read"] = fitted.read
    if fitted.recipe:
        document["recipe"] = _recipe(fitted.recipe)
    if fitted.sketched:
        document["quantiles"] = {"kind": "sketch", "relative_error": RELATIVE_ERROR}
    if fitted.condition is not None:
        document["condition"] = dataclasses.asdict(fitted.condition)
    document["columns"] = _Columns(fitted)
    yield from _pretty(document, "")
    yield "\n"


def _source(fitted: Fitted) -> dict[str, Any]:
    source: dict[str, Any] = {"rows": fitted.rows, "files": sorted(fitted.files)}
    if fitted.where is not None:
        source["where"] = fitted.where
    return source


@dataclasses.dataclass(frozen=True)
class _Rows:
    """Rows of a table, each as JSON."""

    lines: pl.Series


class _Lines(dict[str, Any]):
    """An object of which every key has a line of its own, whatever its values are."""


class _Columns(Mapping[str, Any]):
    """The columns by name, each made only when it is written: with many groups it takes room."""

    def __init__(self, fitted: Fitted) -> None:
        self._fitted = fitted
        self._columns = {column.name: column for column in fitted.columns}

    def __getitem__(self, name: str) -> dict[str, Any]:
        return _column(self._columns[name], self._fitted)

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


def _recipe(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _Lines(value) if key == "columns" else value for key, value in table.items()}


def _column(column: FittedColumn, fitted: Fitted) -> dict[str, Any]:
    document: dict[str, Any] = {"dtype": dtype_name(column.dtype)}
    if column.members is not None:
        document["members"] = {name: dtype_name(each) for name, each in column.members.items()}
    groups = 0 if fitted.keys is None else fitted.keys.height
    document["steps"] = [
        _step(step, column.inputs[i] if i and fitted.with_state else None, groups)
        for i, step in enumerate(column.steps)
    ]
    if column.small and fitted.keys is not None:
        document["small_groups"] = keys_to_json(fitted.keys[list(column.small)])
    document["summary"] = column.summary
    first = column.inputs[0]
    if fitted.with_state and first is not None:
        document["state"] = _state(first, column.steps[0].shape, groups)
    return document


def _step(step: FittedStep, entered: StepInput | None, groups: int) -> dict[str, Any]:
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
        document["state"] = _state(entered, step.shape, groups)
    return document


def _rows(columns: Sequence[list[Any] | pl.Series], shape: tuple[int, ...]) -> Any:
    """Return a row for each group; its channels are lists in it."""
    if not shape and len(columns[0]) >= _MANY and not any(map(_has_lists, columns)):
        return _Rows(table_rows(columns))
    lists = [c.to_list() if isinstance(c, pl.Series) else c for c in columns]
    if shape:
        each = math.prod(shape)
        lists = [
            [nested(column[i : i + each], shape) for i in range(0, len(column), each)]
            for column in lists
        ]
    return [list(row) for row in zip(*lists, strict=True)]


def _has_lists(column: list[Any] | pl.Series) -> bool:
    return isinstance(column, list) and list in set(map(type, column))


def _state(entered: StepInput, shape: tuple[int, ...], groups: int = 0) -> dict[str, Any]:
    states = entered.rows if entered.groups is None else entered.groups
    fields = [field for state in states.values() for field in state.fields]
    if groups >= _MANY and not shape:
        series = [column for state in states.values() for column in state.columns()]
        return {"fields": fields, "rows": _rows(series, shape)}
    columns = [column for state in states.values() for column in state.to_json()]
    if entered.groups is None:
        named = zip(fields, columns, strict=True)
        return {field: _written(nested(column, shape)) for field, column in named}
    return {"fields": fields, "rows": _rows(columns, shape)}


def _written(value: Any) -> Any:
    return table_to_json(value) if isinstance(value, pl.DataFrame) else value


def _pretty(value: Any, indent: str) -> Iterator[str]:
    """Yield a value's text; a list or object of plain values goes on one line."""
    deeper = indent + "  "
    if isinstance(value, _Columns) or (isinstance(value, Mapping) and not _is_short(value)):
        start = "{\n"
        for key, each in value.items():
            yield f"{start}{deeper}{encode(key)}: "
            yield from _pretty(each, deeper)
            start = ",\n"
        yield f"\n{indent}}}"
    elif isinstance(value, Mapping):
        pairs = ", ".join(f"{encode(key)}: {scalar(each)}" for key, each in value.items())
        yield f"{{{pairs}}}"
    elif isinstance(value, _Rows):
        yield f"[\n{deeper}"
        yield value.lines.str.join(f",\n{deeper}")[0]
        yield f"\n{indent}]"
    elif not isinstance(value, list):
        yield scalar(value)
    elif all(_is_plain(each) for each in value):
        if any(isinstance(each, Decimal) for each in value):
            yield f"[{', '.join(map(scalar, value))}]"
        else:
            yield encode(value)
    else:
        rows = _encoded_rows(value) or ["".join(_pretty(each, deeper)) for each in value]
        yield "[\n" + ",\n".join(deeper + row for row in rows) + f"\n{indent}]"


def _is_short(value: Mapping[str, Any]) -> bool:
    return not isinstance(value, _Lines) and all(_is_plain(each) for each in value.values())


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
    return not isinstance(value, (Mapping, list, _Rows))
