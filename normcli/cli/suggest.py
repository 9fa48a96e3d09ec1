"""normcli suggest: a recipe, with a reason for each column."""

from __future__ import annotations

import os
import shlex
from typing import Annotated, Any, Optional

import typer

from normcli.cli import options as flags
from normcli.cli.running import guarded, pairs, prepare

__all__ = ["suggest"]


def suggest(
    sources: flags.Sources = None,
    output: Annotated[
        Optional[str],
        typer.Option("-o", "--output", metavar="RECIPE", help="The recipe. Default: stdout."),
    ] = None,
    columns: flags.ColumnsFlag = None,
    exclude: flags.ExcludeFlag = None,
    by: flags.ByFlag = None,
    where: flags.WhereFlag = None,
    from_format: flags.FromFlag = None,
    delimiter: flags.DelimiterFlag = None,
    no_header: flags.NoHeaderFlag = False,
    null_value: flags.NullValueFlag = None,
    decimal_comma: flags.DecimalCommaFlag = False,
    types: flags.TypeFlag = None,
    quiet: flags.QuietFlag = False,
    threads: flags.ThreadsFlag = None,
    progress: flags.ProgressFlag = flags.When.auto,
    debug: flags.DebugFlag = False,
) -> None:
    """Look at each column and print a recipe for fit, with a reason for each column.

    Example: normcli suggest penguins.csv --null-value NA -o recipe.toml, then normcli fit
    penguins.csv --recipe recipe.toml -o stats.json
    """
    given = {
        "--columns": columns,
        "--exclude": exclude,
        "--by": by,
        "--where": where,
        "--from": from_format,
        "--delimiter": delimiter,
        "--no-header": no_header,
        "--null-value": null_value,
        "--decimal-comma": decimal_comma,
        "--type": types,
    }

    def work() -> None:
        prepare(threads)
        import warnings

        from normcli import api
        from normcli.errors import NormWarning
        from normcli.report.progress import progress_on_stderr

        if output not in (None, "-"):
            api.check_destination(output)
        with progress_on_stderr(progress.value) as shown:
            suggestion = api.suggest(
                sources or ["-"],
                columns=columns,
                exclude=exclude,
                by=by or (),
                where=where,
                format=from_format,
                delimiter=delimiter,
                header=not no_header,
                null_values=null_value or (),
                decimal_comma=decimal_comma,
                types=dict(pairs(types, "--type")),
                progress=shown,
            )
        if all(advice.chain == "skip" for advice in suggestion.columns.values()):
            warnings.warn(
                "no column is worth normalizing: fit has nothing to do with this recipe",
                NormWarning,
                stacklevel=1,
            )
        api.write_text(suggestion.to_toml(_command(sources or [], given)), output or "-")

    guarded(work, quiet=quiet, debug=debug)


def _command(sources: list[str], given: dict[str, Any]) -> str:
    """Return the command as it could be typed again, without the folders above this one."""
    parts = [os.path.basename(path) if os.path.isabs(path) else path for path in sources]
    for flag, value in given.items():
        for each in value if isinstance(value, list) else [value]:
            parts += [flag] if each is True else [flag, each] if each else []
    return shlex.join(["normcli", "suggest", *parts])
