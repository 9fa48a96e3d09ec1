"""Whatever is changed in a stats file: it loads and means something, or it is refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import normcli
from normcli.errors import StatsFileError

DATA = pl.DataFrame({"k": ["a", "a", "b"], "x": [1.0, 2.0, 4.0], "y": [1, 2, 3]})
WRONG: tuple[Any, ...] = (
    None,
    True,
    -1,
    0.5,
    10**400,
    "",
    "text",
    "0x1p99999",
    [],
    [None],
    {},
    {"a": 1},
)


def _places(value: Any) -> Iterator[list[Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield [key]
        if isinstance(inner, (dict, list)):
            yield from ([key, *rest] for rest in _places(inner))


def test_quantiles_out_of_order(tmp_path: Path) -> None:
    document = json.loads(normcli.fit(DATA, columns="x", method="quantile").to_json())
    quantiles = document["columns"]["x"]["steps"][0]["params"]["quantiles"]
    path = tmp_path / "s.json"
    path.write_text(json.dumps(document))
    assert normcli.load(path).params("x")["quantiles"] == [1.0, 2.0, 4.0]
    quantiles.reverse()
    path.write_text(json.dumps(document))
    with pytest.raises(StatsFileError, match="quantiles are not in ascending order"):
        normcli.load(path)


@pytest.mark.parametrize("by", ["k", ""])
@pytest.mark.parametrize("method", ["zscore", "clip:low=0+minmax:high=2", "decimal", "quantile"])
def test_mutations(tmp_path: Path, by: str, method: str) -> None:
    document = json.loads(normcli.fit(DATA, by=by or (), method=method).to_json())
    path = tmp_path / "s.json"
    refused = 0
    for place in _places(document):
        for wrong in WRONG:
            changed = copy.deepcopy(document)
            part = changed
            for key in place[:-1]:
                part = part[key]
            part[place[-1]] = wrong
            path.write_text(json.dumps(changed))
            try:
                normcli.load(path)
            except StatsFileError as error:
                assert "s.json" in str(error), place
                refused += 1
            except Exception as error:
                raise AssertionError(f"{place} = {wrong!r}: {error!r}") from error
    assert refused > 100
