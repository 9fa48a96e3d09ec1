"""What methods have in common whose statistics are those of each row alone: nothing is fitted.

A row is one tensor, in parts (its channels, or groups of them; most methods have one part) that
have statistics of their own. NaN, which stands for null as well, takes no part in them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from normcli.errors import DataError
from normcli.methods.base import Method, nonnegative
from normcli.methods.rowstatistics import Rows, mean_and_std, nonzero

__all__ = ["Kept", "RowMethod", "Rows", "Standardization", "divisor"]

Kept = dict[str, Rows]
"""What each row loses, by name: rows × parts."""


@dataclass(frozen=True)
class RowMethod(Method):
    """Base of row-wise methods: `forward_rows` and `inverse_rows` instead of expressions."""

    joins: ClassVar[bool] = True
    wants: ClassVar[str] = "numbers, or tensors of one shape"
    keeps: ClassVar[tuple[tuple[str, str], ...]] = ()
    """The numbers that a row loses, names and meanings."""
    by_part: ClassVar[bool] = False
    """Whether a row has several parts."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if "eps" in self.option_fields():
            nonnegative(self, "eps")

    def parts(self, shape: tuple[int, ...]) -> int:
        """Return how many parts a tensor of that shape has."""
        return 1

    @property
    def loss(self) -> str:
        """Why no row can be brought back with these options, if so."""
        gamma = getattr(self, "gamma", 1.0)
        zero = 0 in gamma if isinstance(gamma, tuple) else gamma == 0
        return "multiplies by a gamma of 0" if zero else ""

    def check_shape(self, what: str, shape: tuple[int, ...]) -> None:
        """Raise DataError, naming `what`, if tensors of that shape can't be treated."""
        count, of = math.prod(shape), "elements"
        if count == 0:
            raise DataError(f"{what} has tensors without elements", f"{self.name} needs some")
        if self.by_part:
            count, of = shape[0], "channels"
        for option in ("gamma", "beta"):
            value = getattr(self, option, None)
            if isinstance(value, tuple) and len(value) != count:
                raise DataError(
                    f"{self.name}: {option} has {len(value)} numbers, but {what} has {count} {of}",
                    f"give one number, or {count} with colons between them: {option}=1:0.5:…",
                )
        if self.by_part and math.prod(shape) == self.parts(shape):
            raise DataError(
                f"{what} has one element in each part that {self.name} makes mean 0 and variance 1",
                "layernorm takes the elements of a row together",
            )

    def spread(self, option: str, shape: tuple[int, ...]) -> Rows:
        """Return an option that is one number or many as parts × elements, or as a scalar."""
        return _spread(getattr(self, option), self.parts(shape), math.prod(shape))

    def forward_rows(self, x: Rows, shape: tuple[int, ...]) -> tuple[Rows, Kept]:
        """Return the normalized rows, and what they lose."""
        raise NotImplementedError

    def inverse_rows(self, y: Rows, kept: Kept, shape: tuple[int, ...]) -> Rows:
        """Return the original rows."""
        raise NotImplementedError


def _spread(value: Any, parts: int, size: int) -> Rows:
    if not isinstance(value, tuple):
        return np.asarray(value, np.float64)
    every = np.repeat(np.asarray(value, np.float64), size // len(value))
    return every.reshape(parts, -1)


@dataclass(frozen=True)
class Standardization(RowMethod):
    """y = gamma·(x − mean)/√(std² + eps) + beta, mean and std being those of a part of the row."""

    formula: ClassVar[tuple[str, str]] = (
        "gamma·(x − mean)/√(std² + eps) + beta",
        "(y − beta)/gamma·√(std² + eps) + mean",
    )

    eps: float = 1e-5
    gamma: float | tuple[float, ...] = 1.0
    beta: float | tuple[float, ...] = 0.0

    def forward_rows(self, x: Rows, shape: tuple[int, ...]) -> tuple[Rows, Kept]:
        mean, std = mean_and_std(x)
        z = (x - mean[..., None]) / divisor(std, self.eps)
        y = z * self.spread("gamma", shape) + self.spread("beta", shape)
        return y, {"mean": mean, "std": std}

    def inverse_rows(self, y: Rows, kept: Kept, shape: tuple[int, ...]) -> Rows:
        z = (y - self.spread("beta", shape)) / self.spread("gamma", shape)
        return z * divisor(kept["std"], self.eps) + kept["mean"][..., None]


def divisor(statistic: Rows, eps: float) -> Rows:
    """Return √(statistic² + eps) of each part, or 1 where that is 0, beside its elements.

    >>> divisor(np.array([[3.0]]), 16.0)
    array([[[5.]]])
    """
    return nonzero(np.hypot(statistic, math.sqrt(eps)))[..., None]
