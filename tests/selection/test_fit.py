"""Parameters that are percentiles, by fit, over every kind of column."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import normcli
from normcli.errors import DataError, NormWarning
from tests.selection.exact import Exact

_SHARES = {"median": 50, "q_low": 10, "q_high": 97.5}
_CHAIN = "robust:low=10,high=97.5"


def _params(frame: pl.DataFrame, by: Sequence[str], **options: Any) -> list[dict[str, Any]]:
    """Return the params of all rows, then of each group."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormWarning)
        stats = normcli.fit(frame, method=_CHAIN, columns="x", by=by, **options)
    step = json.loads(stats.to_json())["columns"]["x"]["steps"][0]
    tables = step.get("groups", {"params": [], "rows": []})
    return [
        step["params"],
        *(dict(zip(tables["params"], row, strict=True)) for row in tables["rows"]),
    ]


def _check(series: pl.Series) -> None:
    frame = pl.DataFrame([pl.Series("g", [i % 3 for i in range(len(series))]), series.alias("x")])
    groups = [frame["x"], *(frame.filter(pl.col("g") == g)["x"] for g in range(3))]
    for by in ((), ("g",)):
        params = _params(frame, by)
        assert len(params) == (1 + min(3, len(series)) if by else 1)
        for found, own in zip(params, groups, strict=False):
            # The units of the last digit, which is what is searched.
            unit = 10 ** (series.dtype.scale if isinstance(series.dtype, pl.Decimal) else 0)
            physical = own.to_physical() if own.dtype.is_temporal() else own
            numbers = [
                Fraction(v)
                for v in physical.to_list()
                if v is not None and not (isinstance(v, float) and math.isnan(v))
            ]
            for name, share in _SHARES.items():
                if not numbers:
                    assert found[name] is None
                elif unit == 1:
                    Exact(numbers, share).check(found[name])
                else:
                    exact = Exact(numbers, share)
                    largest = float(max(abs(exact.lower), abs(exact.upper)))
                    error = abs(Fraction(found[name]) - exact.value)
                    assert error <= 3 * Fraction(math.ulp(largest))


_NAN = float("nan")
_COLUMNS: dict[str, pl.Series] = {
    "one": pl.Series([4.5]),
    "two": pl.Series([-1.25, 3e300]),
    "three": pl.Series([3, 1, 2]),
    "null and nan": pl.Series([None, _NAN, 1.0, 7.5, None, 2.25, _NAN, -3.0, 1.0, 8.0, None]),
    "a group of nothing": pl.Series([1.0, None, 2.0, 7.0, _NAN, 3.0, 2.5, None, -4.0]),
    "a group of one": pl.Series([1.0, None, 2.0, 7.0, 8.0, 3.0, 2.5, _NAN, -4.0]),
    "nothing": pl.Series([None, None, None, None], dtype=pl.Float64),
    "zeros": pl.Series([0.0, -0.0, -0.0, 0.0, -0.0]),
    "float32": pl.Series([0.1, 0.2, 1e30, -7.0], dtype=pl.Float32),
    "the ends of float64": pl.Series([1e308, -1e308, 5e-324, -5e-324, 2e-310, 0.0]),
    "int64": pl.Series([-(2**63), 2**63 - 1, 0, 2**53 + 1, -1, 5], dtype=pl.Int64),
    "uint64": pl.Series([2**64 - 1, 0, 2**63, 2**64 - 2, 2**53 + 1], dtype=pl.UInt64),
    "int8": pl.Series([-128, 127, 3, None], dtype=pl.Int8),
    "booleans": pl.Series([True, False, True, None]),
    "dates": pl.Series([date(1, 1, 1), date(2026, 11, 21), date(9999, 12, 31), None]),
    "datetimes": pl.Series(
        [datetime(1969, 7, 20, 20, 17) + timedelta(microseconds=3**i) for i in range(30)]
    ),
    "nanoseconds": pl.Series([2**63 - 1, 2**62 + 1, 5], dtype=pl.Datetime("ns")),
    "small decimals": pl.Series(["0.10", "-7.25", "3.33", None], dtype=pl.String).cast(
        pl.Decimal(9, 2)
    ),
    "38 digits": pl.Series(
        [Decimal(10) ** 37 * n + n for n in (-9, 3, 9, 1)], dtype=pl.Decimal(38, 0)
    ),
    "38 decimals": pl.Series(
        [Decimal(n).scaleb(-38) for n in (1, -(10**37), 10**37, 5)], dtype=pl.Decimal(38, 38)
    ),
}


@pytest.mark.parametrize("name", _COLUMNS)
def test_columns(name: str) -> None:
    _check(_COLUMNS[name])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.none()
        | st.just(_NAN)
        | st.floats(-1e307, 1e307)
        | st.floats(0, 1).map(lambda t: 1e9 + t),
        min_size=1,
        max_size=30,
    )
)
def test_any_floats(values: list[float | None]) -> None:
    _check(pl.Series(values, dtype=pl.Float64))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-(10**38) + 1, 10**38 - 1), min_size=1, max_size=9), st.integers(0, 38))
def test_any_decimals(units: list[int], scale: int) -> None:
    numbers = [Decimal((int(n < 0), tuple(map(int, str(abs(n)))), -scale)) for n in units]
    _check(pl.Series(numbers, dtype=pl.Decimal(38, scale)))


def test_mad_is_the_median_of_exact_deviations() -> None:
    chance = np.random.default_rng(12)
    numbers = (1e9 + chance.normal(size=401)).tolist()
    frame = pl.DataFrame({"x": numbers, "g": [i % 4 for i in range(401)]})
    document = json.loads(normcli.fit(frame, method="mad", columns="x", by="g").to_json())
    step = document["columns"]["x"]["steps"][0]
    found = [
        step["params"],
        *(dict(zip(step["groups"]["params"], row, strict=True)) for row in step["groups"]["rows"]),
    ]
    owns = [numbers, *(numbers[g::4] for g in range(4))]
    for params, own in zip(found, owns, strict=True):
        Exact(own, 50).check(params["median"])
        Exact([abs(x - params["median"]) for x in own], 50).check(params["mad"])


def test_deviations_beyond_float64_are_not_called_infinite_values() -> None:
    frame = pl.DataFrame({"x": [1.5e308, -1.5e308, -1.5e308, 1.0, -1.6e308, 3.0]})
    with pytest.raises(DataError, match=r"1 value whose distance .* mad can't be fitted"):
        normcli.fit(frame, method="mad")
