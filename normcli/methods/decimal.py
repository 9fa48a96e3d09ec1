"""Decimal scaling: the decimal point moves until every magnitude is below 1."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import polars as pl

from normcli.errors import UsageError
from normcli.methods.base import (
    Constants,
    Expressions,
    Found,
    Method,
    Parameter,
    listed,
    quotient,
    register,
)
from normcli.statistics import Summary

__all__ = ["DecimalScaling"]


@register
@dataclass(frozen=True)
class DecimalScaling(Method):
    """y = x/10^j, j the least integer with max|x|/10^j < 1 (0 if all values are 0; at least −307).

    j has no unit. The digits of x stay readable in y.

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [-17.0, 250.0]})
    >>> fit(frame, method="decimal").apply(frame)["x"].to_list()
    [-0.017, 0.25]
    """

    name: ClassVar[str] = "decimal"
    formula: ClassVar[tuple[str, str]] = ("x/10^exponent", "y·10^exponent")
    matches: ClassVar[str] = "definition (Han, Kamber: Data Mining, 3.5.2)"
    parameters: ClassVar[tuple[Parameter, ...]] = (Parameter("exponent", "number", "power of ten"),)
    statistics: ClassVar[tuple[str, ...]] = ("extremes",)
    equivariant: ClassVar[bool] = False

    exponent: int | tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(-307 <= exponent <= 309 for exponent in listed(self.exponent)):
            raise UsageError("decimal: exponent must lie between -307 and 309")

    def fit(self, summary: Summary, found: Found) -> dict[str, list[Any]]:
        return {"exponent": [None if m is None else _exponent(m) for m in summary.max_abs]}

    def constants(self, p: Constants) -> Constants:
        # Powers of ten that are at least 1, where small ones are exact in float64.
        exponents = [None if j is None else int(j) for j in p["exponent"]]
        return {
            "divisor": _powers([None if j is None else min(max(0, j), 308) for j in exponents]),
            "factor": _powers(
                # Only 10^309, which is beyond float64, needs a second factor below 1.
                [None if j is None else 308 - j if j > 308 else max(0, -j) for j in exponents]
            ),
        }

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        return quotient(x, p["divisor"]) * p["factor"]

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        return quotient(y, p["factor"]) * p["divisor"]


def _exponent(largest: Any) -> int:
    """Return the least j with largest < 10^j, exactly.

    >>> [_exponent(m) for m in (0.0, 1.0, 999, 1000, 0.005)]
    [0, 1, 3, 4, -2]
    """
    if largest == 0:
        return 0
    return max(-307, Decimal(largest).adjusted() + 1)


def _powers(exponents: list[int | None]) -> pl.Series:
    powers = [None if j is None else float(f"1e{j}") for j in exponents]
    return pl.Series(powers, dtype=pl.Float64)
