"""Stats files as tables."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from normcli.api import Stats
from normcli.dtypes import dtype_name
from normcli.errors import StatsFileError
from normcli.recipe import chain_text

__all__ = ["condition_text", "console", "print_column", "print_stats"]

_MOST_GROUPS = 50
_MOST_VALUES = 5


def console() -> Console:
    """Return a console for stdout; a pipe gets lines as wide as the tables are."""
    # What stands in brackets is a name, not markup.
    return Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False)


def print_stats(stats: Stats) -> None:
    """Print a line for each column."""
    fitted = stats.fitted
    out = console()
    of = f" of {len(fitted.files):,} files" if len(fitted.files) > 1 else ""
    groups = (
        "" if fitted.keys is None else f", {len(fitted.keys):,} groups by {', '.join(fitted.by)}"
    )
    where = f", where {fitted.where}" if fitted.where else ""
    out.print(f"{fitted.rows:,} rows{of}{groups}{where}", markup=False)
    if fitted.condition is not None:
        out.print(condition_text(stats), markup=False)
    table = Table(box=None, header_style="bold", pad_edge=False)
    aside = [key for key in ("nan", "inf") if any(c.summary.get(key) for c in fitted.columns)]
    described = ["min", "max", "mean", "std"]
    if not any("min" in column.summary for column in fitted.columns):
        described = []
    shown = ["count", "null", *aside, *described]
    for name in ("column", "dtype", "method"):
        table.add_column(name)
    for name in shown:
        table.add_column(name, justify="right")
    for column in fitted.columns:
        summary = {
            key: _in_units(value, column.dtype, key == "std")
            if key in ("min", "max", "mean", "std")
            else value
            for key, value in column.summary.items()
        }
        table.add_row(
            column.name,
            dtype_name(column.dtype),
            chain_text(tuple(step.method for step in column.steps)),
            *(number(summary.get(key, 0 if key in aside else None)) for key in shown),
        )
    out.print(table)


def condition_text(stats: Stats) -> str:
    """Return what normalization did to the condition number of the feature covariance."""
    found = stats.fitted.condition
    if found is None:
        raise StatsFileError(
            f"{stats.name} does not say the condition number", "fit with --condition"
        )
    before, after = (
        "infinite (singular)" if value is None else f"{value:.4g}"
        for value in (found.before, found.after)
    )
    return (
        f"condition number of the covariance of {found.features:,} features, "
        f"{found.rows:,} rows: {before} before, {after} after"
    )


def print_column(stats: Stats, name: str) -> None:
    """Print one column's parameters, of all rows and by group."""
    fitted = stats.fitted
    (column,) = (each for each in fitted.columns if each.name == name)
    out = console()
    chain = chain_text(tuple(step.method for step in column.steps))
    out.print(f"{column.name}: {dtype_name(column.dtype)}, {chain}", markup=False)
    if fitted.keys is None and any(step.shape for step in column.steps):
        _print_channels(column, out)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    keys = fitted.by or ("rows",)
    for key in keys:
        table.add_column(key)
    for step in column.steps:
        prefix = f"{step.method.name} " if len(column.steps) > 1 else ""
        for parameter in step.params:
            table.add_column(prefix + parameter, justify="right")
    if column.small:
        table.add_column("")
    few = "no value" if fitted.min_group == 1 else f"fewer than {fitted.min_group:,} values"
    every = [value for step in column.steps for value in step.shaped.values()]
    table.add_row("(all)", *[""] * (len(keys) - 1), *map(number, every))
    by_group = fitted.keys if any(step.groups is not None for step in column.steps) else None
    if by_group is not None:
        for i, row in enumerate(by_group.head(_MOST_GROUPS).rows()):
            values = [
                value if step.groups is None else step.of_group(key, i)
                for step in column.steps
                for key, value in step.shaped.items()
            ]
            note = [f"as (all): {few}"] if i in column.small else []
            table.add_row(*map(str, row), *map(number, values), *note)
    out.print(table)
    if by_group is not None and len(by_group) > _MOST_GROUPS:
        out.print(f"… and {len(by_group) - _MOST_GROUPS:,} more groups (--json shows all)")
    if fitted.keys is not None and by_group is None:
        out.print("the same in every group")


def _print_channels(column: Any, out: Console) -> None:
    """Print a line for each channel of a tensor column, and one for what all have in common."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("channel")
    lines: dict[tuple[int, ...], dict[str, Any]] = {}
    for step in column.steps:
        prefix = f"{step.method.name} " if len(column.steps) > 1 else ""
        for parameter, values in step.cells.items():
            table.add_column(prefix + parameter, justify="right")
            for place, value in zip(
                itertools.product(*map(range, step.shape)), values, strict=True
            ):
                lines.setdefault(place, {})[prefix + parameter] = value
    names = [str(each.header) for each in table.columns[1:]]
    for place in sorted(lines)[:_MOST_GROUPS]:
        called = ",".join(map(str, place)) or "(all)"
        table.add_row(called, *(number(lines[place].get(name, "")) for name in names))
    out.print(table)
    if len(lines) > _MOST_GROUPS:
        out.print(f"… and {len(lines) - _MOST_GROUPS:,} more channels (--json shows all)")


def _in_units(value: Any, dtype: pl.DataType, length: bool = False) -> Any:
    """Return a date, time or length of time for a count of units; other values as they are."""
    if value is None or not dtype.is_temporal():
        return value
    if length:
        if dtype == pl.Date():
            return f"{value:.7g} days"
        dtype = pl.Duration(getattr(dtype, "time_unit", "ns"))
    counted = pl.Int32 if dtype == pl.Date() else pl.Int64
    form = "polars" if isinstance(dtype, pl.Duration) else "iso"
    return pl.Series([round(value)], dtype=counted).cast(dtype).dt.to_string(form).item()


def number(value: Any) -> str:
    """Return a number or list for reading: at most seven significant digits of a fraction."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, pl.Series):
        first = ", ".join(map(str, value[:_MOST_VALUES]))
        return first if len(value) <= _MOST_VALUES else f"{first}, … ({len(value):,})"
    if isinstance(value, list):
        return _shortened(_flat(value))
    return f"{value:,}" if isinstance(value, int) else f"{value:.7g}"


def _shortened(values: list[Any]) -> str:
    """Return the first and last values of a list, and how many there are."""
    if len(values) <= _MOST_VALUES:
        return " ".join(map(number, values))
    first = " ".join(map(number, values[: _MOST_VALUES - 2]))
    return f"{first} … {number(values[-1])} ({len(values):,})"


def _flat(value: Any) -> list[Any]:
    return [one for part in value for one in _flat(part)] if isinstance(value, list) else [value]
