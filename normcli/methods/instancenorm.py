"""Instance normalization: every channel of every row has mean 0 and standard deviation 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from normcli.errors import DataError
from normcli.methods.base import register
from normcli.methods.rowwise import Standardization

__all__ = ["InstanceNorm"]


@register
@dataclass(frozen=True)
class InstanceNorm(Standardization):
    """y = gamma·(x − μ)/√(σ² + eps) + beta, μ and σ² of one channel (first axis) of one row.

    σ² is the population variance. gamma and beta are a number, or one for each channel, with
    colons between them. y without unit. As torch.nn.InstanceNorm1d and 2d (Ulyanov, Vedaldi and
    Lempitsky, "Instance Normalization", 2016).

    >>> import polars as pl
    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [[[0, 2], [5, 9]]]}, schema={"x": pl.Array(pl.UInt8, (2, 2))})
    >>> fit(frame, columns="x", method="instancenorm:eps=0").apply(frame)["x"].to_list()
    [[[-1.0, 1.0], [-1.0, 1.0]]]
    """

    name: ClassVar[str] = "instancenorm"
    matches: ClassVar[str] = "torch.nn.InstanceNorm1d, InstanceNorm2d"
    keeps: ClassVar[tuple[tuple[str, str], ...]] = (
        ("mean", "means of the row's channels"),
        ("std", "their population standard deviations"),
    )
    by_part: ClassVar[bool] = True

    def parts(self, shape: tuple[int, ...]) -> int:
        return shape[0]

    def check_shape(self, what: str, shape: tuple[int, ...]) -> None:
        if len(shape) < 2:
            raise DataError(
                f"{what} has vectors of {shape[0]} elements; "
                f"{self.name} needs tensors whose first axis are channels",
                "layernorm takes the elements of a row together, groupnorm in groups",
            )
        super().check_shape(what, shape)
