"""Whitening: identity covariance, exact and mergeable, and back."""

from __future__ import annotations

import json
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn import datasets
from sklearn.decomposition import PCA

import normcli
from normcli.errors import DataError, NormWarning, StatsFileError

_CHANCE = np.random.default_rng(12)
_MIXED = _CHANCE.normal(size=(400, 3)) @ np.array([[2.0, 1, 0], [0, 0.5, 0.3], [1, 0, 3]]) + 100
_FRAME = pl.DataFrame({"g": ["u", "v"] * 200, **dict(zip("abc", _MIXED.T, strict=True))})
_VECTORS = _FRAME.select("g", v=pl.concat_arr("a", "b", "c"))


def _matrix(frame: pl.DataFrame) -> Any:
    return frame["v"].to_numpy() if "v" in frame.columns else frame.select("a", "b", "c").to_numpy()


def _fit(frame: pl.DataFrame, method: str = "whiten", **options: Any) -> normcli.Stats:
    columns = "v" if "v" in frame.columns else "a,b,c"
    return normcli.fit(frame, method=method, columns=columns, **options)


@pytest.mark.parametrize("method", ["whiten", "whiten:kind=pca", "zscore+whiten", "whiten:ddof=1"])
@pytest.mark.parametrize("frame", [_FRAME, _VECTORS], ids=["columns", "vector"])
def test_the_covariance_becomes_the_identity(frame: pl.DataFrame, method: str) -> None:
    for by in ([], ["g"]):
        stats = _fit(frame, method, by=by)
        carried = stats.apply(frame)
        parts = carried.partition_by("g") if by else [carried]
        ddof = int("ddof=1" in method)
        for part in parts:
            covariance = np.cov(_matrix(part).T, ddof=ddof)
            assert np.abs(covariance - np.eye(3)).max() < 1e-12
        back = stats.invert(carried)
        assert back.schema == frame.schema
        assert np.abs(_matrix(back) - _MIXED).max() < 1e-11
        path = json.loads(stats.to_json())
        assert next(iter(path["columns"].values()))["steps"][-1]["method"] == "whiten"


def test_zca_is_symmetric_and_its_square_the_inverse_of_the_covariance() -> None:
    (column,) = _fit(_FRAME).fitted.columns
    matrix = np.array(column.steps[0].params["matrix"])
    assert (matrix == matrix.T).all()
    expected = np.linalg.inv(np.cov(_MIXED.T, bias=True))
    assert np.allclose(matrix @ matrix, expected, rtol=1e-11, atol=0)


@pytest.mark.parametrize("name", ["iris", "wine", "diabetes", "breast_cancer"])
def test_pca_against_scikit_learn(name: str) -> None:
    data = np.asarray(getattr(datasets, f"load_{name}")().data, np.float64)
    data = (data - data.mean(axis=0)) / data.std(axis=0)
    frame = pl.DataFrame({"v": data}, schema={"v": pl.Array(pl.Float64, data.shape[1])})
    found = _matrix(_fit(frame, "whiten:kind=pca,ddof=1").apply(frame))
    theirs = PCA(whiten=True, svd_solver="full").fit_transform(data)
    # The sign of a component is a convention.
    signs = np.sign((found * theirs).sum(axis=0))
    assert np.abs(found - theirs * signs).max() < 1e-8


def test_the_mean_is_correctly_rounded() -> None:
    (column,) = _fit(_FRAME).fitted.columns
    exact = [sum(map(Fraction, each.tolist())) / len(each) for each in _MIXED.T]
    assert column.steps[0].params["mean"] == [float(mean) for mean in exact]


@pytest.mark.parametrize("by", [[], ["g"]], ids=["all rows", "by group"])
def test_the_same_bytes_however_the_rows_come(by: list[str]) -> None:
    whole = _fit(_VECTORS, by=by).to_json()
    shuffled = _VECTORS.sample(fraction=1, shuffle=True, seed=3)
    assert _fit(shuffled, by=by, batch_rows=17).to_json() == whole
    assert _fit(shuffled, by=by, threads=1).to_json() == whole
    shards = [_fit(shuffled[i : i + 150], by=by) for i in range(0, 400, 150)]
    assert normcli.merge(*reversed(shards)).to_json() == whole


def test_stats_file_and_data_of_other_dtypes(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    stats = _fit(_FRAME, "whiten:kind=pca,eps=0.5", by="g")
    stats.save(path)
    loaded = normcli.load(path)
    assert loaded.to_json() == stats.to_json()
    assert loaded.apply(_FRAME).equals(stats.apply(_FRAME))
    whole = _FRAME.select((pl.col("a", "b", "c") * 10).round().cast(pl.Int32))
    stats = _fit(whole)
    assert stats.invert(stats.apply(whole)).equals(whole)
    document = json.loads(path.read_text())
    matrix = document["columns"]["a,b,c"]["steps"][0]["groups"]["rows"][0][1]
    matrix[0][0] += 1
    path.write_text(json.dumps(document))
    with pytest.raises(StatsFileError, match="contradict the state"):
        normcli.load(path)


def test_vectors_that_lack_an_element() -> None:
    rows = [[1.0, 2.0], [2.0, None], None, [3.0, float("nan")], [4.0, 1.0], [0.0, 7.0]]
    frame = pl.DataFrame({"v": rows}, schema={"v": pl.Array(pl.Float64, 2)})
    stats = _fit(frame)
    assert stats.to_json().count('"vectors": 3') == 1
    kept = frame[[0, 4, 5]]
    assert _fit(kept).params("v") == stats.params("v")
    carried = stats.apply(frame)["v"].to_list()
    assert carried[1] == [None, None]
    assert carried[2] is None
    assert all(np.isnan(carried[3]))
    assert stats.apply(kept).equals(stats.apply(frame)[[0, 4, 5]])


@pytest.mark.parametrize(
    "expression", [pl.lit(1.0), 2 * pl.col("a") - pl.col("b"), 1e9 * pl.col("b")]
)
def test_singular(expression: pl.Expr) -> None:
    frame = _FRAME.with_columns(c=expression)
    with pytest.raises(DataError, match=r'"a,b,c": whiten: the covariance matrix is singular') as r:
        _fit(frame)
    assert "eps" in str(r.value)
    assert np.isfinite(_matrix(_fit(frame, "whiten:eps=1e-6").apply(frame))).all()
    # Columns of very different sizes are another matter.
    _fit(_FRAME.with_columns(c=pl.col("c") * 1e12, a=pl.col("a") * 1e-9))


def test_unknown_groups_empty_frames_and_missing_columns() -> None:
    stats = _fit(_FRAME, by="g")
    new = _FRAME.head(2).with_columns(g=pl.Series(["u", "w"]))
    with pytest.raises(DataError, match="group g='w' is not in the stats file"):
        stats.apply(new)
    assert stats.apply(new, unknown_group="null")["a"][1] is None
    assert stats.apply(new, unknown_group="keep")["a"][1] == new["a"][1]
    overall = _fit(_FRAME).apply(new)
    assert stats.apply(new, unknown_group="global")["b"][1] == overall["b"][1]
    assert stats.apply(_FRAME.clear()).is_empty()
    with pytest.raises(DataError, match='no column "b"'):
        stats.apply(_FRAME.drop("b"))


def test_nothing_to_fit_on() -> None:
    nothing = _VECTORS.with_columns(v=pl.lit(None, _VECTORS.schema["v"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormWarning)
        stats = _fit(nothing)
    assert stats.params("v") == {"mean": None, "matrix": None}
    assert stats.apply(_VECTORS)["v"].arr.get(0).is_null().all()
    with pytest.raises(DataError, match="singular"):
        _fit(_VECTORS.head(1))
