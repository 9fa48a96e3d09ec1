"""Tensor columns from and to every format that holds them: container, order and values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import normcli
from normcli.api import TransformOptions

ROWS, SHAPE = 300, (2, 3)
IMAGES = np.random.default_rng(8).integers(0, 256, (ROWS, *SHAPE), np.uint8)
IDS = np.random.default_rng(9).permutation(ROWS)
ENDINGS = ["parquet", "arrow", "arrows", "ndjson"]
TYPE = {"x": "Array(UInt8,2x3)"}
KIND = pa.fixed_shape_tensor(pa.uint8(), SHAPE, dim_names=["h", "w"], permutation=[0, 1])


def _table(container: str) -> pa.Table:
    flat = pa.FixedSizeListArray.from_arrays(pa.array(IMAGES.ravel()), 6)
    # A null row and a null pixel.
    storage = pa.array(
        [None if i == 7 else row for i, row in enumerate(flat.to_pylist())], flat.type
    )
    if container == "fixed_shape_tensor":
        column = pa.ExtensionArray.from_storage(KIND, storage)
    else:
        nested = [None if row is None else [row[:3], row[3:]] for row in storage.to_pylist()]
        inner = pa.list_(pa.uint8(), 3) if container == "array" else pa.list_(pa.uint8())
        outer = pa.list_(inner, 2) if container == "array" else pa.list_(inner)
        column = pa.array(nested, outer)
    return pa.table({"id": IDS, "x": column})


def _write(table: pa.Table, path: Path) -> None:
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=64)
    elif path.suffix == ".ndjson":
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    else:
        new = pa.ipc.new_file if path.suffix == ".arrow" else pa.ipc.new_stream
        with new(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=64)


def _read(path: Path) -> pa.Table:
    if path.suffix == ".parquet":
        return pq.read_table(path)
    if path.suffix == ".ndjson":
        return pa.Table.from_pylist([json.loads(line) for line in path.read_text().splitlines()])
    if path.suffix == ".arrow":
        return pa.ipc.open_file(path).read_all()
    return pa.ipc.open_stream(path).read_all()


def _nested(table: pa.Table) -> list[Any]:
    """Return the images as lists in lists, whatever the container."""
    column = table["x"].combine_chunks()
    if isinstance(column.type, pa.FixedShapeTensorType):
        rows = column.storage.to_pylist()
        return [None if row is None else [row[:3], row[3:]] for row in rows]
    return list(column.to_pylist())


_EXPECTED = [None if i == 7 else image.tolist() for i, image in enumerate(IMAGES)]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("container", ["array", "fixed_shape_tensor", "list"])
def test_from_every_container_to_every_format_and_back(
    tmp_path: Path, container: str, ending: str
) -> None:
    source = tmp_path / ("a.arrows" if container == "fixed_shape_tensor" else f"a.{ending}")
    _write(_table(container), source)
    lists = container == "list" or source.suffix == ".ndjson"
    stats = normcli.fit(source, columns="x", types=TYPE if lists else None)
    whole = normcli.fit(pl.DataFrame(_table("array")), columns="x")
    assert stats.params("x") == whole.params("x")
    written, back = tmp_path / f"y.{ending}", tmp_path / f"z.{ending}"
    stats.write("apply", [str(source)], str(written), options=TransformOptions())
    stats.write("invert", [str(written)], str(back), options=TransformOptions())
    normalized, images = _read(written), _read(back)
    assert normalized["id"].to_pylist() == images["id"].to_pylist() == IDS.tolist()
    found, expected = _nested(normalized), whole.apply(pl.DataFrame(_table("array")))["x"]
    assert found == expected.to_list()
    assert _nested(images) == _EXPECTED
    if ending == "ndjson":
        return
    if container == "fixed_shape_tensor":
        # pyarrow knows the type again, with its shape and the names of its dimensions.
        for table, value_type in ((normalized, pa.float64()), (images, pa.uint8())):
            kind = table.schema.field("x").type
            assert isinstance(kind, pa.FixedShapeTensorType)
            assert (kind.value_type, kind.shape) == (value_type, list(SHAPE))
            assert (kind.dim_names, kind.permutation) == (["h", "w"], [0, 1])
    else:
        assert pl.DataFrame(normalized).schema["x"] == pl.Array(pl.Float64, SHAPE)
        assert pl.DataFrame(images).schema["x"] == pl.Array(pl.UInt8, SHAPE)


def test_lists_of_any_length_in_every_format(tmp_path: Path) -> None:
    rows = [[0.5, 2.0], None, [], [7.25, None, -1.0], [3.0]] * 20
    table = pa.table({"x": pa.array(rows, pa.list_(pa.float64()))})
    values = pl.DataFrame({"x": [v for row in rows for v in row or ()]})
    expected = normcli.fit(values).params("x")
    for ending in ENDINGS:
        source, written, back = (tmp_path / f"{name}.{ending}" for name in "ayz")
        _write(table, source)
        stats = normcli.fit(source, method="zscore:axis=none", columns="x")
        assert stats.params("x") == expected
        stats.write("apply", [str(source)], str(written), options=TransformOptions())
        stats.write("invert", [str(written)], str(back), options=TransformOptions())
        lengths = [None if row is None else len(row) for row in rows]
        for path in (written, back):
            found = _read(path)["x"].to_pylist()
            assert [None if row is None else len(row) for row in found] == lengths
        flat, again = (
            [v for row in each for v in row or () if v is not None]
            for each in (rows, _read(back)["x"].to_pylist())
        )
        np.testing.assert_allclose(again, flat, rtol=1e-15)


def test_pipes(tmp_path: Path, run: Any) -> None:
    _write(_table("fixed_shape_tensor"), tmp_path / "a.arrows")
    piped = (tmp_path / "a.arrows").read_bytes()
    (tmp_path / "s.json").write_bytes(run("fit", "-c", "x", stdin=piped).stdout)
    normalized = run("apply", "s.json", stdin=piped).stdout
    back = pa.ipc.open_stream(run("invert", "s.json", stdin=normalized).stdout).read_all()
    assert back.schema.field("x").type == KIND
    assert _nested(back) == _EXPECTED
    lines = run("apply", "s.json", "--to", "ndjson", stdin=piped).stdout
    again = run("invert", "s.json", stdin=lines).stdout.decode().splitlines()
    assert [json.loads(line)["x"] for line in again] == _EXPECTED


def test_mapped_and_missing_and_other_columns(tmp_path: Path, run: Any) -> None:
    """A generated column of lists takes the statistics, and the shape, of the fitted one."""
    frame = pl.DataFrame(_table("array"))
    frame.write_parquet(tmp_path / "a.parquet")
    run("fit", "a.parquet", "-c", "x,id", "-s", "id=minmax", "-o", "s.json")
    other = frame.select(made=pl.col("x").cast(pl.List(pl.List(pl.UInt8))), note=pl.lit("kept"))
    other.write_ndjson(tmp_path / "b.ndjson")
    run("apply", "s.json", "b.ndjson", "--map", "made=x", "-o", "c.parquet")
    found = pl.read_parquet(tmp_path / "c.parquet")
    stats = normcli.load(tmp_path / "s.json")
    assert found["made"].equals(stats.apply(frame)["x"], check_names=False)
    assert found["note"].unique().to_list() == ["kept"]
    run("apply", "s.json", "a.parquet", "-c", "x", "-o", "d.parquet")
    assert pl.read_parquet(tmp_path / "d.parquet")["id"].equals(frame["id"])
    frame.drop("id").write_parquet(tmp_path / "e.parquet")
    run("apply", "s.json", "e.parquet", "--missing-column", "skip", "-o", "f.parquet")
    assert pl.read_parquet(tmp_path / "f.parquet")["x"].equals(stats.apply(frame)["x"])


def test_show_is_for_reading(tmp_path: Path, run: Any) -> None:
    frame = pl.DataFrame(_table("array"))
    wide = frame.with_columns(e=pl.Series(np.arange(ROWS * 60.0).reshape(ROWS, 60)))
    wide.with_columns(g=pl.col("id") % 2).write_parquet(tmp_path / "a.parquet")
    run("fit", "a.parquet", "-c", "x,e", "-s", "x=zscore:axis=0+minmax", "-o", "s.json")
    run("fit", "a.parquet", "-c", "x,e", "-b", "g", "-o", "g.json")
    table = run("show", "s.json").stdout.decode()
    assert "Array(UInt8,2x3)" in table and "Array(Float64,60)" in table
    lines = run("show", "s.json", "--column", "x").stdout.decode().splitlines()
    assert lines[0] == "x: Array(UInt8,2x3), zscore:axis=0+minmax"
    assert [line.split()[0] for line in lines[1:]] == ["channel", "0", "1", "2"]
    lines = run("show", "s.json", "--column", "e").stdout.decode().splitlines()
    assert len(lines) == 53
    assert lines[-1] == "… and 10 more channels (--json shows all)"
    lines = run("show", "g.json", "--column", "e").stdout.decode().splitlines()
    assert [line.split()[0] for line in lines] == ["e:", "g", "(all)", "0", "1"]
    assert all(line.count("(60)") == 2 for line in lines[2:])
