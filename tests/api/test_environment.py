"""What normcli tells polars by environment variables is gone afterwards."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

import normcli
from normcli.errors import DataError

VALUES = "POLARS_PARQUET_DECODE_TARGET_VALUES_PER_THREAD"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"x": [1.0, 2.0, 4.0]}).write_parquet(path)
    return path


@pytest.mark.parametrize("own", [None, "1000000"])
def test_variables_are_as_before(
    rows: Path, own: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VALUES, raising=False)
    if own is not None:
        monkeypatch.setenv(VALUES, own)
    before = dict(os.environ)
    stats = normcli.fit(rows, method="robust", condition=True)
    assert stats.apply(rows).collect().height == 3
    assert dict(os.environ) == before


def test_variables_are_as_before_after_an_error(rows: Path) -> None:
    before = dict(os.environ)
    with pytest.raises(DataError):
        normcli.fit(rows, method="boxcox", where="x < 0")
    assert dict(os.environ) == before
