"""The methods as tables, made from the registry."""

from __future__ import annotations

import inspect

from rich.table import Table

from normcli.errors import UsageError, did_you_mean
from normcli.methods import METHODS, Method
from normcli.recipe import option_text
from normcli.report.tables import console

__all__ = ["print_method", "print_methods"]


def print_methods() -> None:
    """Print a line for each method."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("method", "forward", "inverse", "options"):
        table.add_column(name)
    for name, method in sorted(METHODS.items()):
        table.add_row(name, *method.formula, ", ".join(_options(method)))
    console().print(table)


def print_method(name: str) -> None:
    """Print all there is to know of one method."""
    if name not in METHODS:
        raise UsageError(f'unknown method "{name}"', did_you_mean(name, METHODS))
    method = METHODS[name]
    text = inspect.cleandoc(method.__doc__ or "").split("\n>>>")[0].strip()
    out = console()
    module = inspect.getmodule(method)
    out.print(f"{name}: {(module and module.__doc__) or ''}", markup=False, style="bold")
    out.print(f"\n  forward  {method.formula[0]}\n  inverse  {method.formula[1]}\n", markup=False)
    out.print(text, markup=False)
    if method.parameters:
        out.print("\nparameters (fitted, unless an option of that name gives them):")
        for parameter in method.parameters:
            out.print(f"  {parameter.name}: {parameter.meaning}", markup=False)
    options = _options(method)
    if options:
        out.print(f"\noptions: {', '.join(options)}", markup=False)
    out.print(f"\nmatches: {method.matches}", markup=False)
    if method.loses:
        out.print(f"not brought back by invert: {method.loses}", markup=False)
    out.print(
        f"\nexample: normcli fit data.parquet -m {_example(method)} -o stats.json", markup=False
    )


def _options(method: type[Method]) -> list[str]:
    """Return the options with their defaults; parameters without one."""
    return [
        name if field.default is None else f"{name}={option_text(field.default)}"
        for name, field in method.option_fields().items()
    ]


def _example(method: type[Method]) -> str:
    """Return the chain that the method's own doctest shows."""
    doc = method.__doc__ or ""
    return doc.split('method="', 1)[1].split('"', 1)[0] if 'method="' in doc else method.name
