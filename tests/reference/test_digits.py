"""The images of the sample data against scikit-learn's own copy, its scalers and the formulas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_digits
from sklearn.preprocessing import Normalizer, StandardScaler

import normcli

SAMPLE = Path(__file__).parents[2] / "sample_data" / "digits.parquet"
DIGITS = load_digits()


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return pl.read_parquet(SAMPLE)


def _normalized(frame: pl.DataFrame, chain: str) -> np.ndarray:
    applied = normcli.fit(frame, columns="image", method=chain).apply(frame)
    assert applied["label"].equals(frame["label"])
    assert applied.schema["image"] == pl.Array(pl.Float64, (8, 8))
    return applied["image"].to_numpy()


def test_the_sample_is_the_data_set(frame: pl.DataFrame) -> None:
    assert frame.schema == {"image": pl.Array(pl.UInt8, (8, 8)), "label": pl.UInt8}
    assert np.array_equal(frame["image"].to_numpy(), DIGITS.images)
    assert np.array_equal(frame["label"].to_numpy(), DIGITS.target)


@pytest.mark.filterwarnings("ignore:.*is constant in:normcli.errors.NormWarning")
def test_each_pixel(frame: pl.DataFrame) -> None:
    expected = StandardScaler().fit_transform(DIGITS.data).reshape(-1, 8, 8)
    np.testing.assert_allclose(_normalized(frame, "zscore:axis=all"), expected, atol=1e-12)


def test_each_image(frame: pl.DataFrame) -> None:
    images = DIGITS.images
    mean, variance = (f(images, axis=(1, 2), keepdims=True) for f in (np.mean, np.var))
    expected = (images - mean) / np.sqrt(variance + 1e-5)
    np.testing.assert_allclose(_normalized(frame, "layernorm"), expected, rtol=1e-12)
    unit = Normalizer().fit_transform(DIGITS.data).reshape(-1, 8, 8)
    np.testing.assert_allclose(_normalized(frame, "unit"), unit, rtol=1e-14)


@pytest.mark.filterwarnings("ignore:.*is constant in:normcli.errors.NormWarning")
@pytest.mark.parametrize(
    "chain",
    ["minmax:min=0,max=16,low=-1", "zscore", "zscore:axis=none", "robust:axis=none", "layernorm"],
)
@pytest.mark.parametrize("by", [(), ("label",)], ids=["all rows", "by digit"])
def test_pixels_come_back_identical(frame: pl.DataFrame, chain: str, by: tuple[str, ...]) -> None:
    stats = normcli.fit(frame, columns="image", method=chain, by=by)
    applied = stats.apply(frame, keep_row_stats=chain == "layernorm")
    back = stats.invert(applied)
    assert back.schema == frame.schema
    assert back.equals(frame)
