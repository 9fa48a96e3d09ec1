"""Every registered statistic is a commutative monoid, bit for bit."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from normcli.statistics import STATISTICS, Kind
from tests.laws.kit import KINDS, Row, check_laws, fitted, run_laws, text_of

# Each statistic with the kinds of values that it takes in.
_PAIRS = [(name, kind) for name, each in sorted(STATISTICS.items()) for kind in each.kinds]


def test_every_kind_is_taken_in() -> None:
    assert {kind for _, kind in _PAIRS} == set(KINDS)


@pytest.mark.parametrize(("name", "kind"), _PAIRS)
def test_statistic_keeps_the_laws(name: str, kind: Kind) -> None:
    run_laws(STATISTICS[name], kind, examples=100)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("float", [1e8, 1e8 + 2**-20, -1e12, 1e15, 1e15 + 0.125, -1e15]),
        ("float", [1.7976931348623157e308, -1.7976931348623157e308, 5e-324, 1e308]),
        ("float", [5e-324, -5e-324, 2.2250738585072014e-308, 0.0, -0.0]),
        ("float", [0.0, -0.0]),
        ("int", [-(2**63), 2**63 - 1, 2**53 + 1, -1]),
        ("uint", [2**64 - 1, 0, 2**63]),
        ("wide", [10**38 - 1, -(10**38) + 1, 2**64, -(2**64), 2**64 - 1, -1]),
        ("text", ["", " ", "Ab-ab ab", "ΣΑΣ", "İ", "\x00", "\U0010ffff", "e\u0301", "é"]),
    ],
)
def test_hard_values(kind: Kind, values: list[Any]) -> None:
    cells = 1 if kind == "text" else 3
    for name in (name for name, each in _PAIRS if each == kind):
        for seed in range(10):
            chance = random.Random(seed)
            parts = [
                [
                    (chance.randrange(cells), chance.choice(values))
                    for _ in range(chance.randrange(7))
                ]
                for _ in range(6)
            ]
            check_laws(STATISTICS[name], kind, parts, cells, seed)


@pytest.mark.parametrize(("name", "kind"), _PAIRS)
def test_many_small_batches_and_one_large(name: str, kind: Kind) -> None:
    """More batches than an accumulator takes without carrying, more rows than a chunk holds."""
    chance = np.random.default_rng(20)
    size = 21_000
    if kind == "float":
        values = (chance.standard_normal(size) * 10.0 ** chance.integers(-9, 9, size)).tolist()
    elif kind == "text":
        values = [f"w{n} W{n % 7}" for n in chance.zipf(1.3, size) % 10**6]
    else:
        edge = {"int": -(2**63), "uint": 2**64 - 1, "wide": 10**38 - 1}[kind]
        values = [edge // (1 + int(n)) for n in chance.integers(0, 999, size)]
    cells = 1 if kind == "text" else 4
    rows: list[Row] = list(zip(chance.integers(0, cells, size).tolist(), values, strict=True))
    statistic = STATISTICS[name]
    whole = fitted(statistic, kind, [rows], cells)
    small = fitted(statistic, kind, [rows[i : i + 14] for i in range(0, size, 14)], cells)
    assert text_of(whole) == text_of(small)
    total = statistic.empty(kind, cells)
    for i in range(0, size, 30):
        total = total.merge(fitted(statistic, kind, [rows[i : i + 30]], cells))
    assert text_of(whole) == text_of(total)
