"""CSV, TSV and NDJSON: what columns there are and of which types.

Types are found from the first rows of every file, so that they do not depend on the order of
the files; a column of whole numbers in one file and of floats in another is float in both.
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import polars as pl

from normcli.columns import check_names, named, number_kind
from normcli.dtypes import dtype_name
from normcli.errors import DataError, NormWarning, did_you_mean
from normcli.sources.diagnosis import NUMBER, Block, explain_mixed, explain_structure
from normcli.sources.formats import BOM
from normcli.sources.options import ReadOptions
from normcli.sources.shapes import as_lists, inner_of, is_nested

__all__ = ["SAMPLE_ROWS", "Layout", "csv_arguments", "infer", "settle", "unify"]

_NATIVE = (pl.Time, pl.Decimal, pl.String)
SAMPLE_ROWS = 10_000


@dataclass(frozen=True)
class Layout:
    """How a text file's columns are called, in order, and what they are.

    `read` are the dtypes that the parser is given, `schema` those after conversion; a dtype
    Null in a sample's schema says that it held no value. The dtypes of the columns in `fixed`
    are those of a fit.
    """

    schema: pl.Schema
    read: pl.Schema
    format: str
    options: ReadOptions
    fixed: frozenset[str] = frozenset()


def csv_arguments(format_name: str, options: ReadOptions) -> dict[str, Any]:
    """Return the parser's arguments for reading CSV or TSV."""
    return {
        "separator": options.separator(format_name),
        "null_values": list(options.null_values) or None,
        "decimal_comma": options.decimal_comma,
    }


def infer(
    head: bytes, name: str, format_name: str, options: ReadOptions, rows: int, warn: bool = False
) -> pl.Schema:
    """Return the columns and dtypes of a text file from its first lines (Null: no value seen).

    With `warn`, warn of columns of numbers that a few texts turn into columns of text.
    """
    if not head.removeprefix(BOM).strip():
        raise DataError(f"{name} holds nothing but blank lines", "leave it out, or write it again")
    if format_name == "ndjson":
        return _infer_ndjson(Block(name, head, format_name, options, False, 0), rows)
    block = Block(name, head, format_name, options, options.header, 0)
    arguments = csv_arguments(format_name, options)
    try:
        # A column may be called what stands for null below it.
        first = pl.read_csv(
            io.BytesIO(head),
            has_header=False,
            n_rows=1,
            infer_schema=False,
            **(arguments | {"null_values": None}),
        )
    except pl.exceptions.PolarsError as error:
        raise _unreadable(block, error) from error
    if options.header:
        names = [column or "" for column in first.row(0)]
        check_names(names, name)
        repeated = sorted({column for column in names if names.count(column) > 1})
        if repeated:
            called = f'called "{repeated[0]}"' if repeated[0] else "without a name"
            raise DataError(
                f"{name} has more than one column {called}",
                "change the header, or read the file with --no-header",
            )
    lazy = pl.scan_csv(
        io.BytesIO(head),
        has_header=options.header,
        n_rows=rows,
        infer_schema_length=rows,
        truncate_ragged_lines=True,
        **arguments,
    )
    try:
        guessed = lazy.collect_schema()
        # A guess of floats is never wrong, and to read the rows takes longer than to guess.
        doubtful = [named(name) for name, dtype in guessed.items() if dtype != pl.Float64()]
        sample = lazy.select(doubtful).collect() if doubtful else pl.DataFrame()
    except pl.exceptions.PolarsError as error:
        raise _unreadable(block, error) from error
    seen = {name: _seen_dtype(sample[name]) for name in sample.columns}
    schema = pl.Schema({name: seen.get(name, dtype) for name, dtype in guessed.items()})
    if warn:
        texts = [c for c, d in schema.items() if d == pl.String() and c not in options.types]
        _warn_of_mixed(sample.select([named(text) for text in texts]), name)
    return schema


def _warn_of_mixed(texts: pl.DataFrame, name: str) -> None:
    """Warn of columns that count as text although most of their values are numbers."""
    mixed: dict[str, list[str]] = {}
    for values in texts:
        numbers = values.str.contains(NUMBER)
        if 2 * (numbers.sum() or 0) > len(values) - values.null_count():
            other = values.filter(~numbers).mode().sort()[0]
            mixed.setdefault(other, []).append(f'"{values.name}"')
    for other, columns in mixed.items():
        holds, counts = ("hold", "they count") if len(columns) > 1 else ("holds", "it counts")
        warnings.warn(
            f"{name}: {', '.join(columns)} {holds} numbers, but "
            f'also texts such as "{other}", so {counts} as text; '
            f"if that means missing, add --null-value {other}",
            NormWarning,
            stacklevel=2,
        )


def _unreadable(block: Block, error: Exception) -> DataError:
    found = explain_structure(block, None)
    if found is None and block.format == "ndjson":
        found = explain_mixed(block)
    return found or DataError(f"{block.name} can't be read as {block.format}: {_first_line(error)}")


def _infer_ndjson(block: Block, rows: int) -> pl.Schema:
    lines = block.text.removeprefix(BOM).split(b"\n")[: rows + 1]
    try:
        sample = pl.read_ndjson(
            io.BytesIO(b"\n".join(line for line in lines if line.strip())),
            infer_schema_length=rows,
        )
    except pl.exceptions.PolarsError as error:
        raise _unreadable(block, error) from error
    return pl.Schema({column: _seen_dtype(sample[column]) for column in _in_order(sample, lines)})


def _in_order(sample: pl.DataFrame, lines: Sequence[bytes]) -> list[str]:
    """Return the columns as they come first in the lines.

    The parser orders those of an object with more than 32 keys otherwise in every process.
    """
    seen: dict[str, None] = {}
    for line in lines:
        if len(seen) == sample.width:
            break
        with suppress(ValueError, RecursionError):
            found = json.loads(line)
            seen.update((key, None) for key in found if key in sample.schema)
    return [*seen, *sorted(set(sample.columns) - set(seen))]


def _seen_dtype(values: pl.Series) -> pl.DataType:
    if values.null_count() == len(values):
        return pl.Null()
    # The parser takes nan, +3 or " 4" for text when it guesses, not when it is told.
    if values.dtype == pl.String() and values.str.contains(NUMBER).drop_nulls().all():
        return pl.Float64()
    return values.dtype


def unify(schemas: Mapping[str, pl.Schema], known: Collection[str] = ()) -> pl.Schema:
    """Return the common schema of files (by name), columns in the first one's order.

    Of a column in `known` the dtype is known from elsewhere; it may look different in each.
    Raise DataError, naming file and column, where a column is missing or of another sort.
    """
    names = list(schemas)
    first = schemas[names[0]]
    common: dict[str, pl.DataType] = dict(first)
    for name in names[1:]:
        for column in first:
            if column not in schemas[name]:
                raise DataError(
                    f'{name} has no column "{column}", which {names[0]} has',
                    did_you_mean(column, schemas[name]),
                )
        for column, dtype in schemas[name].items():
            if column not in first:
                raise DataError(
                    f'{name} has a column "{column}", which {names[0]} has not',
                    "name only files that have the same columns",
                )
            merged = _common_dtype(common[column], dtype)
            if merged is None and column in known:
                merged = pl.String()
            if merged is None:
                raise DataError(
                    f'column "{column}" is {dtype_name(common[column])} in {names[0]} '
                    f"and {dtype_name(dtype)} in {name}",
                    f'if they mean the same, force a type: --type "{column}=String"',
                )
            common[column] = merged
    return pl.Schema(common)


def _common_dtype(first: pl.DataType, second: pl.DataType) -> pl.DataType | None:
    if first == second or second == pl.Null():
        return first
    if first == pl.Null():
        return second
    if isinstance(first, pl.List) and isinstance(second, pl.List):
        inner = _common_dtype(_made(first.inner), _made(second.inner))
        return None if inner is None else pl.List(inner)
    numbers = (pl.Int64(), pl.Float64())
    return pl.Float64() if first in numbers and second in numbers else None


def _made(dtype: Any) -> pl.DataType:
    """Return a dtype as an instance: that of elements may be a class."""
    return cast(pl.DataType, dtype() if isinstance(dtype, type) else dtype)


def settle(
    inferred: pl.Schema,
    format_name: str,
    options: ReadOptions,
    expected: Mapping[str, pl.DataType],
) -> Layout:
    """Return the layout to read with: inferred dtypes, corrected by what is known of columns.

    `expected` are the dtypes of a fit: text where it saw numbers has to be read as numbers
    (and fail), but 3.5 where it saw whole numbers is fine.
    """
    schema: dict[str, pl.DataType] = {}
    for name, dtype in inferred.items():
        wanted = options.types.get(name)
        if wanted is None and name in expected:
            wanted = _known_dtype(expected[name], dtype, format_name)
        if wanted is not None and is_nested(wanted) and format_name != "ndjson":
            raise DataError(
                f'column "{name}" can\'t be {dtype_name(wanted)}: {format_name} holds no lists',
                "convert the input to Parquet, Arrow or NDJSON first",
            )
        schema[name] = wanted or (pl.String() if dtype == pl.Null() else dtype)
    read = {name: _read_dtype(format_name, inferred[name], dtype) for name, dtype in schema.items()}
    fixed = frozenset(expected)
    return Layout(pl.Schema(schema), pl.Schema(read), format_name, options, fixed)


def _known_dtype(known: pl.DataType, found: pl.DataType, format_name: str) -> pl.DataType | None:
    """Return the dtype to read a column as that a fit knows; floats do for whole numbers."""
    if is_nested(known) != is_nested(found) and found != pl.Null():
        return None  # what it should be is said where it is needed
    if is_nested(known) and format_name != "ndjson":
        return None
    inner, elements = inner_of(known), inner_of(found)
    if not (inner.is_numeric() and not inner.is_decimal() and elements.is_float()):
        return known
    if isinstance(known, pl.Array):
        return pl.Array(pl.Float64(), known.shape)
    return as_lists(known, pl.Float64())


def _read_dtype(format_name: str, inferred: pl.DataType, dtype: pl.DataType) -> pl.DataType:
    """Return what the parser has to read so that it can be converted to the dtype."""
    if is_nested(dtype):
        inner = _read_dtype(format_name, inner_of(inferred), inner_of(dtype))
        return as_lists(dtype, inner)
    plain = dtype.is_numeric() and not dtype.is_decimal() and number_kind(dtype) is not None
    if plain and format_name == "ndjson":
        # Its parser ends the process when it is asked for any narrower number.
        if dtype.is_float():
            return pl.Float64()
        return dtype if dtype == pl.UInt64() else pl.Int64()
    if plain or dtype == inferred or dtype.is_nested():
        return dtype
    if format_name != "ndjson" and isinstance(dtype, _NATIVE):
        return dtype
    if isinstance(dtype, pl.Duration):
        return pl.Int64()
    return pl.String()


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
