"""The yardstick itself: it accepts the nearest float64 and no neighbour of it."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.precision.exact import exact_variance, is_nearest, is_nearest_root


@given(st.fractions(min_value=-(10**20), max_value=10**20))
def test_nearest(number: Fraction) -> None:
    y = number.numerator / number.denominator  # correctly rounded by Python
    assert is_nearest(y, number)
    assert not is_nearest(math.nextafter(y, math.inf), number)
    assert not is_nearest(math.nextafter(y, -math.inf), number)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=0))
def test_root(x: float) -> None:
    y = math.sqrt(x)  # correctly rounded by IEEE 754
    assert is_nearest_root(y, Fraction(x))
    assert not is_nearest_root(math.nextafter(y, math.inf), Fraction(x))
    assert y == 0 or not is_nearest_root(math.nextafter(y, 0.0), Fraction(x))


@pytest.mark.parametrize(("number", "nearest"), [(2**53 + 1, 2**53), (2**53 + 3, 2**53 + 4)])
def test_ties_go_to_even(number: int, nearest: int) -> None:
    assert is_nearest(float(nearest), Fraction(number))
    assert not is_nearest(float(2 * number - nearest), Fraction(number))


def test_root_ties_can_not_be_even_only() -> None:
    # A root that is itself a midpoint: (2^53 + 1)² under the root.
    assert is_nearest_root(2.0**53, Fraction((2**53 + 1) ** 2))
    assert not is_nearest_root(2.0**53 + 2, Fraction((2**53 + 1) ** 2))


def test_variance_agrees_with_the_standard_library() -> None:
    numbers = [Fraction(n, 7) for n in (1, 5, 9, 30)]
    assert exact_variance(numbers) == statistics.pvariance(numbers)
    assert exact_variance(numbers, 1) == statistics.variance(numbers)
