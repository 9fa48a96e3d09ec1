"""Looking at a source's rows once, in order, for their columns' profiles."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from normcli.engines.failures import engine_errors
from normcli.engines.progress import Progress
from normcli.engines.reading import reading
from normcli.errors import DataError
from normcli.profiles import Survey
from normcli.sources import Source, extent_of

__all__ = ["run_survey"]

_MOST_ROWS, _LEAST_ROWS = 1 << 16, 1 << 10
_MOST_VALUES = 1 << 23
"""Rows × columns of a batch."""


def run_survey(
    source: Source,
    columns: Sequence[str],
    by: Sequence[str],
    where: pl.Expr | None,
    progress: Progress,
) -> Survey:
    """Return the survey of the named columns; raise DataError if there are no rows."""
    survey = Survey({name: source.schema[name] for name in columns}, by)
    needed = {*columns, *by}
    batch_rows = min(_MOST_ROWS, max(_LEAST_ROWS, _MOST_VALUES // len(needed)))
    progress.start("suggest", lambda: extent_of(source))
    try:
        with engine_errors(source, "suggest"), reading():
            for batch in source.rows(needed, where).collect_batches(
                chunk_size=batch_rows, maintain_order=True, engine="streaming"
            ):
                survey.update(batch)
                progress.advance(batch.height)
    finally:
        progress.finish()
    if not survey.rows:
        name = source.names[0] if len(source.names) == 1 else "the input"
        raise DataError(
            f"{name} has no rows{' that --where lets through' if where is not None else ''}",
            "there is nothing to look at",
        )
    return survey
