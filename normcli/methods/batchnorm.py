"""Batch normalization with the running statistics that training would have left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast

import polars as pl

from normcli.errors import UsageError
from normcli.methods.base import (
    Batches,
    Constants,
    Expressions,
    Found,
    Given,
    Method,
    Needs,
    Parameter,
    Question,
    listed,
    nonnegative,
    nonzero_scale,
    quotient,
    register,
)
from normcli.statistics import Summary
from normcli.statistics.running import RunningMoments

__all__ = ["BatchNorm"]


@register
@dataclass(frozen=True)
class BatchNorm(Method):
    """y = γ·(x − m)/√(v + eps) + β, m and v running over the batches of rows as they come.

    After each batch m ← (1 − momentum)·m + momentum·μ and v ← (1 − momentum)·v + momentum·σ², from
    0 and 1, with μ the mean of the batch and σ² its unbiased variance; with momentum `none` m and
    v are the means of all μ and σ². m in the units of x, v in those of x²; y without unit. A batch
    is `batch` rows, the last may be shorter; one with fewer than two values is left out. Groups
    have batches of their own rows. As torch.nn.BatchNorm1d and BatchNorm2d in eval mode after these
    batches in train mode (Ioffe, Szegedy: Batch Normalization, 2015).

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"x": [1.0, 3.0, 5.0, 7.0]})
    >>> fit(frame, method="batchnorm:batch=2,momentum=none").params("x")["running_mean"]
    4.0
    """

    name: ClassVar[str] = "batchnorm"
    formula: ClassVar[tuple[str, str]] = (
        "gamma·(x − running_mean)/√(running_var + eps) + beta",
        "(y − beta)/gamma·√(running_var + eps) + running_mean",
    )
    matches: ClassVar[str] = "torch.nn.BatchNorm1d and BatchNorm2d, in eval mode"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("running_mean", "location", "mean that the batches have left"),
        Parameter("running_var", "number", "variance that the batches have left"),
        Parameter("gamma", "number", "what the result is multiplied with; not fitted"),
        Parameter("beta", "number", "what is added to the result; not fitted"),
    )
    statistics: ClassVar[tuple[str, ...]] = ()
    equivariant: ClassVar[bool] = True
    in_order: ClassVar[bool] = True
    constant: ClassVar[str] = "its running_var is that of equal values"

    running_mean: Given = None
    running_var: Given = None
    momentum: float | Literal["none"] = 0.1
    batch: int = 32
    eps: float = 1e-5
    gamma: Given = 1.0
    beta: Given = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        nonnegative(self, "eps")
        if self.batch < 2:
            raise UsageError(f"batchnorm: batch must be at least 2, not {self.batch}")
        if self.momentum != "none" and not 0 < self.momentum <= 1:
            raise UsageError(
                f"batchnorm: momentum must be above 0 and at most 1, or none, not {self.momentum}"
            )
        if any(given < 0 for given in listed(self.running_var)):
            raise UsageError("batchnorm: running_var must not be below 0")
        if any(given == 0 for given in listed(self.gamma)):
            raise UsageError("batchnorm: gamma must not be 0")

    @property
    def questions(self) -> tuple[Question, ...]:
        return (
            Question(f"running statistics over batches of {self.batch:,} rows, in their order"),
        )

    def check(self, params: Mapping[str, Any]) -> None:
        if any(v is not None and v < 0 for v in _each(params["running_var"])):
            raise ValueError("running_var is below 0")

    def needs(self, found: Found) -> Needs | None:
        if all(parameter.name in found for parameter in self.sought):
            return None
        momentum = None if self.momentum == "none" else self.momentum
        return Needs(
            ("counts",),
            blocks=Batches(self.batch),
            states={"running": lambda kind, cells: RunningMoments(kind, cells, momentum)},
        )

    def fit(self, summary: Summary, found: Found) -> dict[str, list[Any]]:
        running = cast(RunningMoments, summary.states["running"])
        mean, variance = running.finished(10**summary.scale)
        some = summary.count
        return {
            "running_mean": [m if n else None for m, n in zip(mean.tolist(), some, strict=True)],
            "running_var": [v if n else None for v, n in zip(variance.tolist(), some, strict=True)],
        }

    def constants(self, p: Constants) -> Constants:
        return {
            "mean": p["running_mean"],
            "scale": nonzero_scale((p["running_var"] + self.eps).sqrt()),
            "gamma": p["gamma"],
            "beta": p["beta"],
        }

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        return quotient(x - p["mean"], p["scale"]) * p["gamma"] + p["beta"]

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        return quotient(y - p["beta"], p["gamma"]) * p["scale"] + p["mean"]


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
