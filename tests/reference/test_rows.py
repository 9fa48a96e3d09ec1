"""Row-wise methods against worked numbers, torch and scikit-learn."""

from __future__ import annotations

import numpy as np
import polars as pl

import normcli

# Two images of four channels of 2×2.
IMAGES = np.array(
    [
        [[[1, 0], [0, 2]], [[3, 4], [1, 2]], [[-2, 9], [7, 5]], [[2, 3], [4, 2]]],
        [[[1, 2], [-1, 0]], [[1, 2], [3, 5]], [[4, 7], [-6, 4]], [[1, 4], [1, 5]]],
    ],
    np.float64,
)


def _apply(data: np.ndarray[tuple[int, ...], np.dtype[np.float64]], chain: str) -> list[float]:
    frame = pl.DataFrame({"x": pl.Series(data)})
    found: list[float] = (
        normcli.fit(frame, columns="x", method=chain).apply(frame)["x"].reshape((-1,)).to_list()
    )
    return found


def test_worked_numbers_of_layernorm() -> None:
    y = _apply(np.array([[1.0, 3, 2], [4, 4, 4]]), "layernorm")
    np.testing.assert_allclose(y, [-1.2247357, 1.2247357, 0, 0, 0, 0], rtol=0, atol=5e-8)
    assert y[2:] == [0, 0, 0, 0]
