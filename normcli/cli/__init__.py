"""The command line: one file for each command; parse, call the interface, print."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from normcli import __version__
from normcli.cli.apply import apply
from normcli.cli.fit import fit
from normcli.cli.invert import invert
from normcli.cli.merge import merge
from normcli.cli.methods import methods
from normcli.cli.show import show

__all__ = ["app", "main"]

app = typer.Typer(
    name="normcli",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"normcli {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Normalize datasets: fit statistics, apply them, invert them.

    Example: normcli fit train.parquet -o stats.json, then normcli apply stats.json test.parquet
    -o test-normalized.parquet
    """


for _command in (fit, apply, invert, merge, show, methods):
    app.command()(_command)


def main() -> None:
    """Run the command line."""
    # Messages and tables hold characters beyond ASCII, whatever the locale says.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    app()
