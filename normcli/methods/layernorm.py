"""Layer normalization: every row has mean 0 and standard deviation 1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from normcli.methods.base import register
from normcli.methods.rowwise import Kept, RowMethod, Rows, mean_and_std, nonzero

__all__ = ["LayerNorm"]


@register
@dataclass(frozen=True)
class LayerNorm(RowMethod):
    """y = gamma·(x − μ)/√(σ² + eps) + beta, μ and σ² the mean and population variance of the row.

    gamma and beta are a number, or as many as a row has elements, with colons between them. y
    without unit. As torch.nn.LayerNorm over all axes but that of the rows (Ba, Kiros and Hinton,
    "Layer Normalization", 2016).

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"a": [1.0], "b": [3.0], "c": [2.0]})
    >>> fit(frame, method="layernorm:gamma=1:1:2,beta=0:0:5").apply(frame).row(0)
    (-1.2247356859083902, 1.2247356859083902, 5.0)
    """

    name: ClassVar[str] = "layernorm"
    formula: ClassVar[tuple[str, str]] = (
        "gamma·(x − mean)/√(std² + eps) + beta",
        "(y − beta)/gamma·√(std² + eps) + mean",
    )
    matches: ClassVar[str] = "torch.nn.LayerNorm"
    keeps: ClassVar[tuple[tuple[str, str], ...]] = (
        ("mean", "mean of the row"),
        ("std", "population standard deviation of the row"),
    )

    eps: float = 1e-5
    gamma: float | tuple[float, ...] = 1.0
    beta: float | tuple[float, ...] = 0.0

    def forward_rows(self, x: Rows, shape: tuple[int, ...]) -> tuple[Rows, Kept]:
        mean, std = mean_and_std(x)
        y = (x - mean[..., None]) / self._scale(std)
        y = y * self.spread("gamma", shape) + self.spread("beta", shape)
        return y, {"mean": mean, "std": std}

    def inverse_rows(self, y: Rows, kept: Kept, shape: tuple[int, ...]) -> Rows:
        z = (y - self.spread("beta", shape)) / self.spread("gamma", shape)
        return z * self._scale(kept["std"]) + kept["mean"][..., None]

    def _scale(self, std: Rows) -> Rows:
        return nonzero(np.hypot(std, math.sqrt(self.eps)))[..., None]
