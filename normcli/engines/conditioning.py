"""One scan more: the condition number of the feature covariance, before and after."""

from __future__ import annotations

import polars as pl

from normcli.application import TransformOptions
from normcli.application.carrying import Transform
from normcli.conditioning import Covariances, features
from normcli.engines.failures import engine_errors
from normcli.engines.folding import fold_batches
from normcli.engines.local import FitSettings, batches_of
from normcli.engines.progress import Progress
from normcli.engines.reading import reading
from normcli.fitted import Condition, Fitted
from normcli.sources import Source, extent_of

__all__ = ["run_condition"]


def run_condition(
    source: Source,
    fitted: Fitted,
    where: pl.Expr | None,
    settings: FitSettings,
    progress: Progress,
) -> Condition:
    """Scan the fitted rows once more, and normalize them on the way."""
    columns = features(fitted)
    options = TransformOptions(unknown_group="null")
    wanted = {*(name for column in columns for name in column.sources), *fitted.by}
    frame = source.rows(wanted, where)
    schema = pl.Schema({name: source.schema[name] for name in source.schema if name in wanted})
    kept = [column.name for column in columns]
    transform = Transform(fitted.only(kept), "apply", schema, options, "the input")

    def take_in(found: Covariances, batch: pl.DataFrame) -> None:
        found.update(batch, transform(batch), columns)
        progress.advance(batch.height)

    progress.start("fit (condition)", lambda: extent_of(source))
    try:
        with engine_errors(source, "fit"), reading():
            found = fold_batches(
                batches_of(frame, settings), settings.workers, Covariances, take_in
            )
    finally:
        progress.finish()
    return found.condition()
