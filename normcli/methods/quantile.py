"""Mapping to a uniform or normal distribution by the ranks of the values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.errors import UsageError
from normcli.methods.base import Expressions, Found, Method, Needs, Parameter, Question, register
from normcli.statistics import Summary
from normcli.statistics.normal import cumulative, percentage_point

__all__ = ["Quantile"]

Floats = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

# How near to 0 and 1 shares may come before they are made normal, as in scikit-learn.
_NEAREST = 1e-7
_CLIPPED = _NEAREST - 2.0**-52


@register
@dataclass(frozen=True)
class Quantile(Method):
    """y = F(x), or Φ⁻¹(F(x)) with to=normal; F is the share of the fitted values below x.

    F is linear between `points` quantiles q₀ ≤ … ≤ q₍ₖ₋₁₎ of the fitted values (their evenly
    spaced percentiles from minimum to maximum, type 7; all values, where there are fewer):
    F(qᵢ) = i/(k − 1), the mean of all such i where several are equal, but 0 at the minimum and
    1 at the maximum, and beyond them. Φ is the standard normal distribution, F being kept 1e-7
    away from 0 and 1. x and the quantiles in any unit, y without. As scikit-learn's
    QuantileTransformer(n_quantiles=points, subsample=None).

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [1.0, 2.0, 3.0, 4.0, 1000.0]})
    >>> fit(frame, method="quantile").apply(frame)["x"].to_list()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """

    name: ClassVar[str] = "quantile"
    formula: ClassVar[tuple[str, str]] = ("F(x), or Φ⁻¹(F(x))", "F⁻¹(y), or F⁻¹(Φ(y))")
    matches: ClassVar[str] = (
        "sklearn QuantileTransformer(n_quantiles, output_distribution, subsample=None)"
    )
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("quantiles", "numbers", "evenly spaced percentiles, 0 to 100", ascending=True),
    )
    loses: ClassVar[str] = "values beyond the least and the greatest quantile"

    quantiles: tuple[float, ...] | None = None
    points: int = 1000
    to: Literal["uniform", "normal"] = "uniform"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.points < 2:
            raise UsageError(f"quantile: points must be at least 2, not {self.points}")

    @property
    def questions(self) -> tuple[Question, ...]:
        return (Question(f"{self.points:,} evenly spaced percentiles", True),)

    def needs(self, found: Found) -> Needs | None:
        return None if "quantiles" in found else Needs(spread=self.points)

    def fit(self, summary: Summary, found: Found) -> dict[str, list[Any]]:
        return {"quantiles": summary.spread(self.points)}

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        knots = _Knots(p.lists["quantiles"])
        if self.to == "uniform":
            return knots.expression(x, p.cell, knots.shares)

        def points(x: Floats, cells: Index) -> Floats:
            return percentage_point(np.clip(knots.shares(x, cells), _CLIPPED, 1 - _CLIPPED))

        return knots.expression(x, p.cell, points)

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        knots = _Knots(p.lists["quantiles"])
        # By how much a share may be off because y and what is reckoned with it were rounded.
        if self.to == "uniform":
            return knots.expression(y, p.cell, lambda y, cells: knots.values(y, cells, y * 2**-51))

        def values(y: Floats, cells: Index) -> Floats:
            share = cumulative(y)
            share[share < _NEAREST] = 0.0
            share[share > 1 - _NEAREST] = 1.0
            return knots.values(share, cells, np.full_like(y, 2.0**-49))

        return knots.expression(y, p.cell, values)


class _Knots:
    """The quantiles of all cells, one cell after the other; some cells may have none.

    Between quantiles i and i + 1 of k (from 0) shares and values are linear in each other.
    """

    def __init__(self, lists: pl.Series) -> None:
        self._counts = lists.list.len().fill_null(0).to_numpy().astype(np.intp)
        self._first = np.cumsum(self._counts) - self._counts
        flat = lists.drop_nulls().explode().to_numpy()
        # One more, so that every place can be looked at.
        self._flat: Floats = np.append(flat, np.nan)

    def expression(
        self, x: pl.Expr, cell: pl.Expr, function: Callable[[Floats, Index], Floats]
    ) -> pl.Expr:
        """Return a function of values and their cells as an expression; null stays null."""

        def carry(columns: Sequence[pl.Series]) -> pl.Series:
            values, cells = columns
            # Where the engine wants no result, it may leave out the arguments.
            ids: Index = cells.fill_null(0).to_numpy().astype(np.intp, copy=False)
            if len(ids) != len(values):  # a literal
                ids = np.full(len(values), ids[0])
            with np.errstate(all="ignore"):
                found = function(values.to_numpy(), ids)
            missing = values.is_null() | pl.Series(self._counts[ids] == 0)
            return pl.Series(values.name, found).set(missing, None)

        return pl.map_batches([x, cell], carry, return_dtype=pl.Float64, is_elementwise=True)

    def shares(self, x: Floats, cells: Index) -> Floats:
        """Return the shares of values: the mean of all where several quantiles are equal."""
        first, flat = self._first[cells], self._flat
        last = first + self._counts[cells] - 1
        above = self._places(x, cells, beyond=False)
        tied = np.flatnonzero((flat[above] == x) & (above <= last))
        a, b = flat[above - 1], flat[above]
        gap = b - a
        # Halves where the distance is beyond float64.
        part = np.where(np.isinf(gap), (x / 2 - a / 2) / (b / 2 - a / 2), (x - a) / gap)
        place = (above - 1 - first) + part
        ends = self._places(x[tied], cells[tied], beyond=True)
        place[tied] = (above[tied] + ends - 1) / 2 - first[tied]
        share: Floats = place / np.maximum(1, last - first)
        share[x >= flat[last]] = 1.0
        share[x <= flat[first]] = 0.0
        share[np.isnan(x)] = np.nan
        return share

    def _places(self, x: Floats, cells: Index, beyond: bool) -> Index:
        """Return the place of the first quantile that is not below x (`beyond`: is above x)."""
        if len(self._counts) == 1:
            return np.searchsorted(self._flat[:-1], x, side="right" if beyond else "left")
        low: Index = self._first[cells]
        high = low + self._counts[cells]
        for _ in range(int(self._counts.max(initial=0)).bit_length()):
            middle = (low + high) >> 1
            found = self._flat[middle]
            passed = (found <= x) if beyond else (found < x)
            passed &= low < high
            low = np.where(passed, middle + 1, low)
            high = np.where(passed, high, middle)
        return low

    def values(self, share: Floats, cells: Index, error: Floats) -> Floats:
        """Return the values at shares that may be off by `error`: a quantile, if it may be one."""
        first, steps = self._first[cells], np.maximum(0, self._counts[cells] - 1)
        place = np.clip(share, 0.0, 1.0) * steps
        whole = np.rint(place)
        place = np.where(np.abs(place - whole) <= error * steps, whole, place)
        below = np.nan_to_num(np.floor(place)).astype(np.intp)
        a, b = self._flat[first + below], self._flat[first + np.minimum(below + 1, steps)]
        part, gap = place - below, b - a
        # Symmetric: never beyond either quantile; halves where the distance is beyond float64.
        near = np.where(part < 0.5, a + gap * part, b - gap * (1 - part))
        value = np.where(np.isinf(gap), a * (1 - part) + b * part, near)
        result: Floats = np.where(part == 0, a, value)
        return result
