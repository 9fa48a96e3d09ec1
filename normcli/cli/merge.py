"""normcli merge: add up stats files of shards."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from normcli.cli import options as flags
from normcli.cli.running import guarded

__all__ = ["merge"]


def merge(
    stats: Annotated[list[str], typer.Argument(metavar="STATS", help="Stats files of the shards.")],
    output: Annotated[
        Optional[str],
        typer.Option("-o", "--output", metavar="STATS", help="The stats file. Default: stdout."),
    ] = None,
    quiet: flags.QuietFlag = False,
    debug: flags.DebugFlag = False,
) -> None:
    """Add up stats files of shards: the result is that of one fit over all their rows.

    Example: normcli merge shard-*.json -o stats.json
    """

    def work() -> None:
        from normcli import api

        api.merge(*(api.load(path) for path in stats)).save(output or "-")

    guarded(work, quiet=quiet, debug=debug)
