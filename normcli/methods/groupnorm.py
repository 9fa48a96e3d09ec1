"""Group normalization: every group of channels of every row has mean 0 and deviation 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from normcli.errors import DataError, UsageError
from normcli.methods.base import register
from normcli.methods.rowwise import Standardization

__all__ = ["GroupNorm"]


@register
@dataclass(frozen=True)
class GroupNorm(Standardization):
    """y = gamma·(x − μ)/√(σ² + eps) + beta, μ and σ² of one group of channels of one row.

    The channels, which are the first axis, fall into `groups` groups of equal size, in their
    order. σ² is the population variance. gamma and beta are a number, or one for each channel,
    with colons between them. y without unit. As torch.nn.GroupNorm (Wu and He, "Group
    Normalization", 2018).

    >>> import polars as pl
    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"a": [0.0], "b": [2.0], "c": [5.0], "d": [9.0]})
    >>> fit(frame, method="groupnorm:groups=2,eps=0").apply(frame).row(0)
    (-1.0, 1.0, -1.0, 1.0)
    """

    name: ClassVar[str] = "groupnorm"
    matches: ClassVar[str] = "torch.nn.GroupNorm"
    keeps: ClassVar[tuple[tuple[str, str], ...]] = (
        ("mean", "means of the row's groups of channels"),
        ("std", "their population standard deviations"),
    )
    by_part: ClassVar[bool] = True

    groups: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.groups is None or self.groups < 1:
            raise UsageError(
                "groupnorm: say into how many groups the channels fall",
                "for example groupnorm:groups=4",
            )

    def parts(self, shape: tuple[int, ...]) -> int:
        assert self.groups is not None, "as __post_init__ has seen"
        return self.groups

    def check_shape(self, what: str, shape: tuple[int, ...]) -> None:
        if shape[0] % self.parts(shape):
            raise DataError(
                f"{what} has {shape[0]} channels, which do not fall into {self.groups} groups of "
                "equal size",
                "groups must divide the number of channels",
            )
        super().check_shape(what, shape)
