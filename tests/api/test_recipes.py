"""Recipes in Python: `fit(recipe=…)`, `fit(like=…)`, and what goes before them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import normcli
from normcli.errors import StatsFileError, UsageError

FRAME = pl.DataFrame(
    {
        "key": ["a", "a", "b", "b", None],
        "part": [1, 1, 2, 2, 2],
        "x": [1.0, 2.0, 7.0, 4.0, 9.0],
        "n": [1, 2, 3, 4, 10],
    }
)
RECIPE = """
by = ["key"]
where = "n < 10"
exclude = "part"
[defaults]
method = "rms"
[columns]
x = "robust:low=10"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "r.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def _same(path: Path) -> normcli.Stats:
    return normcli.fit(
        FRAME, method="rms", set={"x": "robust:low=10"}, by="key", where="n < 10", exclude="part"
    )


def test_a_recipe_is_what_its_arguments_are(path: Path) -> None:
    for given in (path, str(path)):
        assert normcli.fit(FRAME, recipe=given).to_json() == _same(path).to_json()


def test_like_takes_a_fit_or_its_file(path: Path, tmp_path: Path) -> None:
    stats = normcli.fit(FRAME, recipe=path)
    stats.save(tmp_path / "s.json")
    for like in (stats, tmp_path / "s.json", str(tmp_path / "s.json")):
        assert normcli.fit(FRAME, like=like).to_json() == stats.to_json()
    read_back = normcli.load(tmp_path / "s.json")
    assert normcli.fit(FRAME, like=read_back).to_json() == stats.to_json()
    # A part of a fit, or a fit without state, was asked the same.
    for less in (stats.only("x"), stats.without_state()):
        assert normcli.fit(FRAME, like=less).to_json() == stats.to_json()


def test_a_merged_fit_is_repeated_on_all_rows() -> None:
    parts = [normcli.fit(part, exclude="part", set={"n": "center"}) for part in (FRAME, FRAME[:3])]
    merged = normcli.merge(*parts)
    whole = normcli.fit(pl.concat([FRAME, FRAME[:3]]), like=merged)
    assert whole.to_json() == merged.to_json()


@pytest.mark.parametrize("how", ["recipe", "like"])
def test_arguments_go_before_it(path: Path, how: str) -> None:
    given: dict[str, Any] = {how: path if how == "recipe" else normcli.fit(FRAME, recipe=path)}

    def fit(**more: Any) -> normcli.Stats:
        return normcli.fit(FRAME, **given, **more)

    assert fit(by=()).fitted.by == ()
    assert fit(by="part").fitted.by == ("part",)
    assert fit(where="n < 3", by=()).fitted.rows == 2
    assert fit(exclude="").params("part")["rms"] > 0
    assert fit(method="center").params("n") == {"mean": 2.5}
    assert fit(set={"x": "center"}).params("x") == {"mean": 3.5}
    assert fit(columns="x").fitted.recipe["select"] == "x"
    assert "median" in fit(set={"n": "center"}).params("x")


def test_recipe_and_like_are_not_given_together(path: Path) -> None:
    with pytest.raises(UsageError, match="can't be given together"):
        normcli.fit(FRAME, recipe=path, like=_same(path))


def test_arguments_are_checked() -> None:
    for wrong in ({"inf": "drop"}, {"quantiles": "rough"}):
        with pytest.raises(UsageError, match="must be"):
            normcli.fit(FRAME, **wrong)  # type: ignore[arg-type]


def test_what_was_asked_is_written_in_one_way() -> None:
    """Different words for the same are the same bytes."""
    same = [
        {},
        {"method": "zscore:ddof=0"},
        {"columns": "@numeric"},
        {"exclude": ""},
        {"inf": "error", "quantiles": "exact"},
        {"by": []},
        {"set": []},
    ]
    frame = FRAME.select("x", "n")
    assert len({normcli.fit(frame, **asked).to_json() for asked in same}) == 1  # type: ignore[arg-type]
    again = [("x", "rms"), ("n", "center"), ("x", "minmax:low=0.0,high=2")]
    once = {"n": "center:", "x": "minmax: high=2"}
    fits = [
        normcli.fit(frame, set=pairs).to_json()
        for pairs in (again, {"n": "center", "x": once["x"]})
    ]
    assert fits[0] == fits[1]
    assert json.loads(fits[0])["recipe"]["columns"] == {"n": "center", "x": "minmax:high=2"}


def test_every_order_of_overlapping_selectors_is_kept() -> None:
    chains = {"*": "center", "@float": "rms", "x": "maxabs"}
    for order in itertools.permutations(chains):
        stats = normcli.fit(FRAME.select("x", "n"), set={name: chains[name] for name in order})
        assert normcli.fit(FRAME.select("x", "n"), like=stats).to_json() == stats.to_json()
        assert list(stats.fitted.recipe["columns"]) == list(order)


def test_a_fit_without_a_recipe_is_not_repeated(tmp_path: Path) -> None:
    document = json.loads(normcli.fit(FRAME, method="rms", columns="x").to_json())
    del document["recipe"]
    path = tmp_path / "s.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(StatsFileError, match="does not say what its recipe was"):
        normcli.fit(FRAME, like=path)
    # It is of use for all else.
    assert normcli.load(path).apply(FRAME)["x"].len() == 5
