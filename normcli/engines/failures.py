"""What the engine's errors mean to a user.

Some come without an error number, so that only their text tells a full disk or a closed pipe.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

from normcli.errors import DataError, EnvironmentFailureError, NormError
from normcli.sources import Source

__all__ = ["engine_errors"]


@contextmanager
def engine_errors(source: Source, doing: str) -> Iterator[None]:
    """Turn what the engine raises while it reads the source into a NormError."""
    try:
        yield
    except (NormError, BrokenPipeError):
        raise
    except (OSError, MemoryError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _meaning(error, source, doing) from error


def _meaning(error: BaseException, source: Source, doing: str) -> BaseException:
    text = str(error)
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EPIPE or "Broken pipe" in text:
        return BrokenPipeError(errno.EPIPE, "Broken pipe")
    if number in (errno.ENOSPC, errno.EDQUOT) or "No space left" in text:
        return EnvironmentFailureError(f"{doing}: the disk is full", "nothing was written")
    if number == errno.EFBIG or "File too large" in text:
        return EnvironmentFailureError(f"{doing}: the file grew beyond the size limit")
    if number in (errno.EACCES, errno.EPERM, errno.EROFS) or "Permission denied" in text:
        return EnvironmentFailureError(f"{doing}: {text.splitlines()[0]}")
    if isinstance(error, MemoryError):
        return EnvironmentFailureError(f"{doing}: out of memory")
    if not isinstance(error, OSError):
        source.diagnose()
    name = source.names[0] if len(source.names) == 1 else f"one of {len(source.names)} files"
    first = text.strip().splitlines()[0] if text.strip() else type(error).__name__
    return DataError(f"{name if source.names else 'the frame'} can't be read: {first}")
