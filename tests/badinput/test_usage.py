"""Commands that are written wrongly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import normcli

DATA = pl.DataFrame({"x": [1.0, 2.0, 4.0], "y": [1, 2, 3]})


def stats(path: Path) -> None:
    normcli.fit(DATA).save(path)


FIT = ["fit", "a.csv", "-o", "out/kept.json"]
APPLY = ["apply", "s.json", "a.csv", "-o", "out/kept.csv"]

CASES: list[tuple[str, list[str]]] = [
    ("unknown command", ["aply", "s.json", "a.csv"]),
    ("unknown flag", [*FIT, "--methd", "zscore"]),
    ("flag without value", ["fit", "a.csv", "-o"]),
    ("no stats file", ["apply"]),
    ("nothing to merge", ["merge"]),
    ("unknown method", [*FIT, "-m", "zscor"]),
    ("unknown method, nothing near", [*FIT, "-m", "frobnicate"]),
    ("unknown method to show", ["methods", "min-max"]),
    ("unknown option", [*FIT, "-m", "minmax:lo=0"]),
    ("option of a method without any", [*FIT, "-m", "log:base=2"]),
    ("option of the wrong type", [*FIT, "-m", "minmax:low=zero"]),
    ("option of the wrong type, Boolean", [*FIT, "-m", "minmax:clip=1"]),
    ("option of the wrong type, whole number", [*FIT, "-m", "zscore:ddof=0.5"]),
    ("option out of range", [*FIT, "-m", "zscore:ddof=-1"]),
    ("option out of range, scale", [*FIT, "-m", "zscore:std=0"]),
    ("option not finite", [*FIT, "-m", "minmax:low=nan"]),
    ("options that contradict", [*FIT, "-m", "minmax:low=1,high=0"]),
    ("option given twice", [*FIT, "-m", "minmax:low=0,low=1"]),
    ("clip without bounds", [*FIT, "-m", "clip"]),
    ("groupnorm without groups", [*FIT, "-m", "groupnorm"]),
    ("gamma that is no list of numbers", [*FIT, "-m", "layernorm:gamma=1:x"]),
    ("eps below 0", [*FIT, "-m", "layernorm:eps=-1"]),
    ("norm of another name", [*FIT, "-m", "unit:norm=l3"]),
    ("chain: empty", [*FIT, "-m", ""]),
    ("chain: empty step", [*FIT, "-m", "log++zscore"]),
    ("chain: trailing plus", [*FIT, "-m", "log+"]),
    ("chain: no options after the colon", [*FIT, "-m", "minmax:"]),
    ("chain: no value", [*FIT, "-m", "minmax:low"]),
    ("chain: spaces for commas", [*FIT, "-m", "minmax:low=0 high=1"]),
    ("set without chain", [*FIT, "-s", "x"]),
    ("set with unknown method", [*FIT, "-s", "x=zscor"]),
    ("inf", [*FIT, "--inf", "ignore"]),
    ("min group", [*FIT, "--by", "y", "--min-group", "-1"]),
    ("min group, no number", [*FIT, "--by", "y", "--min-group", "few"]),
    ("min group without keys", [*FIT, "--min-group", "3"]),
    ("threads", [*FIT, "--threads", "0"]),
    ("batch rows", [*FIT, "--batch-rows", "many"]),
    ("map without equals", [*APPLY, "--map", "predicted"]),
    ("map to nothing", [*APPLY, "--map", "x="]),
    ("unknown group mode", [*APPLY, "--unknown-group", "drop"]),
    ("missing column mode", [*APPLY, "--missing-column", "ignore"]),
    ("dtype", [*APPLY, "--dtype", "float16"]),
    ("to", [*APPLY, "--to", "xlsx"]),
    ("from", [*APPLY, "--from", "xls"]),
    ("compression", [*APPLY, "--compression", "snappy"]),
    ("compression, unknown", [*APPLY, "--compression", "zip"]),
    ("float format", [*APPLY, "--float-format", "%.3f"]),
    (
        "float format of parquet",
        ["apply", "s.json", "a.csv", "-o", "out/kept.parquet", "--float-format", ".3f"],
    ),
    ("output without ending", ["apply", "s.json", "a.csv", "-o", "out/kept.xlsx"]),
    ("stats and data from stdin", ["apply", "-", "-"]),
]


@pytest.mark.parametrize(("case", "command"), CASES, ids=[case for case, _ in CASES])
def test_refused(cases: Any, case: str, command: list[str]) -> None:
    cases.refused(case, command, {"a.csv": DATA, "s.json": stats}, 2)
