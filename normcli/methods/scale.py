"""Scaling: standard deviation 1, zero stays zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from normcli.methods.base import Found, Given, Parameter, nonnegative, register
from normcli.methods.linear import Scaling
from normcli.statistics import Summary

__all__ = ["Scale"]


@register
@dataclass(frozen=True)
class Scale(Scaling):
    """y = x/σ, with σ² = Σ(x − μ)²/(n − ddof) correctly rounded; σ in the units of x.

    As scikit-learn's StandardScaler(with_mean=False).

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [0.0, 2.0, 4.0, 6.0]})
    >>> fit(frame, method="scale").apply(frame)["x"].to_list()
    [0.0, 0.8944271909999159, 1.7888543819998317, 2.6832815729997477]
    """

    name: ClassVar[str] = "scale"
    formula: ClassVar[tuple[str, str]] = ("x/std", "y·std")
    matches: ClassVar[str] = "sklearn StandardScaler(with_mean=False)"
    parameters: ClassVar[tuple[Parameter, ...]] = (Parameter("std", "scale", "standard deviation"),)
    statistics: ClassVar[tuple[str, ...]] = ("moments",)

    std: Given = None
    ddof: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        nonnegative(self, "ddof")

    def fit(self, summary: Summary, found: Found) -> dict[str, list[Any]]:
        return {"std": summary.std(self.ddof)}
