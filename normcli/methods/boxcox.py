"""Box-Cox: the power, or logarithm, that makes positive values most normal."""

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

__all__ = ["BoxCox"]


@register
@dataclass(frozen=True)
class BoxCox(PowerTransform):
    """y = (x^λ − 1)/λ, ln x at λ = 0, for x > 0; λ, by maximum likelihood, and y without unit.

    λ makes y as normal as it can be: it maximizes the likelihood of x if y is normal, to 1e-6,
    between −1000 and 1000 and where no y overflows. It is 1 if all values are equal. Add zscore for
    mean 0 and standard deviation 1: boxcox+zscore. Other values are an error; y below −1/λ (above,
    if λ < 0) has no x: NaN. As scipy.stats.boxcox (Box, Cox: An Analysis of Transformations,
    1964).

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [1.0, 2.0, 4.0, 9.0]})
    >>> stats = fit(frame, method="boxcox")
    >>> round(stats.params("x")["lambda"], 6)
    -0.075247
    >>> fit(frame, method="boxcox:lambda=0.5").apply(frame)["x"].to_list()
    [0.0, 0.8284271247461901, 1.9999999999999996, 4.000000000000001]
    """

    name: ClassVar[str] = "boxcox"
    formula: ClassVar[tuple[str, str]] = ("(x^lambda − 1)/lambda", "(lambda·y + 1)^(1/lambda)")
    matches: ClassVar[str] = 'scipy.stats.boxcox; sklearn PowerTransformer("box-cox")'
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("lambda", "number", "power that makes y most normal; 0 is the logarithm"),
    )

    lambda_: Given = None

    def start(
        self, low: likelihood.Floats, high: likelihood.Floats, count: likelihood.Floats
    ) -> likelihood.Start:
        near = np.log1p((high - low) / low)
        span = np.where(high <= 2 * low, near, np.log(high) - np.log(low))
        most = LARGEST_POWER
        # The power of a value above 1 overflows for large lambda, of one below for negative.
        highest = np.where(high > 1, np.maximum(1, most / np.log(high)), np.inf)
        lowest = np.where(low < 1, most / np.log(low), -np.inf)
        zero = np.zeros(len(low))
        return likelihood.Start(
            count=count,
            span=span,
            anchor=high,
            rise=-span,
            fall=zero,
            center=zero,
            lowest=np.maximum(lowest, -FAREST),
            highest=np.minimum(highest, FAREST),
            answer=np.where(low == high, 1.0, np.nan),
        )

    def doubt(self, params: Mapping[str, Any], low: float, high: float) -> str | None:
        power = params["lambda"]
        ends = [(power, math.log(x)) for x in (low, high)]
        return doubt(self.name, power, abs(power), ends, high - low)

    def constants(self, p: Constants) -> Constants:
        return {"lambda": likelihood.nonzero(p["lambda"])}

    def domain(self, x: pl.Expr) -> pl.Expr:
        return x > 0

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        log = x.log()
        power = quotient(expm1(log * p["lambda"]), p["lambda"])
        return pl.when(p["lambda"] == 0).then(log).otherwise(power)

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        log = quotient((y * p["lambda"]).log1p(), p["lambda"])
        return pl.when(p["lambda"] == 0).then(y).otherwise(log).exp()

    def candidates(self, x: pl.Expr, p: Expressions) -> Sequence[pl.Expr]:
        near = quotient(x - p["anchor"], p["anchor"]).log1p()
        log = pl.when(x >= p["anchor"] / 2).then(near).otherwise(x.log() - p["anchor"].log())
        return likelihood.lanes(log, None, p)
