"""Column methods on tensor columns against NumPy over the same axes, and Keras' semantics of axis.

tf.keras.layers.Normalization(axis=a) keeps a mean and a population variance for each index of the
axes a, over the rows and all other axes; its axes count that of the rows, normcli's do not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

import normcli

Floats = npt.NDArray[np.float64]
Axes = tuple[int, ...]

# The axes that are kept, as normcli and as Keras number them; images 4×3×2, vectors of 5.
_IMAGES = [
    ("-1", (-1,)),
    ("0", (1,)),
    ("1", (2,)),
    ("0:1", (1, 2)),
    ("0:-1", (1, -1)),
    ("none", ()),
    ("all", (1, 2, 3)),
]
_VECTORS = [("-1", (-1,)), ("0", (1,)), ("none", ()), ("all", (1,))]
_CASES = [((4, 3, 2), *each) for each in _IMAGES] + [((5,), *each) for each in _VECTORS]
_METHODS: dict[str, Callable[[Floats, Axes], Floats]] = {
    "zscore": lambda x, over: (x - x.mean(over, keepdims=True)) / x.std(over, keepdims=True),
    "zscore:ddof=1": lambda x, over: (
        (x - x.mean(over, keepdims=True)) / x.std(over, ddof=1, keepdims=True)
    ),
    "center": lambda x, over: x - x.mean(over, keepdims=True),
    "scale": lambda x, over: x / x.std(over, keepdims=True),
    "minmax": lambda x, over: (x - x.min(over, keepdims=True)) / np.ptp(x, over, keepdims=True),
    "maxabs": lambda x, over: x / np.abs(x).max(over, keepdims=True),
    "rms": lambda x, over: x / np.sqrt((x**2).mean(over, keepdims=True)),
    "mean_range": lambda x, over: (
        (x - x.mean(over, keepdims=True)) / np.ptp(x, over, keepdims=True)
    ),
    "robust": lambda x, over: (
        (x - np.median(x, over, keepdims=True))
        / np.subtract(*np.percentile(x, (75, 25), over, keepdims=True))
    ),
}


def _data(shape: tuple[int, ...], rows: int = 60) -> Floats:
    chance = np.random.default_rng(len(shape))
    scales = np.exp(chance.uniform(-3, 3, shape))
    return scales * chance.normal(1, 1, (rows, *shape)) + 20 * chance.normal(0, 1, shape)


def _normalized(data: Floats, chain: str, axis: str, dtype: Any) -> tuple[Floats, Floats]:
    """Return the data as that dtype holds them, and what normcli makes of them."""
    flat = pl.Series("x", data.ravel()).cast(dtype)
    frame = flat.reshape((-1, *data.shape[1:])).to_frame()
    chain += f"{',' if ':' in chain else ':'}axis={axis}"
    applied = normcli.fit(frame, columns="x", method=chain).apply(frame)["x"]
    assert applied.dtype == pl.Array(dtype, data.shape[1:])
    return frame["x"].to_numpy().astype(np.float64), applied.to_numpy().astype(np.float64)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(pl.Float64, 1e-12), (pl.Float32, 1e-6)], ids=["float64", "float32"]
)
@pytest.mark.parametrize(("shape", "axis", "keras"), _CASES, ids=str)
@pytest.mark.parametrize("chain", _METHODS)
def test_axes(
    chain: str, shape: tuple[int, ...], axis: str, keras: Axes, dtype: Any, tolerance: float
) -> None:
    data, found = _normalized(_data(shape), chain, axis, dtype)
    kept = {a % data.ndim for a in keras}
    over = tuple(a for a in range(data.ndim) if a not in kept)
    expected = _METHODS[chain](data, over)
    size = np.maximum(1, np.abs(expected).max(over, keepdims=True))
    assert np.all(np.abs(found - expected) <= tolerance * size)


@pytest.mark.parametrize(
    ("chain", "scaler"),
    [("zscore", StandardScaler), ("minmax", MinMaxScaler), ("robust", RobustScaler)],
)
def test_a_vector_is_scaled_as_the_columns_of_a_matrix(chain: str, scaler: Any) -> None:
    data = _data((5,))
    expected = scaler().fit_transform(data)
    _, found = _normalized(data, chain, "-1", pl.Float64())
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())
