"""The Python interface takes what data people have, and gives polars frames."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

import normcli
from normcli.errors import DataError, NormWarning, StatsFileError

FRAME = pl.DataFrame(
    {
        "key": ["a", "a", "b", "b", None],
        "x": [1.0, 2.0, None, 4.0, 9.0],
        "n": [1, 2, 3, 4, 10],
    }
)


@pytest.fixture
def stats() -> normcli.Stats:
    return normcli.fit(FRAME)


def test_frames_of_every_library_give_the_same_fit(stats: normcli.Stats) -> None:
    arrow = FRAME.to_arrow()
    assert isinstance(arrow, pa.Table)
    frames = [FRAME.lazy(), arrow, pd.DataFrame(FRAME.to_dict())]
    for frame in frames:
        fitted = normcli.fit(frame)
        assert fitted.to_json() == stats.to_json()
    for frame in frames[1:]:
        applied = stats.apply(frame)
        assert isinstance(applied, pl.DataFrame)
        assert applied["x"].to_list() == stats.apply(FRAME)["x"].to_list()


def test_results_of_duckdb(stats: normcli.Stats, tmp_path: Path) -> None:
    # In a process of its own: DuckDB reports leaks of its own at exit.
    FRAME.write_parquet(tmp_path / "rows.parquet")
    script = """
import duckdb, normcli
relation = duckdb.sql("select * from 'rows.parquet'")
stats = normcli.fit(relation)
stats.save("stats.json")
print(stats.apply(relation)["x"].to_list())
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"{stats.apply(FRAME)['x'].to_list()}\n"
    assert normcli.load(tmp_path / "stats.json").to_json() == stats.to_json()


@pytest.mark.parametrize("suffix", ["parquet", "csv", "ndjson", "arrow"])
def test_a_path_is_scanned_lazily(stats: normcli.Stats, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"rows.{suffix}"
    write = {"csv": "sink_csv", "ndjson": "sink_ndjson", "arrow": "sink_ipc"}
    getattr(FRAME.lazy(), write.get(suffix, "sink_parquet"))(path)
    for source in (path, str(path), [path]):
        applied = stats.apply(source)
        assert isinstance(applied, pl.LazyFrame)
        assert_frame_equal(applied.collect(), stats.apply(FRAME), check_exact=True)
        assert normcli.fit(source).params("x") == stats.params("x")


def test_what_comes_back_is_what_went_in(stats: normcli.Stats) -> None:
    back = stats.invert(stats.apply(FRAME))
    assert back.schema == FRAME.schema
    assert_frame_equal(back, FRAME, rel_tol=1e-15)
    assert back["n"].equals(FRAME["n"])


def test_saved_and_loaded_it_is_the_same(stats: normcli.Stats, tmp_path: Path) -> None:
    path = tmp_path / "stats.json"
    stats.save(path)
    assert path.read_text(encoding="utf-8") == stats.to_json()
    loaded = normcli.load(path)
    assert loaded.to_json() == stats.to_json()
    assert loaded.apply(FRAME).equals(stats.apply(FRAME))


# A part of two rows or one may be constant, which is worth a warning to a user.
@pytest.mark.filterwarnings("ignore::normcli.errors.NormWarning")
def test_merge_is_the_fit_of_all_rows(stats: normcli.Stats) -> None:
    for by in ((), ("key",)):
        parts = [normcli.fit(part, by=by) for part in (FRAME[:2], FRAME[2:4], FRAME[4:])]
        whole = normcli.fit(FRAME, by=by)
        assert normcli.merge(*parts[::-1]).to_json() == whole.to_json()


def test_options_of_a_fit() -> None:
    stats = normcli.fit(
        FRAME,
        method="center",
        set={"n": "minmax"},
        by="key",
        where="n < 10",
        columns="x,n",
    )
    assert stats.fitted.rows == 4
    assert stats.params("n") == {"min": 1, "max": 4}
    assert stats.fitted.by == ("key",)


def test_predictions_take_the_statistics_of_what_they_predict(stats: normcli.Stats) -> None:
    normalized = stats.apply(FRAME).select(predicted="n")
    back = stats.invert(normalized, renamed={"predicted": "n"})
    assert back["predicted"].to_list() == FRAME["n"].to_list()


def test_unknown_groups(stats: normcli.Stats) -> None:
    by_key = normcli.fit(FRAME, by="key", columns="n")
    new = pl.DataFrame({"key": ["a", "z"], "n": [1, 10]})
    with pytest.raises(DataError, match="key='z' is not in the stats file"):
        by_key.apply(new)
    assert by_key.apply(new, unknown_group="null")["n"].to_list() == [-1.0, None]
    assert by_key.apply(new, unknown_group="keep")["n"].to_list() == [-1.0, 10.0]
    whole = stats.apply(pl.DataFrame({"x": [0.0], "n": [10]}))["n"][0]
    assert by_key.apply(new, unknown_group="global")["n"].to_list() == [-1.0, whole]


def test_warnings_and_errors_are_of_known_kinds(tmp_path: Path) -> None:
    with pytest.warns(NormWarning, match='column "x" is constant'):
        normcli.fit(pl.DataFrame({"x": [2.0, 2.0]}))
    with pytest.warns(NormWarning, match='column "x" has no valid value'):
        normcli.fit(pl.DataFrame({"x": [None, None]}, schema={"x": pl.Float64}))
    with pytest.raises(StatsFileError, match="there is no stats file"):
        normcli.load(tmp_path / "none.json")
    with pytest.raises(TypeError, match="a path, a polars frame or an Arrow table"):
        normcli.fit(3)  # type: ignore[call-overload,arg-type,unused-ignore]


def test_one_hundred_thousand_groups() -> None:
    groups = 100_000
    frame = pl.DataFrame({"key": range(groups)}).select(
        pl.concat([pl.col("key")] * 3),
    )
    frame = frame.with_columns((pl.col("key") * 2 + pl.int_range(pl.len()) % 7).alias("x"))
    stats = normcli.fit(frame, by="key", method="minmax")
    assert stats.fitted.keys is not None
    assert len(stats.fitted.keys) == groups
    applied = stats.apply(frame)["x"]
    assert (applied.min(), applied.max()) == (0.0, 1.0)
    assert stats.invert(stats.apply(frame)).equals(frame)
