"""Ordinal encoding: categories become whole numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast

import polars as pl

from normcli.errors import UsageError
from normcli.methods.base import Constants, Expressions, Found, Method, Parameter, register
from normcli.statistics import Summary
from normcli.statistics.categories import Categories

__all__ = ["Ordinal"]

# From so many values on it is worth a word that nearly all of them differ.
_MANY = 20
_MOSTLY = 0.9
_NO_128_BITS = (pl.Int128, pl.UInt128)


@register
@dataclass(frozen=True)
class Ordinal(Method):
    """y = the position of x, from 0, among the sorted distinct values of all fitted rows.

    For text (sorted by code points; categoricals and enums count as their text), Booleans, whole
    numbers, decimals, dates, times and bytes. y is Int64, null where x is null. The codes are the
    same in all groups. A value that has no code is an error (unseen=error) or becomes null
    (unseen=null), and so is a code that has no value when it comes back, rounded. `categories`
    gives the values in an order of their own, with colons between. As scikit-learn's
    OrdinalEncoder.

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"size": ["small", "large", "small", "medium"]})
    >>> fit(frame, method="ordinal").apply(frame)["size"].to_list()
    [2, 0, 2, 1]
    >>> chain = "ordinal:categories=small:medium:large"
    >>> fit(frame, method=chain).apply(frame)["size"].to_list()
    [0, 2, 0, 1]
    """

    name: ClassVar[str] = "ordinal"
    formula: ClassVar[tuple[str, str]] = ("position of x in categories", "categories[round(y)]")
    matches: ClassVar[str] = "sklearn OrdinalEncoder(categories)"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("categories", "values", "the distinct fitted values, sorted"),
    )
    statistics: ClassVar[tuple[str, ...]] = ("categories",)
    encodes: ClassVar[bool] = True
    wants: ClassVar[str] = "text, Booleans, whole numbers, decimals, dates, times or bytes"

    categories: tuple[str, ...] | None = None
    unseen: Literal["error", "null"] = "error"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.categories is not None and len(set(self.categories)) < len(self.categories):
            raise UsageError("ordinal: a category is given twice")

    @property
    def strict(self) -> bool:
        return self.unseen == "error"

    @property
    def output(self) -> pl.DataType | None:
        return pl.Int64()

    def takes(self, dtype: pl.DataType) -> bool:
        plain = (pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Binary)
        whole = dtype.is_integer() and dtype.base_type() not in _NO_128_BITS
        return whole or dtype.is_decimal() or dtype.is_temporal() or dtype.base_type() in plain

    def fit(self, summary: Summary, found: Found) -> dict[str, list[Any]]:
        values = cast(Categories, summary.states["categories"]).values
        return {"categories": [None if values.is_empty() else values]}

    def check(self, params: Mapping[str, Any]) -> None:
        values = params["categories"]
        if values is None:
            return
        if values.is_empty() or values.null_count() or values.is_duplicated().any():
            raise ValueError("categories must be values that differ from each other")
        if self.fitted and not values.is_sorted():
            raise ValueError("categories must be sorted")

    def remarks(self, params: Mapping[str, Any], count: int) -> Iterator[str]:
        values = params["categories"]
        if not self.fitted:
            return
        if len(values) == 1:
            yield f"is constant ({values.to_list()[0]}); its code is always 0"
        elif count >= _MANY and len(values) > _MOSTLY * count:
            yield (
                f"has {len(values):,} categories in {count:,} values; "
                "if they are names of rows, leave it out with --exclude"
            )

    def constants(self, p: Constants) -> Constants:
        values = p["categories"]
        order = values.arg_sort()
        return {
            "categories": values,
            "sorted": values.gather(order),
            "codes": order.cast(pl.Int64),
        }

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        # A binary search: a table of hashes would be made anew for every batch.
        known = pl.lit(p.lists["sorted"])
        place = known.search_sorted(x)
        found = known.gather(place, null_on_oob=True) == x
        return pl.when(found).then(pl.lit(p.lists["codes"]).gather(place, null_on_oob=True))

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        values = p.lists["categories"]
        code = y.round()
        inside = code.is_between(0, len(values) - 1)
        place = pl.when(inside).then(code).cast(pl.UInt32)
        return pl.lit(values).gather(place)
