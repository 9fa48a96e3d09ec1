"""Parameters given by channel: a list on the command line, in Python and in a stats file."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import normcli
from normcli.errors import DataError, NormWarning, UsageError
from normcli.methods import METHODS
from normcli.recipe import chain_text, option_text, parse_chain
from tests.conformance.bounds import BOUNDS
from tests.conformance.test_tensors import flat, with_axis

_FIRST = {
    name: BOUNDS[name].examples[0]
    for name in METHODS
    if not METHODS[name].encodes and not METHODS[name].joins
}
_SINGLE = [
    name
    for name in sorted(_FIRST)
    if parse_chain(_FIRST[name])[0].fitted
    and not any(parameter.is_list for parameter in METHODS[name].parameters)
]
_IMAGENET = "zscore:axis=0,mean=0.485:0.456:0.406,std=0.229:0.224:0.225"


def _fit(frame: pl.DataFrame, chain: str, **options: Any) -> normcli.Stats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormWarning)
        return normcli.fit(frame, method=chain, columns="x", **options)


def _frame(rows: int = 6) -> pl.DataFrame:
    values = np.exp(np.random.default_rng(1).uniform(0.5, 4, (rows, 2, 3)))
    return pl.DataFrame({"x": values, "g": ["a", "b"] * (rows // 2)})


@pytest.mark.parametrize("by", [(), ("g",)], ids=["rows", "groups"])
@pytest.mark.parametrize("axis", ["-1", "all", "none"])
@pytest.mark.parametrize("name", _SINGLE)
def test_parameters_can_be_given_by_channel(name: str, axis: str, by: tuple[str, ...]) -> None:
    """Each alone and all together; given parameters are not fitted, and do what fitted ones do."""
    # Rows enough that blocks of rows have deviations, too.
    frame = _frame(60)
    # Wider, so that no bound that is given lies beyond one that is fitted.
    values = frame["x"].to_numpy()
    wide = np.concatenate([0.01 * values, 100 * values])
    other = pl.DataFrame({"x": wide, "g": ["a", "b"] * len(values)})
    fitted = _fit(frame, with_axis(name, axis))
    params = fitted.params("x")
    lists = {key: flat(value) for key, value in params.items()}
    for given in [*({key: value} for key, value in lists.items()), lists]:
        options = ",".join(f"{key}={option_text(value)}" for key, value in given.items())
        chain = with_axis(f"{name}:{options}", axis)
        assert chain_text(parse_chain(chain)) == chain_text(
            parse_chain(chain_text(parse_chain(chain)))
        )
        stats = _fit(frame, chain, by=by)
        assert stats.params("x") == params
        elsewhere = _fit(other, chain, by=by)
        for key in given:
            assert elsewhere.params("x")[key] == params[key]
        if given == lists:
            assert not parse_chain(chain)[0].fitted
            for each in (stats, elsewhere):
                assert each.apply(frame).equals(fitted.apply(frame))
                assert each.invert(frame).equals(fitted.invert(frame))
        document = json.loads(stats.to_json())
        (step,) = document["columns"]["x"]["steps"]
        usual = parse_chain(name)[0].options
        for key, numbers in given.items():
            assert step.get(key, usual[key]) == (numbers if len(numbers) > 1 else numbers[0])
            assert step["params"][key] == params[key]
            if "groups" in step:
                place = step["groups"]["params"].index(key)
                assert all(row[place] == params[key] for row in step["groups"]["rows"])


def test_image_net_constants(tmp_path: Path) -> None:
    """As torchvision's Normalize(mean, std) on images with the channels first."""
    images = np.random.default_rng(3).random((5, 3, 4, 4))
    mean, std = (
        np.array(v).reshape(3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    )
    frame = pl.DataFrame({"x": images})
    frame.write_parquet(tmp_path / "images.parquet")
    command = [sys.executable, "-m", "normcli"]
    subprocess.run(
        [*command, "fit", "images.parquet", "-c", "x", "-m", _IMAGENET, "-o", "s.json"],
        check=True,
        cwd=tmp_path,
    )
    subprocess.run(
        [*command, "apply", "s.json", "images.parquet", "-o", "y.parquet"], check=True, cwd=tmp_path
    )
    found = pl.read_parquet(tmp_path / "y.parquet")["x"].to_numpy()
    np.testing.assert_allclose(found, (images - mean) / std, rtol=0, atol=1e-12)
    stats = normcli.load(tmp_path / "s.json")
    assert stats.params("x") == {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    back = stats.invert(pl.read_parquet(tmp_path / "y.parquet"))["x"].to_numpy()
    np.testing.assert_allclose(back, images, rtol=0, atol=1e-15)
    # Nothing is fitted, and shards of it can be added up.
    assert not any(step.method.fitted for step in stats.fitted.columns[0].steps)
    merged = normcli.merge(stats, stats)
    assert merged.params("x") == stats.params("x")


def test_values_in_the_order_of_the_kept_axes() -> None:
    frame = pl.DataFrame({"x": np.zeros((2, 2, 3))})
    stats = _fit(frame, "center:axis=all,mean=1:2:3:4:5:6")
    assert stats.params("x") == {"mean": [[1, 2, 3], [4, 5, 6]]}
    assert stats.apply(frame)["x"][0].to_list() == [[-1, -2, -3], [-4, -5, -6]]
    stats = _fit(frame, "center:axis=0,mean=1:2+center:mean=10:20:30")
    assert stats.apply(frame)["x"][0].to_list() == [[-11, -21, -31], [-12, -22, -32]]


def test_a_bound_may_be_given_by_channel_and_the_other_not() -> None:
    frame = pl.DataFrame({"x": np.array([[0.0, 5], [10, 20]])})
    assert _fit(frame, "clip:low=1:6").apply(frame)["x"].to_list() == [[1, 6], [10, 20]]
    assert _fit(frame, "clip:low=1:6,high=9").apply(frame)["x"].to_list() == [[1, 6], [9, 9]]
    assert _fit(frame, "clip:low=1:6,high_q=50").apply(frame)["x"].to_list() == [[1, 6], [5, 12.5]]


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        (
            "zscore:mean=1:2",
            'column "x": mean of zscore has 2 values, but axis=-1 makes 3 channels of tensors of '
            "shape 2×3",
        ),
        (
            "zscore:mean=1:2:3,std=1:2",
            'column "x": std of zscore has 2 values, but axis=-1 makes 3 channels of tensors of '
            "shape 2×3",
        ),
        (
            "minmax:axis=none,min=0:1",
            'column "x": min of minmax has 2 values, but axis=none makes 1 channel of tensors of '
            "shape 2×3",
        ),
        ("center:axis=2,mean=0:1", 'column "x" has tensors of shape 2×3: there is no axis 2'),
    ],
)
def test_lists_of_another_length_are_refused(chain: str, message: str) -> None:
    with pytest.raises(DataError) as raised:
        _fit(_frame(), chain)
    assert raised.value.message == message


def test_lists_for_other_columns_are_refused() -> None:
    with pytest.raises(DataError, match="is no tensor column, but mean of center is given as a li"):
        normcli.fit(pl.DataFrame({"x": [1.0]}), method="center:mean=1:2")
    lists = pl.DataFrame({"x": [[1.0, 2.0], [3.0]]})
    with pytest.raises(DataError, match="axis=none makes 1 channel of lists"):
        _fit(lists, "center:mean=1:2,axis=none")
    for chain, message in (
        ("zscore:std=1:0:2", "zscore: std must be above 0, not 0"),
        ("minmax:min=1:2,max=5:1", "minmax: min \\(2\\) must not be above max \\(1\\)"),
        ("clip:low=1:2,high=1", "clip: low \\(2\\) must not be above high \\(1\\)"),
        ("decimal:exponent=1:400", "exponent must lie between"),
        (
            "zscore:mean=1:x",
            'zscore: mean must be a number, or several with ":" between them, not "x"',
        ),
    ):
        with pytest.raises(UsageError, match=message):
            parse_chain(chain)


def test_a_stats_file_whose_lists_have_another_length_is_refused(tmp_path: Path) -> None:
    stats = _fit(_frame(), "zscore:mean=1:2:3")
    document = json.loads(stats.to_json())
    path = tmp_path / "s.json"
    for mean in ([1, 2], [1, 2, 3, 4], [1, "a", 2], [[1, 2, 3]]):
        document["columns"]["x"]["steps"][0]["mean"] = mean
        path.write_text(json.dumps(document))
        with pytest.raises(normcli.errors.StatsFileError):
            normcli.load(path)
