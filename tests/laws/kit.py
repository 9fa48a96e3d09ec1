"""The laws that every statistic keeps, as a function: a new statistic's test is one line.

Rows are (cell, value) pairs; a value is None (null), a float (NaN and infinities included) or an
int. States are compared by the JSON text of what they write into a stats file, in which 0.0 and
-0.0, and floats one ulp apart, differ.
"""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from normcli.statistics import Kind, State, Values

__all__ = [
    "KINDS",
    "LawError",
    "Row",
    "batch",
    "check_laws",
    "datasets",
    "fitted",
    "run_laws",
    "text_of",
]

Row = tuple[int, Any]

KINDS: tuple[Kind, ...] = ("float", "int", "uint", "wide", "text")
_DTYPES = {"float": np.float64, "int": np.int64, "uint": np.uint64}
_RANGES = {
    "int": (-(2**63), 2**63 - 1),
    "uint": (0, 2**64 - 1),
    "wide": (-(10**38) + 1, 10**38 - 1),
}


class LawError(AssertionError):
    """A statistic breaks one of its laws."""


def batch(kind: Kind, rows: Sequence[Row], cells: int, *, single: bool = False) -> Values:
    """Return rows as a batch over that many cells; `single` leaves the cells out."""
    apart: dict[str, list[int]] = {"null": [], "nan": [], "inf": []}
    valid: list[Row] = []
    for cell, value in rows:
        if value is None:
            apart["null"].append(cell)
        elif isinstance(value, float) and math.isnan(value):
            apart["nan"].append(cell)
        elif isinstance(value, float) and math.isinf(value):
            apart["inf"].append(cell)
        else:
            valid.append((cell, value))
    null, nan, inf = (np.array(apart[name], np.intp) for name in ("null", "nan", "inf"))
    if kind == "text":
        assert cells == 1
        texts = pl.Series([value for _, value in valid], dtype=pl.String)
        return Values(kind, (), None, None, null, nan, inf, texts=texts)
    valid.sort(key=lambda row: row[0])
    numbers = [value for _, value in valid]
    planes: tuple[np.ndarray[Any, Any], ...]
    if kind == "wide":
        high, low = [n >> 64 for n in numbers], [n & (2**64 - 1) for n in numbers]
        planes = (np.array(high, np.int64), np.array(low, np.uint64))
    else:
        planes = (np.array(numbers, _DTYPES[kind]),)
    # Any block will do, as long as equal values come into the same one.
    blocks = np.array([hash(number) % 3 for number in numbers], np.intp)
    ids = np.array([cell for cell, _ in valid], np.intp)
    starts = np.flatnonzero(np.diff(ids, prepend=-1)).astype(np.intp)
    if single:
        assert cells == 1
        return Values(kind, planes, None, None, null, nan, inf, blocks, 3)
    return Values(kind, planes, starts, ids[starts], null, nan, inf, blocks, 3)


def fitted(statistic: type[State], kind: Kind, parts: Sequence[Sequence[Row]], cells: int) -> State:
    """Return one state that has taken the parts in, one after the other."""
    state = statistic.empty(kind, cells)
    for rows in parts:
        state.update(batch(kind, rows, cells))
    return state


def check_laws(
    statistic: type[State], kind: Kind, parts: Sequence[Sequence[Row]], cells: int, seed: int
) -> None:
    """Hold a statistic to every law on these parts of a data set; raise LawError."""
    chance = random.Random(seed)
    rows = [row for part in parts for row in part]
    whole = fitted(statistic, kind, [rows], cells)
    states = [fitted(statistic, kind, [part], cells) for part in parts]
    first, second, third = (chance.choice(states) for _ in range(3))
    empty = statistic.empty(kind, cells)

    # Merging.
    _same("a·b = b·a", first.merge(second), second.merge(first))
    _same(
        "(a·b)·c = a·(b·c)",
        first.merge(second).merge(third),
        first.merge(second.merge(third)),
    )
    _same("a·empty = a", first.merge(empty), first)
    _same("empty·a = a", empty.merge(first), first)
    before = text_of(first), text_of(second)
    alone = copy.deepcopy(first)
    merged = first.merge(second)
    merged.update(batch(kind, rows, cells))
    if (text_of(first), text_of(second)) != before:
        raise LawError("merge, or an update of its result, changes what was merged")

    # The same rows give the same state, however they come.
    _same("fit of parts, merged in any tree = fit of all", _tree(states, chance), whole)
    shuffled = chance.sample(rows, len(rows))
    _same(
        "fit of rows in any order = fit of all", fitted(statistic, kind, [shuffled], cells), whole
    )
    cuts = sorted(chance.choices(range(len(rows) + 1), k=chance.randrange(5)))
    pieces = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    _same("fit in any batches = fit of all", fitted(statistic, kind, pieces, cells), whole)
    again = [fitted(statistic, kind, [piece], cells) for piece in pieces]
    _same("any partition, merged in any tree = fit of all", _tree(again, chance), whole)
    alone.update(batch(kind, [row for part in parts for row in part], cells))
    _same("update after merge = merge after update", alone, first.merge(whole))

    # Cells.
    united = fitted(statistic, kind, [[(0, value) for _, value in rows]], 1)
    _same("fold = fit without groups", whole.fold(), united)
    _same(
        "fold(a·b) = fold(a)·fold(b)", first.merge(second).fold(), first.fold().merge(second.fold())
    )
    _same("fold of one cell changes nothing", united.fold(), united)
    single = statistic.empty(kind, 1)
    single.update(batch(kind, [(0, value) for _, value in rows], 1, single=True))
    _same("a batch without cells = a batch of one cell", single, united)
    more = 1 if kind == "text" else cells + chance.randrange(4)
    where = np.array(chance.sample(range(more), cells), np.intp)
    moved = [(int(where[cell]), value) for cell, value in rows]
    _same(
        "scatter = fit with other cells",
        whole.scatter(where, more),
        _of(statistic, kind, moved, more),
    )
    _same(
        "scatter(a·b) = scatter(a)·scatter(b)",
        first.merge(second).scatter(where, more),
        first.scatter(where, more).merge(second.scatter(where, more)),
    )
    _same("scatter keeps the fold", whole.scatter(where, more).fold(), whole.fold())

    # Writing and reading.
    for state in (whole, empty, first):
        read = _read(statistic, kind, text_of(state))
        _same("from_json(to_json(a)) = a", read, state)
        _same("what was read can be merged", read.merge(second), state.merge(second))
    if len(whole.to_json()) != len(statistic.fields) or any(
        len(column) != cells for column in whole.to_json()
    ):
        raise LawError("to_json writes a list for each field, an entry for each cell")


def _of(statistic: type[State], kind: Kind, rows: Sequence[Row], cells: int) -> State:
    return fitted(statistic, kind, [rows], cells)


def text_of(state: State) -> str:
    """Return what a state writes, as text to compare."""
    return json.dumps(state.to_json(), allow_nan=False, default=pl.DataFrame.rows)


def _read(statistic: type[State], kind: Kind, text: str) -> State:
    tabular = {"value": pl.String(), "count": pl.Int64()}
    columns = [
        [pl.DataFrame(entry, tabular, orient="row") for entry in column]
        if field in statistic.tables
        else column
        for field, column in zip(statistic.fields, json.loads(text), strict=True)
    ]
    return statistic.from_json(kind, columns)


def _same(law: str, first: State, second: State) -> None:
    if text_of(first) != text_of(second):
        raise LawError(f"{law}: {text_of(first)} is not {text_of(second)}")


def _tree(states: Sequence[State], chance: random.Random) -> State:
    """Merge states two by two, in an order that chance gives."""
    left = list(states)
    while len(left) > 1:
        chance.shuffle(left)
        left.append(left.pop().merge(left.pop()))
    return left[0]


_HARD_FLOATS = (
    *(0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1e-300, 0.1, 1 / 3, 1.0, -1.0),
    *(2.0**53, 2.0**53 + 2, 1e15 + 0.5, 1e308, -1e308, 1.7976931348623157e308),
)


_HARD_TEXTS = (
    "",
    " ",
    "a",
    "A",
    "a a b",
    "Σ",
    "ς",
    "İ",
    "e\u0301",
    "é",
    "\x00",
    "\U0010ffff",
    "10",
)


def _numbers(kind: Kind) -> st.SearchStrategy[Any]:
    if kind == "text":
        return st.one_of(st.sampled_from(_HARD_TEXTS), st.text(max_size=4))
    if kind == "float":
        bits = st.integers(0, 2**64 - 1).map(lambda n: float(np.uint64(n).view(np.float64)))
        near = st.builds(
            lambda offset, step: offset + step * 2.0**-20,
            st.sampled_from((1e8, -1e12, 1e15)),
            st.integers(-50, 50),
        )
        return st.one_of(bits, near, st.sampled_from(_HARD_FLOATS), st.floats(-10, 10, width=16))
    low, high = _RANGES[kind]
    hard = (low, low + 1, -1, 0, 1, 2**53, 2**63, 2**64, high - 1, high)
    inside = st.sampled_from([n for n in hard if low <= n <= high])
    near = st.integers(0, 9).map(lambda n: high - 10**6 + n)
    return st.one_of(inside, near, st.integers(low, high), st.integers(max(low, -9), 9))


@st.composite
def datasets(draw: st.DrawFn, kind: Kind) -> tuple[list[list[Row]], int]:
    """Draw parts of a data set and its number of cells; parts may be empty or have one row."""
    cells = 1 if kind == "text" else draw(st.sampled_from((1, 2, 5)))
    numbers = _numbers(kind)
    missing: tuple[Any, ...] = (None, math.nan, math.inf) if kind == "float" else (None,)
    values = draw(
        st.sampled_from(
            (
                st.one_of(numbers, numbers, st.sampled_from(missing)),
                numbers,
                st.none(),
                st.just(draw(numbers)),
                # Equal numbers with other bits, where there are any.
                st.sampled_from({"float": (0.0, -0.0), "text": ("a", "a ")}.get(kind, (0, 1))),
            )
        )
    )
    part = st.lists(st.tuples(st.integers(0, cells - 1), values), max_size=6)
    return draw(st.lists(part, min_size=1, max_size=5)), cells


def run_laws(statistic: type[State], kind: Kind, examples: int = 60) -> None:
    """Hold a statistic to the laws on data sets that hypothesis draws; raise LawError."""

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        report_multiple_bugs=False,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(datasets(kind), st.integers(0, 2**32 - 1))
    def laws(drawn: tuple[list[list[Row]], int], seed: int) -> None:
        check_laws(statistic, kind, *drawn, seed)

    laws()
