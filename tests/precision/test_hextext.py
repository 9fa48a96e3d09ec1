"""Exact sums of many cells as text: what integers say, cell by cell, and nothing else is read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli.statistics.exactsum import ExactSum

_NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70),
    st.integers(-(2**2200), 2**2200),
    st.integers(0, 2200).map(lambda n: 1 << n),
    st.just(0),
)


def _text(number: int, exponent: int) -> str:
    """Return the canonical text of number·2^exponent."""
    if number == 0:
        return "0x0p0"
    while number % 2 == 0:
        number, exponent = number // 2, exponent + 1
    return f"{number:#x}p{exponent}"


@settings(max_examples=100, deadline=None)
@given(st.lists(_NUMBERS, min_size=24, max_size=30), st.integers(-2200, 100))
def test_many_cells_are_written_and_read_as_one_by_one(numbers: list[int], exponent: int) -> None:
    texts = ExactSum.from_integers(numbers, exponent).to_hex()
    assert texts == [_text(number, exponent) for number in numbers]
    read = ExactSum.from_hex(texts)
    assert read.to_hex() == texts
    shift = read.exponent - exponent
    assert [n * 2**shift if shift >= 0 else n >> -shift for n in read.integers()] == numbers


def test_sums_that_were_not_carried_yet() -> None:
    limbs = np.array([[2**40, -1, 5] * 10, [-(2**21), 0, -(2**45)] * 10], np.int64)
    values = [int(a) + int(b) * 2**19 for a, b in limbs.T]
    assert ExactSum(30, 0, limbs).to_hex() == [_text(value, 0) for value in values]


@pytest.mark.parametrize(
    "wrong",
    [
        *("", "0x", "p3", "0x1", "1p0", "0x1p", "0xp0", "0x1p0p0", "0x1p1.0", "0x1pz", "0xgp0"),
        *("0x2p0", "0x0p1", "-0x0p0", "0x01p0", "0x1p+1", "0x1p01", "0x1p-0", " 0x1p0", "0x1p0 "),
        *("0X1p0", "0xAp1", "--0x1p0", "0x 1p0", "0x1p5001", "0x1p-99999999999999999999", "0x1 p0"),
        f"0x{'1' * 5000}p0",
    ],
)
def test_what_is_not_canonical_is_refused(wrong: str) -> None:
    for count in (0, 40):
        with pytest.raises(ValueError, match="exact number"):
            ExactSum.from_hex(["0x1p0"] * count + [wrong])
