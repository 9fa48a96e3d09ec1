"""Stats: a fit that can be applied, inverted, saved and merged."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack, overload

import polars as pl

from normcli.api.data import ArrowData, Paths
from normcli.application import Direction, TransformKeywords, TransformOptions
from normcli.destinations import write_text
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
        from normcli.api.carrying import carried  # a fit has no use for it

        return carried(self, frame, "apply", TransformOptions(**options))

    @overload
    def invert(
        self, frame: pl.LazyFrame | Paths, **options: Unpack[TransformKeywords]
    ) -> pl.LazyFrame: ...
    @overload
    def invert(self, frame: ArrowData, **options: Unpack[TransformKeywords]) -> pl.DataFrame: ...
    def invert(self, frame: Any, **options: Unpack[TransformKeywords]) -> Any:
        """Bring normalized rows back, to the dtypes they were fitted with; options as `apply`."""
        from normcli.api.carrying import carried

        return carried(self, frame, "invert", TransformOptions(**options))

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
        from normcli.api.carrying import write_carried

        write_carried(
            self,
            direction,
            sources,
            output,
            options=options,
            read=read,
            format=format,
            to=to,
            compression=compression,
            float_format=float_format,
            progress=progress or NoProgress(),
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
