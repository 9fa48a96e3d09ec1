"""normcli fit: compute statistics."""

from __future__ import annotations

import sys
from typing import Annotated, Any, Optional, cast

import typer

from normcli.cli import options as flags
from normcli.cli.running import guarded, pairs, prepare, size

__all__ = ["fit"]


def fit(
    sources: flags.Sources = None,
    output: Annotated[
        Optional[str],
        typer.Option("-o", "--output", metavar="STATS", help="The stats file. Default: stdout."),
    ] = None,
    method: Annotated[
        Optional[str],
        typer.Option(
            "-m", "--method", metavar="CHAIN", help="What to do: STEP[+STEP]… Default: zscore."
        ),
    ] = None,
    sets: Annotated[
        Optional[list[str]],
        typer.Option(
            "-s",
            "--set",
            metavar="SELECTOR=CHAIN",
            help="A chain for some columns (repeatable; the last match wins; skip: leave alone).",
        ),
    ] = None,
    columns: flags.ColumnsFlag = None,
    exclude: flags.ExcludeFlag = None,
    by: flags.ByFlag = None,
    where: flags.WhereFlag = None,
    inf: Annotated[
        Optional[str],
        typer.Option(
            "--inf",
            metavar="error|skip",
            help="Infinite values: fail (the default), or count and skip.",
        ),
    ] = None,
    quantiles: Annotated[
        Optional[str],
        typer.Option(
            "--quantiles",
            metavar="exact|sketch",
            help="Percentiles: exact (the default), or within 0.4 % from a histogram that merge "
            "can add up.",
        ),
    ] = None,
    min_group: Annotated[
        Optional[int],
        typer.Option(
            "--min-group",
            metavar="N",
            min=0,
            help="Groups with fewer valid values of a column take the parameters of all rows.",
        ),
    ] = None,
    recipe: Annotated[
        Optional[str],
        typer.Option(
            "-r", "--recipe", metavar="FILE", help="A recipe in TOML; flags go before it."
        ),
    ] = None,
    like: Annotated[
        Optional[str],
        typer.Option(
            "--like", metavar="STATS", help="The recipe of an earlier fit; flags go before it."
        ),
    ] = None,
    no_state: Annotated[
        bool, typer.Option("--no-state", help="Leave out the exact sums that merge needs.")
    ] = False,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Only say which scans there will be, and what they take."),
    ] = False,
    condition: Annotated[
        bool,
        typer.Option(
            "--condition",
            help="Find the condition number of the feature covariance, before and after.",
        ),
    ] = False,
    from_format: flags.FromFlag = None,
    delimiter: flags.DelimiterFlag = None,
    no_header: flags.NoHeaderFlag = False,
    null_value: flags.NullValueFlag = None,
    decimal_comma: flags.DecimalCommaFlag = False,
    types: flags.TypeFlag = None,
    batch_rows: Annotated[
        Optional[int],
        typer.Option(
            "--batch-rows",
            metavar="N",
            min=1,
            help="Rows in a batch; changes memory and speed, never the result.",
            rich_help_panel="General",
        ),
    ] = None,
    memory: Annotated[
        str,
        typer.Option(
            "--memory",
            metavar="SIZE",
            help="What exact percentiles may use, like 512MiB; less means more scans.",
            rich_help_panel="General",
        ),
    ] = "1GiB",
    quiet: flags.QuietFlag = False,
    threads: flags.ThreadsFlag = None,
    progress: flags.ProgressFlag = flags.When.auto,
    debug: flags.DebugFlag = False,
) -> None:
    """Compute statistics and write them to a stats file.

    Example: normcli fit penguins.csv --null-value NA --by species -m zscore -o stats.json
    """

    def work() -> None:
        prepare(threads)
        from normcli import api
        from normcli.errors import UsageError
        from normcli.report.progress import progress_on_stderr

        if inf not in (None, "error", "skip"):
            raise UsageError(f'--inf must be error or skip, not "{inf}"')
        if output not in (None, "-"):
            api.check_destination(output)  # before a long scan, not after it
        if quantiles not in (None, "exact", "sketch"):
            raise UsageError(f'--quantiles must be exact or sketch, not "{quantiles}"')
        if "-" in (recipe, like) and (sources or ["-"]) == ["-"]:
            raise UsageError("the recipe and the data can't both come from stdin")
        asked: api.FitKeywords = {
            "method": method,
            "set": pairs(sets, "--set"),
            "columns": columns,
            "exclude": exclude,
            "by": by,
            "where": where,
            "inf": cast(Any, inf),
            "quantiles": cast(Any, quantiles),
            "min_group": min_group,
            "recipe": recipe,
            "like": like,
            "delimiter": delimiter,
            "header": False if no_header else None,
            "null_values": null_value,
            "decimal_comma": decimal_comma or None,
            "types": dict(pairs(types, "--type")),
        }
        if explain:
            print(api.explain(sources or ["-"], format=from_format, **asked), end="")
            return
        with progress_on_stderr(progress.value) as shown:
            stats = api.fit(
                sources or ["-"],
                **asked,
                state=not no_state,
                condition=condition,
                format=from_format,
                threads=threads,
                batch_rows=batch_rows or api.BATCH_ROWS,
                memory=size(memory, "--memory"),
                progress=shown,
            )
        if condition and not quiet:
            from normcli.report.tables import condition_text

            print(condition_text(stats), file=sys.stderr)
        stats.save(output or "-")

    guarded(work, quiet=quiet, debug=debug)
