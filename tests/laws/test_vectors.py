"""Cross products of vectors: exact, and the same however the vectors come."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli.statistics import Values
from normcli.statistics.products import CrossProducts

Vector = tuple[int, tuple[float, ...]]
_NONE = np.zeros(0, np.intp)
_HARD = (0.0, -0.0, 5e-324, -1.7976931348623157e308, 2.2250738585072014e-308, 1e15 + 0.5, 1 / 3)
_NUMBERS = st.one_of(st.sampled_from(_HARD), st.floats(allow_nan=False, allow_infinity=False))


def _state(vectors: Sequence[Vector], cells: int) -> CrossProducts:
    state = CrossProducts.empty("float", cells)
    _take(state, vectors)
    return state


def _take(state: CrossProducts, vectors: Sequence[Vector]) -> None:
    ordered = sorted(vectors, key=lambda vector: vector[0])
    ids = np.array([cell for cell, _ in ordered], np.intp)
    starts = np.flatnonzero(np.diff(ids, prepend=-1)).astype(np.intp)
    matrix = np.array([numbers for _, numbers in ordered], np.float64)
    values = Values("float", (), starts, ids[starts], _NONE, _NONE, _NONE, vectors=matrix)
    if ordered:
        state.update(values)


def _text(state: CrossProducts) -> str:
    return json.dumps(state.to_json())


@st.composite
def _datasets(draw: st.DrawFn) -> tuple[list[Vector], int]:
    cells, size = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    vector = st.tuples(st.integers(0, cells - 1), st.tuples(*[_NUMBERS] * size))
    return draw(st.lists(vector, max_size=12)), cells


@settings(max_examples=150, deadline=None)
@given(_datasets(), st.integers(0, 2**32 - 1))
def test_laws(drawn: tuple[list[Vector], int], seed: int) -> None:
    vectors, cells = drawn
    chance = random.Random(seed)
    whole = _text(_state(vectors, cells))
    shuffled = chance.sample(vectors, len(vectors))
    cut = chance.randint(0, len(vectors))
    first, second = _state(shuffled[:cut], cells), _state(shuffled[cut:], cells)
    assert _text(first.merge(second)) == _text(second.merge(first)) == whole
    _take(first, shuffled[cut:])
    assert _text(first) == whole
    assert _text(CrossProducts.from_json("float", json.loads(whole))) == whole
    assert _text(_state(vectors, cells).fold()) == _text(_state([(0, v) for _, v in vectors], 1))
    where = np.array(chance.sample(range(cells + 2), cells), np.intp)
    moved = _state([(int(where[c]), v) for c, v in vectors], cells + 2)
    assert _text(_state(vectors, cells).scatter(where, cells + 2)) == _text(moved)
    folded = _state([(2 * c + k % 2, v) for k, (c, v) in enumerate(vectors)], 2 * cells).fold(2)
    assert _text(folded) == _text(_state([(k % 2, v) for k, (_, v) in enumerate(vectors)], 2))


@settings(max_examples=100, deadline=None)
@given(_datasets())
def test_covariance_is_correctly_rounded(drawn: tuple[list[Vector], int]) -> None:
    vectors, _ = drawn
    state = _state([(0, numbers) for _, numbers in vectors], 1)
    exact = [[Fraction(x) for x in numbers] for _, numbers in vectors]
    found = state.covariance(0)
    if not exact:
        assert found is None
        return
    assert found is not None
    n, size = len(exact), len(exact[0])
    means = [sum(column) / n for column in zip(*exact, strict=True)]
    assert found[0] == [_nearest(mean) for mean in means]
    for i in range(size):
        for j in range(size):
            covariance = sum((v[i] - means[i]) * (v[j] - means[j]) for v in exact) / n
            assert found[1][i, j] == _nearest(Fraction(covariance))


def _nearest(number: Fraction | int) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


def test_many_vectors_in_chunks() -> None:
    chance = np.random.default_rng(5)
    matrix = chance.integers(-1000, 1000, (20_000, 3)) * np.array([1.0, 2.0**-40, 2.0**60])
    state = CrossProducts.empty("float", 1)
    state.update(Values("float", (), None, None, _NONE, _NONE, _NONE, vectors=matrix))
    whole = matrix * np.array([1.0, 2.0**40, 2.0**-60])
    exact = whole.astype(np.int64).T @ whole.astype(np.int64)
    shifts = [0, -40, 60]
    for number, (i, j) in zip(
        state.products.integers(), zip(*np.triu_indices(3), strict=True), strict=True
    ):
        value = Fraction(number) * Fraction(2) ** state.products.exponent
        assert value == int(exact[i, j]) * Fraction(2) ** (shifts[i] + shifts[j])
