"""Whitening: vectors with covariance 1, from the covariance of the fitted ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.errors import DataError, UsageError
from normcli.methods.base import Constants, Expressions, Found, Method, Parameter, register
from normcli.statistics import Summary
from normcli.statistics.eigen import eigen, is_singular, weighted_gram

__all__ = ["Whiten"]

Floats = npt.NDArray[np.float64]


@register
@dataclass(frozen=True)
class Whiten(Method):
    """y = W·(x − mean), with W such that the fitted vectors have the identity as covariance.

    x the vector of the columns that one selector names, or of a vector column; mean in their
    units; W = matrix from the eigenvalues λ and eigenvectors V of the covariance:
    V·diag(1/√(λ + eps))·Vᵀ for kind=zca, which stays as near to x as it can, or
    diag(1/√(λ + eps))·Vᵀ for kind=pca, the principal components by falling variance. The
    covariance is exact, and the eigenvalues are the same on every machine. As scikit-learn's
    PCA(whiten=True) but for ddof; Kessy, Lewin and Strimmer, "Optimal whitening and
    decorrelation", 2018.

    >>> import polars as pl
    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"a": [1.0, 1.0, -1.0, -1.0], "b": [2.0, -2.0, 2.0, -2.0]})
    >>> fit(frame, method="whiten").apply(frame)["b"].to_list()
    [1.0, -1.0, 1.0, -1.0]
    """

    name: ClassVar[str] = "whiten"
    formula: ClassVar[tuple[str, str]] = ("W·(x − mean)", "W⁻¹·y + mean")
    matches: ClassVar[str] = "sklearn PCA(whiten=True) (kind=pca); ZCA whitening (kind=zca)"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("mean", "numbers", "means of the elements"),
        Parameter("matrix", "numbers", "W, row by row"),
    )
    statistics: ClassVar[tuple[str, ...]] = ("products",)
    joins: ClassVar[bool] = True

    mean: tuple[float, ...] | None = None
    matrix: tuple[tuple[float, ...], ...] | None = None
    kind: Literal["zca", "pca"] = "zca"
    eps: float = 0.0
    ddof: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.eps < 0:
            raise UsageError(f"whiten: eps must not be below 0, not {self.eps}")

    def fit(self, summary: Summary, found: Found) -> dict[str, list[Any]]:
        means: list[Any] = []
        matrices: list[Any] = []
        every = summary.covariances(self.ddof)
        where = f"of one of {len(every):,} groups " if len(every) > 1 else ""
        for cell, described in enumerate(every):
            mean, covariance = (None, None) if described is None else described
            if cell in summary.unused:
                covariance = None
            means.append(mean)
            matrices.append(None if covariance is None else self._matrix(covariance, where))
        return {"mean": means, "matrix": matrices}

    def _matrix(self, covariance: Floats, where: str) -> list[list[float]]:
        values, vectors = eigen(covariance)
        if float(values[-1]) + self.eps <= 0 or (self.eps == 0 and is_singular(covariance)):
            raise DataError(
                f"the covariance matrix {where}is singular: an element is constant, or follows "
                f"from the others (smallest eigenvalue {values[-1]:.3g}, largest {values[0]:.3g})",
                "leave such columns out, or give eps, for example whiten:eps=1e-6"
                + "; or let small groups take the parameters of all rows: --min-group"
                * bool(where),
            )
        scales = 1.0 / np.sqrt(values + self.eps)
        made = scales[:, None] * vectors.T
        if self.kind == "zca":
            made = weighted_gram(vectors, scales)
        return [list(map(float, row)) for row in made]

    def constants(self, p: Constants) -> Constants:
        inverses = [
            None if matrix is None else _inverse(matrix) for matrix in p["matrix"].to_list()
        ]
        return {**p, "inverse": pl.Series("inverse", inverses, pl.List(pl.List(pl.Float64)))}

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        def whitened(vectors: Floats, mean: Floats, matrix: Floats) -> Floats:
            return _product(vectors - mean, matrix)

        return _by_cell(x, p, "matrix", whitened)

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        def brought_back(vectors: Floats, mean: Floats, matrix: Floats) -> Floats:
            return _product(vectors, matrix) + mean

        return _by_cell(y, p, "inverse", brought_back)


def _inverse(matrix: list[list[float]]) -> list[list[float]]:
    inverse: list[list[float]] = np.linalg.inv(np.array(matrix)).tolist()
    return inverse


def _product(vectors: Floats, matrix: Floats) -> Floats:
    """Return matrix·v for each vector; not by BLAS, whose sums depend on how many there are."""
    product: Floats = np.einsum("nj,ij->ni", vectors, matrix)
    return product


def _by_cell(
    x: pl.Expr,
    p: Expressions,
    name: str,
    carried: Callable[[Floats, Floats, Floats], Floats],
) -> pl.Expr:
    """Carry vectors, whose elements follow each other in x, each with the matrix of its cell.

    A vector that lacks an element becomes null, or NaN if it is only NaN that it has.
    """
    if "mean" not in p.lists:  # nowhere was there anything to fit on
        return pl.when(pl.lit(False)).then(x)
    means, matrices = p.lists["mean"], p.lists[name]
    size = next((len(mean) for mean in means if mean is not None), 1)

    def carry(series: Sequence[pl.Series]) -> pl.Series:
        elements, cells = series
        absent = elements.is_null().to_numpy().reshape(-1, size).any(axis=1)
        vectors = elements.fill_null(0.0).to_numpy().reshape(-1, size)
        places = cells.to_numpy()
        own = np.full(len(vectors), places[0]) if len(places) == 1 else places[::size]
        made = np.zeros(vectors.shape)
        for cell in np.unique(own).tolist():
            here = own == cell
            if means[cell] is None or matrices[cell] is None:
                absent = absent | here
                continue
            mean, matrix = means[cell].to_numpy(), np.array(matrices[cell].to_list())
            made[here] = carried(vectors[here], mean, matrix)
        result = pl.Series(made.ravel())
        if absent.any():
            missing = pl.Series(np.repeat(absent, size))
            result = pl.select(pl.when(~missing).then(result)).to_series()
        return result

    return pl.map_batches([x, p.cell], carry, return_dtype=pl.Float64)
