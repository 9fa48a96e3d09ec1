"""Running a transform over sources: into one output, or into one for each file."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

import polars as pl
import polars.selectors as cs

from normcli.application import Direction, TransformOptions
from normcli.application.carrying import Transform
from normcli.destinations import Outputs, whole_outputs
from normcli.engines.failures import engine_errors
from normcli.engines.progress import Progress
from normcli.engines.reading import reading
from normcli.errors import DataError
from normcli.fitted import Fitted
from normcli.sinks import WriteOptions, check_writable, write_frame
from normcli.sources import Source, extent_of
from normcli.tensors import numbers_in_row

__all__ = ["Job", "run_transform"]

_BATCH_ROWS = 1 << 15
_BATCH_NUMBERS = 1 << 19


@dataclass(frozen=True)
class Job:
    """What is carried over, and how."""

    fitted: Fitted
    direction: Direction
    options: TransformOptions


def transformed(source: Source, job: Job, write: WriteOptions, progress: Progress) -> pl.LazyFrame:
    """Return the source's rows, carried over; raise UsageError if they can't be written so."""
    name = source.names[0] if len(source.names) == 1 else "the input"
    transform = Transform(job.fitted, job.direction, source.schema, job.options, name)
    check_writable(transform.schema, write)

    def carry(frame: pl.DataFrame) -> pl.DataFrame:
        progress.advance(frame.height)
        return transform(frame)

    return source.rows(source.schema, None).map_batches(
        carry, schema=transform.schema, streamable=True, validate_output_schema=False
    )


def run_transform(
    source: Source,
    job: Job,
    destination: str | None,
    directory: bool,
    write: WriteOptions,
    progress: Progress,
) -> None:
    """Carry a source over into a file, a directory (one output for each file) or stdout (None)."""
    progress.start(job.direction, lambda: extent_of(source))
    keys = job.fitted.keys
    # Small batches keep memory low; but each batch looks its keys up in a table made for it.
    rows = min(_BATCH_ROWS, _BATCH_NUMBERS // numbers_in_row(source.schema))
    rows = max(1, rows, 0 if keys is None else len(keys))
    try:
        with pl.Config(streaming_chunk_size=rows), reading():
            _run(source, job, destination, directory, write, progress)
    finally:
        progress.finish()


def _run(
    source: Source,
    job: Job,
    destination: str | None,
    directory: bool,
    write: WriteOptions,
    progress: Progress,
) -> None:
    if destination is None:
        with engine_errors(source, job.direction):
            write_frame(transformed(source, job, write, progress), sys.stdout.buffer, write)
            sys.stdout.buffer.flush()
        return
    with whole_outputs() as outputs:
        if directory:
            _into_directory(source, job, destination, write, outputs, progress)
        else:
            _into_file(source, job, outputs.path_for(destination), write, progress)


def _into_file(
    source: Source, job: Job, path: str, write: WriteOptions, progress: Progress
) -> None:
    with engine_errors(source, job.direction):
        write_frame(transformed(source, job, write, progress), path, write)


def _into_directory(
    source: Source,
    job: Job,
    directory: str,
    write: WriteOptions,
    outputs: Outputs,
    progress: Progress,
) -> None:
    parts = source.parts()
    names = [_output_name(part, write) for part in parts]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(
            f"two inputs would both become {os.path.join(directory, repeated[0])}",
            "name the directory that holds them, so that their folders are kept",
        )
    outputs.make_directory(os.path.abspath(directory))
    for i, (part, name) in enumerate(zip(parts, names, strict=True), start=1):
        progress.describe(f"{job.direction} (file {i:,} of {len(parts):,})")
        target = os.path.join(directory, name)
        outputs.make_directory(os.path.dirname(os.path.abspath(target)))
        frame = transformed(part, job, write, progress)
        with engine_errors(part, job.direction):
            # The folders' names go on saying what the columns made of them say.
            write_frame(frame.drop(cs.by_name(*part.hive)), outputs.path_for(target), write)


def _output_name(part: Source, write: WriteOptions) -> str:
    """Return a file's name below the directory, with the extension of what is written."""
    relative = part.files[0].relative
    if part.encoding is not None and part.encoding == write.encoding:
        return relative
    stem = relative
    for _ in range(2 if part.encoding is not None and part.encoding.compression else 1):
        stem = os.path.splitext(stem)[0]
    suffix = {"gzip": ".gz", "zstd": ".zst"}.get(write.encoding.compression or "", "")
    return f"{stem}.{write.encoding.format}{suffix}"
