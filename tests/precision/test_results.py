"""Results of many cells at once against those of integers, cell by cell: the same float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli.statistics import results, rounding
from normcli.statistics.exactsum import ExactSum
from normcli.statistics.kernel import add_moments

Rows = list[list[float]]

_SCALES = (1.0, 1e-3, 7e5, 1e300, 1e-300, 5e-324)


def _sums(rows: Rows) -> tuple[ExactSum, ExactSum, Any]:
    """Return exact sums of the values of each cell, and their counts."""
    counts = np.array([len(row) for row in rows], np.int64)
    cells = np.flatnonzero(counts)
    starts = np.concatenate([[0], np.cumsum(counts[cells])[:-1]]).astype(np.intp)
    total, squares = ExactSum(len(rows)), ExactSum(len(rows))
    if len(cells):
        values = np.array([value for row in rows for value in row], np.float64)
        add_moments(total, squares, (values,), starts, cells)
    return total, squares, counts


def _expected(
    total: ExactSum, squares: ExactSum, counts: Any, ddof: int, unit: int
) -> tuple[list[Any], list[Any], list[Any]]:
    sums = list(zip(total.integers(), squares.integers(), counts.tolist(), strict=True))
    e, f = total.exponent, squares.exponent
    return (
        [rounding.mean(s, e, n, unit) if n else None for s, _, n in sums],
        [
            rounding.standard_deviation(s, e, q, f, n, ddof, unit) if n > ddof else None
            for s, q, n in sums
        ],
        [rounding.root_mean_square(q, f, n, unit) if n else None for _, q, n in sums],
    )


def _check(rows: Rows, ddof: int, unit: int) -> None:
    total, squares, counts = _sums(rows)
    found = (
        results.means(total, counts, unit),
        results.standard_deviations(total, squares, counts, ddof, unit),
        results.root_mean_squares(squares, counts, unit),
    )
    assert repr(found) == repr(_expected(total, squares, counts, ddof, unit))


def _rows(chance: np.random.Generator, cells: int, draw: Callable[[int], Any]) -> Rows:
    return [draw(int(n)).tolist() for n in chance.integers(0, 6, cells)]


@pytest.mark.parametrize("unit", [1, 100, 10**19])
@pytest.mark.parametrize("ddof", [0, 1, 3])
@pytest.mark.parametrize("scale", _SCALES)
def test_many_cells(scale: float, ddof: int, unit: int) -> None:
    chance = np.random.default_rng(11)
    rows = _rows(chance, 3000, lambda n: chance.normal(3, 2, n) * scale)
    _check(rows, ddof, unit)


@pytest.mark.parametrize("offset", [1e8, -1e12, 1e15, 2.0**53])
def test_what_cancels_is_not_lost(offset: float) -> None:
    chance = np.random.default_rng(5)
    _check(_rows(chance, 2000, lambda n: offset + chance.normal(0, 1, n)), 0, 1)
    _check(_rows(chance, 2000, lambda n: np.full(n, offset + 0.1)), 0, 1)


def test_scales_that_differ_from_cell_to_cell() -> None:
    chance = np.random.default_rng(9)
    rows = _rows(
        chance, 4000, lambda n: chance.normal(0, 1, n) * 2.0 ** chance.integers(-1060, 900)
    )
    _check(rows, 1, 1)


def test_halfway_between_two_numbers() -> None:
    """Ties, and what lies a hair beside them, are for integers to decide."""
    odd, ulp = 1 + 2.0**-52, 2.0**-52
    ties = [[1.0, odd], [odd, odd + ulp], [1.0, odd, 2.0**-200], [1.0, odd, -(2.0**-200)]]
    rows = [[sign * value for value in row] for row in ties for sign in (1.0, -1.0)]
    _check(rows * 10, 0, 1)
    total, _, counts = _sums(rows * 10)
    means = results.means(total, counts)
    assert means[:4] == [1.0, -1.0, 1 + 2 * ulp, -1 - 2 * ulp]


_NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(_NUMBERS, max_size=4), min_size=30, max_size=40), st.integers(0, 2))
def test_any_floats(rows: Rows, ddof: int) -> None:
    _check(rows, ddof, 1)
