"""Carrying rows over: frames to frames, and files to files."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any

import polars as pl

from normcli.api.data import opened
from normcli.api.stats import Stats
from normcli.application import Direction, TransformOptions
from normcli.application.carrying import Transform
from normcli.destinations import is_directory, output_encoding
from normcli.engines.progress import Progress
from normcli.engines.transforming import Job, run_transform
from normcli.errors import NormWarning, UsageError
from normcli.fitted import Fitted
from normcli.sinks import WriteOptions
from normcli.sources import ReadOptions

__all__ = ["carried", "write_carried"]

_MOST_NAMES = 5


def carried(
    stats: Stats, frame: Any, direction: Direction, options: TransformOptions
) -> pl.DataFrame | pl.LazyFrame:
    """Return rows carried over: a LazyFrame for a LazyFrame or a path, a DataFrame for all else."""
    expected = stats.expected(direction, options.renamed)
    with opened(frame, None, stats.reading(direction), expected, repeat=True) as source:
        transform = Transform(stats.fitted, direction, source.schema, options, "the frame")
        lazy = source.rows(source.schema, None)
        if source.encoding is None and not isinstance(frame, pl.LazyFrame):
            return transform(lazy.collect())
        return lazy.map_batches(
            transform, schema=transform.schema, streamable=True, validate_output_schema=False
        )


def write_carried(
    stats: Stats,
    direction: Direction,
    sources: Sequence[str],
    output: str | None,
    *,
    options: TransformOptions,
    read: ReadOptions | None,
    format: str | None,
    to: str | None,
    compression: str | None,
    float_format: str | None,
    progress: Progress,
) -> None:
    """Carry files over into a file, a directory (an output for each input) or stdout (None)."""
    reading = stats.reading(direction) if read is None else read
    _warn_of_losses(stats.fitted, direction)
    expected = stats.expected(direction, options.renamed)
    with opened(list(sources), format, reading, expected, False) as source:
        directory = output is not None and is_directory(output, to)
        if directory and not source.parts():
            raise UsageError(
                f"stdin has no name that its output in {output} could take",
                f"name a file: -o {os.path.join(str(output), 'normalized.parquet')}",
            )
        encoding = output_encoding(source, None if directory else output, to)
        run_transform(
            source,
            Job(stats.fitted, direction, options),
            None if output in (None, "-") else output,
            directory,
            WriteOptions(encoding, compression, float_format, source.options),
            progress,
        )


def _warn_of_losses(fitted: Fitted, direction: Direction) -> None:
    losses: dict[str, list[str]] = {}
    for column in fitted.columns if direction == "invert" else ():
        for method in dict.fromkeys(type(step.method) for step in column.steps):
            if method.loses:
                what = f"{method.name} does not bring back {method.loses}"
                losses.setdefault(what, []).append(f'"{column.name}"')
    for what, names in losses.items():
        some = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
        columns = f"column{'s' * (len(names) > 1)} {', '.join(names[:_MOST_NAMES])}{some}"
        warnings.warn(f"{columns}: {what}", NormWarning, stacklevel=4)
