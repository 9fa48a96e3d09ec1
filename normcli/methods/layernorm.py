"""Layer normalization: every row has mean 0 and standard deviation 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from normcli.methods.base import register
from normcli.methods.rowwise import Standardization

__all__ = ["LayerNorm"]


@register
@dataclass(frozen=True)
class LayerNorm(Standardization):
    """y = gamma·(x − μ)/√(σ² + eps) + beta, μ and σ² the mean and population variance of the row.

    gamma and beta are a number, or as many as a row has elements, with colons between them. y
    without unit. As torch.nn.LayerNorm over all axes but that of the rows (Ba, Kiros and Hinton,
    "Layer Normalization", 2016).

    >>> import polars as pl
    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"a": [1.0], "b": [3.0], "c": [2.0]})
    >>> fit(frame, method="layernorm:gamma=1:1:2,beta=0:0:5").apply(frame).row(0)
    (-1.2247356859083902, 1.2247356859083902, 5.0)
    """

    name: ClassVar[str] = "layernorm"
    matches: ClassVar[str] = "torch.nn.LayerNorm"
    keeps: ClassVar[tuple[tuple[str, str], ...]] = (
        ("mean", "mean of the row"),
        ("std", "population standard deviation of the row"),
    )
