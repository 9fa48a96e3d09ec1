"""Yeo-Johnson: a power transform for values of both signs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from normcli.methods import likelihood
from normcli.methods.base import Constants, Expressions, Given, Parameter, expm1, quotient, register
from normcli.methods.power import PowerTransform
from normcli.methods.powerlimits import FAREST, LARGEST_POWER, doubt

__all__ = ["YeoJohnson"]

# Below that y is x to the last digit, whatever lambda is.
_SMALL = 2.0**-60


@register
@dataclass(frozen=True)
class YeoJohnson(PowerTransform):
    """y = ((1 + x)^λ − 1)/λ for x ≥ 0, −((1 − x)^(2−λ) − 1)/(2 − λ) for x < 0; ln at exponent 0.

    λ makes y as normal as it can be: it maximizes the likelihood of x if y is normal, to 1e-6,
    between −999 and 1001 and where no y overflows. It is 1, which leaves x as it is, if all values
    are equal or below 2⁻⁶⁰ in magnitude. Add zscore for mean 0 and standard deviation 1:
    yeojohnson+zscore. y beyond −1/λ (1/(2 − λ)) has no x: NaN. As scikit-learn's
    PowerTransformer without standardize (Yeo, Johnson: A new family of power transformations to
    improve normality or symmetry, 2000). λ, x and y without unit.

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [-1.0, 0.0, 1.0, 8.0]})
    >>> stats = fit(frame, method="yeojohnson")
    >>> round(stats.params("x")["lambda"], 6)
    0.067434
    >>> fit(frame, method="yeojohnson:lambda=0.5").apply(frame)["x"].to_list()
    [-1.2189514164974597, 0.0, 0.8284271247461901, 4.000000000000001]
    """

    name: ClassVar[str] = "yeojohnson"
    formula: ClassVar[tuple[str, str]] = (
        "((1 + x)^lambda − 1)/lambda for x ≥ 0, −((1 − x)^(2 − lambda) − 1)/(2 − lambda) for x < 0",
        "(lambda·y + 1)^(1/lambda) − 1 for y ≥ 0, 1 − (1 − (2 − lambda)·y)^(1/(2 − lambda)) "
        "for y < 0",
    )
    matches: ClassVar[str] = "sklearn PowerTransformer(standardize=False); scipy.stats.yeojohnson"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("lambda", "number", "power that makes y most normal; 1 leaves x as it is"),
    )

    lambda_: Given = None

    def start(
        self, low: likelihood.Floats, high: likelihood.Floats, count: likelihood.Floats
    ) -> likelihood.Start:
        above, below = low >= 0, high <= 0
        largest = np.maximum(np.abs(low), np.abs(high))
        least = np.where(above | below, np.minimum(np.abs(low), np.abs(high)), 0)
        # Of values of one sign, logarithms less the largest one.
        span = np.log1p((largest - least) / (1 + least))
        rise, fall = np.log1p(np.maximum(high, 0)), np.log1p(np.maximum(-low, 0))
        mixed = ~(above | below)
        span = np.where(mixed, rise + fall, span)
        most = LARGEST_POWER
        highest = np.where(rise > 0, np.maximum(1, most / rise), np.inf)
        lowest = np.where(fall > 0, np.minimum(1, 2 - most / fall), -np.inf)
        center = np.where(mixed, 2 * fall / span, np.where(above, 0.0, 2.0))
        return likelihood.Start(
            count=count,
            span=span,
            anchor=np.where(mixed, 0.0, largest),
            rise=np.where(mixed, rise, np.where(above, -span, 0)),
            fall=np.where(mixed, fall, np.where(above, 0, -span)),
            center=center,
            lowest=np.maximum(lowest, 1 - FAREST),
            highest=np.minimum(highest, 1 + FAREST),
            answer=np.where((low == high) | (largest < _SMALL), 1.0, np.nan),
        )

    def doubt(self, params: Mapping[str, Any], low: float, high: float) -> str | None:
        power = params["lambda"]
        ends = [(2 - power if x < 0 else power, math.log1p(abs(x))) for x in (low, high)]
        return doubt(self.name, power, abs(power - 1), ends, high - low)

    def constants(self, p: Constants) -> Constants:
        return {
            "above": likelihood.nonzero(p["lambda"]),
            "below": likelihood.nonzero(2 - p["lambda"]),
        }

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        power = pl.when(x < 0).then(p["below"]).otherwise(p["above"])
        log = x.abs().log1p()
        y = (
            pl.when(power == 0)
            .then(log)
            .when(power == 1)
            .then(x.abs())
            .otherwise(quotient(expm1(log * power), power))
        )
        return pl.when(x < 0).then(-y).otherwise(y)

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        power = pl.when(y < 0).then(p["below"]).otherwise(p["above"])
        size = y.abs()
        log = pl.when(power == 0).then(size).otherwise(quotient((size * power).log1p(), power))
        x = pl.when(power == 1).then(size).otherwise(expm1(log))
        return pl.when(y < 0).then(-x).otherwise(x)

    def candidates(self, x: pl.Expr, p: Expressions) -> Sequence[pl.Expr]:
        size, anchor = x.abs(), p["anchor"]
        near = quotient(size - anchor, 1 + anchor).log1p()
        log = (
            pl.when(1 + size >= (1 + anchor) / 2)
            .then(near)
            .otherwise(size.log1p() - anchor.log1p())
        )
        # Where all values are at most 0, 0 is one of those below.
        return likelihood.lanes(log, (x < 0) | (p["fall"] < 0), p)
