"""normcli apply: normalize."""

from __future__ import annotations

from normcli.cli import options as flags
from normcli.cli.carrying import carry

__all__ = ["apply"]


def apply(
    stats: flags.StatsArgument,
    sources: flags.Sources = None,
    output: flags.OutputFlag = None,
    columns: flags.ColumnsFlag = None,
    renamed: flags.MapFlag = None,
    unknown_group: flags.UnknownGroupFlag = flags.UnknownGroup.error,
    missing_column: flags.MissingColumnFlag = flags.MissingColumn.error,
    from_format: flags.FromFlag = None,
    delimiter: flags.DelimiterFlag = None,
    no_header: flags.NoHeaderFlag = False,
    null_value: flags.NullValueFlag = None,
    decimal_comma: flags.DecimalCommaFlag = False,
    types: flags.TypeFlag = None,
    to: flags.ToFlag = None,
    compression: flags.CompressionFlag = None,
    float_format: flags.FloatFormatFlag = None,
    dtype: flags.DtypeFlag = None,
    keep_row_stats: flags.KeepRowStatsFlag = False,
    quiet: flags.QuietFlag = False,
    threads: flags.ThreadsFlag = None,
    progress: flags.ProgressFlag = flags.When.auto,
    debug: flags.DebugFlag = False,
) -> None:
    """Normalize data with a stats file.

    Example: normcli apply stats.json new.parquet -o normalized.parquet
    """
    carry("apply", locals())
