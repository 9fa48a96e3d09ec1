"""A column's profile: what rules need to know to say what should be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from normcli.columns import number_kind

__all__ = ["Kind", "Profile", "Shape", "Wording", "kind_of"]

Kind = Literal["number", "boolean", "text", "moment", "time", "other"]


def kind_of(dtype: pl.DataType) -> Kind:
    """Return what values of that dtype are to a reader; lengths of time are numbers.

    >>> [kind_of(dtype()) for dtype in (pl.UInt8, pl.Duration, pl.Date, pl.Categorical)]
    ['number', 'number', 'moment', 'text']
    """
    if dtype == pl.Boolean():
        return "boolean"
    if isinstance(dtype, (pl.String, pl.Categorical, pl.Enum)):
        return "text"
    if isinstance(dtype, (pl.Date, pl.Datetime)):
        return "moment"
    if isinstance(dtype, pl.Time):
        return "time"
    return "number" if number_kind(dtype) is not None else "other"


@dataclass(frozen=True)
class Shape:
    """How the sampled values of a column lie, and the extremes of all of them.

    Far out is what lies more than three interquartile ranges outside the quartiles (Tukey 1977).
    """

    count: int
    skew: float
    """Third standardized moment."""
    core: float
    """The skew without what is far out."""
    far: float
    """The share that is far out."""
    widening: float
    """The standard deviation over that without what is far out."""
    reach: float
    """How far the extremes lie outside the quartiles, in interquartile ranges."""
    straightness: float
    """The correlation of percentiles 1 to 99 with those of a normal distribution."""
    quartiles: tuple[float, float, float]
    piled: float
    """The share of the values that equal the median."""
    centred: bool = False
    """Whether it is the shape of the distances from groups' medians."""


@dataclass(frozen=True)
class Wording:
    """What the sampled values of a column of text look like."""

    words: int
    """The 95th percentile of the number of words, between spaces or punctuation."""
    typical_words: float
    """The mean number of words, between spaces only: a UUID is one."""
    numbers: float
    """The share that can be read as numbers."""
    others: tuple[str, ...]
    """Some of the texts that can't, in order."""
    dates: float
    """The share that begins like 2024-12-31."""


@dataclass(frozen=True)
class Profile:
    """One column. Counts and extremes are exact; `unique`, shape and wording are of the sample."""

    name: str
    dtype: pl.DataType
    kind: Kind
    rows: int
    missing: int = 0
    """Null and NaN."""
    infinite: int = 0
    distinct: int | None = None
    """Different values; None if there are too many to count."""
    unique: bool = False
    """Whether no value comes twice, of texts and whole numbers."""
    only: str = ""
    """The value of a constant column."""
    low: float = 0.0
    high: float = 0.0
    zeros: int = 0
    negatives: int = 0
    whole: bool = False
    """Whether all values are whole numbers."""
    steady: bool = False
    """Whether whole numbers rise (or fall) from each row to the next, others by equal steps."""
    clock: bool = False
    """Whether the values can be clock times written as hhmm, such as 1745."""
    compact_date: bool = False
    """Whether the values can be dates written as yyyymmdd, such as 20241231."""
    family_high: float = 0.0
    """The largest value of all columns whose names differ in nothing but digits."""
    shape: Shape | None = None
    wording: Wording | None = None

    @property
    def valid(self) -> int:
        """The number of values that a fit would count in."""
        return self.rows - self.missing - self.infinite
