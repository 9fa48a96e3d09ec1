"""Stats files against the JSON Schema that ships with the package."""

from __future__ import annotations

import datetime as dt
import importlib.resources
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import jsonschema
import polars as pl
import pytest

import normcli
from normcli.methods import METHODS
from tests.conformance.row_bounds import ROW_BOUNDS

pytestmark = pytest.mark.filterwarnings("ignore::normcli.errors.NormWarning")

SCHEMA = json.loads(
    (importlib.resources.files("normcli") / "statsfile" / "schema-1.json").read_text("utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

DAY = dt.date(2024, 2, 29)
NOON = dt.datetime(2024, 2, 29, 12)
COLUMNS: dict[str, pl.Series] = {
    **{
        str(dtype): pl.Series([1, None, 3, 5], dtype=dtype)
        for dtype in (
            *(pl.Int8(), pl.Int16(), pl.Int32(), pl.Int64()),
            *(pl.UInt8(), pl.UInt16(), pl.UInt32(), pl.UInt64()),
            *(pl.Float32(), pl.Float64()),
        )
    },
    "nan": pl.Series([1.5, float("nan"), None, -1e150]),
    "Boolean": pl.Series([True, None, False, True]),
    "Decimal": pl.Series(
        [Decimal("1.25"), None, Decimal("-3"), Decimal(0)], dtype=pl.Decimal(9, 2)
    ),
    "wide": pl.Series([Decimal(10**30), None, Decimal(1), Decimal(0)], dtype=pl.Decimal(38, 3)),
    "Date": pl.Series([DAY, None, DAY + dt.timedelta(5), DAY]),
    "Time": pl.Series([dt.time(1), None, dt.time(2, 3), dt.time(1)]),
    "ms": pl.Series([NOON, None, NOON + dt.timedelta(1), NOON], dtype=pl.Datetime("ms")),
    "ns": pl.Series(
        [NOON, None, NOON + dt.timedelta(1), NOON], dtype=pl.Datetime("ns")
    ).dt.replace_time_zone("Europe/Berlin"),
    "Duration": pl.Series([dt.timedelta(1), None, dt.timedelta(3), dt.timedelta(1)]),
    "empty": pl.Series([None, None, None, None], dtype=pl.Float64),
    "constant": pl.Series([2, 2, 2, 2]),
}
FRAME = pl.DataFrame({**COLUMNS, "g": ["a", "b", None, "a"], "split": ["t", "t", "t", "v"]})
KEYS = [name for name in FRAME.columns if name not in ("nan", "empty", "split")]

CHAINS = [
    "zscore",
    "zscore:ddof=1",
    "zscore:mean=2",
    "zscore:mean=2,std=3",
    "minmax:low=-1,high=2.5,clip=true",
    "minmax:min=0,max=255",
    "decimal",
    "clip:low=-1",
    "skip+center",
    "symlog+minmax",
    "zscore+minmax",
    "asinh:s=2+scale+rms",
    *sorted(
        {name for name, method in METHODS.items() if not (method.joins or method.encodes)}
        - {"clip", "skip", "boxcox", "log", "log2", "log10", "log1p", "sqrt"}
    ),
]
VECTORS = [
    *(name for bound in ROW_BOUNDS.values() for name in bound.examples if "1:" not in name),
    "zscore+layernorm+minmax:axis=none",
    "layernorm:gamma=2:0.5:-1:3,beta=1",
]
VALUES = {
    **{name: series for name, series in COLUMNS.items() if not series.dtype.is_float()},
    "text": pl.Series(["b", None, "a \u2028", "10"]),
    "enum": pl.Series(["b", None, "a", "b"], dtype=pl.Enum(["b", "a"])),
    "Binary": pl.Series([b"\xff", None, b"", b"a"]),
    "nothing": pl.Series([None, None, None, None], dtype=pl.String),
}
ENCODERS = sorted(name for name, method in METHODS.items() if method.encodes)


def document(**options: Any) -> dict[str, Any]:
    options = {"columns": ",".join(COLUMNS), **options}
    made = json.loads(normcli.fit(FRAME, **options).to_json())
    assert isinstance(made, dict)
    return made


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("grouped", [False, True], ids=["rows", "groups"])
@pytest.mark.parametrize("chain", CHAINS)
def test_fits_of_every_dtype_with_every_chain_are_valid(chain: str, grouped: bool) -> None:
    VALIDATOR.validate(document(method=chain, by=["g"] if grouped else []))


@pytest.mark.parametrize("grouped", [False, True], ids=["rows", "groups"])
@pytest.mark.parametrize("chain", VECTORS)
def test_fits_of_vectors_are_valid(chain: str, grouped: bool) -> None:
    members = "Int8,UInt64,wide,nan"
    tensors = pl.Series("t", [[[1.0, 2.0], [3.0, None]], None] * 2, pl.Array(pl.Float32, (2, 2)))
    frame = FRAME.with_columns(tensors)
    for columns in ("t",) if "instancenorm" in chain else ("t", members):
        stats = normcli.fit(frame, columns=columns, method=chain, by=["g"] if grouped else [])
        VALIDATOR.validate(json.loads(stats.to_json()))


@pytest.mark.parametrize("by", [(), ("g",)], ids=["rows", "groups"])
@pytest.mark.parametrize("later", ["", "+zscore", "+minmax+robust"])
@pytest.mark.parametrize("name", ENCODERS)
def test_fits_of_values_are_valid(name: str, later: str, by: tuple[str, ...]) -> None:
    method = METHODS[name]()
    if later and method.output is not None and method.output.is_nested():
        later = ""
    taken = {key: series for key, series in VALUES.items() if method.takes(series.dtype)}
    frame = pl.DataFrame({**taken, "g": ["a", "b", None, "a"]})
    for state in (True, False):
        stats = normcli.fit(frame, method=name + later, columns=",".join(taken), by=by, state=state)
        VALIDATOR.validate(json.loads(stats.to_json()))


@pytest.mark.parametrize("chain", ["ordinal:categories=1:2:9,unseen=null", "ordinal:unseen=null"])
def test_options_of_encoders_are_valid(chain: str) -> None:
    frame = pl.DataFrame({"n": [1, 2], "text": ["9", "2"]})
    VALIDATOR.validate(json.loads(normcli.fit(frame, method=chain, columns="n,text").to_json()))


def _coded() -> dict[str, Any]:
    frame = pl.DataFrame({"x": ["b", "a", "b"], "g": [1, 1, 2]})
    made: dict[str, Any] = json.loads(normcli.fit(frame, method="ordinal", by="g").to_json())
    return made


CODED_DAMAGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a summary of numbers": lambda x: x["summary"].update(nan=0),
    "a summary without null": lambda x: x["summary"].pop("null"),
    "parameters by group": lambda x: x["steps"][0].update(
        groups={"params": ["categories"], "rows": [[["a"]], [["b"]]]}
    ),
    "a state by group": lambda x: x.update(state={"fields": ["count"], "rows": [[1], [2]]}),
    "a state without categories and with a sum": lambda x: x["state"].update(sum="0x0p0"),
    "categories that are no list": lambda x: x["steps"][0]["params"].update(categories="ab"),
    "a category that is a list": lambda x: x["steps"][0]["params"]["categories"].append([]),
    "a category that is a fraction": lambda x: x["steps"][0]["params"]["categories"].append(0.5),
    "a count of 0": lambda x: x["state"]["categories"].append(["c", 0]),
    "a count of its own": lambda x: x["state"]["categories"].append(["c"]),
    "an unknown choice": lambda x: x["steps"][0].update(unseen="keep"),
    "given categories that are numbers": lambda x: x["steps"][0].update(categories=[1]),
    "an axis": lambda x: x["steps"][0].update(axis=0),
}


@pytest.mark.parametrize("damage", CODED_DAMAGES.values(), ids=CODED_DAMAGES.keys())
def test_damaged_files_of_values_are_not_valid(damage: Callable[[dict[str, Any]], Any]) -> None:
    made = _coded()
    VALIDATOR.validate(made)
    damage(made["columns"]["x"])
    assert not VALIDATOR.is_valid(made)


@pytest.mark.parametrize("method", ["log", "log2", "log10", "log1p", "sqrt"])
def test_methods_with_a_domain_are_valid(method: str) -> None:
    VALIDATOR.validate(document(method=method, columns="Int64,Float64"))


@pytest.mark.parametrize("key", KEYS)
def test_keys_of_every_dtype_are_valid(key: str) -> None:
    VALIDATOR.validate(document(by=key, columns="Float64" if key != "Float64" else "Int8"))


@pytest.mark.parametrize(
    "options",
    [
        {"by": ["g", "Date"], "columns": "Int64"},
        {"where": "split = 't'"},
        {"state": False},
        {"state": False, "by": "g"},
        {"set": {"@float": "skip", "@integer": "minmax", "Date": "center"}},
        {"by": "g", "min_group": 2},
        {"by": ["g", "Date"], "min_group": 3, "state": False, "columns": "Int64"},
        {"method": "rms", "exclude": "Date,Time,ms,ns,Duration", "inf": "skip"},
    ],
    ids=str,
)
def test_fits_with_every_option_are_valid(options: dict[str, Any]) -> None:
    VALIDATOR.validate(document(**options))


def test_infinite_values_that_were_skipped_are_valid() -> None:
    frame = pl.DataFrame({"x": [1.0, float("inf")]})
    made = json.loads(normcli.fit(frame, inf="skip").to_json())
    assert made["columns"]["x"]["summary"]["inf"] == 1
    VALIDATOR.validate(made)


def test_the_way_text_was_read_is_valid(tmp_path: Any) -> None:
    path = tmp_path / "a.csv"
    path.write_text("1,5;-;7\n2,5;3;8\n")
    stats = normcli.fit(
        path,
        delimiter=";",
        header=False,
        null_values=["-"],
        decimal_comma=True,
        types={"column_2": "Decimal(4,1)"},
    )
    made = json.loads(stats.to_json())
    assert set(made["read"]) == set(SCHEMA["$defs"]["read"]["properties"])
    VALIDATOR.validate(made)


def test_merged_fits_are_valid() -> None:
    stats = normcli.fit(FRAME, by="g", columns="Int64,Float64,wide")
    VALIDATOR.validate(json.loads(normcli.merge(stats, stats).to_json()))


Damage = Callable[[dict[str, Any]], Any]
X = "Float64"
DAMAGES: dict[str, Damage] = {
    "another format": lambda d: d.update(format="normcli/2"),
    "a key too many": lambda d: d.update(note="hello"),
    "no source": lambda d: d.pop("source"),
    "rows below 0": lambda d: d["source"].update(rows=-1),
    "rows as text": lambda d: d["source"].update(rows="4"),
    "no columns": lambda d: d.update(columns={}),
    "groups without by": lambda d: d.pop("by"),
    "by without groups": lambda d: d.pop("groups"),
    "an empty by": lambda d: d.update(by={}),
    "an unknown dtype of a key": lambda d: d["by"].update(g="Complex"),
    "a key that is a list": lambda d: d["groups"].append([["a"]]),
    "an unknown dtype": lambda d: d["columns"][X].update(dtype="Float65"),
    "a dtype without numbers": lambda d: d["columns"][X].update(dtype="String"),
    "no steps": lambda d: d["columns"][X].update(steps=[]),
    "a step that is a text": lambda d: d["columns"][X].update(steps=["zscore"]),
    "an unknown method": lambda d: step(d).update(method="zscor"),
    "no method": lambda d: step(d).pop("method"),
    "an unknown option": lambda d: step(d).update(sigma=1),
    "an option of another type": lambda d: step(d).update(ddof="1"),
    "a parameter too few": lambda d: step(d)["params"].pop("std"),
    "a parameter too many": lambda d: step(d)["params"].update(min=0),
    "a parameter as text": lambda d: step(d)["params"].update(std="1"),
    "a table with other names": lambda d: step(d)["groups"].update(params=["std", "mean"]),
    "a row too short": lambda d: step(d)["groups"]["rows"][0].pop(),
    "a row too long": lambda d: step(d)["groups"]["rows"][0].append(1),
    "no rows": lambda d: step(d)["groups"].update(rows=[]),
    "a summary without std": lambda d: d["columns"][X]["summary"].pop("std"),
    "a fractional count": lambda d: d["columns"][X]["summary"].update(count=1.5),
    "a state without groups": lambda d: d["columns"][X].update(state={"count": 1}),
    "a sum as a number": lambda d: state(d)["rows"][0].__setitem__(6, 1.0),
    "a sum that is not canonical": lambda d: state(d)["rows"][0].__setitem__(6, "0x010p0"),
    "a read option of no meaning": lambda d: d.update(read={"encoding": "latin-1"}),
    "a read option at its default": lambda d: d.update(read={"header": True}),
    "an empty read": lambda d: d.update(read={}),
    "no small group": lambda d: d["columns"][X].update(small_groups=[]),
    "a small group that is no list": lambda d: d["columns"][X].update(small_groups=["a"]),
    "a bound for groups below 1": lambda d: d["recipe"].update(min_group=0),
    "an empty recipe": lambda d: d.update(recipe={}),
    "a recipe with a key of no meaning": lambda d: d["recipe"].update(by=["g"]),
    "a recipe with what is the default": lambda d: d["recipe"].update(inf="error"),
    "a recipe without chains": lambda d: d["recipe"].update(columns={}),
    "a recipe with a chain as a list": lambda d: d["recipe"].update(columns={"x": ["rms"]}),
    "a recipe with an option of the default": lambda d: d["recipe"].update(defaults={"ddof": 1}),
}


def step(d: dict[str, Any]) -> Any:
    return d["columns"][X]["steps"][0]


def state(d: dict[str, Any]) -> Any:
    return d["columns"][X]["state"]


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damaged_files_are_not_valid(damage: Damage) -> None:
    made = document(by="g", columns=X)
    VALIDATOR.validate(made)
    damage(made)
    assert not VALIDATOR.is_valid(made)


MEMBERS: dict[str, Damage] = {
    "a member too few": lambda d: d.update(members={"Int8": "Int8"}),
    "a member that is no number": lambda d: d["members"].update(Int8="Date"),
    "a member without a dtype": lambda d: d["members"].update(Int8=None),
    "gamma as a text": lambda d: d["steps"][0].update(gamma="1:2"),
    "params of a step that has none": lambda d: d["steps"][0].update(params={"mean": 1}),
}


@pytest.mark.parametrize("damage", MEMBERS.values(), ids=MEMBERS.keys())
def test_damaged_vectors_are_not_valid(damage: Damage) -> None:
    made = document(method="layernorm:gamma=1:2", columns="Int8,Float64")
    VALIDATOR.validate(made)
    damage(made["columns"]["Int8,Float64"])
    assert not VALIDATOR.is_valid(made)


def test_groups_in_a_file_without_groups_are_not_valid() -> None:
    made = document(columns=X)
    step(made)["groups"] = {"params": ["mean", "std"], "rows": [[0, 1]]}
    assert not VALIDATOR.is_valid(made)
