"""normcli show: read a stats file as a table."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from normcli.cli import options as flags
from normcli.cli.running import guarded

__all__ = ["show"]


def show(
    stats: flags.StatsArgument,
    column: Annotated[
        Optional[str],
        typer.Option("--column", metavar="NAME", help="One column, with the parameters by group."),
    ] = None,
    condition: Annotated[
        bool,
        typer.Option(
            "--condition",
            help="The condition number of the feature covariance that fit --condition found.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="For the machine: the stats file without its state.")
    ] = False,
    quiet: flags.QuietFlag = False,
    debug: flags.DebugFlag = False,
) -> None:
    """Show what a stats file holds.

    Example: normcli show stats.json --column body_mass_g
    """

    def work() -> None:
        from normcli import api
        from normcli.report.tables import condition_text, print_column, print_stats

        loaded = api.load(stats)
        if condition:
            print(condition_text(loaded))
            return
        if column is not None:
            loaded = loaded.only(column)
        if as_json:
            print(loaded.without_state().to_json(), end="")
        elif column is not None:
            print_column(loaded, column)
        else:
            print_stats(loaded)

    guarded(work, quiet=quiet, debug=debug)
