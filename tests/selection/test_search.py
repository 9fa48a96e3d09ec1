"""A search finds exact percentiles whatever the values, the memory, the workers, the batches."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli.statistics.base import Kind
from tests.selection.driving import Setting, planes_of, search, searched
from tests.selection.exact import Exact, percentile

_SHARES = (0, 0.1, 2.5, 25, 100 / 3, 50, 66, 75, 99.9, 100)

# From everything in one scan down to two bins for each slot, again and again.
_SETTINGS = [
    Setting(),
    Setting(limit=0),
    Setting(memory=1 << 16, workers=1, batch=37, limit=5),
    Setting(memory=4096, workers=4, batch=23, limit=0),
    Setting(memory=64, workers=3, batch=50, limit=0),
    Setting(memory=1, workers=2, batch=100, limit=0),
]


def _check(
    kind: Kind, numbers: Sequence[Any], cells: Sequence[int] | None = None, groups: int = 1
) -> None:
    planes = planes_of(kind, numbers)
    ids = None if cells is None else np.array(cells, np.intp)
    first = None
    for setting in _SETTINGS:
        found, _ = search(kind, planes, _SHARES, setting, ids, groups)
        # With their signs and all their digits.
        written = repr(found)
        first = first or written
        assert written == first, setting
    for p, column in found.items():
        assert len(column) == groups
        for group, value in enumerate(column):
            own = [
                number
                for number, cell in zip(numbers, cells or [0] * len(numbers), strict=True)
                if cell == group
            ]
            exact = percentile(own, p)
            if exact is None:
                assert value is None
            else:
                exact.check(value)


def _kinds() -> st.SearchStrategy[tuple[Kind, st.SearchStrategy[Any]]]:
    finite = st.floats(allow_nan=False, allow_infinity=False)
    kinds: list[tuple[Kind, st.SearchStrategy[Any]]] = [
        ("float", finite),
        ("float", st.floats(-1, 1).map(lambda t: 1e9 + t)),
        ("float", st.sampled_from([0.0, -0.0, 1.0, -1.0, 5e-324, -5e-324, 1e308, -1e308])),
        ("float", st.integers(-3, 3).map(lambda n: n / 10)),
        ("float", st.floats(-1e-305, 1e-305)),
        ("int", st.integers(-(2**63), 2**63 - 1)),
        ("int", st.integers(-2, 2)),
        ("int", st.integers(0, 5).map(lambda n: 2**63 - 1 - n)),
        ("uint", st.integers(0, 2**64 - 1)),
        ("uint", st.integers(0, 9).map(lambda n: 2**64 - 1 - n)),
        ("wide", st.integers(-(10**38) + 1, 10**38 - 1)),
        ("wide", st.integers(0, 2**65).map(lambda n: n - 10**38 + 1)),
        ("wide", st.integers(-5, 5).map(lambda n: n * 2**64)),
        ("wide", st.integers(-5, 5)),
    ]
    return st.sampled_from(kinds)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_any_numbers(data: st.DataObject) -> None:
    kind, numbers = data.draw(_kinds())
    _check(kind, data.draw(st.lists(numbers, min_size=1, max_size=40)))


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_any_groups(data: st.DataObject) -> None:
    kind, numbers = data.draw(_kinds())
    groups = data.draw(st.integers(1, 9))
    rows = st.tuples(numbers, st.integers(0, groups - 1))
    drawn = data.draw(st.lists(rows, min_size=1, max_size=40))
    _check(kind, [number for number, _ in drawn], [cell for _, cell in drawn], groups)


def _shapes() -> dict[str, tuple[Kind, Callable[[np.random.Generator, int], Any]]]:
    return {
        "normal": ("float", lambda r, n: r.normal(size=n)),
        "offset": ("float", lambda r, n: 1e9 + r.normal(size=n)),
        "sorted": ("float", lambda r, n: np.sort(r.normal(size=n))),
        "sorted backwards": ("float", lambda r, n: -np.sort(r.exponential(size=n))),
        "lognormal": ("float", lambda r, n: r.lognormal(0, 30, n)),
        "duplicates": ("float", lambda r, n: np.round(r.normal(size=n), 1)),
        "constant": ("float", lambda r, n: np.full(n, 3.25)),
        "zeros": ("float", lambda r, n: r.choice([0.0, -0.0], n)),
        "ends": ("float", lambda r, n: r.choice([1e308, -1e308, 5e-324, -2e-310, 1.7e308], n)),
        "one far out": ("float", lambda r, n: np.append(r.normal(size=n - 1), -1.7e308)),
        "int64": ("int", lambda r, n: r.integers(-(2**63), 2**63 - 1, n)),
        "few integers": ("int", lambda r, n: r.integers(0, 5, n)),
        "uint64": ("uint", lambda r, n: r.integers(0, 2**64 - 1, n, dtype=np.uint64)),
    }


@pytest.mark.parametrize("rows", [1, 2, 3, 500])
@pytest.mark.parametrize("shape", _shapes())
def test_shapes(shape: str, rows: int) -> None:
    kind, make = _shapes()[shape]
    chance = np.random.default_rng(rows)
    numbers = make(chance, rows).tolist()
    _check(kind, numbers)
    # The last two groups have one value, and none.
    cells = chance.integers(0, 5, rows)
    cells[0] = 5
    _check(kind, numbers, cells.tolist(), 7)


@pytest.mark.parametrize("span", [1, 2**63, 2**64, 2**64 + 1, 2**127, 10**38])
@pytest.mark.parametrize("rows", [1, 2, 3, 200])
def test_128_bits(span: int, rows: int) -> None:
    chance = random.Random(span + rows)
    for start in (0, -span, -(10**38) + 1):
        numbers = [start + chance.randrange(span) for _ in range(rows)]
        _check("wide", numbers)
        _check("wide", numbers, [chance.choice((0, 2, 3)) for _ in numbers], 5)


def test_many_percentiles_at_once() -> None:
    numbers = np.random.default_rng(8).normal(size=5001)
    shares = [i / 20 for i in range(2001)]
    planes = (numbers,)
    at_once, scans = search("float", planes, shares, Setting(limit=0))
    small, _ = search("float", planes, shares, Setting(memory=1 << 10, limit=0, batch=999))
    assert at_once == small
    assert scans <= 3
    ordered = np.sort(numbers)
    # Rank 5000·p/100 is whole for every second of them.
    for i, share in enumerate(shares):
        value = at_once[share][0]
        if i % 2 == 0:
            assert value == ordered[i * 5 // 2]
        assert ordered[i * 5 // 2] <= value <= ordered[-(-i * 5 // 2)]


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_evenly_spaced(data: st.DataObject) -> None:
    """As many as there are values at the most, in every group; with percentiles, and without."""
    kind, numbers = data.draw(_kinds())
    groups, points = data.draw(st.integers(1, 5)), data.draw(st.integers(2, 12))
    rows = data.draw(
        st.lists(st.tuples(numbers, st.integers(0, groups - 1)), min_size=1, max_size=40)
    )
    planes = planes_of(kind, [number for number, _ in rows])
    cells = np.array([cell for _, cell in rows], np.intp)
    shares = data.draw(st.sampled_from([(), (50,), (0, 99.9)]))
    first = None
    for setting in _SETTINGS:
        found, _ = searched(kind, planes, shares, setting, cells, groups, points)
        first = first or repr(found.spread)
        assert repr(found.spread) == first, setting
    for group, values in enumerate(found.spread):
        own = [number for number, cell in rows if cell == group]
        if not own:
            assert values is None
            continue
        many = min(points, len(own))
        assert len(values) == many
        for i, value in enumerate(values):
            Exact(own, Fraction(100 * i, max(1, many - 1))).check(value)


def test_many_points_in_many_groups_take_few_scans_in_little_memory() -> None:
    """Nearly all values are wanted, so cutting their ranges up further is of no use."""
    chance = np.random.default_rng(14)
    numbers, cells = chance.normal(size=30_000), chance.integers(0, 100, 30_000)
    large, _ = searched("float", (numbers,), (), Setting(batch=9999), cells, 100, 200)
    for memory in (1 << 20, 1 << 16, 1 << 10):
        setting = Setting(memory=memory, batch=9999, limit=0)
        found, scans = searched("float", (numbers,), (), setting, cells, 100, 200)
        assert found.spread == large.spread
        assert scans <= 9, scans


@pytest.mark.parametrize("shape", _shapes())
def test_large_columns_take_three_scans(shape: str) -> None:
    """Where the search itself sets when to stop collecting."""
    kind, make = _shapes()[shape]
    rows = 300_001
    planes = (make(np.random.default_rng(4), rows),)
    ordered = np.sort(planes[0])
    # All of them whole ranks.
    shares = [0, 0.5, 25, 50, 99, 100]
    expected = [ordered[round((rows - 1) * p / 100)] for p in shares]
    for memory in (1 << 30, 1 << 26, 1 << 16):
        found, scans = search(kind, planes, shares, Setting(memory=memory, batch=1 << 14))
        assert [found[p][0] for p in shares] == expected
        # 64 KiB hold 2^11 bins for one slot and 2^7 for each of twelve (six percentiles, two order
        # statistics each): the 64 bits of a key take 1 + ⌈(64 − 11)/7⌉ scans at the most.
        assert scans <= (3 if memory > 1 << 16 else 9), scans
