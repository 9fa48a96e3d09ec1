"""Median of means: standardizing that a few bad blocks of rows can't move."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, cast

from normcli.errors import UsageError
from normcli.methods.base import Blocks, Found, Given, Needs, Parameter, nonnegative, register
from normcli.methods.linear import Standardizing
from normcli.statistics import Summary
from normcli.statistics.blocks import BlockMoments
from normcli.statistics.rounding import square_root

__all__ = ["MedianOfMeans"]


@register
@dataclass(frozen=True)
class MedianOfMeans(Standardizing):
    """y = (x − mean)/std, mean the median of the means of blocks of rows, std² that of variances.

    mean and std in the units of x, correctly rounded; y without unit. A row falls into one of
    `blocks` blocks by a hash of the column `block_by` (a contributor, say), or of the whole row;
    the hash is the same on every machine and in every version (normcli.rowhash). Bad values in
    fewer than half of the blocks move neither mean nor std far. Nemirovsky and Yudin, "Problem
    Complexity and Method Efficiency in Optimization", 1983.

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [1.0, 3.0, 2.0, 1e12], "who": ["a", "b", "c", "d"]})
    >>> fit(frame, method="median_of_means:blocks=2", columns="x").params("x")["mean"] > 0
    True
    """

    name: ClassVar[str] = "median_of_means"
    formula: ClassVar[tuple[str, str]] = ("(x − mean)/std", "y·std + mean")
    matches: ClassVar[str] = "definition"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("mean", "location", "median of the blocks' means"),
        Parameter("std", "scale", "root of the median of the blocks' variances"),
    )
    statistics: ClassVar[tuple[str, ...]] = ("blocks",)

    mean: Given = None
    std: Given = None
    blocks: int = 10
    ddof: int = 0
    block_by: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        nonnegative(self, "ddof")
        if self.blocks < 1:
            raise UsageError(f"median_of_means: blocks must be at least 1, not {self.blocks}")

    @property
    def reads(self) -> tuple[str, ...]:
        return () if self.block_by is None else (self.block_by,)

    def needs(self, found: Found) -> Needs | None:
        if all(parameter.name in found for parameter in self.sought):
            return None
        return Needs(self.statistics, blocks=Blocks(self.blocks, self.block_by))

    def fit(self, summary: Summary, found: Found) -> dict[str, list[Any]]:
        state = cast(BlockMoments, summary.states["blocks"])
        unit = 10**summary.scale
        totals, squares = state.total.integers(), state.squares.integers()
        powers = Fraction(2) ** state.total.exponent, Fraction(2) ** state.squares.exponent
        means: list[float | None] = []
        deviations: list[float | None] = []
        for cell in range(state.cells):
            own = range(cell * state.blocks, (cell + 1) * state.blocks)
            each = [
                (int(state.counts[i]), totals[i] * powers[0], squares[i] * powers[1]) for i in own
            ]
            means.append(_mean([(n, total) for n, total, _ in each if n], unit))
            variances = [
                (square - total * total / n) / (n - self.ddof)
                for n, total, square in each
                if n > self.ddof
            ]
            deviations.append(_deviation(variances, unit))
        return {"mean": means, "std": deviations}


def _mean(blocks: list[tuple[int, Fraction]], unit: int) -> float | None:
    if not blocks:
        return None
    return float(statistics.median([total / n for n, total in blocks]) / unit)


def _deviation(variances: list[Fraction], unit: int) -> float | None:
    if not variances:
        return None
    middle = statistics.median(variances) / (unit * unit)
    return square_root(middle.numerator, middle.denominator)
