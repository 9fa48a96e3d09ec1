"""Z-score: mean 0 and standard deviation 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from normcli.methods.base import Found, Given, Parameter, nonnegative, register
from normcli.methods.linear import Standardizing
from normcli.statistics import Summary

__all__ = ["ZScore"]


@register
@dataclass(frozen=True)
class ZScore(Standardizing):
    """y = (x − μ)/σ, with μ = Σx/n and σ² = Σ(x − μ)²/(n − ddof), both correctly rounded.

    μ, σ in the units of x; y without unit. With ddof = 0 as scikit-learn's StandardScaler and
    tf.keras.layers.Normalization, with ddof = 1 as R's scale().

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [1.0, 2.0, 3.0, 6.0]})
    >>> fit(frame, method="zscore").apply(frame)["x"].to_list()
    [-1.0690449676496976, -0.5345224838248488, 0.0, 1.6035674514745464]
    """

    name: ClassVar[str] = "zscore"
    formula: ClassVar[tuple[str, str]] = ("(x − mean)/std", "y·std + mean")
    matches: ClassVar[str] = "sklearn StandardScaler; scipy.stats.zscore; tf.keras Normalization"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("mean", "location", "mean of the fitted values"),
        Parameter("std", "scale", "standard deviation"),
    )
    statistics: ClassVar[tuple[str, ...]] = ("moments",)

    mean: Given = None
    std: Given = None
    ddof: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        nonnegative(self, "ddof")

    def fit(self, summary: Summary, found: Found) -> dict[str, list[Any]]:
        return {"mean": summary.mean, "std": summary.std(self.ddof)}
