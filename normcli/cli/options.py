"""Flags that several commands share."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Optional

import typer

__all__ = [
    "ByFlag",
    "ColumnsFlag",
    "CompressionFlag",
    "DebugFlag",
    "DecimalCommaFlag",
    "DelimiterFlag",
    "DtypeFlag",
    "ExcludeFlag",
    "FloatFormatFlag",
    "FromFlag",
    "KeepRowStatsFlag",
    "MapFlag",
    "MissingColumn",
    "MissingColumnFlag",
    "NoHeaderFlag",
    "NullValueFlag",
    "OutputFlag",
    "ProgressFlag",
    "QuietFlag",
    "Sources",
    "StatsArgument",
    "ThreadsFlag",
    "ToFlag",
    "TypeFlag",
    "UnknownGroup",
    "UnknownGroupFlag",
    "When",
    "WhereFlag",
]


class When(str, Enum):
    """When to show progress."""

    auto = "auto"
    always = "always"
    never = "never"


class UnknownGroup(str, Enum):
    """What to do with rows of a group that the stats file does not know."""

    error = "error"
    null = "null"
    whole = "global"
    keep = "keep"


class MissingColumn(str, Enum):
    """What to do when a fitted column is not in the data."""

    error = "error"
    skip = "skip"


class Dtype(str, Enum):
    """Float types for output."""

    float32 = "float32"
    float64 = "float64"


_TEXT = "Text input"
_OUTPUT = "Output"
_GENERAL = "General"

Sources = Annotated[
    Optional[list[str]],
    typer.Argument(metavar="SRC", help="Files, globs, directories; - or nothing for stdin."),
]
StatsArgument = Annotated[str, typer.Argument(metavar="STATS", help="A stats file made by fit.")]
ColumnsFlag = Annotated[
    Optional[str],
    typer.Option(
        "-c", "--columns", metavar="SELECTOR", help="Only these: names, globs, classes (@float)."
    ),
]
ExcludeFlag = Annotated[
    Optional[str],
    typer.Option("-x", "--exclude", metavar="SELECTOR", help="Leave these columns alone."),
]
ByFlag = Annotated[
    Optional[list[str]],
    typer.Option("-b", "--by", metavar="COLUMN", help="Group keys (repeatable, or a,b)."),
]
WhereFlag = Annotated[
    Optional[str],
    typer.Option("--where", metavar="SQL", help="The rows to fit on: \"split = 'train'\"."),
]
FromFlag = Annotated[
    Optional[str],
    typer.Option("--from", metavar="FORMAT", help="Input format, where the name does not tell."),
]
DelimiterFlag = Annotated[
    Optional[str],
    typer.Option("--delimiter", metavar="CHAR", help="Between fields.", rich_help_panel=_TEXT),
]
NoHeaderFlag = Annotated[
    bool,
    typer.Option("--no-header", help="The first line holds data.", rich_help_panel=_TEXT),
]
NullValueFlag = Annotated[
    Optional[list[str]],
    typer.Option(
        "--null-value", metavar="TEXT", help="Text for null (repeatable).", rich_help_panel=_TEXT
    ),
]
DecimalCommaFlag = Annotated[
    bool,
    typer.Option("--decimal-comma", help="Numbers like 1,5.", rich_help_panel=_TEXT),
]
TypeFlag = Annotated[
    Optional[list[str]],
    typer.Option(
        "--type",
        metavar="COLUMN=DTYPE",
        help="Force a dtype (repeatable): String, Int64, Float64, Date, Decimal(10,2) …",
        rich_help_panel=_TEXT,
    ),
]
OutputFlag = Annotated[
    Optional[str],
    typer.Option(
        "-o",
        "--output",
        metavar="OUT",
        help="A file, or a directory (one output for each input). Default: stdout.",
        rich_help_panel=_OUTPUT,
    ),
]
ToFlag = Annotated[
    Optional[str],
    typer.Option(
        "--to",
        metavar="FORMAT",
        help="Output format, where the name does not tell.",
        rich_help_panel=_OUTPUT,
    ),
]
CompressionFlag = Annotated[
    Optional[str],
    typer.Option(
        "--compression",
        metavar="NAME",
        help="zstd, snappy, gzip, lz4, none … as the format allows.",
        rich_help_panel=_OUTPUT,
    ),
]
FloatFormatFlag = Annotated[
    Optional[str],
    typer.Option(
        "--float-format",
        metavar="FORMAT",
        help="Digits of floats in csv and tsv, like .6f or .10e. Default: shortest round-trip.",
        rich_help_panel=_OUTPUT,
    ),
]
DtypeFlag = Annotated[
    Optional[Dtype],
    typer.Option("--dtype", help="Float type of the treated columns.", rich_help_panel=_OUTPUT),
]
MapFlag = Annotated[
    Optional[list[str]],
    typer.Option(
        "--map",
        metavar="NEW=FITTED",
        help="Treat column NEW with the statistics of FITTED (repeatable).",
    ),
]
UnknownGroupFlag = Annotated[
    UnknownGroup,
    typer.Option(
        "--unknown-group",
        help="Rows of groups not in STATS: fail, give null, use the statistics of all rows, keep.",
    ),
]
MissingColumnFlag = Annotated[
    MissingColumn, typer.Option("--missing-column", help="Fitted columns not in the data.")
]
KeepRowStatsFlag = Annotated[
    bool,
    typer.Option(
        "--keep-row-stats",
        help="Columns for what rows lose to layernorm, unit …, so that invert can bring them back.",
        rich_help_panel=_OUTPUT,
    ),
]
QuietFlag = Annotated[
    bool, typer.Option("-q", "--quiet", help="No warnings.", rich_help_panel=_GENERAL)
]
ThreadsFlag = Annotated[
    Optional[int],
    typer.Option(
        "--threads",
        metavar="N",
        min=1,
        help="Threads to use. Default: one for each core.",
        rich_help_panel=_GENERAL,
    ),
]
ProgressFlag = Annotated[
    When,
    typer.Option(
        "--progress",
        help="Bars on stderr; auto: when it is a terminal.",
        rich_help_panel=_GENERAL,
    ),
]
DebugFlag = Annotated[
    bool, typer.Option("--debug", help="Show tracebacks.", rich_help_panel=_GENERAL)
]
