"""The numbers that methods are fitted with, computed from states when asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from itertools import accumulate
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from normcli.statistics import results
from normcli.statistics.base import State
from normcli.statistics.counts import Counts
from normcli.statistics.extremes import Extremes
from normcli.statistics.moments import Moments
from normcli.statistics.ordering import percentile_fraction
from normcli.statistics.products import CrossProducts
from normcli.statistics.sketch import Sketch

__all__ = ["Numbers", "Summary"]

# Room for every digit of a 128-bit decimal; the default context would round at 28.
_EXACT = Context(prec=60)

Numbers = list[Any]
"""One number for each cell, None where the cell has no valid value."""


@dataclass(frozen=True)
class Summary:
    """Results over the cells of one column: float64 except min and max, which stay exact.

    `scale` is that of a decimal column: its states are in units of 10^−scale. `unused` are the
    cells whose parameters are taken from elsewhere, so that it is no error if they have none.
    """

    states: Mapping[str, State]
    scale: int = 0
    quantiles: Mapping[float, Numbers] = field(default_factory=dict)
    spread_found: Numbers | None = None
    unused: Collection[int] = ()

    def lane(self, k: int) -> Summary:
        """Return the results of the k-th of several expressions that were taken in one scan."""
        prefix = f"{k}."
        return Summary(
            {
                name.removeprefix(prefix): state
                for name, state in self.states.items()
                if name.startswith(prefix)
            }
        )

    @property
    def moments(self) -> Moments:
        """Σx and Σx², for whoever works on all cells at once."""
        return cast(Moments, self.states["moments"])

    def _counts(self) -> Counts:
        return cast(Counts, self.states["counts"])

    @property
    def count(self) -> list[int]:
        """The number of valid values."""
        return cast(list[int], self._counts().tally[0].tolist())

    @property
    def min(self) -> Numbers:
        """The smallest value: float, int, or Decimal."""
        return self._extreme(0)

    @property
    def max(self) -> Numbers:
        """The largest value: float, int, or Decimal."""
        return self._extreme(1)

    def _extreme(self, which: int) -> Numbers:
        numbers = cast(Extremes, self.states["extremes"]).values()[which]
        if self.scale == 0:
            return numbers
        return [None if n is None else _EXACT.scaleb(Decimal(n), -self.scale) for n in numbers]

    @property
    def max_abs(self) -> Numbers:
        """max|x|."""
        return [
            None
            if low is None
            else max(_EXACT.abs(low), _EXACT.abs(high))
            if self.scale
            else max(abs(low), abs(high))
            for low, high in zip(self.min, self.max, strict=True)
        ]

    @property
    def _counted(self) -> npt.NDArray[np.int64]:
        return cast(npt.NDArray[np.int64], self._counts().tally[0])

    @property
    def mean(self) -> Numbers:
        """Σx/n, correctly rounded."""
        return results.means(self.moments.total, self._counted, 10**self.scale)

    def std(self, ddof: int = 0) -> Numbers:
        """√(Σ(x−μ)²/(n−ddof)), correctly rounded; None where n ≤ ddof."""
        moments = self.moments
        return results.standard_deviations(
            moments.total, moments.squares, self._counted, ddof, 10**self.scale
        )

    def percentile(self, p: float) -> Numbers:
        """The p-th percentile (Hyndman and Fan's type 7); int where it is one of the integers.

        Exact where it was searched for, else from the sketch.
        """
        numbers = self.quantiles.get(p)
        if numbers is None:
            lows, highs = cast(Extremes, self.states["extremes"]).values()
            sketch = cast(Sketch, self.states["sketch"])
            numbers = list(sketch.percentiles(percentile_fraction(p), lows, highs))
        if self.scale == 0:
            return numbers
        return [None if n is None else n / 10**self.scale for n in numbers]

    def covariances(
        self, ddof: int = 0
    ) -> list[tuple[list[float], npt.NDArray[np.float64]] | None]:
        """Mean and covariance matrix of the vectors of each cell, correctly rounded."""
        products = cast(CrossProducts, self.states["products"])
        return [products.covariance(cell, ddof) for cell in range(len(products.counts))]

    def spread(self, points: int) -> list[list[Any] | None]:
        """That many evenly spaced percentiles from min to max, at most one for each value.

        In order: none is less than the one before.
        """
        lists = self.spread_found
        if lists is None:
            lows, highs = cast(Extremes, self.states["extremes"]).values()
            lists = cast(Sketch, self.states["sketch"]).spread(points, lows, highs)
        unit = float(10**self.scale)
        return [
            # Interpolating rounds, which may bring two of them out of order by an ulp.
            each and list(accumulate(each if unit == 1 else _in_units(each, unit), max))
            for each in lists
        ]

    @property
    def rms(self) -> Numbers:
        """√(Σx²/n), correctly rounded."""
        return results.root_mean_squares(self.moments.squares, self._counted, 10**self.scale)


def _in_units(numbers: Sequence[Any], unit: float) -> Iterator[float]:
    """Yield decimals rounded as values of the column are: first to float64, then divided."""
    return (float(number) / unit for number in numbers)
