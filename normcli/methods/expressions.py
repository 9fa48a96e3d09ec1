"""What formulas are written with: constants as expressions, and correctly rounded quotients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

__all__ = ["Constants", "Expressions", "expm1", "nonzero_scale", "quotient"]

Constants = Mapping[str, pl.Series]
"""Numbers by name, one Float64 entry for each cell (group); of a list parameter, one List."""


class Expressions(Mapping[str, pl.Expr]):
    """The same numbers as expressions: literals, or columns joined to the rows.

    Lists are too long to stand beside every row: `lists` has them by cell, and `cell` is the
    expression for the cell of a row.
    """

    def __init__(
        self,
        numbers: Mapping[str, pl.Expr],
        lists: Mapping[str, pl.Series] | None = None,
        cell: pl.Expr | None = None,
    ) -> None:
        self._numbers = numbers
        self.lists: Mapping[str, pl.Series] = lists or {}
        self.cell = pl.lit(0) if cell is None else cell

    def __getitem__(self, name: str) -> pl.Expr:
        return self._numbers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


def nonzero_scale(scale: pl.Series) -> pl.Series:
    """Return the scale to divide by: 1 where it is exactly zero, as for a constant column.

    >>> nonzero_scale(pl.Series([0.0, 2.0, None])).to_list()
    [1.0, 2.0, None]
    """
    return pl.select(pl.when(scale == 0).then(1.0).otherwise(scale)).to_series()


def quotient(x: pl.Expr, divisor: pl.Expr | float) -> pl.Expr:
    """Return x/divisor, correctly rounded.

    The engine divides a column by a single number as a multiplication by its reciprocal, which
    is off in the last digit for many values (49/49 < 1); so a number is made a column.

    >>> pl.select(quotient(pl.lit(pl.Series([0.0, 49.0])), 49.0)).to_series().to_list()
    [0.0, 1.0]
    """
    if not isinstance(divisor, pl.Expr) or not divisor.meta.root_names():
        # Shifted by 0 rows, for else the engine goes on knowing that it is a single number.
        return x / pl.repeat(divisor, x.len(), dtype=pl.Float64).shift(0)
    if divisor.meta.is_column():
        return x / divisor
    # What is computed may come out as a single number: `when` does where all rows agree.
    return x / ((x == x).cast(pl.Float64) * divisor)


def expm1(x: pl.Expr) -> pl.Expr:
    """Return eˣ − 1 without cancellation near zero, as 2·sinh(x/2)·e^(x/2)."""
    # Below −80 it is −1; and sinh would overflow where e^(x/2) is not yet 0.
    half = x.clip(lower_bound=-80.0) / 2
    return 2 * half.sinh() * half.exp()
