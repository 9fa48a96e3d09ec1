"""Lambda of the power transforms, and y, against decimals of 100 digits."""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Callable
from decimal import Decimal, localcontext

import numpy as np
import polars as pl
import pytest

import normcli
from normcli.api import Extent, NoProgress
from normcli.errors import NormWarning
from tests.precision.powers import score

_ROWS = 12
_CHANCE = np.random.default_rng(20261121)


def _columns() -> dict[str, list[float]]:
    """Return values above zero of many shapes, each in a column; all are a few units in the end."""
    normal, uniform = _CHANCE.standard_normal, _CHANCE.random
    made: dict[str, np.ndarray] = {}
    for i in range(2):
        spread, shift = 10.0 ** _CHANCE.uniform(-4, 0.7), 10.0 ** _CHANCE.uniform(-3, 9)
        made[f"lognormal_{i}"] = np.exp(_CHANCE.normal(0, 3) + spread * normal(_ROWS))
        made[f"close_{i}"] = shift * (1 + 10.0 ** _CHANCE.uniform(-5, 0) * uniform(_ROWS))
        made[f"gamma_{i}"] = _CHANCE.gamma(10.0 ** _CHANCE.uniform(-1, 2), shift, _ROWS) + 1e-290
        made[f"counts_{i}"] = _CHANCE.integers(1, 4 + 20 * i, _ROWS).astype(float)
        made[f"far_{i}"] = np.append(100 + uniform(_ROWS - 1), 10.0 ** _CHANCE.uniform(-5, 8))
    made["wide"] = np.exp(_CHANCE.uniform(-700, 700, _ROWS))
    made["steps"] = 1e9 + np.arange(_ROWS)
    made["two"] = np.array([3.0] * (_ROWS - 1) + [4.0])
    return {name: values.tolist() for name, values in made.items()}


_POSITIVE = _columns()
_SIGNED = {
    **{f"{name}, below 0": [-x for x in values] for name, values in _POSITIVE.items()},
    **{
        f"normal_{i}": (_CHANCE.standard_normal(_ROWS) * 10.0 ** (i - 3)).tolist() for i in range(9)
    },
    **{f"cauchy_{i}": (_CHANCE.standard_cauchy(_ROWS) * 10.0**i).tolist() for i in range(0, 6, 2)},
}
_DATA = {"boxcox": _POSITIVE, "yeojohnson": {**_POSITIVE, **_SIGNED}}


@pytest.fixture(scope="module", params=_DATA)
def fitted(request: pytest.FixtureRequest) -> tuple[str, pl.DataFrame, normcli.Stats]:
    frame = pl.DataFrame(_DATA[request.param])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormWarning)
        return request.param, frame, normcli.fit(frame, method=request.param)


def test_lambda_is_the_most_likely_one_to_a_millionth(
    fitted: tuple[str, pl.DataFrame, normcli.Stats],
) -> None:
    """The slope of the convex −log likelihood is below 0 before it and above 0 after it."""
    method, frame, stats = fitted
    center = 0 if method == "boxcox" else 1
    searched = 0
    for name in frame.columns:
        values, found = frame[name].to_list(), stats.params(name)["lambda"]
        ends = [_exponent_and_log(method, x, found) for x in (min(values), max(values))]
        # Of values that are all alike in 7 digits lambda is not known to so many decimals.
        logs = [
            -log if x < 0 else log
            for x, (_, log) in zip((min(values), max(values)), ends, strict=True)
        ]
        room = max(Decimal("1e-6"), Decimal("1e-13") / abs(logs[1] - logs[0]))
        before, after = (score(method, values, Decimal(found) + sign * room) for sign in (-1, 1))
        if before <= 0 <= after:
            searched += 1
            continue
        # At the end of what is looked at, or of what does not overflow.
        largest = max(float(exponent * log) for exponent, log in ends)
        at_end = abs(found - center) == 1000 or largest == pytest.approx(700, abs=1e-3)
        assert at_end, (name, found, float(before), float(after))
    assert searched > 0.7 * frame.width


def test_y_is_as_exact_as_its_logarithm(
    fitted: tuple[str, pl.DataFrame, normcli.Stats],
) -> None:
    """Within (12 + 4·|ω·l|) units of 2⁻⁵³; the last digit of ω·l is one of y times that."""
    method, frame, stats = fitted
    carried = stats.apply(frame)
    for name in frame.columns:
        power = stats.params(name)["lambda"]
        for x, y in zip(frame[name].to_list(), carried[name].to_list(), strict=True):
            with localcontext(prec=60):
                exponent, log = _exponent_and_log(method, x, power)
                exact = ((exponent * log).exp() - 1) / exponent if exponent else log
                exact = -exact if x < 0 else exact
                if method == "yeojohnson" and abs(x) < 1e-20:
                    exact = Decimal(x)
                allowed = (12 + 4 * abs(exponent * log)) * abs(exact) * Decimal(2) ** -53
                assert abs(Decimal(y) - exact) <= allowed + Decimal("1e-320"), (name, x, power)


def _exponent_and_log(method: str, x: float, power: float) -> tuple[Decimal, Decimal]:
    """Return ω and l of y = ±(e^(ω·l) − 1)/ω."""
    if method == "boxcox":
        return Decimal(power), Decimal(x).ln()
    return (2 - Decimal(power) if x < 0 else Decimal(power)), (1 + abs(Decimal(x))).ln()


class _Scans(NoProgress):
    """Counts scans, and does not let them go on for ever."""

    def __init__(self) -> None:
        self.count = 0

    def start(self, label: str, extent: Callable[[], Extent]) -> None:
        self.count += 1
        assert self.count <= 8, "the search for lambda does not end"


def _wild(chance: random.Random) -> float:
    """Return a number of any magnitude, or one as data have them."""
    return chance.choice(
        (
            lambda: chance.choice((0.0, 1.0, 5e-324, 2.0**1020, 1e9, 1e-8)),
            lambda: math.ldexp(chance.random() + 0.5, chance.randint(-1074, 1019)),
            lambda: chance.uniform(0, 1e6),
            lambda: 1e9 + chance.uniform(-1, 1),
        )
    )()


@pytest.mark.parametrize("method", _DATA)
def test_the_search_ends(method: str) -> None:
    """A window may say that lambda is to its right, the one there that it is to its left."""
    chance = random.Random(2)
    sign = (1, -1) if method == "yeojohnson" else (1,)
    columns: list[list[float | None]] = [
        [_wild(chance) * chance.choice(sign) for _ in range(12)] for _ in range(100)
    ]
    columns.append(
        [
            *(
                1.9962288299504202e169,
                999999999.9228134,
                -19972.156299617374,
                -3.0,
                592432.4893046052,
            ),
            *(-90622.42657392356, -1e-60, 840660.8783838577, 999999999.9732171),
            *(3.258389316468074e-119, None, None),
        ]
    )
    frame = pl.DataFrame({f"x{i}": numbers for i, numbers in enumerate(columns)})
    if method == "boxcox":
        frame = frame.select(pl.when(pl.all() > 0).then(pl.all()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormWarning)
        stats = normcli.fit(frame, method=method, progress=_Scans())
    assert all(abs(stats.params(name)["lambda"]) <= 1001 for name in frame.columns)
