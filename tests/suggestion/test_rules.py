"""Every rule decides for an example of its own, and the suggested chain really fits the data."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

import normcli
from normcli.methods import METHODS
from normcli.suggestion import OFFERED, RULES
from normcli.suggestion.words import words

RANDOM, OTHERS = np.random.default_rng(7), np.random.default_rng(8)
NORMAL = RANDOM.normal(size=400)
WIDE = np.exp(NORMAL)
DAYS = [dt.date(2024, 1, 1) + dt.timedelta(days=int(i)) for i in RANDOM.integers(0, 900, 400)]
SENTENCE = "a text of seven words or so"
DIGITS = RANDOM.integers(0, 10**6, 400)


def some(values: list[Any], count: int = 400) -> list[Any]:
    """Return the values again and again, in no order."""
    return [values[int(i)] for i in RANDOM.integers(0, len(values), count)]


def sampled(low: int, high: int) -> list[int]:
    return [int(i) for i in RANDOM.integers(low, high + 1, 400)]


def arrays(dtype: type[pl.DataType], *shape: int) -> pl.Series:
    values = RANDOM.integers(0, 99, (9, *shape))
    return pl.Series(values.tolist(), dtype=pl.Array(dtype, shape), strict=False)


TOKENS = "tokens:length="

CLOCK = ("minmax:min=0,max=2400", "clock times as hhmm")

# rule, name of the column, values, chain, a part of the reason
EXAMPLES: list[tuple[str, str, Any, str, str]] = [
    ("no_values", "x", [None, None, float("nan")], "skip", "no value"),
    ("no_values", "x", pl.Series([None, None]), "skip", "no value"),
    ("constant", "year", [2013] * 9, "skip", "always 2013"),
    ("constant", "x", ["a", "a", None], "skip", "always a, 33 % null"),
    ("constant", "x", [1e-300] * 3, "skip", "always 1e-300"),
    ("boolean", "on", [True, False, None], "skip", "a flag"),
    ("tensor", "v", [[1.0], [2.0, 3.0]], "zscore:axis=none", "lists of any length; all"),
    ("tensor", "v", arrays(pl.Float32, 3), "zscore", "vectors of 3; each element"),
    ("tensor", "v", arrays(pl.Int64, 8, 8, 3), "zscore", "tensors of 8×8×3; each channel"),
    ("tensor", "v", arrays(pl.Int64, 3, 8, 8), "zscore:axis=0", "each channel"),
    ("tensor", "v", arrays(pl.Int64, 8, 8), "zscore:axis=none", "all elements"),
    ("tensor", "v", arrays(pl.UInt8, 8, 8), "minmax:min=0,max=255", "bytes"),
    ("no_number", "v", [[True], [False]], "skip", "list"),
    ("no_number", "v", [["a"], ["b"]], "skip", "list"),
    ("no_number", "v", [{"a": 1}, {"a": 2}], "skip", "struct"),
    ("no_number", "v", [b"a", b"b"], "skip", "binary"),
    ("moment", "date", DAYS, "skip", "points in time"),
    ("moment", "at", [dt.datetime(2024, 1, i) for i in range(1, 9)], "skip", "points in time"),
    (
        "time_of_day",
        "at",
        [dt.time(i, 30) for i in range(24)],
        "minmax:min=0,max=86400000000000",
        "time of day",
    ),
    ("numbers_as_text", "x", [*map(str, DIGITS), "-"], "skip", 'is "-" null?'),
    ("numbers_as_text", "plz", [f"{i:06}" for i in DIGITS], "skip", "codes"),
    ("dates_as_text", "day", [str(day) for day in DAYS], "skip", "dates as text"),
    ("sentences", "comment", [f"{SENTENCE} {i}"[-27:] for i in DIGITS], TOKENS, "free text"),
    ("text_identifier", "x", [f"k{i}" for i in range(400)], "skip", "identifier"),
    ("categories", "island", some(["Biscoe", "Dream"]), "ordinal", "2 categories"),
    ("categories", "x", pl.Series(some(["a", "b", "c"]), dtype=pl.Categorical), "ordinal", "3 cat"),
    ("names", "tailnum", some([f"N{i}" for i in range(150)]), "skip", "names or keys"),
    ("flag", "on", some([0, 1]), "skip", "0 or 1"),
    ("flag", "on", some([0.0, 1.0, None]), "skip", "0 or 1"),
    ("label", "target", some([0, 1, 2]), "skip", "3 labels"),
    ("identifier", "PassengerId", range(400), "skip", "different in every row"),
    ("identifier", "store_id", sampled(1, 90), "skip", "named like a key"),
    ("identifier", "flight", sampled(1, 9000), "skip", "named like a key"),
    ("identifier", "x", range(10, 30), "skip", "goes on"),
    ("identifier", "x", list(np.cumsum(sampled(1, 50))), "skip", "goes on"),
    ("identifier", "t", np.arange(100) * 0.1, "skip", "goes on"),
    ("year", "year", some([2007, 2008, 2009]), "skip", "3 years, 2007 to 2009"),
    ("year", "year_built", sampled(1890, 2010), "zscore", "years, 18"),
    ("calendar", "month", sampled(1, 12), "minmax:min=1,max=12", "month, 1 to 12"),
    ("calendar", "BirthMonth", some([3, 4, 5]), "minmax:min=1,max=12", "month, 1 to 12"),
    ("calendar", "hour", sampled(0, 23), "minmax:min=0,max=23", "hour"),
    ("calendar", "weekday", sampled(1, 7), "minmax:min=1,max=7", "weekday, 1 to 7"),
    ("calendar", "day_of_week", sampled(0, 6), "minmax:min=0,max=6", "day of week, 0 to 6"),
    ("moment_as_number", "sold", [int(f"{day:%Y%m%d}") for day in DAYS], "skip", "yyyymmdd"),
    ("moment_as_number", "timestamp", sampled(1, 10**9), "skip", "points in time"),
    ("clock", "arr_time", some([5, 40, 130, 725, 1155, 1200, 2359]), *CLOCK),
    ("clock", "arr_time", [100 * (i % 24) + i % 60 for i in range(99)], *CLOCK),
    ("angle", "wind_dir", [10.0 * i for i in sampled(0, 36)], "minmax:min=0,max=360", "degrees"),
    ("position", "pickup_longitude", -73 - WIDE / 10, "zscore", "globe"),
    ("pixels", "pixel_3", sampled(0, 200), "minmax:min=0,max=255", "0 and 255"),
    ("pixels", "pixel_3", sampled(0, 16), "minmax:min=0,max=16", "0 and 16"),
    (
        "eight_bits",
        "red",
        pl.Series(sampled(3, 90), dtype=pl.UInt8),
        "minmax:min=0,max=255",
        "8 bits",
    ),
    ("eight_bits", "red", [*sampled(0, 255), 0, 255], "minmax:min=0,max=255", "8 bits"),
    ("percentage", "humidity", sampled(20, 99), "minmax:min=0,max=100", "percent"),
    (
        "percentage",
        "score",
        [0.0, 100.0, *RANDOM.random(99) * 100],
        "minmax:min=0,max=100",
        "percent",
    ),
    ("fraction", "p", [0.0, 1.0, *RANDOM.random(99)], "skip", "between 0 and 1 already"),
    ("few_numbers", "Pclass", some([1, 2, 3]), "minmax", "3 different values, 1 to 3"),
    ("few_numbers", "dose", some([0.5, 2.0]), "minmax", "2 different values, 0.5 to 2"),
    ("too_few", "speed", [90.0, 432.5, 101.0, *[None] * 97], "zscore", "3 values"),
    ("sparse", "precip", [0.0] * 300 + [0.1, 0.2, 0.3, 0.4] * 25, "maxabs", "75 % zeros"),
    ("sparse", "gain", [0.0] * 400 + list(100 * WIDE**2), "log1p+maxabs", "50 % zeros"),
    ("sparse", "change", [0.0] * 400 + list(NORMAL), "maxabs", "50 % zeros"),
    ("piled", "visib", [10.0] * 300 + list(5 + NORMAL[:100]), "minmax", "at the upper end"),
    ("piled", "x", [7.5] * 300 + list(5 + NORMAL[:100]), "minmax", "7.5"),
    ("tails", "pnl", np.sign(NORMAL) * WIDE[::-1] ** 3, "asinh:s=", "long tails"),
    ("outliers", "wind", [*10 + NORMAL, 1e3], "robust", "0.2 % far out"),
    ("even", "temp", 10 + NORMAL, "zscore", "near symmetric"),
    ("even", "length", pl.Series([dt.timedelta(hours=float(v)) for v in NORMAL]), "zscore", "near"),
    ("skewed", "price", WIDE, "log+zscore", "above 0, skew "),
    ("skewed", "waiting", RANDOM.exponential(size=400), "sqrt+zscore", "after sqrt"),
    ("skewed", "visits", [0.0, *np.floor(5 * WIDE)], "log1p+zscore", "from 0, skew "),
    ("skewed", "delay", WIDE - 0.2, "", "below 0 too"),
    ("skewed", "pareto", OTHERS.pareto(1.5, 400) + 1, "boxcox+zscore", "after boxcox"),
    ("skewed", "left", 20 - OTHERS.lognormal(2, 0.8, 400), "yeojohnson+zscore", "after yeojohnson"),
    ("stubborn", "x", 20 - RANDOM.gamma(3, size=400), "zscore", "skewed (skew -1."),
]


@pytest.mark.parametrize(
    ("rule", "name", "values", "chain", "reason"),
    EXAMPLES,
    ids=[f"{rule}-{i}" for i, (rule, *_) in enumerate(EXAMPLES)],
)
def test_the_rule_decides(rule: str, name: str, values: Any, chain: str, reason: str) -> None:
    frame = pl.DataFrame({name: values}, strict=False)
    advice = normcli.suggest(frame).columns[name]
    assert advice.rule == rule
    assert advice.chain.startswith(chain)
    assert reason in advice.reason
    if advice.chain != "skip":
        stats = normcli.fit(frame, method=advice.chain, columns=name)
        carried = stats.apply(frame)[name]
        assert carried.null_count() == frame[name].null_count()


def test_what_is_offered_exists() -> None:
    assert set(METHODS) >= OFFERED


def test_what_exists_is_offered_only_if_it_is_listed() -> None:
    """Every chain of the examples is made of methods that are offered."""
    for _, _, _, chain, _ in EXAMPLES:
        names = {step.partition(":")[0] for step in chain.split("+") if step}
        assert names <= OFFERED


def test_every_rule_has_an_example() -> None:
    assert {rule.__name__ for rule in RULES} == {rule for rule, *_ in EXAMPLES}
    assert all(rule.__doc__ for rule in RULES)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("smoking_no", sampled(1, 900)),
        ("count", sampled(20_240_000, 20_250_000)),
        ("body_mass_index", sampled(15, 60)),  # an index is a measure, unless that is all of it
        ("hours_per_week", sampled(1, 23)),
        ("num_day", sampled(1, 31)),
        ("hour", [40 * i for i in sampled(0, 23)]),
        ("months", sampled(1, 12)),
        ("angle", NORMAL),
        ("paid", sampled(1, 90)),
        ("price", [50 * i for i in sampled(1, 40)]),
        ("mean", 1e9 + NORMAL),
        ("id", 10 + NORMAL),  # not whole
    ],
)
def test_what_only_resembles_something_else_is_a_measure(name: str, values: Any) -> None:
    assert normcli.suggest(pl.DataFrame({name: values})).columns[name].chain == "zscore"


def test_missing_and_infinite_values_are_told() -> None:
    values = [*NORMAL, None, float("nan"), float("inf")]
    suggestion = normcli.suggest(pl.DataFrame({"x": values, "all": [float("inf")] * len(values)}))
    advice = suggestion.columns["x"]
    assert advice.reason.endswith(", 2 nulls, 1 infinite value skipped")
    assert suggestion.inf == "skip"
    assert suggestion.columns["all"].chain == "skip"


def test_no_scale_is_too_large_or_too_small() -> None:
    frame = pl.DataFrame({f"x{e}": WIDE * 10.0**e for e in (-300, -150, 0, 150, 300)})
    advice = normcli.suggest(frame).columns
    assert {each.chain for each in advice.values()} == {"log+zscore"}
    assert len({each.reason for each in advice.values()}) == 1


def test_words_of_names() -> None:
    assert words("") == words("日付") == ()
    assert words("userID") == ("user", "id")


def test_the_length_of_tokens_is_counted_as_tokens_counts() -> None:
    """Where all texts are equally long, it is what `tokens` finds by itself."""
    texts = [f"It's {i}: a well-known\ttext,\nnr. {i}_{i} (of {2 * i}) - done!" for i in DIGITS]
    frame = pl.DataFrame({"note": texts})
    advice = normcli.suggest(frame).columns["note"]
    found = normcli.fit(frame, method="tokens", columns="note").apply(frame)
    dtype = found.schema["note"]
    assert isinstance(dtype, pl.Array)
    assert advice.chain == f"tokens:length={dtype.size}"
    uuids = [f"{i:08x}-{i:04x}-{i:04x}-{i:04x}-{i:012x}" for i in range(400)]
    assert normcli.suggest(pl.DataFrame({"key": uuids})).columns["key"].chain == "skip"


def test_very_long_texts_are_cut() -> None:
    frame = pl.DataFrame({"x": [f"{i} " + "word " * 2000 for i in range(40)]})
    assert normcli.suggest(frame).columns["x"].chain == "tokens:length=1000"
