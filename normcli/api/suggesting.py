"""Suggesting: a look at each column, and the chain that it wants."""

from __future__ import annotations

import builtins
import warnings
from collections.abc import Callable, Mapping, Sequence

import polars as pl

from normcli.api.data import ArrowData, Paths, check_types, group_keys, opened
from normcli.api.fitting import fit
from normcli.columns import select
from normcli.dtypes import parse_dtype
from normcli.engines.progress import NoProgress, Progress
from normcli.engines.surveying import run_survey
from normcli.errors import DataError, NormError, NormWarning, did_you_mean
from normcli.profiles import Profile, Shape, Survey
from normcli.sources import ReadOptions
from normcli.suggestion import Advice, Suggestion, advise
from normcli.where import row_predicate

__all__ = ["suggest"]


_ENOUGH = 10_000
"""Values on which a function is fitted to see what it would do to a column's shape."""


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
    with opened(source, format, options, {}, repeat=False) as data:
        schema = data.schema
        check_types(data, {})
        keys = group_keys((by,) if isinstance(by, str) else by, schema)
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
            data, looked_at, keys, row_predicate(where, schema), progress or NoProgress()
        )
        text = data.encoding is not None and data.encoding.is_text
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
