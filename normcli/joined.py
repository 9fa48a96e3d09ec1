"""Several columns of numbers as one column of vectors, and back.

The vector's elements are float64: integers beyond 2^53 and decimals lose digits on the way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from normcli.columns import named, number_kind
from normcli.transform import to_float

__all__ = ["can_join", "from_vector", "to_vector", "vector_dtype"]


def can_join(dtype: pl.DataType) -> bool:
    """Return whether a column of that dtype can be an element of a vector."""
    return dtype.is_numeric() and number_kind(dtype) is not None


def vector_dtype(members: Mapping[str, pl.DataType]) -> pl.DataType:
    """Return the dtype of the vectors of such columns.

    >>> vector_dtype({"a": pl.Int64(), "b": pl.Float32()})
    Array(Float64, shape=(2,))
    """
    return pl.Array(pl.Float64(), len(members))


def to_vector(members: Mapping[str, pl.DataType]) -> pl.Expr:
    """Return columns of those dtypes as vectors; what is null in a column is a null element."""
    return pl.concat_arr([to_float(named(name), dtype) for name, dtype in members.items()])


def from_vector(vectors: pl.Series, names: Sequence[str]) -> list[pl.Series]:
    """Return the elements of vectors as columns of those names.

    >>> from_vector(pl.Series([[1.0, 2.0]], dtype=pl.Array(pl.Float64, 2)), ["a", "b"])[1].item()
    2.0
    """
    flat = vectors.reshape((-1,))
    return [flat.gather_every(len(names), i).alias(name) for i, name in enumerate(names)]
