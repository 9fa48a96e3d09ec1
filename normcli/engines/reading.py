"""How polars is to read Parquet, which it takes from environment variables and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["reading"]

_DECODED_TOGETHER = "POLARS_PARQUET_DECODE_TARGET_VALUES_PER_THREAD"
_FETCHED = "POLARS_ROW_GROUP_PREFETCH_SIZE"
_VALUES = 1 << 18


@contextmanager
def reading(ahead: int | None = None) -> Iterator[None]:
    """Have row groups decoded column by column, and so many of them fetched ahead.

    Left to itself polars has one thread decode 16 million values at a go, which for most files is
    a whole row group, and starts with as many of these as there are threads. A variable that is
    set already stays as it is; one that is not is gone in the end.
    """
    wanted = {_DECODED_TOGETHER: str(_VALUES)}
    if ahead is not None:
        wanted[_FETCHED] = str(ahead)
    own = [name for name in wanted if name not in os.environ]
    os.environ.update({name: wanted[name] for name in own})
    try:
        yield
    finally:
        for name in own:
            os.environ.pop(name, None)  # another thread may have set the same
