"""Rows of JSON for many groups at once, the same text that the JSON encoder would write."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

__all__ = ["encode", "scalar", "table_rows"]

encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode

_ESCAPED = r'["\\\x00-\x1f]'


def scalar(value: Any) -> str:
    """Return a plain value as JSON."""
    # Every digit of a decimal counts; a JSON number may have as many as it likes.
    return format(value, "f") if isinstance(value, Decimal) else encode(value)


def table_rows(columns: Sequence[list[Any] | pl.Series]) -> pl.Series:
    """Return a line "[…]" for each row of columns of plain values.

    A column may be a series of float64, of integers, or of texts.
    """
    texts = [_texts(column) for column in columns]
    pieces: list[pl.Expr] = []
    for i in range(len(texts)):
        pieces += [pl.lit(", " if i else "["), pl.col(str(i))]
    frame = pl.DataFrame({str(i): text for i, text in enumerate(texts)})
    return frame.select(pl.concat_str(*pieces, pl.lit("]"))).to_series()


def _texts(column: list[Any] | pl.Series) -> pl.Series:
    if isinstance(column, pl.Series):
        return _series_texts(column)
    kinds = set(map(type, column)) - {type(None)}
    if kinds == {int}:
        with suppress(OverflowError, TypeError):  # beyond 64 bits
            return _series_texts(pl.Series(column, dtype=pl.Int64))
    if kinds == {float}:
        return _series_texts(pl.Series(column, dtype=pl.Float64))
    if kinds == {str}:
        return _series_texts(pl.Series(column, dtype=pl.String))
    return pl.Series([scalar(value) for value in column], dtype=pl.String)


def _series_texts(values: pl.Series) -> pl.Series:
    if values.dtype.is_integer():
        return values.cast(pl.String).fill_null("null")
    if values.dtype == pl.Float64:
        return _float_texts(values)
    text = pl.col("text")
    found = (
        values.alias("text")
        .to_frame()
        .select(
            pl.concat_str(pl.lit('"'), text, pl.lit('"')).fill_null("null").alias("quoted"),
            text.str.contains(_ESCAPED).any().alias("escaped"),
        )
    )
    if found["escaped"][0]:
        return pl.Series([scalar(value) for value in values.to_list()], dtype=pl.String)
    return found["quoted"]


def _float_texts(values: pl.Series) -> pl.Series:
    size = np.abs(values.fill_null(1.0).to_numpy())
    if not np.isfinite(size).all():
        raise ValueError("JSON has no number for infinity and NaN")
    texts = values.cast(pl.String)
    # Python writes 0.00001 as 1e-05 and 0.000001 as 1e-06; polars as 0.00001 and as 1e-6.
    plain = np.flatnonzero((size >= 1e-5) & (size < 1e-4))
    if len(plain):
        texts = texts.scatter(plain, [repr(value) for value in values[plain].to_list()])
    one_digit = np.flatnonzero((size >= 1e-9) & (size < 1e-5))
    if len(one_digit):
        padded = texts[one_digit].str.replace("e-", "e-0", literal=True)
        texts = texts.scatter(one_digit, padded)
    return texts.fill_null("null") if texts.null_count() else texts
