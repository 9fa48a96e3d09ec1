"""Unit vectors: every row has norm 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from normcli.methods import rowstatistics
from normcli.methods.base import register
from normcli.methods.rowwise import Kept, RowMethod, Rows

__all__ = ["Unit"]


@register
@dataclass(frozen=True)
class Unit(RowMethod):
    """y = x/‖x‖, the norm being that of the row: l2 √(Σx²), l1 Σ|x| or max max|x|.

    A row of zeros stays one. y without unit. As scikit-learn's Normalizer.

    >>> import polars as pl
    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"a": [3.0, 0.0], "b": [-4.0, 0.0]})
    >>> fit(frame, method="unit:norm=l2").apply(frame).rows()
    [(0.6, -0.8), (0.0, 0.0)]
    """

    name: ClassVar[str] = "unit"
    formula: ClassVar[tuple[str, str]] = ("x/‖x‖", "y·‖x‖")
    matches: ClassVar[str] = "sklearn Normalizer"
    keeps: ClassVar[tuple[tuple[str, str], ...]] = (("norm", "norm of the row"),)

    norm: Literal["l2", "l1", "max"] = "l2"

    def forward_rows(self, x: Rows, shape: tuple[int, ...]) -> tuple[Rows, Kept]:
        length = rowstatistics.norm(x, self.norm)
        return x / rowstatistics.nonzero(length)[..., None], {"norm": length}

    def inverse_rows(self, y: Rows, kept: Kept, shape: tuple[int, ...]) -> Rows:
        return y * rowstatistics.nonzero(kept["norm"])[..., None]
