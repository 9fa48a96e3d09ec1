"""Input that can be read only once and in order (a pipe, a compressed file), piece by piece.

The engine's own scanner would take the whole of it into memory; so text is cut into blocks of
whole lines, which the engine's parser then reads one at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, cast

import polars as pl
from polars.io.plugins import register_io_source

from normcli.columns import named
from normcli.errors import DataError

__all__ = ["BLOCK_BYTES", "CUT_OFF", "lazy_frames", "open_compressed", "whole_lines"]

BLOCK_BYTES = 1 << 24
_LONGEST_LINE = 1 << 27
CUT_OFF = "it may be cut off; write or copy it again"


def open_compressed(path: str, compression: str | None) -> IO[bytes]:
    """Open a file for reading its uncompressed bytes."""
    if compression is None:
        return open(path, "rb")
    import pyarrow as pa

    return cast(IO[bytes], pa.CompressedInputStream(pa.OSFile(path), compression))


def _pieces(file: IO[bytes], name: str, size: int) -> Iterator[bytes]:
    try:
        while piece := file.read(size):
            yield piece
    except OSError as error:
        # Of a stream that is being decompressed; the system's own errors have a number.
        if error.errno is not None:
            raise
        raise DataError(f"{name} can't be decompressed: {error}", CUT_OFF) from error


def whole_lines(
    file: IO[bytes], quotes: bool, name: str, size: int = BLOCK_BYTES
) -> Iterator[bytes]:
    """Yield blocks that end where a line ends; with `quotes`, not inside a quoted field."""
    rest = b""
    for piece in _pieces(file, name, size):
        cut = piece.rfind(b"\n")
        # After an odd number of quotes, a line break belongs to a field.
        inside = quotes and cut >= 0 and rest.count(b'"') + piece.count(b'"', 0, cut)
        while inside % 2 and cut >= 0:
            before = piece.rfind(b"\n", 0, cut)
            inside -= piece.count(b'"', max(0, before), cut)
            cut = before
        if cut < 0:
            rest += piece
            if len(rest) > _LONGEST_LINE:
                raise DataError(
                    f"{name} has a line of more than {_LONGEST_LINE >> 20} MiB",
                    "a quote that is never closed does that; or is it another format?",
                )
            continue
        yield b"".join((rest, memoryview(piece)[: cut + 1]))
        rest = piece[cut + 1 :]
    if rest:
        yield rest


def lazy_frames(frames: Callable[[], Iterator[pl.DataFrame]], schema: pl.Schema) -> pl.LazyFrame:
    """Return one frame out of many with the same schema, made while it is computed.

    `frames` starts a new run over them; of a pipe there can be only one.
    """

    def read(
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        left = n_rows
        for frame in frames():
            frame = frame if with_columns is None else frame.select(map(named, with_columns))
            frame = frame if predicate is None else frame.filter(predicate)
            if left is not None:
                frame = frame.head(left)
                left -= frame.height
            yield frame
            if left == 0:
                return

    return register_io_source(read, schema=schema, is_pure=False)
