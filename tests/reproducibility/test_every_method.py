"""Every method of the registry leaves the same bytes, however the rows come and are cut.

One set of data has a column for each chain of the table, so that one fit tries all of them.
"""

from __future__ import annotations

import itertools
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import normcli
from normcli.api import Extent, NoProgress
from normcli.engines import strips
from normcli.errors import NormWarning, StatsFileError
from normcli.methods import METHODS
from normcli.recipe import parse_chain

ROWS = 900

# Chains by the values that they are tried on, and by what merges them.
_MERGED = {
    "positive": (
        *("log", "log2", "log10", "log1p", "sqrt", "decimal", "rms", "log+minmax:min=-9,max=9"),
        *("clip:low=0.1,high=90", "zscore:mean=3,std=2", "quantile:quantiles=0:1:5:80"),
        *("boxcox:lambda=0.5", "log1p+zscore", "cbrt+maxabs"),
    ),
    "signed": (
        *("skip+center", "zscore", "zscore:ddof=1", "center", "scale", "minmax:low=-1,high=1"),
        *("maxabs", "mean_range", "symlog", "asinh:s=20", "cbrt", "yeojohnson:lambda=1.5"),
        *("median_of_means", "median_of_means:blocks=7,ddof=1,block_by=who", "symlog+scale"),
    ),
    "whole": ("zscore", "minmax", "mean_range", "median_of_means:block_by=who", "ordinal"),
    "text": ("ordinal", "ordinal:unseen=null", "tokens:max_words=9,length=4", "tokens:length=3"),
    "money": ("zscore", "minmax", "rms", "ordinal"),
    "day": ("zscore", "minmax", "mean_range", "ordinal"),
    "tensor": ("zscore", "minmax:axis=none", "median_of_means:axis=0", "instancenorm", "unit"),
}
# With --quantiles sketch.
_SKETCHED = {
    "positive": ("robust", "clip:low_q=1,high_q=99", "quantile:points=30", "log+robust:low=10"),
    "signed": ("robust:unit_variance=true", "quantile:to=normal", "asinh+quantile"),
    "whole": ("robust", "quantile:points=12"),
    "money": ("robust:low=0.1,high=99.9",),
    "day": ("robust", "quantile:points=5"),
    "tensor": ("robust", "clip:high_q=90,axis=none"),
}
# What is fitted in several scans, or in the order of the rows.
_APART = {
    "positive": ("boxcox", "boxcox+robust", "mad"),
    "signed": ("yeojohnson+zscore", "mad", "zscore+minmax"),
    "whole": ("yeojohnson", "clip:low_q=1,high_q=99+robust", "robust+median_of_means"),
    "text": ("ordinal+zscore",),
    "money": ("mad", "boxcox"),
    "tensor": ("mad", "yeojohnson", "robust+rms:axis=none"),
}
_ORDERED = {
    "signed": ("batchnorm", "batchnorm:batch=50,momentum=none", "cbrt+batchnorm:batch=7"),
    "whole": ("batchnorm:momentum=0.5",),
    "tensor": ("batchnorm:batch=20,axis=0",),
}
_JOINED = (
    *("whiten", "whiten:kind=pca,eps=0.01", "layernorm", "rmsnorm", "unit:norm=l1", "clipnorm"),
    *("adanorm", "groupnorm:groups=2"),
)
_SHUFFLED = (_MERGED, _SKETCHED, _APART)
_ALL = (*_SHUFFLED, _ORDERED)
# What a file of text has no columns for.
_TYPED = ("money", "day", "tensor")

GROUPINGS = pytest.mark.parametrize("by", [(), ("key",)], ids=["all rows", "by group"])
Recipe = dict[str, str]


def _base() -> pl.DataFrame:
    chance = np.random.default_rng(20261121)
    words = pl.Series(["a", "Zoë, zoë", "雪 b", "B b a c", "d!", "", "e f g"])
    frame = pl.DataFrame(
        {
            "positive": chance.lognormal(0, 2, ROWS),
            "signed": 1e6 + np.exp(chance.normal(0, 3, ROWS)) * chance.choice([-1, 1], ROWS),
            "whole": chance.integers(-1000, 1000, ROWS) ** 3,
            "text": words.gather(chance.zipf(1.3, ROWS) % len(words)),
            "money": pl.Series(chance.integers(1, 10**9, ROWS)).cast(pl.Decimal(38, 0)) / 100,
            "day": pl.Series(chance.integers(-9_000, 20_000, ROWS), dtype=pl.Int32).cast(pl.Date),
            "tensor": pl.Series(chance.normal(1, 3, (ROWS, 2, 3))),
        }
    )
    missing = pl.Series(chance.random(ROWS) < 0.03)
    frame = frame.with_columns(pl.when(~missing).then(pl.all()).name.keep())
    return frame.with_columns(
        key=pl.Series([f"g{n}" for n in chance.integers(0, 4, ROWS)]),
        who=pl.Series(chance.integers(0, 30, ROWS)),
        join_a=chance.normal(0, 3, ROWS),
        join_b=chance.exponential(9, ROWS),
        join_c=chance.uniform(-1, 1, ROWS),
        join_d=chance.gamma(2, 30, ROWS),
    )


def _table(*chains: dict[str, tuple[str, ...]], joined: bool = True) -> Recipe:
    """Return chains by column (or by selector of several), each name beginning with the base."""
    recipe: Recipe = {}
    for base, chain in itertools.chain.from_iterable(
        ((base, each) for base in table for each in table[base]) for table in chains
    ):
        recipe[f"{base}_{len(recipe)}"] = chain
    for i, chain in enumerate(_JOINED if joined else ()):
        recipe[f"join_*_{i}"] = chain
    return recipe


def _frame(recipe: Recipe, base: pl.DataFrame) -> pl.DataFrame:
    """Return a column for each chain, a few for those that join columns."""
    columns = [pl.col("key", "who")]
    for name in recipe:
        stem, _, number = name.rpartition("_")
        parts = ("join_a", "join_b", "join_c", "join_d") if stem.endswith("*") else (stem,)
        columns += [pl.col(part).alias(f"{part}_{number}") for part in parts]
    return base.select(columns)


def _fit(source: Any, recipe: Recipe, by: tuple[str, ...], **options: Any) -> normcli.Stats:
    with warnings.catch_warnings():
        # Text of too few words, small groups: not what this is about.
        warnings.simplefilter("ignore", NormWarning)
        return normcli.fit(source, set=recipe, method="skip", columns="*", by=by, **options)


def _bytes(stats: normcli.Stats) -> str:
    """Return the stats file, names of files and how text was read aside."""
    document = stats.to_json()
    assert document.startswith('{\n  "format": "normcli/1",\n  "source": {')
    return document.partition('"columns": {')[2]


class _Scans(NoProgress):
    """Keeps the names of all scans."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def start(self, what: str, extent: Callable[[], Extent]) -> None:
        self.names.append(what)


@pytest.fixture(scope="module")
def base() -> pl.DataFrame:
    return _base()


_ORIGINALS: dict[tuple[str, ...], str] = {}


def _original(frame: pl.DataFrame, recipe: Recipe, by: tuple[str, ...], **options: Any) -> str:
    """Return the bytes of a fit of all rows at once, made once for each recipe."""
    key = (*recipe, *by, *map(str, options.items()))
    if key not in _ORIGINALS:
        _ORIGINALS[key] = _bytes(_fit(frame, recipe, by, **options))
    return _ORIGINALS[key]


def test_every_method_is_tried() -> None:
    tried = {step.name for chain in _table(*_ALL).values() for step in parse_chain(chain)}
    assert tried | {"skip"} == set(METHODS), "add the new method to a table of this file"
    ordered = {chain for chains in _ORDERED.values() for chain in chains}
    for chain in _table(*_ALL).values():
        in_order = any(METHODS[step.name].in_order for step in parse_chain(chain))
        assert in_order == (chain in ordered)


@GROUPINGS
@pytest.mark.parametrize(
    "options",
    [
        {"threads": 1, "memory": 20_000},
        {"threads": 2, "batch_rows": 411},
        {"threads": 4, "batch_rows": 199},
    ],
    ids=str,
)
def test_threads_and_batches(
    base: pl.DataFrame, by: tuple[str, ...], options: dict[str, int]
) -> None:
    recipe = _table(*_ALL)
    frame = _frame(recipe, base)
    assert _bytes(_fit(frame, recipe, by, **options)) == _original(frame, recipe, by)


@GROUPINGS
def test_order_of_rows_and_files(base: pl.DataFrame, by: tuple[str, ...], tmp_path: Path) -> None:
    recipe = _table(*_SHUFFLED)
    frame = _frame(recipe, base)
    shuffled = frame.sample(fraction=1, shuffle=True, seed=7)
    paths = [tmp_path / f"part-{i}.parquet" for i in range(3)]
    for i, path in enumerate(paths):
        shuffled[i * ROWS // 3 : (i + 1) * ROWS // 3].write_parquet(path)
    assert _bytes(_fit(paths[::-1], recipe, by)) == _original(frame, recipe, by)


@GROUPINGS
@pytest.mark.parametrize("hashed", [False, True], ids=["strips", "whole rows"])
def test_strips_of_columns(
    base: pl.DataFrame,
    by: tuple[str, ...],
    hashed: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(strips, "_WORTH", 1 << 10)
    recipe = _table(*_ALL)
    if not hashed:  # what is found by all values of a row needs all columns in one scan
        recipe = {
            column: chain for column, chain in recipe.items() if "median_of_means" not in chain
        }
    frame = _frame(recipe, base)
    frame.write_parquet(tmp_path / "rows.parquet", row_group_size=100)
    scans = _Scans()
    stats = _fit(tmp_path / "rows.parquet", recipe, by, progress=scans)
    assert _bytes(stats) == _original(frame, recipe, by)
    assert len(scans.names) > (4 if hashed else 12)
    assert all(name.endswith(f"of {len(recipe)} columns)") for name in scans.names)


@pytest.mark.parametrize("chain", [chain for chains in _ORDERED.values() for chain in chains])
def test_what_depends_on_the_order_does(base: pl.DataFrame, chain: str) -> None:
    frame = base.select("signed")
    turned = _fit(frame.sample(fraction=1, shuffle=True, seed=7), {"signed": chain}, ())
    assert _bytes(turned) != _bytes(_fit(frame, {"signed": chain}, ()))


@GROUPINGS
@pytest.mark.parametrize("name", ["rows.arrow", "rows.ndjson", "rows.csv"])
def test_formats(base: pl.DataFrame, by: tuple[str, ...], name: str, tmp_path: Path) -> None:
    recipe = _table(_MERGED, _SKETCHED, _ORDERED)
    recipe = {column: chain for column, chain in recipe.items() if not column.startswith(_TYPED)}
    # An empty text and none at all are the same in CSV.
    frame = _frame(recipe, base).with_columns(pl.col(pl.String).replace("", None))
    path = tmp_path / name
    writers: dict[str, Callable[[Path], object]] = {
        "arrow": frame.write_ipc,
        "ndjson": frame.write_ndjson,
        "csv": frame.write_csv,
    }
    writers[path.suffix[1:]](path)
    assert _bytes(_fit(path, recipe, by)) == _original(frame, recipe, by)


@GROUPINGS
def test_shards_merged_in_any_order(base: pl.DataFrame, by: tuple[str, ...]) -> None:
    recipe = _table(_MERGED, _SKETCHED)
    frame = _frame(recipe, base)
    cuts = [0, 77, 290, ROWS]
    parts = [
        _fit(frame[begin:end], recipe, by, quantiles="sketch")
        for begin, end in itertools.pairwise(cuts)
    ]
    random.Random(1).shuffle(parts)
    merged = normcli.merge(*parts)
    assert _bytes(merged) == _original(frame, recipe, by, quantiles="sketch")


@pytest.mark.parametrize("chain", sorted({*_table(_APART, _ORDERED, joined=False).values()}))
def test_what_can_not_be_merged_says_so(base: pl.DataFrame, chain: str) -> None:
    name = "text" if chain.startswith("ordinal") else "positive"
    stats = _fit(base.select(name), {name: chain}, (), quantiles="sketch")
    with pytest.raises(StatsFileError, match="column") as raised:
        normcli.merge(stats, stats)
    assert raised.value.hint


@pytest.mark.parametrize("chain", sorted({*_table(_SKETCHED, joined=False).values()}))
def test_exact_percentiles_can_not_be_merged(base: pl.DataFrame, chain: str) -> None:
    stats = _fit(base.select("positive"), {"positive": chain}, ())
    with pytest.raises(StatsFileError) as raised:
        normcli.merge(stats, stats)
    assert "--quantiles sketch" in f"{raised.value.message} {raised.value.hint}"
