"""The condition number of the feature covariance, before and after."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn import datasets

import normcli
from normcli.errors import UsageError
from normcli.statistics.eigen import eigen


def _condition(frame: pl.DataFrame, **options: str) -> dict[str, float | int | None]:
    stats = normcli.fit(frame, condition=True, **options)  # type: ignore[arg-type]
    found: dict[str, float | int | None] = json.loads(stats.to_json())["condition"]
    return found


@pytest.mark.parametrize("name", ["iris", "wine", "diabetes", "breast_cancer"])
def test_against_numpy(name: str) -> None:
    data = getattr(datasets, f"load_{name}")().data
    columns = {f"f{i}": column for i, column in enumerate(np.asarray(data, np.float64).T)}
    found = _condition(pl.DataFrame(columns))
    normalized = (data - data.mean(axis=0)) / data.std(axis=0)
    for key, table in (("before", data), ("after", normalized)):
        values = np.linalg.eigvalsh(np.cov(table.T, bias=True))
        # How far numpy's own smallest eigenvalue may be off.
        tolerance = 1e-12 * values[-1] / values[0] + 1e-10
        assert found[key] == pytest.approx(values[-1] / values[0], rel=min(tolerance, 0.05))
    assert (found["features"], found["rows"]) == data.shape[::-1]


def test_rows_that_lack_a_feature_are_left_out_and_dependent_ones_are_singular() -> None:
    x = [1.0, 2.0, 4.0, 3.0, None]
    frame = pl.DataFrame({"x": x, "y": [2.0, 5.0, 1.0, 1.0, 7.0], "t": ["a"] * 5})
    whole = _condition(frame.drop_nulls())
    assert _condition(frame)["before"] == whole["before"]
    assert _condition(frame)["rows"] == 4
    twins = frame.with_columns(z=2 * pl.col("x") + pl.col("y"))
    assert (_condition(twins)["before"], _condition(twins)["after"]) == (None, None)


def test_it_does_not_depend_on_order_or_batches() -> None:
    chance = np.random.default_rng(4)
    frame = pl.DataFrame({f"f{i}": chance.normal(i, 10.0**i, 5000) for i in range(4)})
    first = normcli.fit(frame, condition=True).to_json()
    shuffled = frame.sample(fraction=1, shuffle=True, seed=1)
    assert normcli.fit(shuffled, condition=True, batch_rows=77).to_json() == first


def test_a_name_that_looks_like_a_pattern() -> None:
    frame = pl.DataFrame({"a": [1.0, 2.0, 4.0, 3.0], "b": [2.0, 5.0, 1.0, 1.0]})
    odd = frame.rename({"a": "*"})
    assert _condition(odd) == _condition(frame)


def test_show(tmp_path: Path) -> None:
    stats = tmp_path / "s.json"
    frame = pl.DataFrame({"x": [1.0, 2.0, 3.0, 5.0], "y": [10.0, -20.0, 30.0, 15.0]})
    normcli.fit(frame, condition=True).save(stats)
    command = [sys.executable, "-m", "normcli", "show", "--condition", str(stats)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.startswith("condition number of the covariance of 2 features, 4 rows: ")
    normcli.fit(frame).save(stats)
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 3
    assert "fit with --condition" in done.stderr


def test_no_features_to_speak_of() -> None:
    frame = pl.DataFrame({f"f{i}": [1.0, 2.0] for i in range(1025)})
    with pytest.raises(UsageError, match="1,025 features"):
        normcli.fit(frame, condition=True)


@pytest.mark.parametrize("size", [1, 2, 5, 20])
def test_eigenvalues(size: int) -> None:
    chance = np.random.default_rng(size)
    half = chance.normal(size=(size, size + 3)) * 10.0 ** chance.integers(-6, 6, size)[:, None]
    matrix = half @ half.T
    values, vectors = eigen(matrix)
    again = vectors @ np.diag(values) @ vectors.T
    scale = np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)))
    assert np.max(np.abs(again - matrix) / scale) < 1e-13 * size
    assert np.all(np.diff(values) <= 0)
    assert np.allclose(vectors.T @ vectors, np.eye(size), atol=1e-13 * size)
