"""Row-wise methods against worked numbers, torch and scikit-learn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from sklearn import datasets
from sklearn.preprocessing import Normalizer

import normcli
from normcli.methods import METHODS
from normcli.methods.rowwise import RowMethod

Floats = npt.NDArray[np.float64]

# Two images of four channels of 2×2.
IMAGES = np.array(
    [
        [[[1, 0], [0, 2]], [[3, 4], [1, 2]], [[-2, 9], [7, 5]], [[2, 3], [4, 2]]],
        [[[1, 2], [-1, 0]], [[1, 2], [3, 5]], [[4, 7], [-6, 4]], [[1, 4], [1, 5]]],
    ],
    np.float64,
)
_TORCH = json.loads(Path(__file__).with_name("torch_rows.json").read_text("utf-8"))["cases"]


def _apply(data: npt.NDArray[Any], chain: str, dtype: Any = pl.Float64) -> Floats:
    flat = pl.Series("x", data.ravel(), pl.Float64).cast(dtype)
    frame = flat.reshape((-1, *data.shape[1:])).to_frame()
    applied = normcli.fit(frame, columns="x", method=chain).apply(frame)["x"]
    assert applied.dtype == pl.Array(dtype, data.shape[1:])
    return applied.cast(pl.Array(pl.Float64, data.shape[1:])).to_numpy()


def _as_columns(data: Floats, chain: str, dtype: Any = pl.Float64) -> Floats:
    frame = pl.DataFrame(data, schema=[f"c{i}" for i in range(data.shape[1])], orient="row")
    applied = normcli.fit(frame.cast(dtype), method=chain).apply(frame.cast(dtype))
    return applied.cast(pl.Float64).to_numpy()


def _close(found: Floats, expected: Floats, tolerance: float) -> None:
    """Compare relative to the larger of a row's magnitudes and 1."""
    rows = expected.reshape(len(expected), -1)
    scale = np.maximum(1, np.abs(rows).max(axis=1))[:, None]
    assert np.all(np.abs(found.reshape(rows.shape) - rows) <= tolerance * scale)


def test_worked_numbers_of_layernorm() -> None:
    y = _apply(np.array([[1.0, 3, 2], [4, 4, 4]]), "layernorm")
    np.testing.assert_allclose(y[0], np.array([-1.2247357, 1.2247357, 0]), rtol=0, atol=5e-8)
    assert y[1].tolist() == [0, 0, 0]


def test_worked_numbers_of_groupnorm() -> None:
    frame = pl.DataFrame({"x": pl.Series(IMAGES)})
    stats = normcli.fit(frame, columns="x", method="groupnorm:groups=2")
    y = stats.apply(frame, keep_row_stats=True)
    assert y["x.mean"].to_list() == [[1.625, 3.75], [1.625, 2.5]]
    variances = y["x.std"].to_numpy() ** 2
    expected = [[1.734375, 9.9375], [2.984375, 13.75]]
    np.testing.assert_allclose(variances, expected, rtol=1e-14, atol=0)
    first = y["x"].to_numpy()[0, 0].ravel()
    worked = [-0.4745776, -1.2339017, -1.2339017, 0.28474656]
    np.testing.assert_allclose(first, worked, rtol=2.0**-23, atol=0)  # they are float32


@pytest.mark.parametrize(
    "case", _TORCH, ids=[f"{i}-{c['chain'][:30]}-{c['dtype']}" for i, c in enumerate(_TORCH)]
)
def test_torch(case: dict[str, Any]) -> None:
    dtype, chain = getattr(pl, case["dtype"]), case["chain"]
    x, y, exact = (np.array(case[key]).reshape(-1, *case["shape"]) for key in ("x", "y", "exact"))
    found = _apply(x, chain, dtype)
    if case["dtype"] == "Float32":
        _close(found, exact, 1e-6)
        _close(found[2:], y[2:], 1e-6)
    else:
        _close(found, y, 1e-12)
    if len(case["shape"]) == 1:
        assert np.array_equal(_as_columns(x, chain, dtype), found)


def test_every_torch_module_of_the_methods_is_compared() -> None:
    compared = {case["chain"].partition(":")[0] for case in _TORCH}
    rows = {name for name, method in METHODS.items() if issubclass(method, RowMethod)}
    assert compared == rows - {"unit", "adanorm"}


@pytest.mark.parametrize("norm", ["l2", "l1", "max"])
@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_normalizer(name: str, norm: Literal["l2", "l1", "max"]) -> None:
    data = np.asarray(getattr(datasets, f"load_{name}")().data, np.float64)
    expected = Normalizer(norm).fit_transform(data)
    np.testing.assert_allclose(_as_columns(data, f"unit:norm={norm}"), expected, rtol=1e-14)
    single = Normalizer(norm).fit_transform(data.astype(np.float32))
    found = _as_columns(data, f"unit:norm={norm}", pl.Float32)
    np.testing.assert_allclose(found, single, rtol=1e-6)


def test_normalizer_of_zeros_and_of_tensors() -> None:
    data = np.concatenate([IMAGES, np.zeros((1, 4, 2, 2))])
    expected = Normalizer().fit_transform(data.reshape(3, -1)).reshape(data.shape)
    np.testing.assert_allclose(_apply(data, "unit"), expected, rtol=1e-14)


@pytest.mark.parametrize(("c", "k"), [(1.0, 0.1), (2.5, 0.3), (-1.0, 0.0)])
def test_adanorm_is_its_definition(c: float, k: float) -> None:
    """Xu et al. 2019: φ(z)·z with φ(z) = C·(1 − k·z) and z the layer-normalized row."""
    data = np.random.default_rng(8).normal(5, 3, (20, 9))
    mean, variance = data.mean(axis=1, keepdims=True), data.var(axis=1, keepdims=True)
    z = (data - mean) / np.sqrt(variance + 1e-5)
    np.testing.assert_allclose(
        _apply(data, f"adanorm:c={c},k={k}"), c * (1 - k * z) * z, rtol=1e-12
    )
