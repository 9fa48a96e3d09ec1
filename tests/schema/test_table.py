"""Tables of many rows are written as the JSON encoder would write each row."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli.statsfile.table import table_rows

_FLOATS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-1e-3, 1e-3),
    st.floats(1e-11, 1e-4),
    st.sampled_from((1e-5, 1e-6, 1e-9, 1e-10, 9.999999999999999e-10, 9.999999999999999e-6)),
    st.sampled_from((0.0, -0.0, 1e-4, 9.999e-5, 1e15, 1e16, -1e16, 1e17, 5e-324, 1.5, 123456789.0)),
)
_COLUMNS: list[st.SearchStrategy[Any]] = [
    _FLOATS,
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-(2**70), 2**70),
    st.text(),
    st.text("0123456789abcdef-xp", max_size=30),
    st.booleans(),
    st.none(),
    st.one_of(_FLOATS, st.integers()),
]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_rows_are_those_of_the_encoder(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(_COLUMNS), min_size=1, max_size=4))
    count = data.draw(st.integers(1, 20))
    columns = [
        data.draw(st.lists(st.one_of(kind, st.none()), min_size=count, max_size=count))
        for kind in kinds
    ]
    written = table_rows(columns).to_list()
    rows = zip(*columns, strict=True)
    assert written == [json.dumps(list(row), ensure_ascii=False) for row in rows]


def test_decimals_keep_all_their_digits() -> None:
    column = [Decimal("1.50"), None, Decimal("-12345678901234567890.123456789")]
    written = table_rows([column]).to_list()
    assert written == ["[1.50]", "[null]", "[-12345678901234567890.123456789]"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_lacks_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="infinity and NaN"):
        table_rows([[1.0, value]])
