"""Why a block of text can't be parsed: which row, which column, which value, and what to do.

The engine's own errors name neither row nor file; a block that failed is looked at again here.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import polars as pl

from normcli.columns import named
from normcli.dtypes import dtype_name
from normcli.errors import DataError
from normcli.sources.formats import BOM
from normcli.sources.options import ReadOptions
from normcli.sources.shapes import (
    as_lists,
    inner_of,
    is_nested,
    misfit_error,
    to_arrays,
    what_is_wrong,
)

__all__ = [
    "NUMBER",
    "Block",
    "explain_lists",
    "explain_mixed",
    "explain_structure",
    "explain_values",
]

NUMBER = r"(?i)^\s*[+-]?(\d+\.?\d*(e[+-]?\d+)?|\.\d+(e[+-]?\d+)?|nan|inf|infinity)$"

_ARTICLES = {
    "Int64": "a whole number (Int64)",
    "Float64": "a number (Float64)",
    "Boolean": "true or false (Boolean)",
    "Date": "a date like 2024-12-31 (Date)",
    "Time": "a time like 23:59:59 (Time)",
}
_LONGEST = 40


@dataclass(frozen=True)
class Block:
    """Whole lines of a text input, and where they stand in it."""

    name: str
    text: bytes
    format: str
    options: ReadOptions
    header: bool
    """Whether the first line is a header."""
    rows_before: int


def explain_structure(block: Block, width: int | None) -> DataError | None:
    """Return what is wrong with the lines themselves; None if nothing is.

    `width` is the number of columns; None if it is that of the first line.
    """
    try:
        text = block.text.decode()
    except UnicodeDecodeError as error:
        row = _row(block, block.text.count(b"\n", 0, error.start))
        return DataError(
            f"{block.name}: {row} is not text in UTF-8",
            "convert the file, for example: iconv -f ISO-8859-1 -t UTF-8",
        )
    if block.format == "ndjson":
        return _bad_json(block, text)
    return _bad_csv(block, text, width)


def _row(block: Block, index: int) -> str:
    """Return what the line of that index is called."""
    if block.header:
        return "the header" if index == 0 else f"row {index:,}"
    return f"row {block.rows_before + index + 1:,}"


def _bad_json(block: Block, text: str) -> DataError | None:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(constant)

    lines = (line for line in text.removeprefix(BOM.decode()).split("\n") if line.strip())
    for index, line in enumerate(lines):
        row = _row(block, index)
        try:
            value = json.loads(line, parse_constant=refuse)
        except ValueError as error:
            constant = str(error) in ("NaN", "Infinity", "-Infinity")
            return DataError(
                f"{block.name}: {row} is not JSON: {_short(line)}",
                f"JSON has no {error}; write null"
                if constant
                else "every line has to be a JSON object of its own",
            )
        if not isinstance(value, dict):
            return DataError(
                f"{block.name}: {row} is not a JSON object: {_short(line)}",
                'every line has to be an object of its own, like {"x": 1, "y": 2}',
            )
    return None


def _bad_csv(block: Block, text: str, width: int | None) -> DataError | None:
    delimiter = block.options.separator(block.format)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    index = -1
    try:
        for index, fields in enumerate(rows):
            width = len(fields) if width is None else width
            if len(fields) > width:
                return DataError(
                    f"{block.name}: {_row(block, index)} has {len(fields)} fields, "
                    f"but there are {width} columns: {_short(delimiter.join(fields))}",
                    f'put text that holds "{delimiter}" in quotes, '
                    "or name another character between fields with --delimiter",
                )
    except csv.Error:
        start = text.split("\n")[index + 1] if text.count("\n") > index else ""
        return DataError(
            f"{block.name}: {_row(block, index + 1)} has a quote that does not begin and end "
            f"a field: {_short(start)}",
            'a quote within a field is written twice, the field in quotes: "5"" pipe"',
        )
    return None


def explain_values(
    block: Block,
    texts: pl.DataFrame,
    schema: Mapping[str, pl.DataType],
    convert: Callable[[str, pl.DataType], pl.Expr],
    fixed: Collection[str],
) -> DataError | None:
    """Return the first value that is not of its column's dtype; None if there is none.

    `texts` are the block's fields as they stand there, `convert` makes a column of them null
    where they do not fit, and `fixed` are columns whose dtype the user can't choose.
    """
    for column, dtype in schema.items():
        try:
            failed = texts.select(
                convert(column, dtype).is_null() & named(column).is_not_null()
            ).to_series()
        except pl.exceptions.PolarsError:
            continue
        if not failed.any():
            continue
        row = failed.arg_max() or 0
        value = texts[column][row]
        kind = dtype_name(dtype)
        return DataError(
            f'{block.name}: column "{column}", row {block.rows_before + row + 1:,}: '
            f'"{value}" is not {_ARTICLES.get(kind, kind)}',
            _advice(column, value, column in fixed),
        )
    return None


def explain_lists(block: Block, schema: Mapping[str, pl.DataType]) -> DataError | None:
    """Return the first list of NDJSON that is not of its column's dtype; None if there is none."""
    nested = {name: dtype for name, dtype in schema.items() if is_nested(dtype)}
    if block.format != "ndjson" or not nested:
        return None
    for index, values in _objects(block):
        for name, dtype in nested.items():
            value = values.get(name)
            if value is not None and not _is_of(value, dtype):
                wrong = what_is_wrong(value, dtype)
                return misfit_error(block.name, name, index, wrong, dtype)
    return None


def explain_mixed(block: Block) -> DataError | None:
    """Return the first value of NDJSON that is no list, in a column of lists, or the reverse."""
    first: dict[str, tuple[bool, int]] = {}
    for index, values in _objects(block):
        for name, value in values.items():
            if value is None:
                continue
            is_list, row = first.setdefault(name, (isinstance(value, list), index))
            if is_list != isinstance(value, list):
                shown = _short(json.dumps(value))
                return DataError(
                    f'{block.name}: column "{name}", row {index:,}: {shown} is '
                    f"{'not a list, as there is' if is_list else 'a list, as there is none'} "
                    f"in row {row:,}",
                    "correct that row, or leave it out",
                )
    return None


def _objects(block: Block) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of NDJSON with their numbers, from 1 on."""
    lines = (line for line in block.text.removeprefix(BOM).split(b"\n") if line.strip())
    for index, line in enumerate(lines, start=block.rows_before + 1):
        yield index, json.loads(line)


def _is_of(value: object, dtype: pl.DataType) -> bool:
    try:
        to_arrays(pl.Series([value], dtype=as_lists(dtype, inner_of(dtype)), strict=True), dtype)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        return False
    return True


def _advice(column: str, value: str, fixed: bool) -> str:
    if re.fullmatch(NUMBER, value) and not fixed:
        return f'say what the column is: --type "{column}=Float64"'
    missing = f'if it means missing, add --null-value "{value}"'
    if fixed:
        return f"{missing}; else correct it"
    return f'{missing}; else say what the column is, for example --type "{column}=String"'


def _short(line: str) -> str:
    line = line.strip()
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "…"
