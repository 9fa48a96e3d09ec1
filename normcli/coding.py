"""Values that are no numbers, to codes and back, and what to say of those that have none."""

from __future__ import annotations

import polars as pl

from normcli.fitted import FittedStep
from normcli.methods.base import Expressions

__all__ = ["as_fitted", "decode", "encode", "listed", "without"]

_SHOWN = 3


def encode(step: FittedStep, x: pl.Expr) -> pl.Expr:
    """Return the codes of values of the fitted dtype; null for what has none."""
    if step.encoding is None:
        return _nothing(x, step.method.output_of(step.params) or pl.Float64())
    return step.method.forward(x, Expressions({}, step.encoding))


def decode(step: FittedStep, codes: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return the values of the dtype that codes stand for; null for what is no code."""
    if step.encoding is None:
        return _nothing(codes, dtype)
    return step.method.inverse(codes, Expressions({}, step.encoding)).cast(dtype)


def _nothing(x: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return a null for each row; a literal alone would not tell how many there are."""
    return pl.when(x.is_null()).then(pl.lit(None, dtype)).otherwise(pl.lit(None, dtype))


def as_fitted(x: pl.Expr, found: pl.DataType, fitted: pl.DataType) -> pl.Expr:
    """Return values as the fitted dtype; null for one that it does not hold (1.5 as an integer)."""
    if found == fitted:
        return x
    cast = x.cast(fitted, strict=False)
    if found.is_numeric() or found.is_temporal():
        return pl.when(cast.cast(found, strict=False) == x).then(cast)
    return cast


def without(values: pl.Series, results: pl.Series) -> pl.Series:
    """Return the values of which nothing came, null and NaN aside."""
    lost = results.is_null() & values.is_not_null()
    if values.dtype.is_float():
        lost &= ~values.is_nan().fill_null(False)
    return values.filter(lost)


def listed(values: pl.Series) -> str:
    """Return the first few of some values, as a message names them.

    >>> listed(pl.Series(["d", "b", "a", "b", "c"]))
    '"a", "b", "c", …'
    """
    distinct = values.unique().sort()
    quote = '"' if values.dtype in (pl.String, pl.Categorical, pl.Enum) else ""
    shown = [f"{quote}{value}{quote}" for value in distinct.head(_SHOWN).to_list()]
    return ", ".join(shown) + (", …" if len(distinct) > _SHOWN else "")
