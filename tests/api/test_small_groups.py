"""--min-group over shards, with keys that are null or hashes; what is said of it."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import normcli
from normcli.errors import NormWarning, StatsFileError, UsageError

ROWS = 3_000
LEAST = 40


def _hash(i: int) -> str:
    return hashlib.sha256(str(i).encode()).hexdigest()


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    """Return rows of 60 groups of very different sizes, with a null key, values missing."""
    chance = np.random.default_rng(4)
    keys = np.minimum(chance.geometric(0.08, ROWS), 60)
    x = chance.normal(5, 2, ROWS)
    values = pl.Series(np.where(chance.random(ROWS) < 0.1, np.nan, x))
    return pl.DataFrame(
        {
            "hash": [None if key == 7 else _hash(int(key)) for key in keys],
            "digest": [hashlib.md5(bytes([key])).digest() for key in keys],
            "number": pl.Series([hash((int(key), 1)) % 2**64 for key in keys], dtype=pl.UInt64),
            "x": values.set(pl.Series(chance.random(ROWS) < 0.1), None),
            "n": chance.integers(-9, 9, ROWS),
        }
    )


KEYS = [["hash"], ["digest"], ["number"], ["hash", "number"]]


def _fit(frame: pl.DataFrame, **options: Any) -> normcli.Stats:
    return normcli.fit(frame, columns="x,n", **options)


@pytest.mark.filterwarnings("ignore::normcli.errors.NormWarning")
@pytest.mark.parametrize("by", KEYS, ids=str)
@pytest.mark.parametrize(
    ("chain", "quantiles"), [("zscore", "exact"), ("robust", "sketch"), ("asinh+minmax", "exact")]
)
def test_shards_merge_to_the_whole(
    frame: pl.DataFrame, by: list[str], chain: str, quantiles: str, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"method": chain, "by": by, "quantiles": quantiles}
    options["min_group"] = LEAST
    whole = _fit(frame, **options)
    parts = [_fit(frame[i::7], **options) for i in range(7)]
    random.Random(1).shuffle(parts)
    small = [set(part.fitted.columns[0].small) for part in parts]
    own = whole.fitted.columns[0].small
    assert whole.fitted.keys is not None
    # Groups that are small in every shard and large enough together, and some that stay small.
    assert 0 < len(own) < min(map(len, small))
    nested = normcli.merge(normcli.merge(*parts[:3]), parts[3], normcli.merge(*parts[4:]))
    for merged in (normcli.merge(*parts), nested):
        assert merged.to_json() == whole.to_json()
    for i, part in enumerate(parts):
        part.save(tmp_path / f"{i}.json")
    read = [normcli.load(tmp_path / f"{i}.json") for i in range(7)]
    assert normcli.merge(*read).to_json() == whole.to_json()
    shuffled = frame.sample(fraction=1, shuffle=True, seed=8)
    assert _fit(shuffled, **options, threads=1, batch_rows=97).to_json() == whole.to_json()
    assert normcli.fit(frame, like=whole).to_json() == whole.to_json()


@pytest.mark.filterwarnings("ignore::normcli.errors.NormWarning")
def test_which_groups_are_small(frame: pl.DataFrame) -> None:
    stats = _fit(frame, by="hash", min_group=LEAST)
    document = json.loads(stats.to_json())
    assert document["recipe"]["min_group"] == LEAST
    for name, column in document["columns"].items():
        valid = pl.col(name).is_not_null() & pl.col(name).cast(pl.Float64).is_not_nan()
        counts = frame.group_by("hash").agg(valid.sum().alias("valid")).sort("hash")
        small = counts.filter(pl.col("valid") < LEAST)["hash"].to_list()
        assert column["small_groups"] == [[key] for key in small]
        overall = list(column["steps"][0]["params"].values())
        rows = dict(zip(counts["hash"], column["steps"][0]["groups"]["rows"], strict=True))
        assert all((row == overall) == (key in small) for key, row in rows.items())
    # A null key is a group like any other: here a large one, and with a higher bound a small one.
    for least, expected in ((LEAST, False), (ROWS, True)):
        column = json.loads(_fit(frame, by="hash", min_group=least).to_json())["columns"]["x"]
        assert ([None] in column["small_groups"]) == expected


def test_it_is_said_for_each_column(frame: pl.DataFrame) -> None:
    small = {"x": 0, "n": 0}
    with pytest.warns(NormWarning) as caught:
        stats = _fit(frame, by="hash", min_group=LEAST)
    groups = len(stats.fitted.keys) if stats.fitted.keys is not None else 0
    for column in stats.fitted.columns:
        small[column.name] = len(column.small)
    assert small["x"] > small["n"] > 0
    said = [str(warning.message) for warning in caught]
    assert said == [
        f'column "{name}" has fewer than {LEAST} valid values in {number} of {groups} groups; '
        "they take the parameters of all rows"
        for name, number in small.items()
    ]
    with pytest.warns(NormWarning, match="has fewer than 40 valid values in"):
        normcli.merge(stats, _shard(frame))


@pytest.mark.filterwarnings("ignore::normcli.errors.NormWarning")
def _shard(frame: pl.DataFrame) -> normcli.Stats:
    with pytest.warns(NormWarning):
        return _fit(frame[:10], by="hash", min_group=LEAST)


def test_a_group_without_values_is_one_with_fewer_than_one() -> None:
    frame = pl.DataFrame({"g": ["a", "a", "b", None], "x": [1.0, 4.0, None, float("nan")]})
    with pytest.warns(NormWarning, match="has no valid value in 2 of 3 groups; they take"):
        stats = normcli.fit(frame, by="g", min_group=1)
    new = pl.DataFrame({"g": ["b", None], "x": [2.5, 4.0]})
    assert stats.apply(new)["x"].to_list() == [0.0, 1.0]


def test_it_needs_groups_and_a_number(tmp_path: Path) -> None:
    frame = pl.DataFrame({"g": ["a", "b"], "x": [1.0, 2.0]})
    with pytest.raises(UsageError, match="--min-group needs group keys"):
        normcli.fit(frame, min_group=3)
    with pytest.raises(UsageError, match="must not be below 0"):
        normcli.fit(frame, min_group=-1, by="g")
    (tmp_path / "r.toml").write_text("min_group = 2\n")
    with pytest.raises(UsageError, match=r"r\.toml: min_group needs group keys"):
        normcli.fit(frame, recipe=tmp_path / "r.toml")
    # Nought turns it off, and is what is said if nothing is.
    plain = normcli.fit(frame, columns="x", recipe=tmp_path / "r.toml", min_group=0)
    assert plain.to_json() == normcli.fit(frame, columns="x").to_json()


@pytest.mark.filterwarnings("ignore::normcli.errors.NormWarning")
@pytest.mark.parametrize("chain", ["zscore", "robust", "zscore+minmax"])
@pytest.mark.parametrize("state", [True, False])
def test_a_file_that_says_otherwise_is_refused(chain: str, state: bool, tmp_path: Path) -> None:
    frame = pl.DataFrame({"g": list("aaabbc"), "x": [1.0, 4.0, 6.0, 3.0, 9.0, 2.0]})
    document = json.loads(
        normcli.fit(frame, method=chain, by="g", min_group=3, state=state).to_json()
    )
    path = tmp_path / "s.json"

    def refused(column: dict[str, Any], reason: str, **top: Any) -> None:
        changed = {**document, **top, "columns": {"x": {**document["columns"]["x"], **column}}}
        path.write_text(json.dumps(changed), encoding="utf-8")
        with pytest.raises(StatsFileError, match=reason):
            normcli.load(path)

    assert document["columns"]["x"]["small_groups"] == [["b"], ["c"]]
    for wrong in ([], [["d"]], [["c"], ["b"]], [["b"], ["b"], ["c"]], [["b", "c"]], [[1], ["c"]]):
        refused({"small_groups": wrong}, "small_groups|keys")
    refused({}, "no min_group", recipe={"defaults": {"method": chain}})
    for other in (0, -1, 2.5, "3", True, None):
        refused({}, "recipe|no min_group|below", recipe={**document["recipe"], "min_group": other})
    for step in range(len(chain.split("+"))):
        steps = json.loads(json.dumps(document["columns"]["x"]["steps"]))
        steps[step]["groups"]["rows"][1][0] += 1
        refused({"steps": steps}, "other params than all rows")
    if state:
        for fewer in ([["c"]], [["a"], ["b"], ["c"]]):
            refused({"small_groups": fewer}, "contradict the state|other params")
        del document["columns"]["x"]["small_groups"]
        refused({}, "contradict the state")
