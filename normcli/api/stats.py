"""Stats: a fit that can be applied, inverted, saved and merged."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack, overload

import polars as pl

from normcli.api.data import ArrowData, Paths, opened
from normcli.application import Direction, TransformKeywords, TransformOptions
from normcli.destinations import is_directory, output_encoding, write_text
from normcli.engines.progress import NoProgress, Progress
from normcli.errors import (
    DataError,
    EnvironmentFailureError,
    NormWarning,
    StatsFileError,
    UsageError,
    did_you_mean,
)
from normcli.findings import small_group_notes
from normcli.fitted import Fitted
from normcli.sources import ReadOptions
from normcli.statsfile import pieces_of, to_text

__all__ = ["Stats", "load", "merge"]

# What carries rows over, reads stats files or merges is imported where it is used: not by a fit.
_MOST_NAMES = 5


@dataclass(frozen=True)
class Stats:
    """A fit: parameters and exact statistics of columns, ready to apply, invert, merge or save."""

    fitted: Fitted
    name: str = ""

    def params(self, column: str) -> dict[str, Any]:
        """Return the parameters of all steps of a column, over all rows (the last step wins).

        Those of a tensor's channels are lists in lists, of the shape of the kept axes.
        """
        for each in self.fitted.columns:
            if each.name == column:
                return {
                    key: value.to_list() if isinstance(value, pl.Series) else value
                    for step in each.steps
                    for key, value in step.shaped.items()
                }
        raise KeyError(column)

    def only(self, column: str) -> Stats:
        """Return the fit of that column alone."""
        names = [each.name for each in self.fitted.columns]
        if column not in names:
            raise DataError(f'{self.name} has no column "{column}"', did_you_mean(column, names))
        kept = tuple(each for each in self.fitted.columns if each.name == column)
        return Stats(dataclasses.replace(self.fitted, columns=kept), self.name)

    def without_state(self) -> Stats:
        """Return the fit without the exact sums that merge needs."""
        return Stats(dataclasses.replace(self.fitted, with_state=False), self.name)

    def to_json(self) -> str:
        """Return the text of the stats file."""
        return to_text(self.fitted)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the stats file, whole or not at all ("-" for stdout)."""
        write_text(pieces_of(self.fitted), os.fspath(path))

    @overload
    def apply(
        self, frame: pl.LazyFrame | Paths, **options: Unpack[TransformKeywords]
    ) -> pl.LazyFrame: ...
    @overload
    def apply(self, frame: ArrowData, **options: Unpack[TransformKeywords]) -> pl.DataFrame: ...
    def apply(self, frame: Any, **options: Unpack[TransformKeywords]) -> Any:
        """Normalize rows: a LazyFrame for a LazyFrame or a path, a DataFrame for all else.

        Options: `columns` (a selector), `renamed` ({new: fitted}), `dtype` ("float32",
        "float64"), `unknown_group` ("error", "null", "global", "keep"), `missing_column`
        ("error", "skip"), `keep_row_stats` (columns for what rows lose to row-wise methods, which
        `invert` needs). Raises DataError where the data do not fit the statistics.
        """
        return self._carry(frame, "apply", TransformOptions(**options))

    @overload
    def invert(
        self, frame: pl.LazyFrame | Paths, **options: Unpack[TransformKeywords]
    ) -> pl.LazyFrame: ...
    @overload
    def invert(self, frame: ArrowData, **options: Unpack[TransformKeywords]) -> pl.DataFrame: ...
    def invert(self, frame: Any, **options: Unpack[TransformKeywords]) -> Any:
        """Bring normalized rows back, to the dtypes they were fitted with; options as `apply`."""
        return self._carry(frame, "invert", TransformOptions(**options))

    def _carry(
        self, frame: Any, direction: Direction, options: TransformOptions
    ) -> pl.DataFrame | pl.LazyFrame:
        from normcli.application.carrying import Transform

        expected = self.expected(direction, options.renamed)
        reading = self.reading(direction)
        with opened(frame, None, reading, expected, repeat=True) as source:
            transform = Transform(self.fitted, direction, source.schema, options, "the frame")
            lazy = source.rows(source.schema, None)
            if source.encoding is None and not isinstance(frame, pl.LazyFrame):
                return transform(lazy.collect())
            return lazy.map_batches(
                transform, schema=transform.schema, streamable=True, validate_output_schema=False
            )

    def write(
        self,
        direction: Direction,
        sources: Sequence[str],
        output: str | None,
        *,
        options: TransformOptions,
        read: ReadOptions | None = None,
        format: str | None = None,
        to: str | None = None,
        compression: str | None = None,
        float_format: str | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Carry files over into a file, a directory (an output for each input) or stdout (None)."""
        from normcli.engines.transforming import Job, run_transform
        from normcli.sinks import WriteOptions

        reading = self.reading(direction) if read is None else read
        self._warn_of_losses(direction)
        expected = self.expected(direction, options.renamed)
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
                Job(self.fitted, direction, options),
                None if output in (None, "-") else output,
                directory,
                WriteOptions(encoding, compression, float_format, source.options),
                progress or NoProgress(),
            )

    def reading(self, direction: Direction) -> ReadOptions:
        """Return how input is read: as in the fit, but that normalized columns are floats."""
        recorded = ReadOptions.from_json(self.fitted.read)
        if direction == "apply":
            return recorded
        normalized = {name for column in self.fitted.columns for name in column.sources}
        types = {name: dtype for name, dtype in recorded.types.items() if name not in normalized}
        return dataclasses.replace(recorded, types=types)

    def expected(
        self, direction: Direction, renamed: Mapping[str, str] | None = None
    ) -> dict[str, pl.DataType]:
        """Return what is known of the columns of text: their dtypes, floats once normalized.

        Lists are known to be tensors as well; `renamed` are new names of fitted columns.
        """
        from normcli.kept import kept_columns

        expected = {} if self.fitted.keys is None else dict(self.fitted.keys.schema)
        for column in self.fitted.columns:
            output = column.steps[-1].method.output_of(column.steps[-1].params)
            if direction == "apply":
                expected |= column.sources
            elif output is not None and output.is_nested():
                expected[column.name] = pl.List(pl.Int64())
            else:
                expected |= column.normalized
                expected |= {kept.name: kept.dtype for kept in kept_columns(column.name, column)}
        others = {new: expected[old] for new, old in (renamed or {}).items() if old in expected}
        return {**expected, **others}

    def _warn_of_losses(self, direction: Direction) -> None:
        losses: dict[str, list[str]] = {}
        for column in self.fitted.columns if direction == "invert" else ():
            for method in dict.fromkeys(type(step.method) for step in column.steps):
                if method.loses:
                    what = f"{method.name} does not bring back {method.loses}"
                    losses.setdefault(what, []).append(f'"{column.name}"')
        for what, names in losses.items():
            some = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
            columns = f"column{'s' * (len(names) > 1)} {', '.join(names[:_MOST_NAMES])}{some}"
            warnings.warn(f"{columns}: {what}", NormWarning, stacklevel=3)


def load(path: str | os.PathLike[str]) -> Stats:
    """Read a stats file ("-" for stdin); raise StatsFileError if it can't be trusted."""
    from normcli.statsfile.read import from_bytes

    name = os.fspath(path)
    try:
        if name == "-":
            import sys

            data, name = sys.stdin.buffer.read(), "stdin"
        else:
            with open(name, "rb") as file:
                data = file.read()
    except FileNotFoundError as error:
        raise StatsFileError(
            f"there is no stats file {name}", "make one with: normcli fit DATA -o " + name
        ) from error
    except OSError as error:
        raise EnvironmentFailureError(f"{name} can't be read: {error.strerror}") from error
    return Stats(from_bytes(data, name), name)


def merge(*stats: Stats) -> Stats:
    """Return the fit of all rows that the given fits have seen, exactly as if fitted at once."""
    from normcli.merging import merge_fits

    if not stats:
        raise UsageError("there is nothing to merge")
    names = [each.name or f"stats {i}" for i, each in enumerate(stats, start=1)]
    fitted = merge_fits([each.fitted for each in stats], names)
    for column in fitted.columns:
        for note in small_group_notes(column, fitted.min_group):
            warnings.warn(f'column "{column.name}" {note}', NormWarning, stacklevel=2)
    return Stats(fitted)
