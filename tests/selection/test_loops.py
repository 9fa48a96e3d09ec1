"""The compiled loop of a search against the same in NumPy, on raw bit patterns."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli.selection.grid import KeyGrid, LinearGrid
from normcli.selection.keys import KeyScale
from normcli.selection.loops import keep_inside
from normcli.selection.windows import Windows
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
    linear=st.booleans(),
)
def test_the_same_bins_and_values(
    kind: Kind, bits: list[int], ends: tuple[int, int], power: int, linear: bool
) -> None:
    values = np.array(bits, np.uint64).view(_DTYPES[kind])
    raw = values
    if kind == "float":
        values = np.append(values[np.isfinite(values)], 0.0)
        raw = np.append(raw, 0.0)
    scale = KeyScale(kind)
    low, high = (np.array([end], np.uint64) for end in sorted(ends))
    grid: KeyGrid | LinearGrid = KeyGrid.over(low, high, 2**power)
    if linear and kind == "float" and values.min() < values.max():
        least, most = (
            scale.keys((end,)) for end in (values.min(keepdims=True), values.max(keepdims=True))
        )
        grid = LinearGrid.over(scale, least, most, 2**power) or grid
    bins = grid.bin_of(scale, (values,), None)
    own, first = np.unique(bins, return_index=True)
    chosen = own[::2]
    windows = Windows.at(grid, chosen, values[first[::2]])
    found = []
    for kernel in ("c", "numpy"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("NORMCLI_KERNEL", kernel)
            counts = np.zeros(grid.bins, np.int64)
            room = np.zeros_like(raw)
            kept = keep_inside(scale, windows, raw, counts, room)
            found.append((room[:kept].tobytes(), counts.tolist()))
    assert found[0] == found[1]
    assert counts.tolist() == np.bincount(bins, minlength=grid.bins).tolist()
    atoms = dict(zip(chosen.tolist(), values[first[::2]].tolist(), strict=True))
    pairs = zip(bins.tolist(), values.tolist(), strict=True)
    expected = [value for own, value in pairs if own in atoms and value != atoms[own]]
    assert found[0][0] == np.array(expected, values.dtype).tobytes()


def test_wrong_buffers_are_refused() -> None:
    def sweep(kind: str = "f", shift: int = 0, **changed: Any) -> int:
        arrays = {
            "values": np.zeros(4),
            "counts": np.zeros(8, np.int64),
            "numbers": np.zeros(8, np.int32),
            "atoms": np.zeros(1),
            "kept": np.zeros(4),
        }
        values, *others = (arrays | changed).values()
        found: int = _select.sweep(values, kind, 0, shift, 0.0, 1.0, *others)
        return found

    assert sweep() == 0
    assert sweep(values=np.zeros(0)) == 0
    with pytest.raises(ValueError, match="8 bytes"):
        sweep(values=np.zeros(4, np.float32))
    with pytest.raises(ValueError, match="no such kind"):
        sweep(kind="x")
    with pytest.raises(ValueError, match="no such kind"):
        sweep(shift=64)
    with pytest.raises(ValueError, match="as many as there are bins"):
        sweep(counts=np.zeros(0, np.int64), numbers=np.zeros(0, np.int32))
    with pytest.raises(ValueError, match="as many as there are bins"):
        sweep(counts=np.zeros(7, np.int64))
    with pytest.raises(ValueError, match="no such atom"):
        sweep(numbers=np.ones(8, np.int32))
    with pytest.raises(ValueError, match="no such atom"):
        sweep(numbers=np.full(8, -1, np.int32))
    with pytest.raises(ValueError, match="too little room"):
        sweep(kept=np.zeros(3))
    with pytest.raises((BufferError, ValueError, TypeError)):
        sweep(counts=np.zeros(8, np.int64).tobytes())


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
