"""The command line: one file for each command; parse, call the interface, print."""

from __future__ import annotations

import re
import sys
from typing import Annotated, NoReturn

import typer

from normcli import __version__
from normcli.cli.apply import apply
from normcli.cli.fit import fit
from normcli.cli.invert import invert
from normcli.cli.merge import merge
from normcli.cli.methods import methods
from normcli.cli.plain import PlainCommand, PlainGroup
from normcli.cli.running import leave
from normcli.cli.show import show
from normcli.cli.suggest import suggest
from normcli.kernel import name_of_kernel

__all__ = ["app", "main"]


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"normcli {__version__} ({name_of_kernel()} kernel)")
        raise typer.Exit


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


_COMMANDS = {each.__name__: each for each in (fit, apply, invert, merge, show, suggest, methods)}


def app(*names: str) -> typer.Typer:
    """Return the command line with the commands of these names, or with all."""
    made = typer.Typer(
        name="normcli",
        cls=PlainGroup,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(_root)
    for name in names or _COMMANDS:
        made.command(cls=PlainCommand)(_COMMANDS[name])
    return made


def main() -> None:
    """Run the command line."""
    # Messages and tables hold characters beyond ASCII, whatever the locale says.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    # To make the options of commands that are not asked for takes a while.
    named = [name for name in sys.argv[1:2] if name in _COMMANDS]
    try:
        leave(app(*named)(prog_name="normcli", standalone_mode=False) or 0)
    except typer.TyperException as error:
        _refuse(error)


def _refuse(error: typer.TyperException) -> NoReturn:
    """Print what is wrong with a command line in the form of all other messages, and exit."""
    context = getattr(error, "ctx", None)
    if len(sys.argv) == 1:
        sys.exit(2)  # no_args_is_help has shown the help
    message = error.format_message().replace("Value error, ", "").rstrip(".")
    message = re.sub(r"Input should be a valid integer.*", "a whole number is needed", message)
    message = re.sub(r"Input should be (.*)", r"it must be \1", message)
    message, _, near = message.partition(" (Possible options: ")
    command = context.command_path if context is not None else "normcli"
    hint = f"did you mean {near.rstrip(')')}?" if near else f"see: {command} --help"
    print(f"normcli: {message[:1].lower()}{message[1:]}\nhint: {hint}", file=sys.stderr)
    sys.exit(getattr(error, "exit_code", 2))
