"""normcli methods: what can be done to a column."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from normcli.cli import options as flags
from normcli.cli.running import guarded

__all__ = ["methods"]


def methods(
    name: Annotated[
        Optional[str], typer.Argument(metavar="NAME", help="One method, in full.")
    ] = None,
    debug: flags.DebugFlag = False,
) -> None:
    """List the methods; with a name: formula, options, parameters, example.

    Example: normcli methods minmax
    """

    def work() -> None:
        from normcli.report.methods import print_method, print_methods

        if name is None:
            print_methods()
        else:
            print_method(name)

    guarded(work, debug=debug)
