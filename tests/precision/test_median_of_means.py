"""median_of_means against its definition in exact arithmetic, and against bad contributors."""

from __future__ import annotations

import statistics
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl
import pytest

import normcli
from normcli.errors import DataError
from normcli.methods.base import Blocks
from normcli.rowhash import block_numbers

_CHANCE = np.random.default_rng(21)
_FRAME = pl.DataFrame(
    {
        "x": _CHANCE.normal(1e8, 3, 400),
        "who": _CHANCE.integers(0, 40, 400),
        "name": [f"n{i % 17}" for i in range(400)],
        "g": ["u", "v"] * 200,
    }
)


def _by_definition(frame: pl.DataFrame, blocks: Blocks, ddof: int) -> tuple[float, float]:
    numbers = block_numbers(frame, blocks)
    means: list[Fraction] = []
    variances: list[Fraction] = []
    for block in range(blocks.count):
        x = [Fraction(value) for value in frame["x"].to_numpy()[numbers == block].tolist()]
        if x:
            means.append(Fraction(sum(x)) / len(x))
        if len(x) > ddof:
            variances.append(Fraction(sum((v - means[-1]) ** 2 for v in x)) / (len(x) - ddof))
    variance = statistics.median(variances)
    root = float(variance) ** 0.5
    return float(statistics.median(means)), root


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("count", [1, 4, 7])
@pytest.mark.parametrize("by", [None, "who", "name"])
def test_definition(by: str | None, count: int, ddof: int) -> None:
    option = f",block_by={by}" if by else ""
    chain = f"median_of_means:blocks={count},ddof={ddof}{option}"
    found = normcli.fit(_FRAME, method=chain, columns="x").params("x")
    mean, std = _by_definition(_FRAME, Blocks(count, by), ddof)
    assert found["mean"] == mean
    assert found["std"] == pytest.approx(std, rel=1e-15)


@pytest.mark.parametrize("share", [0.05, 0.04])
def test_a_contributor_that_sends_garbage(share: float) -> None:
    """5 % of the rows, all from one contributor, are 1e12."""
    chance = np.random.default_rng(3)
    rows = 20_000
    x, who = chance.normal(50, 10, rows), chance.integers(1, 100, rows)
    bad = np.arange(rows) < share * rows
    clean = normcli.fit(pl.DataFrame({"x": x}), columns="x").params("x")
    frame = pl.DataFrame({"x": np.where(bad, 1e12, x), "who": np.where(bad, 0, who)})
    found = normcli.fit(frame, method="median_of_means:block_by=who", columns="x").params("x")
    plain = normcli.fit(frame, columns="x").params("x")
    for key, value in clean.items():
        assert abs(found[key] - value) < 0.05 * value
        assert abs(plain[key] - value) > 0.05 * value


@pytest.mark.parametrize("by", [[], ["g"], ["who"]])
@pytest.mark.parametrize("chain", ["median_of_means", "median_of_means:block_by=who,blocks=5"])
def test_the_same_bytes_however_the_rows_come(chain: str, by: list[str]) -> None:
    options: dict[str, Any] = {"method": chain, "columns": "x", "by": by}
    whole = normcli.fit(_FRAME, **options).to_json()
    shuffled = _FRAME.sample(fraction=1, shuffle=True, seed=2)
    assert normcli.fit(shuffled, batch_rows=31, **options).to_json() == whole
    shards = [normcli.fit(shuffled[i : i + 90], **options) for i in range(0, 400, 90)]
    assert normcli.merge(*shards).to_json() == whole


def test_a_column_that_is_not_there() -> None:
    with pytest.raises(DataError, match='needs a column "whom"'):
        normcli.fit(_FRAME, method="median_of_means:block_by=whom", columns="x")
