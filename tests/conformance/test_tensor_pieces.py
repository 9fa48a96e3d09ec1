"""Many tensors, which are carried over piece by piece, come out as few at a time do."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import polars as pl
import pytest

import normcli
from normcli.errors import DataError
from tests.conformance.tensors import tensor_column

ROWS, PART, SHAPE = 30_000, 9_000, (2, 3)
_CHAINS = [
    "zscore",
    "minmax:axis=none",
    "center:axis=0",
    "log1p+zscore:axis=all",
    "layernorm",
    "robust+instancenorm",
]


@pytest.fixture(scope="module", params=["array", "fixed_shape_tensor"])
def frame(request: pytest.FixtureRequest) -> pl.DataFrame:
    """Positive numbers; nulls, NaN and rows that are null among them, in every piece."""
    chance = np.random.default_rng(4)
    rows: list[Any] = chance.lognormal(1, 1, (ROWS, 6)).tolist()
    for i in chance.integers(0, ROWS, 300):
        rows[i] = None
    for i in chance.integers(0, ROWS, 300):
        if rows[i] is not None:
            rows[i][i % 6] = None if i % 2 else float("nan")
    series = tensor_column(rows, SHAPE, pl.Float64(), request.param)
    return pl.DataFrame([series, pl.Series("g", chance.choice(list("abc"), ROWS))])


def _parts(frame: pl.DataFrame) -> list[pl.DataFrame]:
    return [frame[begin : begin + PART] for begin in range(0, len(frame), PART)]


@pytest.mark.parametrize("by", [(), ("g",)], ids=["rows", "groups"])
@pytest.mark.parametrize("chain", _CHAINS)
def test_whole_and_parts(frame: pl.DataFrame, chain: str, by: tuple[str, ...]) -> None:
    stats = normcli.fit(frame, columns="x", method=chain, by=by)
    kept = "norm" in chain
    whole = stats.apply(frame, keep_row_stats=kept)
    parts = [stats.apply(part, keep_row_stats=kept) for part in _parts(frame)]
    assert whole.equals(pl.concat(parts))
    back = stats.invert(whole)
    assert back.schema == frame.schema
    assert back.equals(pl.concat([stats.invert(part) for part in parts]))


@pytest.mark.parametrize("chain", ["zscore", "log1p+zscore", "layernorm+zscore"])
@pytest.mark.parametrize("unknown", ["null", "global", "keep"])
def test_unknown_groups(
    frame: pl.DataFrame, chain: str, unknown: Literal["null", "global", "keep"]
) -> None:
    # One of them in a piece of its own, and others in a later one.
    known = normcli.fit(frame.filter(g="a"), columns="x", method=chain, by="g")
    some = frame.with_columns(
        g=pl.when(pl.int_range(pl.len()).is_in([3, 29_000, 29_001]))
        .then(pl.lit("b"))
        .otherwise(pl.lit("a"))
    )
    for data in (frame, some):
        whole = known.apply(data, unknown_group=unknown)
        parts = [known.apply(part, unknown_group=unknown) for part in _parts(data)]
        assert whole.equals(pl.concat(parts))
    with pytest.raises(DataError, match="group g='b'"):
        known.apply(some)


def test_values_outside_a_domain_are_found_in_any_piece() -> None:
    images = np.random.default_rng(5).random((ROWS, *SHAPE))
    stats = normcli.fit(pl.DataFrame({"x": images}), columns="x", method="log1p")
    images[-1, 0, 0] = -3
    wrong = pl.DataFrame({"x": images})
    with pytest.raises(DataError, match='"x" has at least 1 value outside the domain of log1p'):
        stats.apply(wrong)
    with pytest.raises(DataError, match='"x" has 1 value outside the domain of log1p'):
        normcli.fit(wrong, columns="x", method="log1p")
