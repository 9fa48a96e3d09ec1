"""Commands as users run them: real processes in a folder of their own."""

from __future__ import annotations

import gzip
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from tests import processes

Run = Callable[..., subprocess.CompletedProcess[bytes]]

ROWS = 60
DATA = pl.DataFrame(
    {
        "key": [f"{i % 3:02d}" for i in range(ROWS)],
        "x": [None if i % 11 == 5 else i * 0.37 - 4.0 for i in range(ROWS)],
        "n": [i * i for i in range(ROWS)],
        "note": ["two\nlines" if i == 7 else f'a, "{i}"' for i in range(ROWS)],
    }
)


def write(frame: pl.DataFrame, path: Path) -> None:
    """Write a frame in the format that the name tells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    base, _, compression = path.name.partition(".")[2].partition(".")
    if base == "parquet":
        frame.write_parquet(path)
    elif base == "arrow":
        frame.write_ipc(path)
    elif base == "arrows":
        table = frame.to_arrow()
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table)
    else:
        text = frame.write_ndjson() if base in ("ndjson", "jsonl") else None
        text = text or frame.write_csv(separator="\t" if base == "tsv" else ",")
        data = text.encode()
        if compression == "gz":
            data = gzip.compress(data)
        elif compression == "zst":
            sink = pa.BufferOutputStream()
            with pa.CompressedOutputStream(sink, "zstd") as stream:
                stream.write(text.encode())
            data = sink.getvalue().to_pybytes()
        path.write_bytes(data)


def read(path: Path) -> pl.DataFrame:
    """Read a file back, text with the dtypes of the test data."""
    base, _, compression = path.name.partition(".")[2].partition(".")
    if base == "parquet":
        return pl.read_parquet(path)
    if base == "arrow":
        return pl.read_ipc(path)
    if base == "arrows":
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
            return pl.DataFrame(reader.read_all())
    data = path.read_bytes()
    if compression:
        codec = {"gz": "gzip", "zst": "zstd"}[compression]
        with pa.CompressedInputStream(pa.BufferReader(data), codec) as stream:
            data = stream.read()
    if base in ("ndjson", "jsonl"):
        return pl.read_ndjson(data)
    overrides = {"key": pl.String}
    return pl.read_csv(data, separator="\t" if base == "tsv" else ",", schema_overrides=overrides)


@pytest.fixture
def data() -> pl.DataFrame:
    return DATA


@pytest.fixture
def files() -> tuple[Callable[[pl.DataFrame, Path], None], Callable[[Path], pl.DataFrame]]:
    """Return `write` and `read`."""
    return write, read


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs a command in the test's folder and expects it to succeed."""

    def call(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        environment = os.environ | {"COLUMNS": "200", "TERM": "dumb"}
        done = processes.run(arguments, tmp_path, environment, stdin)
        assert done.returncode == 0, done.stderr.decode()
        return done

    return call
