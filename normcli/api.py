"""The typed interface: fit, merge, load, and Stats with apply, invert and save. Prints nothing."""

from __future__ import annotations

import builtins
import dataclasses
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypedDict, Unpack, overload

import polars as pl

from normcli.application import Direction, Transform, TransformKeywords, TransformOptions
from normcli.columns import select
from normcli.destinations import check_destination, is_directory, output_encoding
from normcli.dtypes import parse_dtype
from normcli.engines.conditioning import run_condition
from normcli.engines.local import BATCH_ROWS, DEFAULT_MEMORY, FitSettings, run_fit
from normcli.engines.progress import NoProgress, Progress
from normcli.engines.surveying import run_survey
from normcli.engines.transforming import Job, run_transform
from normcli.errors import (
    DataError,
    EnvironmentFailureError,
    NormError,
    NormWarning,
    StatsFileError,
    UsageError,
    did_you_mean,
)
from normcli.findings import findings, small_group_notes
from normcli.fitted import Fitted
from normcli.kept import kept_columns
from normcli.merging import merge_fits
from normcli.outline import outline
from normcli.profiles import Profile, Shape, Survey
from normcli.recipe import Chain, Recipe, parse_chain, scans_again
from normcli.request import Request, read_recipe, recorded, request_of
from normcli.resolution import Target, resolve
from normcli.sinks import WriteOptions, write_text
from normcli.sources import (
    Extent,
    ReadOptions,
    Source,
    frame_source,
    named_format,
    open_source,
)
from normcli.statsfile import from_bytes, pieces_of, to_text
from normcli.suggestion import Advice, Suggestion, advise
from normcli.where import row_predicate

__all__ = [
    "BATCH_ROWS",
    "Extent",
    "NoProgress",
    "Progress",
    "ReadOptions",
    "Stats",
    "Suggestion",
    "TransformOptions",
    "check_destination",
    "explain",
    "fit",
    "load",
    "merge",
    "parse_dtype",
    "suggest",
    "write_text",
]

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


class ArrowStream(Protocol):
    """Anything that gives its rows by the Arrow PyCapsule interface: pandas, pyarrow, DuckDB."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the rows."""


ArrowData = pl.DataFrame | ArrowStream
"""Rows in memory."""

_MOST_NAMES = 5
_ENOUGH = 10_000
"""Values on which a function is fitted to see what it would do to a column's shape."""


def fit(
    source: Paths | pl.LazyFrame | ArrowData,
    *,
    method: str | None = None,
    set: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    columns: str | None = None,
    exclude: str | None = None,
    by: str | Sequence[str] | None = None,
    where: str | None = None,
    inf: Literal["error", "skip"] | None = None,
    quantiles: Literal["exact", "sketch"] | None = None,
    min_group: int | None = None,
    recipe: str | os.PathLike[str] | None = None,
    like: Stats | str | os.PathLike[str] | None = None,
    state: bool = True,
    condition: bool = False,
    format: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    null_values: Sequence[str] | None = None,
    decimal_comma: bool | None = None,
    types: Mapping[str, str] | None = None,
    threads: int | None = None,
    batch_rows: int = BATCH_ROWS,
    memory: int = DEFAULT_MEMORY,
    progress: Progress | None = None,
) -> Stats:
    """Compute the statistics that the chains of methods need, and their parameters.

    `source` is a path, several, a glob, a directory, "-" for stdin, a polars frame, or anything
    with the Arrow PyCapsule interface. The result is the same, bit for bit, whatever the order
    of rows and files, the format, `threads` and `batch_rows`. What is not said is taken from
    the file `recipe` or from the recipe of an earlier fit, `like`, and else is the default:
    chains of "zscore", all numeric columns. With `condition`, one scan more finds the condition
    number of the feature covariance before and after. Raises NormError (see normcli.errors) for
    wrong usage or data; warns with NormWarning of constant or empty columns.

    >>> stats = fit(pl.DataFrame({"x": [1.0, 2.0, 3.0]}))
    >>> stats.params("x")
    {'mean': 2.0, 'std': 0.816496580927726}
    >>> fit(pl.DataFrame({"x": [1.0, 2.0, 3.0, 6.0]}), like=stats).params("x")
    {'mean': 3.0, 'std': 1.8708286933869707}
    """
    asked = _prepared(
        method=method,
        set=set,
        columns=columns,
        exclude=exclude,
        by=by,
        where=where,
        inf=inf,
        quantiles=quantiles,
        min_group=min_group,
        recipe=recipe,
        like=like,
        delimiter=delimiter,
        header=header,
        null_values=null_values,
        decimal_comma=decimal_comma,
        types=types,
    )
    if batch_rows < 1 or memory < 1 or (threads is not None and threads < 1):
        raise UsageError("threads, batch rows and memory must be at least 1")
    settings = FitSettings(threads, batch_rows, memory, asked.sketched, condition)
    repeat = condition or any(scans_again(chain, asked.sketched) for chain in asked.chains)
    with _opened(source, format, asked.reading, asked.expected, repeat) as opened:
        return Stats(_fit(opened, asked.recipe, state, settings, progress or NoProgress()))


def explain(
    source: Paths | pl.LazyFrame | ArrowData,
    *,
    format: str | None = None,
    **options: Unpack[FitKeywords],
) -> str:
    """Return in words how often a fit would scan the data, and what for; nothing is fitted.

    >>> print(explain(pl.DataFrame({"x": [1.0], "y": [2.0]}), set={"y": "log+zscore+minmax"}))
    2 scans of the data, 2 columns
    scan 1
      x  counts, extremes, moments
      y  counts, extremes, moments; zscore, on the output of log: counts, moments; the domain of log
    scan 2
      y  minmax, on the output of log+zscore: counts, extremes
    <BLANKLINE>
    """
    asked = _prepared(**options)
    with _opened(source, format, asked.reading, asked.expected, False) as opened:
        recipe, targets = _resolved(asked.recipe, opened)
        chains = {name: target.chain for name, target in targets.items()}
        row_predicate(recipe.where, opened.schema, recipe.places.get("where", "--where"))
        return outline(chains, recipe.by, asked.sketched)


class FitKeywords(TypedDict, total=False):
    """What `fit` can be told of columns, chains, rows and text."""

    method: str | None
    set: Mapping[str, str] | Sequence[tuple[str, str]]
    columns: str | None
    exclude: str | None
    by: str | Sequence[str] | None
    where: str | None
    inf: Literal["error", "skip"] | None
    quantiles: Literal["exact", "sketch"] | None
    min_group: int | None
    recipe: str | os.PathLike[str] | None
    like: Stats | str | os.PathLike[str] | None
    delimiter: str | None
    header: bool | None
    null_values: Sequence[str] | None
    decimal_comma: bool | None
    types: Mapping[str, str] | None


@dataclass(frozen=True)
class _Prepared:
    """What a fit was asked for, its recipe file or earlier fit included."""

    recipe: Recipe
    sketched: bool
    reading: ReadOptions
    expected: Mapping[str, pl.DataType]

    @property
    def chains(self) -> list[Chain]:
        return [self.recipe.method, *(chain for _, chain in self.recipe.sets)]


def _prepared(**options: Unpack[FitKeywords]) -> _Prepared:
    sets, by, types = options.get("set", ()), options.get("by"), options.get("types")
    pairs = sets.items() if isinstance(sets, Mapping) else sets
    method, null_values = options.get("method"), options.get("null_values")
    reading = {
        "delimiter": options.get("delimiter"),
        "header": options.get("header"),
        "null_values": None if null_values is None else tuple(null_values),
        "decimal_comma": options.get("decimal_comma"),
        "types": None if types is None else {n: parse_dtype(text) for n, text in types.items()},
    }
    asked = Request(
        None if method is None else parse_chain(method),
        tuple((selector, parse_chain(chain)) for selector, chain in pairs),
        options.get("columns"),
        options.get("exclude"),
        (by,) if isinstance(by, str) else None if by is None else tuple(by),
        options.get("where"),
        options.get("inf"),
        options.get("quantiles"),
        options.get("min_group"),
        {name: value for name, value in reading.items() if value is not None},
    )
    recipe, like = options.get("recipe"), options.get("like")
    expected: Mapping[str, pl.DataType] = {}
    if recipe is not None and like is not None:
        raise UsageError(
            "--recipe and --like can't be given together",
            "each is a whole recipe; flags change parts of it",
        )
    if recipe is not None:
        asked = asked.over(read_recipe(os.fspath(recipe)))
    elif like is not None:
        earlier = like if isinstance(like, Stats) else load(like)
        asked = asked.over(request_of(earlier.fitted, earlier.name or "the earlier fit"))
        expected = earlier.expected("apply")
    complete = asked.recipe()
    if complete.min_group and not complete.by:
        raise UsageError(
            f"{complete.places.get('min_group', '--min-group')} needs group keys",
            "name them with --by",
        )
    return _Prepared(complete, asked.quantiles == "sketch", asked.reading(), expected)


def _fit(
    source: Source,
    recipe: Recipe,
    state: bool,
    settings: FitSettings,
    progress: Progress,
) -> Fitted:
    schema = source.schema
    recipe, resolved = _resolved(recipe, source)
    where = row_predicate(recipe.where, schema, recipe.places.get("where", "--where"))
    run = run_fit(source, recipe, resolved, where, settings, progress)
    # Names below the directory or glob: those of a hive directory's files are often all the same.
    names = [file.relative for file in source.files] or [os.path.basename(n) for n in source.names]
    text = source.encoding is not None and source.encoding.is_text
    read = source.options.to_json() if text or source.options.types else {}
    fitted = Fitted(
        run.rows,
        tuple(sorted(names)),
        recipe.where,
        run.keys,
        read,
        run.columns,
        state,
        settings.sketched,
        recorded(recipe),
    )
    if settings.condition:
        found = run_condition(source, fitted, where, settings, progress)
        fitted = dataclasses.replace(fitted, condition=found)
    _warn_of_useless(fitted)
    return fitted


def _resolved(recipe: Recipe, source: Source) -> tuple[Recipe, dict[str, Target]]:
    """Return the recipe with its keys by name, and what is normalized."""
    recipe = dataclasses.replace(recipe, by=_keys(recipe.by, source.schema))
    _check_types(source, recipe.places)
    return recipe, resolve(recipe, source.schema)


def _check_types(source: Source, places: Mapping[str, str]) -> None:
    for name in source.options.types:
        if name not in source.schema:
            place = places.get(f"types.{name}", "--type")
            message = f'{place} names a column "{name}" that is not there'
            raise DataError(message, did_you_mean(name, source.schema))


def _keys(by: Sequence[str], schema: pl.Schema) -> tuple[str, ...]:
    keys = (
        key
        for text in by
        # "a,b" names two keys, unless a column is called just that.
        for key in ([text] if text in schema else [part.strip() for part in text.split(",")])
    )
    return tuple(dict.fromkeys(keys))


def _warn_of_useless(fitted: Fitted) -> None:
    for column in fitted.columns:
        for warning in findings(column, fitted.min_group):
            warnings.warn(f'column "{column.name}" {warning}', NormWarning, stacklevel=4)


def suggest(
    source: Paths | pl.LazyFrame | ArrowData,
    *,
    columns: str | None = None,
    exclude: str | None = None,
    by: str | Sequence[str] = (),
    where: str | None = None,
    format: str | None = None,
    delimiter: str | None = None,
    header: bool = True,
    null_values: Sequence[str] = (),
    decimal_comma: bool = False,
    types: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Suggestion:
    """Look at each column and suggest a chain for it, with the reason; arguments as for `fit`.

    One scan counts exactly what is missing, zero, different, smallest and largest; shapes are
    judged on a sample of at most 131,072 rows, which depends on the order of the rows and on
    nothing else. Raises NormError as `fit` does.

    >>> advice = suggest(pl.DataFrame({"x": [0.5, 1.5, 4.0], "on": [True, False, True]})).columns
    >>> advice["x"].chain, advice["on"].chain
    ('zscore', 'skip')
    """
    options = ReadOptions(
        delimiter,
        header,
        tuple(null_values),
        decimal_comma,
        {name: parse_dtype(text) for name, text in (types or {}).items()},
    )
    with _opened(source, format, options, {}, repeat=False) as opened:
        schema = opened.schema
        _check_types(opened, {})
        keys = _keys((by,) if isinstance(by, str) else by, schema)
        for key in keys:
            if key not in schema:
                raise DataError(
                    f'there is no column "{key}" to group by', did_you_mean(key, schema)
                )
        left_out = builtins.set(select(exclude, schema)) if exclude else ()
        chosen = select(columns, schema) if columns is not None else list(schema)
        looked_at = [name for name in chosen if name not in left_out and name not in keys]
        if not looked_at:
            raise DataError("there is no column to look at", "group keys and --exclude leave none")
        survey = run_survey(
            opened, looked_at, keys, row_predicate(where, schema), progress or NoProgress()
        )
        text = opened.encoding is not None and opened.encoding.is_text
        read = options.to_json() if text or options.types else {}
    (only, *others) = schema
    for character in ";|\t":
        if text and not others and character in only:
            warnings.warn(
                f"there is one column only: is {character!r} what stands between fields? "
                "say so with --delimiter",
                NormWarning,
                stacklevel=2,
            )
    profiles = {profile.name: profile for profile in survey.profiles()}
    advice = {name: advise(profiles[name], _after(survey, profiles[name])) for name in profiles}
    advice |= {key: Advice("skip", "a group key", "group_key") for key in keys}
    infinite = any(profiles[n].infinite and advice[n].chain != "skip" for n in profiles)
    return Suggestion(
        {name: advice[name] for name in schema if name in advice},
        survey.rows,
        survey.sampled,
        keys,
        where,
        "skip" if infinite else None,
        read,
    )


def _after(survey: Survey, column: Profile) -> Callable[[str], Shape | None]:
    """Return a function that tells the shape of a column after a chain, None if it can't be."""

    def shape(chain: str) -> Shape | None:
        def carry(sample: pl.Series, values: pl.Series) -> pl.Series:
            fitted = fit(
                sample.gather_every(len(sample) // _ENOUGH + 1).to_frame("x"), method=chain
            )
            return fitted.apply(values.to_frame("x"))["x"]

        try:
            return survey.shape(column, carry)
        except NormError:
            return None

    return shape


def load(path: str | os.PathLike[str]) -> Stats:
    """Read a stats file ("-" for stdin); raise StatsFileError if it can't be trusted."""
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
    if not stats:
        raise UsageError("there is nothing to merge")
    names = [each.name or f"stats {i}" for i, each in enumerate(stats, start=1)]
    fitted = merge_fits([each.fitted for each in stats], names)
    for column in fitted.columns:
        for note in small_group_notes(column, fitted.min_group):
            warnings.warn(f'column "{column.name}" {note}', NormWarning, stacklevel=2)
    return Stats(fitted)


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
        expected = self.expected(direction, options.renamed)
        reading = self.reading(direction)
        with _opened(frame, None, reading, expected, repeat=True) as source:
            transform = Transform(self.fitted, direction, source.schema, options, "the frame")
            lazy = source.lazy()
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
        reading = self.reading(direction) if read is None else read
        self._warn_of_losses(direction)
        expected = self.expected(direction, options.renamed)
        with _opened(list(sources), format, reading, expected, False) as source:
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


@contextmanager
def _opened(
    source: Any,
    format: str | None,
    options: ReadOptions,
    expected: Mapping[str, pl.DataType],
    repeat: bool,
) -> Iterator[Source]:
    if isinstance(source, (str, os.PathLike)):
        source = [source]
    if isinstance(source, Sequence) and all(isinstance(s, (str, os.PathLike)) for s in source):
        paths = [os.fspath(path) for path in source]
        named = named_format(format) if format else None
        with open_source(paths, named, options, expected, repeat) as opened:
            yield opened
    else:
        yield frame_source(source, expected)
