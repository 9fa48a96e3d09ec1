"""Rows get the cell of their key, whatever the keys are, batch by batch."""

from __future__ import annotations

import datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli.groups import KeyIndex

_DAY = datetime.date(2026, 11, 21)
_POOLS: list[tuple[Any, list[Any]]] = [
    (pl.Int64(), [None, -(2**63), -(2**63) + 1, -1, 0, 1, 5, 2**63 - 2, 2**63 - 1]),
    (pl.UInt64(), [None, 0, 1, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1]),
    (pl.Int64(), [None, -3, 0, 1, 2, 70_000]),
    (pl.UInt64(), [2**64 - 1, 2**64 - 3, 2**64 - 70_000]),
    (pl.Int8(), [None, -128, 0, 127]),
    (pl.Int128(), [None, 0, 1, 2**100]),
    (pl.Date(), [None, *(_DAY + datetime.timedelta(days) for days in (0, 1, 400))]),
    (pl.Boolean(), [None, True, False]),
    (pl.String(), [None, "", "a", "b", "\0"]),
    (pl.Float64(), [None, 0.0, 1.5, float("inf")]),
]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_each_row_gets_the_number_of_its_key(data: st.DataObject) -> None:
    dtype, pool = data.draw(st.sampled_from(_POOLS))
    index = KeyIndex.empty({"k": dtype})
    numbers: dict[Any, int] = {}
    for _ in range(data.draw(st.integers(1, 4))):
        rows = data.draw(st.lists(st.sampled_from(pool), max_size=12))
        batch = pl.DataFrame({"k": pl.Series(rows, dtype=dtype)})
        wanted = [numbers.setdefault(row, len(numbers)) for row in rows]
        elsewhere = pl.DataFrame({"k": pl.Series(pool, dtype=dtype)})
        assert index.number(batch).tolist() == wanted
        assert index.find(elsewhere).to_list() == [numbers.get(key) for key in pool]
    assert len(index) == len(numbers)
    assert index.keys["k"].to_list() == list(numbers)


@pytest.mark.parametrize("dtype", [pl.Int64(), pl.String()])
def test_several_keys(dtype: pl.DataType) -> None:
    index = KeyIndex.empty({"a": dtype, "b": pl.Int64()})
    rows = pl.DataFrame(
        {"a": pl.Series([1, 1, None, 2]).cast(dtype), "b": [1, 2, None, 1]},
        schema={"a": dtype, "b": pl.Int64()},
    )
    assert index.number(rows).tolist() == [0, 1, 2, 3]
    assert index.find(rows.reverse()).to_list() == [3, 2, 1, 0]
