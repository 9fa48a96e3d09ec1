"""AdaNorm: layer normalization that makes large elements smaller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from normcli.errors import UsageError
from normcli.methods.base import nonnegative, register
from normcli.methods.rowstatistics import mean_and_std
from normcli.methods.rowwise import Kept, RowMethod, Rows, divisor

__all__ = ["AdaNorm"]


@register
@dataclass(frozen=True)
class AdaNorm(RowMethod):
    """y = c·(1 − k·z)·z with z = (x − μ)/√(σ² + eps), μ and σ² the row's mean and variance.

    σ² is the population variance; z, c, k and y without unit (Xu, Sun, Zhang, Zhao and Lin,
    "Understanding and Improving Layer Normalization", 2019). y rises with z up to z = 1/(2k)
    and falls beyond: there two z have the same y, and the inverse gives the smaller. No row of
    up to 1/(4k²) + 1 elements (26 for k = 0.1) reaches that far.

    >>> import polars as pl
    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"a": [1.0], "b": [3.0]})
    >>> fit(frame, method="adanorm:eps=0").apply(frame).row(0)
    (-1.1, 0.9)
    """

    name: ClassVar[str] = "adanorm"
    formula: ClassVar[tuple[str, str]] = (
        "c·(1 − k·z)·z, z = (x − mean)/√(std² + eps)",
        "mean + z·√(std² + eps), z = 2w/(1 + √(1 − 4k·w)), w = y/c",
    )
    matches: ClassVar[str] = "definition (Xu et al. 2019)"
    keeps: ClassVar[tuple[tuple[str, str], ...]] = (
        ("mean", "mean of the row"),
        ("std", "population standard deviation of the row"),
    )
    loses: ClassVar[str] = "elements more than 1/(2k) standard deviations above their row's mean"

    c: float = 1.0
    k: float = 0.1
    eps: float = 1e-5

    def __post_init__(self) -> None:
        super().__post_init__()
        nonnegative(self, "k")
        if self.c == 0:
            raise UsageError("adanorm: c must not be 0")

    def forward_rows(self, x: Rows, shape: tuple[int, ...]) -> tuple[Rows, Kept]:
        mean, std = mean_and_std(x)
        z = (x - mean[..., None]) / divisor(std, self.eps)
        return self.c * (1 - self.k * z) * z, {"mean": mean, "std": std}

    def inverse_rows(self, y: Rows, kept: Kept, shape: tuple[int, ...]) -> Rows:
        w = y / self.c
        # At the top of the parabola rounding may have gone beyond it.
        root = np.sqrt(np.maximum(0.0, 1 - 4 * (self.k * w)))
        z: Rows = 2 * w / (1 + root)
        return z * divisor(kept["std"], self.eps) + kept["mean"][..., None]
