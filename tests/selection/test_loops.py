"""The compiled loops of a search against the same in NumPy, on raw bit patterns."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli.selection.grid import KeyGrid, Narrowing
from normcli.selection.keys import KeyScale
from normcli.selection.loops import count_compiled, pick_compiled
from normcli.statistics import Kind

_select = pytest.importorskip("normcli._select", reason="built without a C compiler")

_DTYPES = {"float": np.float64, "int": np.int64, "uint": np.uint64}
_HARD = [0, 1 << 63, 1, (1 << 63) + 1, 2**64 - 1, 2**63 - 1, 0x7FEFFFFFFFFFFFFF, 0x3FF0000000000000]
_BITS = st.one_of(st.integers(0, 2**64 - 1), st.sampled_from(_HARD))


@pytest.mark.parametrize("kind", _DTYPES)
@settings(max_examples=200, deadline=None)
@given(
    bits=st.lists(_BITS, min_size=1, max_size=60),
    ends=st.tuples(_BITS, _BITS),
    power=st.integers(1, 10),
)
def test_the_same_bins_and_values(
    kind: Kind, bits: list[int], ends: tuple[int, int], power: int
) -> None:
    values = np.array(bits, np.uint64).view(_DTYPES[kind])
    if kind == "float":
        values = np.where(np.isfinite(values), values, 0.0)
    scale = KeyScale(kind)
    low, high = (np.array([end], np.uint64) for end in sorted(ends))
    grid = KeyGrid.over(low, high, 2**power)
    bins = grid.bin_of(scale, (values,), None)
    counts = np.zeros(grid.bins, np.int64)
    assert count_compiled(scale, grid, (values,), counts)
    assert counts.tolist() == np.bincount(bins, minlength=grid.bins).tolist()
    chosen = np.unique(bins)[::2]
    narrowing = Narrowing().then(grid, chosen, 1)
    picked = pick_compiled(scale, narrowing, (values,))
    planes, slots = narrowing.locate(scale, (values,), None)
    assert picked is not None
    assert slots is not None
    assert picked[0][0].tobytes() == planes[0].tobytes()
    assert picked[1].tolist() == slots.tolist()


def test_wrong_buffers_are_refused() -> None:
    values, counts = np.zeros(4), np.zeros(8, np.int64)
    with pytest.raises(ValueError, match="8 bytes"):
        _select.count(values.astype(np.float32), "f", 0, 0, counts)
    with pytest.raises(ValueError, match="no such kind"):
        _select.count(values, "x", 0, 0, counts)
    with pytest.raises(ValueError, match="no such kind"):
        _select.count(values, "f", 0, 64, counts)
    with pytest.raises(ValueError, match="no such kind"):
        _select.count(values, "f", 0, 0, counts[:0])
    with pytest.raises((BufferError, ValueError, TypeError)):
        _select.count(values, "f", 0, 0, counts.tobytes())
    child = np.zeros(8, np.int32)
    with pytest.raises(ValueError, match="too little room"):
        _select.pick(values, "f", 0, 0, child, np.zeros(3), np.zeros(4, np.int64))


def test_the_same_stats_file_with_either(tmp_path: Path) -> None:
    chance = np.random.default_rng(8)
    frame = pl.DataFrame(
        {
            "float": chance.normal(0, 1, 200_000),
            "int": chance.integers(-(2**40), 2**40, 200_000),
            "small": chance.integers(0, 100, 200_000).astype(np.uint8),
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")
    command = [sys.executable, "-m", "normcli", "fit", "a.parquet", "-m", "robust"]
    results = {
        subprocess.run(
            [*command, "--memory", memory],
            cwd=tmp_path,
            env={**os.environ, "NORMCLI_KERNEL": kernel},
            capture_output=True,
            check=True,
        ).stdout
        for kernel in ("c", "numpy")
        for memory in ("64KiB", "4MiB", "1GiB")
    }
    assert len(results) == 1
