"""The hot loop against fractions, on raw bit patterns, with segments and without."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli.statistics.exactsum import ExactSum
from normcli.statistics.kernel import CHUNK, add_moments

Planes = tuple[np.ndarray[Any, Any], ...]

_FLOAT_BITS = st.integers(0, 2**64 - 1).filter(lambda n: n >> 52 & 0x7FF != 0x7FF)
_SINGLE_BITS = st.integers(0, 2**32 - 1).filter(lambda n: n >> 23 & 0xFF != 0xFF)
# Few exponents, so that values meet in one band, cancel, and straddle the edges of digits.
_CLOSE_BITS = st.builds(
    lambda sign, exponent, mantissa: sign << 63 | exponent << 52 | mantissa,
    st.integers(0, 1),
    st.integers(1000, 1040),
    st.one_of(st.integers(0, 2**52 - 1), st.sampled_from((0, 1, 2**51, 2**52 - 1))),
)


def _planes(kind: str, numbers: Sequence[int]) -> Planes:
    if kind == "wide":
        return (
            np.array([n >> 64 for n in numbers], np.int64),
            np.array([n & (2**64 - 1) for n in numbers], np.uint64),
        )
    if kind == "float64":
        return (np.array(numbers, np.uint64).view(np.float64),)
    if kind == "float32":
        return (np.array(numbers, np.uint32).view(np.float32),)
    return (np.array(numbers, np.dtype(kind)),)


def _exact(planes: Planes) -> list[Fraction]:
    if len(planes) == 2:
        pairs = zip(planes[0].tolist(), planes[1].tolist(), strict=True)
        return [Fraction(high * 2**64 + low) for high, low in pairs]
    return [Fraction(value) for value in planes[0].tolist()]


def _values(total: ExactSum) -> list[Fraction]:
    return [Fraction(n) * Fraction(2) ** total.exponent for n in total.integers()]


def _check(planes: Planes, starts: list[int] | None, cells: list[int] | None, size: int) -> None:
    total, squares = ExactSum(size), ExactSum(size)
    add_moments(
        total,
        squares,
        planes,
        None if starts is None else np.array(starts, np.intp),
        None if cells is None else np.array(cells, np.intp),
    )
    exact = _exact(planes)
    expected = [[Fraction(0)] * size, [Fraction(0)] * size]
    bounds = [*(starts or [0]), len(exact)]
    for i, cell in enumerate(cells or [0]):
        segment = exact[bounds[i] : bounds[i + 1]]
        expected[0][cell] = sum(segment, Fraction(0))
        expected[1][cell] = sum((x * x for x in segment), Fraction(0))
    assert [_values(total), _values(squares)] == expected


@st.composite
def _batches(draw: st.DrawFn) -> tuple[str, list[int], list[int] | None, list[int] | None, int]:
    kind, numbers = draw(
        st.sampled_from(
            (
                ("float64", _FLOAT_BITS),
                ("float64", _CLOSE_BITS),
                ("float32", _SINGLE_BITS),
                ("int64", st.integers(-(2**63), 2**63 - 1)),
                ("int8", st.integers(-128, 127)),
                ("uint64", st.integers(0, 2**64 - 1)),
                ("wide", st.integers(-(2**127), 2**127 - 1)),
                ("wide", st.integers(-(2**65), 2**65)),
            )
        )
    )
    drawn = draw(st.lists(numbers, min_size=1, max_size=30))
    if draw(st.booleans()):
        return kind, drawn, None, None, 1
    more = draw(st.sets(st.integers(1, len(drawn)), max_size=6))
    starts = sorted({0} | {start for start in more if start < len(drawn)})
    size = len(starts) + draw(st.integers(0, 3))
    cells = sorted(draw(st.permutations(range(size)))[: len(starts)])
    return kind, drawn, starts, cells, size


@settings(max_examples=600, deadline=None)
@given(_batches())
def test_sums_are_exact(
    drawn: tuple[str, list[int], list[int] | None, list[int] | None, int],
) -> None:
    kind, numbers, starts, cells, size = drawn
    _check(_planes(kind, numbers), starts, cells, size)


@pytest.mark.parametrize("kind", ["float64", "float32", "int64", "uint64", "wide"])
@pytest.mark.parametrize("segments", [1, 3, 400])
def test_more_rows_than_a_chunk(kind: str, segments: int) -> None:
    chance = np.random.default_rng(segments)
    size = CHUNK + 777
    bits = chance.integers(0, 2**64, size, np.uint64, endpoint=False)
    if kind == "float64":
        planes: Planes = (np.where(np.isfinite(v := bits.view(np.float64)), v, 1.0),)
    elif kind == "float32":
        single = (bits >> np.uint64(32)).astype(np.uint32).view(np.float32)
        planes = (np.where(np.isfinite(single), single, np.float32(1)),)
    elif kind == "wide":
        planes = (bits.view(np.int64), bits[::-1].copy())
    else:
        planes = (bits.view(np.dtype(kind)),)
    starts = sorted({0, *chance.integers(1, size, segments - 1).tolist()}) if segments > 1 else None
    cells = list(range(len(starts))) if starts else None
    _check(planes, starts, cells, len(starts or [0]))


@pytest.mark.parametrize("value", [1.7976931348623157e308, 1.0 - 2**-53, 2**-1022 * (2 - 2**-52)])
def test_a_full_chunk_of_the_worst_digits(value: float) -> None:
    """All bits of all values set: the sums of digit products reach their bound."""
    values = np.full(CHUNK + 1, value)
    total, squares = ExactSum(1), ExactSum(1)
    add_moments(total, squares, (values,))
    assert _values(total) == [(CHUNK + 1) * Fraction(value)]
    assert _values(squares) == [(CHUNK + 1) * Fraction(value) ** 2]
