"""Peak normalization: the largest magnitude becomes 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from normcli.methods.base import Found, Given, Parameter, register
from normcli.methods.linear import Scaling
from normcli.statistics import Summary

__all__ = ["MaxAbs"]


@register
@dataclass(frozen=True)
class MaxAbs(Scaling):
    """y = x/max|x|; max|x| in the units of x. Zero stays zero, signs stay.

    As scikit-learn's MaxAbsScaler, and peak normalization of audio.

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [-4.0, 1.0, 2.0]})
    >>> fit(frame, method="maxabs").apply(frame)["x"].to_list()
    [-1.0, 0.25, 0.5]
    """

    name: ClassVar[str] = "maxabs"
    formula: ClassVar[tuple[str, str]] = ("x/max_abs", "y·max_abs")
    matches: ClassVar[str] = "sklearn MaxAbsScaler; peak normalization of audio"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("max_abs", "scale", "largest magnitude", exact=True),
    )
    statistics: ClassVar[tuple[str, ...]] = ("extremes",)

    max_abs: Given = None

    def fit(self, summary: Summary, found: Found) -> dict[str, list[Any]]:
        return {"max_abs": summary.max_abs}
