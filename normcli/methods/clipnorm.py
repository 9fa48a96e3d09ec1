"""Clipping of norms: rows that are longer than a bound are shortened to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from normcli.errors import UsageError
from normcli.methods.base import register
from normcli.methods.rowstatistics import norm
from normcli.methods.rowwise import Kept, RowMethod, Rows

__all__ = ["ClipNorm"]


@register
@dataclass(frozen=True)
class ClipNorm(RowMethod):
    """y = x·min(1, max/(‖x‖ + 10⁻⁶)), ‖x‖ = √(Σx²) being the norm of the row.

    max, x and y in one unit. As torch.nn.utils.clip_grad_norm_ does to one gradient.

    >>> import polars as pl
    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"a": [3.0, 0.1], "b": [-4.0, 0.2]})
    >>> fit(frame, method="clipnorm:max=0.5").apply(frame).rows()
    [(0.299999940000012, -0.399999920000016), (0.1, 0.2)]
    """

    name: ClassVar[str] = "clipnorm"
    formula: ClassVar[tuple[str, str]] = (
        "x·min(1, max/(‖x‖ + 10⁻⁶))",
        "y/min(1, max/(‖x‖ + 10⁻⁶))",
    )
    matches: ClassVar[str] = "torch.nn.utils.clip_grad_norm_ (the formula)"
    keeps: ClassVar[tuple[tuple[str, str], ...]] = (("norm", "norm of the row before"),)

    max: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max <= 0:
            raise UsageError(f"clipnorm: max must be above 0, not {self.max}")

    def forward_rows(self, x: Rows, shape: tuple[int, ...]) -> tuple[Rows, Kept]:
        length = norm(x, "l2")
        return x * self._factor(length), {"norm": length}

    def inverse_rows(self, y: Rows, kept: Kept, shape: tuple[int, ...]) -> Rows:
        return y / self._factor(kept["norm"])

    def _factor(self, length: Rows) -> Rows:
        return np.minimum(1.0, self.max / (length + 1e-6))[..., None]
