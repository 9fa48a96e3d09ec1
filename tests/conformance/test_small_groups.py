"""Groups with few values take the parameters of all rows, in every step, for every method."""

from __future__ import annotations

import warnings
from typing import Any

import polars as pl
import pytest

import normcli
from normcli.errors import DataError, NormWarning
from normcli.methods import METHODS
from normcli.recipe import parse_chain
from tests.conformance.bounds import BOUNDS
from tests.conformance.row_bounds import ROW_BOUNDS

# Four groups with 5, 2 (and NaN and null), 0 and 4 valid values, none in order.
_VALUES = [
    *zip("aaaaa", (2.0, 6.0, 11.0, 3.0, 4.5), strict=True),
    *zip("bbbb", (30.0, None, float("nan"), 31.0), strict=True),
    *zip("cc", (None, None), strict=True),
    *zip("dddd", (7.0, 90.0, 8.0, 21.0), strict=True),
]
FRAME = pl.DataFrame(_VALUES, schema={"g": pl.String, "x": pl.Float64}, orient="row").sample(
    fraction=1, shuffle=True, seed=2
)

_SEEKING = [c for bound in BOUNDS.values() for c in bound.examples if parse_chain(c)[0].fitted]
_CHAINS = [*_SEEKING, "zscore+minmax", "log1p+robust:low=10", "clip:low_q=5,high_q=95+zscore"]


def _fit(frame: pl.DataFrame, chain: str, **options: Any) -> normcli.Stats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormWarning)
        return normcli.fit(frame, method=chain, columns="x", **options)


def _group(frame: pl.DataFrame, key: str) -> pl.DataFrame:
    return frame.filter(pl.col("g") == key)


# What takes vectors, or text.
_OTHERS = ("whiten", "whiten:kind=pca,eps=0.1", "ordinal", "tokens", "ordinal+zscore")


def test_the_chains_are_of_every_method_that_is_fitted() -> None:
    named = {parse_chain(chain)[0].name for chain in (*_SEEKING, *_OTHERS)}
    assert named == {name for name in METHODS if _is_fitted(name)}, "add the new method"


def _is_fitted(name: str) -> bool:
    """Whether a method finds parameters in the data, with the options of some example."""
    bound = BOUNDS.get(name) or ROW_BOUNDS.get(name)
    examples = (name,) if bound is None else bound.examples
    return any(parse_chain(chain)[0].fitted for chain in examples)


@pytest.mark.parametrize("chain", _OTHERS)
def test_vectors_and_text(chain: str) -> None:
    """Of two numbers no covariance matrix can be inverted; but it is not asked for."""
    frame = pl.DataFrame(
        {
            "g": [*"aaaaaabbbbbbcc"],
            "u": [1.0, 5.0, 2.0, 7.0, 3.0, 1.0, 4.0, 9.0, 3.0, 8.0, 8.0, 2.0, 6.0, 1.0],
            "v": [3.0, 2.0, 2.0, 8.0, 1.0, 4.0, 7.0, 9.0, 1.0, 0.0, 5.0, 6.0, 2.0, 2.5],
            "t": ["p", "q", "r p", "p", "q", "q", "s", "s", "p", "s q", "r p", "p", "p", "q"],
        }
    )
    columns = "u,v" if chain.startswith("whiten") else "t"
    options: dict[str, Any] = {"set": {columns: chain}, "method": "skip", "columns": columns}
    overall = normcli.fit(frame, **options)
    large = normcli.fit(frame[:12], by="g", **options)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", NormWarning)
        stats = normcli.fit(frame, by="g", min_group=3, **options)
    # Codes are those of all rows in any case.
    alike = chain in ("ordinal", "tokens")
    assert any("fewer than 3 valid values in 1 of 3 groups" in str(w.message) for w in caught) != (
        alike
    )
    if chain == "whiten":
        with pytest.raises(DataError, match="of one of 3 groups is singular") as raised:
            normcli.fit(frame, by="g", **options)
        assert "--min-group" in str(raised.value.hint)
    assert stats.apply(frame[12:]).equals(overall.apply(frame[12:]))
    assert stats.invert(stats.apply(frame[12:])).equals(overall.invert(overall.apply(frame[12:])))
    if columns == "u,v":
        assert stats.apply(frame[:12]).equals(large.apply(frame[:12]))
    else:
        assert stats.apply(frame[:12]).equals(overall.apply(frame[:12])) == alike


@pytest.mark.parametrize("chain", _CHAINS)
@pytest.mark.parametrize("least", [1, 3, 5])
def test_small_groups_are_carried_as_all_rows(chain: str, least: int) -> None:
    stats = _fit(FRAME, chain, by="g", min_group=least)
    own, overall = _fit(FRAME, chain, by="g"), _fit(FRAME, chain)
    new = pl.DataFrame({"g": list("abcd"), "x": [2.5, 30.5, 12.0, 9.0]})
    for key, count in zip("abcd", (5, 2, 0, 4), strict=True):
        expected = overall if count < least else own
        rows = pl.concat([_group(FRAME, key), _group(new, key)])
        carried = stats.apply(rows)
        assert carried.equals(expected.apply(rows), null_equal=True)
        assert stats.invert(carried).equals(expected.invert(carried))
    (column,) = stats.fitted.columns
    assert column.small == {1: (2,), 3: (1, 2), 5: (1, 2, 3)}[least]


@pytest.mark.parametrize("chain", _CHAINS)
def test_it_is_read_back_as_written(chain: str, tmp_path: Any) -> None:
    for state in (True, False):
        stats = _fit(FRAME, chain, by="g", min_group=3, state=state)
        stats.save(tmp_path / "s.json")
        loaded = normcli.load(tmp_path / "s.json")
        assert loaded.to_json() == stats.to_json()
        assert loaded.fitted.columns[0].small == (1, 2)


def test_fixed_methods_have_no_small_groups() -> None:
    for chain in ("cbrt", "zscore:mean=2,std=3"):
        stats = _fit(FRAME, chain, by="g", min_group=100)
        assert stats.fitted.columns[0].small == ()
        assert "small_groups" not in stats.to_json()


def test_what_a_small_group_would_have_made_of_itself_is_no_error() -> None:
    """Neither bounds that contradict each other, nor a domain that its own mean would leave."""
    frame = pl.DataFrame({"g": list("aaaab"), "x": [1.0, 2.0, 3.0, 4.0, -9.0]})
    chain = "clip:low=0,high_q=50"
    with pytest.raises(DataError, match="is above"):
        _fit(frame, chain, by="g")
    assert _fit(frame, chain, by="g", min_group=2).apply(frame)["x"].max() == 2.5
    frame = pl.DataFrame({"g": list("aaaabb"), "x": [0.0, 0.5, 0.5, 0.0, 0.5, 4.0]})
    with pytest.raises(DataError, match="outside the domain of log1p"):
        _fit(frame, "center+log1p", by="g")
    _fit(frame, "center+log1p", by="g", min_group=3)


def test_infinite_values_that_are_skipped_do_not_count() -> None:
    frame = pl.DataFrame({"g": list("aaabbb"), "x": [1.0, 2.0, 4.0, 5.0, 7.0, float("inf")]})
    stats = _fit(frame, "zscore", by="g", min_group=3, inf="skip")
    assert stats.fitted.columns[0].small == (1,)


@pytest.mark.parametrize("chain", ["zscore", "robust:axis=0", "minmax:axis=none"])
def test_tensors(chain: str) -> None:
    """One channel with too few values is enough; of a single one, two elements count as a row."""
    rows = [[1.0, 2.0], [3.0, 5.0], [None, 9.0], [4.0, 4.0], [7.0, 8.0], [1.0, 1.0]]
    frame = pl.DataFrame({"g": list("aabbbb"), "x": pl.Series(rows, dtype=pl.Array(pl.Float64, 2))})
    overall, own = _fit(frame, chain), _fit(frame, chain, by="g")
    for least in range(1, 6):
        stats = _fit(frame, chain, by="g", min_group=least)
        small = stats.fitted.columns[0].small
        # 2 and 3 values in the channel that has fewest; 4 and 7 in all.
        assert small == tuple(i for i, count in enumerate((2, 3)) if count < least)
        for i, part in enumerate((frame[:2], frame[2:])):
            expected = (overall if i in small else own).apply(part)
            assert stats.apply(part)["x"].equals(expected["x"])
