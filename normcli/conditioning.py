"""What normalization does for a gradient method: the condition number of the feature covariance.

The features are the fitted numeric columns and the elements of fitted tensors. Gradient descent
on a least-squares problem converges by a factor of about (κ − 1)/(κ + 1) in each step, κ being
the condition number of the covariance (Nocedal and Wright, "Numerical Optimization", 2nd
edition, theorem 3.3): 1 is best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.errors import UsageError
from normcli.fitted import Condition, Fitted, FittedColumn
from normcli.statistics import Values
from normcli.statistics.eigen import eigen, is_singular
from normcli.statistics.products import CrossProducts
from normcli.tensors import flatten, tensor_of
from normcli.transform import to_float

__all__ = ["MOST_FEATURES", "Covariances", "features"]

MOST_FEATURES = 1024
_NONE = np.zeros(0, np.intp)


def features(fitted: Fitted) -> list[FittedColumn]:
    """Return the columns whose values are features; raise UsageError if there are too many."""
    chosen = [column for column in fitted.columns if not column.steps[0].method.encodes]
    chosen = [c for c in chosen if c.tensor is None or c.tensor.shape is not None]
    count = sum(1 if column.tensor is None else column.tensor.size for column in chosen)
    if not 0 < count <= MOST_FEATURES:
        raise UsageError(
            f"--condition: there are {count:,} features, not 1 to {MOST_FEATURES:,}",
            "choose columns with --columns",
        )
    return chosen


def _matrix(frame: pl.DataFrame, columns: Sequence[FittedColumn]) -> npt.NDArray[np.float64]:
    """Return the rows' features as float64, NaN where one is missing."""
    parts = []
    for series in (frame[name] for column in columns for name in column.sources):
        tensor = tensor_of(series.dtype)
        flat = series if tensor is None else flatten(series, tensor)[0]
        numbers = pl.select(to_float(pl.lit(flat), flat.dtype)).to_series()
        parts.append(numbers.fill_null(float("nan")).to_numpy().reshape(frame.height, -1))
    return np.concatenate(parts, axis=1)


@dataclass
class Covariances:
    """Cross products of the features before and after, over the rows that have all of them."""

    before: CrossProducts = field(default_factory=lambda: CrossProducts.empty("float", 1))
    after: CrossProducts = field(default_factory=lambda: CrossProducts.empty("float", 1))

    def update(
        self, raw: pl.DataFrame, normalized: pl.DataFrame, columns: Sequence[FittedColumn]
    ) -> None:
        """Take in a batch, in place."""
        x, y = _matrix(raw, columns), _matrix(normalized, columns)
        whole = np.isfinite(x).all(axis=1) & np.isfinite(y).all(axis=1)
        for state, numbers in ((self.before, x), (self.after, y)):
            vectors = numbers if whole.all() else numbers[whole]
            values = Values("float", (), None, None, _NONE, _NONE, _NONE, vectors=vectors)
            state.update(values)

    def settle(self) -> None:
        """Nothing is left to be done after the last batch."""

    def merge(self, other: Covariances) -> Covariances:
        """Return those of both sets of batches."""
        return Covariances(self.before.merge(other.before), self.after.merge(other.after))

    def condition(self) -> Condition:
        """Return the condition numbers."""
        rows = int(self.before.counts[0])
        return Condition(self.before.size, rows, _number(self.before), _number(self.after))


def _number(products: CrossProducts) -> float | None:
    """Return the largest eigenvalue over the smallest, None if the covariance is singular."""
    described = products.covariance(0)
    if described is None:
        return None
    matrix = described[1]
    if not np.isfinite(matrix).all() or is_singular(matrix):
        return None
    values, _ = eigen(matrix)
    largest, smallest = float(values[0]), float(values[-1])
    return largest / smallest if smallest > 0 else None
