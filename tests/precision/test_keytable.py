"""The compiled table of keys against joins: the same numbers, whatever the texts and batches."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli.groups import KeyIndex
from normcli.keytable import KeyTable

keys_module = pytest.importorskip("normcli._keys", reason="built without a C compiler")

# Views hold texts up to 12 bytes themselves, and 4 bytes of longer ones: around both they differ
# in little; the longer ones are hashed 16 bytes at a time.
_STEMS = ["", "\0", "a", "ab", "abc", "abcd", "é", "日本語", "🎲🎲", "x" * 11, "x" * 12, "x" * 13]
_TEXTS = st.one_of(
    st.text(max_size=20),
    st.builds(
        lambda stem, middle, end: stem + middle + end,
        st.sampled_from(_STEMS),
        st.sampled_from(["", "-", "\0", "middle" * 3, "y" * 16]),
        st.sampled_from(["", "\0", "1", "2"]),
    ),
)
_INTEGERS = st.one_of(
    st.sampled_from([-(2**63), -1, 0, 1, 2**32, 2**63 - 1]), st.integers(-(2**63), 2**63 - 1)
)
_KINDS: list[tuple[pl.DataType, st.SearchStrategy[Any]]] = [
    (pl.String(), _TEXTS),
    (pl.Int64(), _INTEGERS),
    (pl.UInt64(), _INTEGERS.map(lambda number: number % 2**64)),
    (pl.Int16(), _INTEGERS.map(lambda number: number % 2**16 - 2**15)),
    (pl.Int8(), _INTEGERS.map(lambda number: number % 2**8 - 2**7)),
    (pl.UInt32(), _INTEGERS.map(lambda number: number % 2**32)),
]


@pytest.fixture(autouse=True)
def _compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NORMCLI_KERNEL", "c")


def _batches(data: st.DataObject, width: int) -> list[pl.DataFrame]:
    """Return batches of the same dtypes, of several chunks that begin somewhere in others."""
    kinds = [data.draw(st.sampled_from(_KINDS)) for _ in range(width)]
    pools = [[*data.draw(st.lists(values, min_size=1, max_size=12)), None] for _, values in kinds]
    batches = []
    for _ in range(data.draw(st.integers(1, 4))):
        chunks = []
        for _ in range(data.draw(st.integers(1, 3))):
            height = data.draw(st.integers(0, 80))
            columns = {}
            for i, ((dtype, _), pool) in enumerate(zip(kinds, pools, strict=True)):
                picks = data.draw(st.lists(st.integers(0, len(pool) - 1), min_size=3, max_size=6))
                rows = [pool[picks[row * row % len(picks)]] for row in range(height)]
                columns[f"k{i}"] = pl.Series(rows, dtype=dtype)
            start, end = data.draw(st.integers(0, 5)), data.draw(st.integers(0, 5))
            chunks.append(pl.DataFrame(columns)[start : max(start, height - end)])
        batches.append(pl.concat(chunks, rechunk=False))
    return batches


@settings(max_examples=300, deadline=None)
@given(data=st.data(), width=st.integers(1, 3))
def test_numbers_are_those_of_the_keys_in_the_order_they_are_met(
    data: st.DataObject, width: int
) -> None:
    batches = _batches(data, width)
    table = KeyTable.of(batches[0].clear())
    assert table is not None
    numbers: dict[tuple[Any, ...], int] = {}
    for batch in batches:
        rows = batch.rows()
        found, unknown = table.find(batch)
        assert found.tolist() == [numbers.get(row, -1) for row in rows]
        assert (unknown > 0) == (-1 in found)
        first = [row for row in range(len(rows)) if rows[row] not in {*numbers, *rows[:row]}]
        wanted = [numbers.setdefault(row, len(numbers)) for row in rows]
        found, new = table.number(batch)
        assert (found.tolist(), new.tolist()) == (wanted, first)
        assert len(table) == len(numbers)
        assert table.find(batch)[0].tolist() == wanted


@settings(max_examples=100, deadline=None)
@given(data=st.data(), width=st.integers(1, 2))
def test_an_index_is_the_same_with_either_kernel(data: st.DataObject, width: int) -> None:
    batches = _batches(data, width)
    found = []
    for kernel in ("c", "numpy"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("NORMCLI_KERNEL", kernel)
            index = KeyIndex.empty(dict(batches[0].schema))
            numbers = [index.number(batch).tolist() for batch in batches]
            known = KeyIndex(index.keys)
            again = [known.find(batch.reverse()).to_list() for batch in batches]
            found.append((numbers, again, index.keys.rows(), index.sort_order().tolist()))
    assert found[0] == found[1]


def test_many_keys_are_met_by_several_threads() -> None:
    texts = pl.Series([f"{i * 7919 % 30_000}{'-long' * (i % 4)}" for i in range(60_000)])
    index = KeyIndex.empty({"k": pl.String()})
    found: dict[tuple[int, int], tuple[pl.Series, Any]] = {}

    def work(start: int) -> None:
        # Each begins elsewhere, so that all look up what another one takes in.
        order = np.roll(np.arange(0, 60_000, 1_000), start)
        for at in order.tolist():
            batch = texts[at : at + 1_000].to_frame("k")
            ids = index.number(batch)
            assert ids.max() < len(index)
            found[start, at] = batch["k"], ids

    threads = [threading.Thread(target=work, args=(15 * i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 * 60
    keys = index.keys["k"]
    assert len(index) == len(keys) == keys.n_unique() == texts.n_unique()
    for batch, ids in found.values():
        assert keys.gather(ids).equals(batch)


def test_what_follows_a_short_text_in_its_view_does_not_count() -> None:
    views = np.zeros((2, 16), np.uint8)
    views[:, 0] = 2
    views[:, 4:6] = [97, 98]
    views[1, 6:] = 255
    import pyarrow as pa

    texts = pa.Array.from_buffers(pa.string_view(), 2, [None, pa.py_buffer(views)])
    table = keys_module.Table("t", 1, 2)
    numbers = np.empty(2, np.intp)
    table.number(pa.chunked_array([texts]).__arrow_c_stream__(), numbers)
    assert numbers.tolist() == [0, 0]


def test_misuse_is_refused() -> None:
    with pytest.raises(ValueError, match="a kind"):
        keys_module.Table("x", 1, 2)
    table, numbers = keys_module.Table("t", 1, 2), np.empty(2, np.intp)
    with pytest.raises(TypeError, match="not of this Table's kind"):
        table.find(pl.Series([1, 2]).__arrow_c_stream__(), numbers)
    for texts in (["a"], ["a", "b", "c"]):
        with pytest.raises(ValueError, match="as many numbers as rows"):
            table.find(pl.Series(texts).__arrow_c_stream__(), numbers)
    with pytest.raises(ValueError, match="64-bit"):
        table.find(pl.Series(["a", "b"]).__arrow_c_stream__(), np.empty(2, np.int32))
