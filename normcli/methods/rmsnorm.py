"""Root mean square normalization: every row has root mean square 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from normcli.methods.base import register
from normcli.methods.rowstatistics import root_mean_square
from normcli.methods.rowwise import Kept, RowMethod, Rows, divisor

__all__ = ["RMSNorm"]


@register
@dataclass(frozen=True)
class RMSNorm(RowMethod):
    """y = gamma·x/√(mean(x²) + eps), the mean being that of the row.

    gamma is a number, or as many as a row has elements, with colons between them. y without unit.
    As torch.nn.RMSNorm over all axes but that of the rows (Zhang and Sennrich, "Root Mean Square
    Layer Normalization", 2019), whose own eps is the machine's, not 1e-5.

    >>> import polars as pl
    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"a": [1.0], "b": [-7.0]})
    >>> fit(frame, method="rmsnorm:eps=0").apply(frame).row(0)
    (0.2, -1.4)
    """

    name: ClassVar[str] = "rmsnorm"
    formula: ClassVar[tuple[str, str]] = ("gamma·x/√(rms² + eps)", "y/gamma·√(rms² + eps)")
    matches: ClassVar[str] = "torch.nn.RMSNorm"
    keeps: ClassVar[tuple[tuple[str, str], ...]] = (("rms", "root mean square of the row"),)

    eps: float = 1e-5
    gamma: float | tuple[float, ...] = 1.0

    def forward_rows(self, x: Rows, shape: tuple[int, ...]) -> tuple[Rows, Kept]:
        rms = root_mean_square(x)
        return x / divisor(rms, self.eps) * self.spread("gamma", shape), {"rms": rms}

    def inverse_rows(self, y: Rows, kept: Kept, shape: tuple[int, ...]) -> Rows:
        return y / self.spread("gamma", shape) * divisor(kept["rms"], self.eps)
