"""Batch normalization against worked numbers and torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import normcli
from tests.reference.test_rows import IMAGES

_TORCH = json.loads(Path(__file__).with_name("torch_batches.json").read_text("utf-8"))["cases"]


def _column(numbers: list[float], shape: list[int], dtype: Any = pl.Float64) -> pl.DataFrame:
    flat = pl.Series("x", numbers, pl.Float64).cast(dtype)
    return (flat.reshape((-1, *shape)) if shape else flat).to_frame()


def _flat(series: pl.Series) -> list[float]:
    while series.dtype.is_nested():
        series = series.explode()
    return series.to_list()


@pytest.mark.parametrize("case", _TORCH, ids=lambda case: case["chain"])
def test_torch_eval_after_training(case: dict[str, Any]) -> None:
    frame = _column(case["x"], case["shape"])
    stats = normcli.fit(frame, columns="x", method=case["chain"])
    params = stats.params("x")
    for name in ("running_mean", "running_var"):
        found = params[name] if case["shape"] else [params[name]]
        np.testing.assert_allclose(found, case[name], rtol=1e-13)
    applied = stats.apply(frame)
    np.testing.assert_allclose(_flat(applied["x"]), case["y"], rtol=1e-12, atol=1e-12)
    back = _flat(stats.invert(applied)["x"])
    np.testing.assert_allclose(back, case["x"], rtol=1e-14)


@pytest.mark.parametrize("case", _TORCH, ids=lambda case: case["chain"])
def test_float32(case: dict[str, Any]) -> None:
    """The same numbers as float32, which holds them: only what comes out is rounded."""
    frame = _column(case["x"], case["shape"], pl.Float32)
    stats = normcli.fit(frame, columns="x", method=case["chain"])
    assert stats.params("x") == normcli.fit(
        _column(case["x"], case["shape"]), columns="x", method=case["chain"]
    ).params("x")
    found = _flat(stats.apply(frame)["x"])
    np.testing.assert_allclose(found, case["y"], rtol=1e-6, atol=1e-12)
    assert _flat(stats.invert(stats.apply(_column(case["x"], case["shape"])))["x"]) == case["x"]


def test_worked_numbers() -> None:
    """One batch of two images, the whole data, with the population variance in the root."""
    frame = pl.Series("x", IMAGES).to_frame()
    frame = frame.cast(pl.Array(pl.Float64, IMAGES.shape[1:]))
    # momentum=none takes the unbiased variance of the batch: 8/7 of the population's.
    stats = normcli.fit(frame, columns="x", method="batchnorm:axis=0,momentum=none")
    params = stats.params("x")
    assert params["running_mean"] == [0.625, 2.625, 3.5, 2.75]
    population = np.array([0.984375, 1.734375, 22.25, 1.9375])
    np.testing.assert_allclose(params["running_var"], population * 8 / 7, rtol=1e-15)
    given = ":".join(map(str, population.tolist()))
    batch = normcli.fit(
        frame, columns="x", method=f"batchnorm:axis=0,momentum=none,running_var={given}"
    )
    first = _flat(batch.apply(frame)["x"])[:4]
    expected = [0.37796253, -0.6299376, -0.6299376, 1.3858627]
    np.testing.assert_allclose(first, expected, rtol=0, atol=5e-8)
