"""Power normalization: the root mean square becomes 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from normcli.methods.base import Found, Given, Parameter, register
from normcli.methods.linear import Scaling
from normcli.statistics import Summary

__all__ = ["RootMeanSquare"]


@register
@dataclass(frozen=True)
class RootMeanSquare(Scaling):
    """y = x/√(Σx²/n), the root correctly rounded and in the units of x.

    As power normalization of audio (not the same as peak normalization, see maxabs).

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [3.0, -3.0, 3.0]})
    >>> fit(frame, method="rms").apply(frame)["x"].to_list()
    [1.0, -1.0, 1.0]
    """

    name: ClassVar[str] = "rms"
    formula: ClassVar[tuple[str, str]] = ("x/rms", "y·rms")
    matches: ClassVar[str] = "power normalization of audio"
    parameters: ClassVar[tuple[Parameter, ...]] = (Parameter("rms", "scale", "root mean square"),)
    statistics: ClassVar[tuple[str, ...]] = ("moments",)

    rms: Given = None

    def fit(self, summary: Summary, found: Found) -> dict[str, list[Any]]:
        return {"rms": summary.rms}
