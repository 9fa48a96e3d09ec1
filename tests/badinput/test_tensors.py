"""Tensor columns that do not fit: shapes, lengths, axes, lists, formats that hold no lists."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

import normcli

SHAPE = (2, 3)
DATA = pl.DataFrame(
    {
        "id": range(20),
        "emb": pl.Series(
            [[i, i + 1.5, i * i, -i] for i in range(20)], dtype=pl.Array(pl.Float32, 4)
        ),
        "img": pl.Series(
            [[[i, 2, 3], [4, 5 * i, 6]] for i in range(20)], dtype=pl.Array(pl.UInt8, SHAPE)
        ),
    }
)
LISTS = DATA.with_columns(
    pl.col("emb").cast(pl.List(pl.Float32)), pl.col("img").cast(pl.List(pl.List(pl.UInt8)))
)


def _with_row(frame: pl.DataFrame, row: int, column: str, value: Any) -> pl.DataFrame:
    values = frame[column].to_list()
    values[row] = value
    return frame.with_columns(pl.Series(column, values, frame.schema[column]))


SHORT = _with_row(LISTS, 16, "emb", [1.0, 2.0, 3.0])
RAGGED = _with_row(LISTS, 11, "img", [[1, 2, 3], [4, 5]])
FLAT = _with_row(LISTS.with_columns(pl.Series("img", [[1, 2, 3, 4, 5, 6]] * 20)), 0, "id", 7)


def fitted(path: Path) -> None:
    normcli.fit(DATA, columns="emb,img").save(path)


def plain(path: Path) -> None:
    normcli.fit(DATA.with_columns(emb=1.0 * pl.col("id")), columns="id,emb").save(path)


def dated(path: Path) -> None:
    days = pl.Series("emb", [[dt.date(2024, month, d) for month in range(1, 5)] for d in (1, 5)])
    normcli.fit(days.cast(pl.Array(pl.Date, 4)).to_frame(), columns="emb").save(path)


def grouped(path: Path) -> None:
    frame = DATA.with_columns(id=pl.col("id") // 10)
    hole = pl.when(pl.col("id") == 0).then(None).otherwise(pl.col("emb").arr.first())
    made = pl.concat_arr([hole, *(pl.col("emb").arr.get(i) for i in (1, 2, 3))])
    with pytest.warns(normcli.errors.NormWarning, match="no valid value in 1 of 8 channels"):
        normcli.fit(frame.with_columns(emb=made), columns="emb", by="id").save(path)


def ndjson(frame: pl.DataFrame) -> str:
    return frame.write_ndjson()


def stream(frame: pl.DataFrame) -> bytes:
    sink = pa.BufferOutputStream()
    table = frame.to_arrow()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        for batch in table.to_batches(max_chunksize=6):
            writer.write_batch(batch)
    return bytes(sink.getvalue())


def reshaped(path: Path) -> None:
    DATA.with_columns(emb=pl.col("emb").arr.head(3).cast(pl.Array(pl.Float32, 3))).write_parquet(
        path
    )


KEPT = ["-o", "out/kept.parquet"]
ARRAY = ["--type", "emb=Array(Float32,4)"]

FIT: list[tuple[str, str, Any, list[str], int]] = [
    ("lists without axis", "a.parquet", LISTS, ["-c", "emb"], 3),
    ("lists in lists", "a.parquet", LISTS, ["-c", "img"], 3),
    ("no such axis", "a.parquet", DATA, ["-c", "img", "-m", "zscore:axis=2"], 3),
    ("no such axis, one of two", "a.parquet", DATA, ["-c", "img", "-m", "zscore:axis=0:-3"], 3),
    ("an axis that is no number", "a.parquet", DATA, ["-c", "img", "-m", "zscore:axis=x"], 2),
    ("a list too long", "a.parquet", DATA, ["-c", "img", "-m", "center:mean=1:2:3:4"], 3),
    ("a list for scalars", "a.parquet", DATA, ["-c", "id", "-m", "center:mean=1:2:3"], 3),
    ("a short list in ndjson", "a.ndjson", ndjson(SHORT), ["-c", "emb", *ARRAY], 3),
    ("a short list in parquet", "a.parquet", SHORT, ["-c", "emb", *ARRAY], 3),
    (
        "values that do not fit",
        "a.ndjson",
        ndjson(LISTS),
        ["-c", "emb", "--type", "emb=Array(UInt8,4)"],
        3,
    ),
    (
        "no list at all",
        "a.ndjson",
        '{"emb":[1,2,3,4]}\n\n{"emb":null}\n{"emb":7}\n',
        ["-c", "emb", *ARRAY],
        3,
    ),
    (
        "floats after many whole numbers",
        "a.ndjson",
        '{"emb":[1,2]}\n' * 10_001 + '{"emb":[0.5]}\n',
        ["-c", "emb", "-m", "zscore:axis=none"],
        3,
    ),
    ("tensors in csv", "a.csv", "id,emb\n1,2\n", ["-c", "emb", *ARRAY], 3),
    ("two shapes", "*.parquet", {"a.parquet": DATA, "b.parquet": reshaped}, ["-c", "emb"], 3),
    ("infinite", "a.parquet", _with_row(DATA, 3, "emb", [1, 2, float("inf"), 4]), ["-c", "emb"], 3),
    ("outside the domain", "a.parquet", DATA, ["-c", "emb", "-m", "log"], 3),
]


@pytest.mark.parametrize(
    ("case", "source", "data", "arguments", "code"), FIT, ids=[case for case, *_ in FIT]
)
def test_fit_refused(
    cases: Any, case: str, source: str, data: Any, arguments: list[str], code: int
) -> None:
    files = data if isinstance(data, dict) else {source: data}
    sources = [*files] if isinstance(data, dict) else [source]
    cases.refused(f"fit: {case}", ["fit", *sources, *arguments, "-o", "out/kept.json"], files, code)


APPLY: list[tuple[str, str, Any, Any, list[str], int]] = [
    ("a short list in parquet", "a.parquet", fitted, SHORT, KEPT, 3),
    ("a short list in arrow", "a.arrow", fitted, SHORT, KEPT, 3),
    ("a short list in a stream", "a.arrows", fitted, stream(SHORT), KEPT, 3),
    ("a short list in ndjson", "a.ndjson", fitted, ndjson(SHORT), KEPT, 3),
    ("a ragged image in parquet", "a.parquet", fitted, RAGGED, KEPT, 3),
    ("a ragged image in ndjson", "a.ndjson", fitted, ndjson(RAGGED), KEPT, 3),
    ("images as flat lists", "a.ndjson", fitted, ndjson(FLAT), KEPT, 3),
    ("another shape", "a.parquet", fitted, reshaped, KEPT, 3),
    ("scalars where tensors were fitted", "a.parquet", fitted, DATA.with_columns(emb=1.5), KEPT, 3),
    ("text where tensors were fitted", "a.csv", fitted, "id,emb,img\n1,2,3\n", KEPT, 3),
    ("tensors where scalars were fitted", "a.parquet", plain, DATA, KEPT, 3),
    ("numbers where dates were fitted", "a.parquet", dated, DATA, KEPT, 3),
    ("missing column", "a.parquet", fitted, DATA.drop("emb"), KEPT, 3),
    ("mapped to another shape", "a.parquet", fitted, DATA, ["--map", "img=emb", *KEPT], 3),
    ("unknown group", "a.parquet", grouped, DATA, KEPT, 3),
    (
        "a channel of a group without values",
        "a.parquet",
        grouped,
        DATA.with_columns(id=pl.lit(0, pl.Int64)),
        KEPT,
        3,
    ),
    ("csv can't hold them", "a.parquet", fitted, DATA, ["-o", "out/kept.csv"], 2),
    ("tsv can't hold them", "a.parquet", fitted, DATA, ["--to", "tsv"], 2),
]


@pytest.mark.parametrize(
    ("case", "source", "stats", "data", "arguments", "code"),
    APPLY,
    ids=[case for case, *_ in APPLY],
)
def test_apply_refused(
    cases: Any, case: str, source: str, stats: Any, data: Any, arguments: list[str], code: int
) -> None:
    files = {source: data, "s.json": stats}
    cases.refused(f"apply: {case}", ["apply", "s.json", source, *arguments], files, code)


INVERT: list[tuple[str, Any, Any]] = [
    ("another shape", fitted, reshaped),
    (
        "dates where normalized numbers are",
        fitted,
        DATA.with_columns(emb=pl.lit([dt.date(2024, 1, 1)] * 4, pl.Array(pl.Date, 4))),
    ),
    ("a short list", fitted, SHORT),
]


@pytest.mark.parametrize(("case", "stats", "data"), INVERT, ids=[case for case, *_ in INVERT])
def test_invert_refused(cases: Any, case: str, stats: Any, data: Any) -> None:
    files = {"a.parquet": data, "s.json": stats}
    cases.refused(f"invert: {case}", ["invert", "s.json", "a.parquet", *KEPT], files, 3)


def batches(path: Path) -> None:
    normcli.fit(DATA, columns="emb", method="batchnorm").save(path)


def of_three(path: Path) -> None:
    frame = DATA.select(pl.concat_arr(pl.col("emb").arr.get(i) for i in range(3)))
    normcli.fit(frame.rename({frame.columns[0]: "emb"}), columns="emb").save(path)


def of_four(path: Path) -> None:
    normcli.fit(DATA, columns="emb").save(path)


@pytest.mark.parametrize(
    ("case", "first", "second"),
    [
        ("batchnorm of tensors", batches, batches),
        ("tensors of other shapes", of_three, of_four),
    ],
)
def test_merge_refused(cases: Any, case: str, first: Any, second: Any) -> None:
    files = {"a.json": first, "b.json": second}
    cases.refused(f"merge: {case}", ["merge", "a.json", "b.json"], files, 3)


STDIN: list[tuple[str, bytes]] = [
    ("ndjson", ndjson(SHORT).encode()),
    ("an arrow stream", stream(SHORT)),
]


@pytest.mark.parametrize(("case", "data"), STDIN, ids=[case for case, _ in STDIN])
def test_stdin_refused(cases: Any, case: str, data: bytes) -> None:
    command = ["apply", "s.json", "-", *KEPT]
    cases.refused(f"apply: {case} on stdin", command, {"s.json": fitted}, 3, stdin=data)


def test_the_row_of_a_later_file_and_batch_is_named(cases: Any) -> None:
    long = pl.concat([LISTS.select("emb")] * 3000)
    bad = _with_row(long.tail(40_000), 39_000, "emb", [1.0])
    files = {"in/a.parquet": long, "in/b.parquet": bad, "s.json": fitted}
    command = ["apply", "s.json", "in", "-c", "emb", "-o", "out/done/"]
    cases.refused("apply: the second of two files", command, files, 3)


def test_frames_in_memory_name_the_row() -> None:
    stats = normcli.fit(DATA, columns="emb,img")
    assert stats.apply(LISTS).equals(stats.apply(DATA))
    assert stats.apply(LISTS.lazy()).collect().equals(stats.apply(DATA))
    assert stats.invert(stats.apply(LISTS))["img"].equals(DATA["img"])
    with pytest.raises(normcli.errors.DataError) as raised:
        stats.apply(SHORT)
    assert raised.value.message == (
        'the frame: column "emb", row 17: its shape is 3, the expected one is 4'
    )
    with pytest.raises(normcli.errors.DataError, match='column "img": its lists have different'):
        stats.apply(RAGGED.lazy()).collect()


@pytest.mark.parametrize("axis", ["-1", "none"])
def test_tensors_without_elements_are_refused(axis: str) -> None:
    frame = pl.DataFrame({"x": pl.Series([[], []], dtype=pl.Array(pl.Float64, 0))})
    with pytest.raises(normcli.errors.DataError, match="shape 0, which have no elements"):
        normcli.fit(frame, columns="x", method=f"zscore:axis={axis}")
