"""What a method is: a frozen dataclass whose fields are its options.

A new method is one new file in this folder: the dataclass, registered by `@register`. The
command line's help, `normcli methods`, the chain grammar, the stats file and the conformance
tests are all made from the registry and the fields.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

import polars as pl

from normcli.errors import UsageError
from normcli.statistics import Summary

__all__ = [
    "METHODS",
    "Constants",
    "Expressions",
    "Method",
    "Needs",
    "Parameter",
    "expm1",
    "nonnegative",
    "nonzero_scale",
    "quotient",
    "register",
]

Constants = Mapping[str, pl.Series]
"""Numbers by name, one Float64 entry for each cell (group)."""
Expressions = Mapping[str, pl.Expr]
"""The same numbers as expressions: literals, or columns joined to the rows."""


@dataclass(frozen=True)
class Parameter:
    """A number that `fit` finds, or that an option of the same name gives.

    A "location" lies on the axis of x (mean, min) and moves with it when x is shifted; a
    "scale" is a length on that axis; a "number" is neither (an exponent).
    """

    name: str
    kind: Literal["location", "scale", "number"]
    meaning: str
    exact: bool = False
    """Whether it is one of the values themselves, kept as int or Decimal where they are."""


@dataclass(frozen=True)
class Needs:
    """What a method has to know of the values that enter it: statistics, and percentiles.

    With `of`, they are taken not of x itself but of what it makes of x and of the parameters
    found before, and need a scan of their own.
    """

    statistics: tuple[str, ...] = ()
    percentiles: tuple[float, ...] = ()
    of: Callable[[pl.Expr, Expressions], pl.Expr] | None = None


@dataclass(frozen=True)
class Method:
    """Base of all methods; a subclass overrides what it needs.

    x and y are Float64 expressions in which null and NaN pass through by themselves.
    """

    name: ClassVar[str]
    formula: ClassVar[tuple[str, str]]
    """Forward and inverse, as shown to people."""
    matches: ClassVar[str] = ""
    """The library function or definition that the numbers agree with."""
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    statistics: ClassVar[tuple[str, ...]] = ()
    """The names of the statistics that `fit` reads."""
    equivariant: ClassVar[bool] = False
    """Whether shifting x and every location by the same amount leaves y as it is."""
    ordered: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Pairs of bounds, given or fitted, of which the first must not be above the second."""
    asks_once: ClassVar[bool] = True
    """Whether all that `fit` needs can be taken in one scan, were it not for percentiles."""
    loses: ClassVar[str] = ""
    """What `inverse` can't bring back, if anything."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise UsageError(f"{self.name}: {field.name} must be finite, not {value}")
        for parameter in self.sought:
            given = getattr(self, parameter.name)
            if parameter.kind == "scale" and given is not None and given <= 0:
                raise UsageError(f"{self.name}: {parameter.name} must be above 0, not {given}")

    @property
    def sought(self) -> tuple[Parameter, ...]:
        """The parameters that there are with these options: all, unless a method says less."""
        return self.parameters

    @property
    def given(self) -> dict[str, Any]:
        """The parameters that options give, which are therefore not fitted."""
        values = {parameter.name: getattr(self, parameter.name) for parameter in self.sought}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def searches(self) -> bool:
        """Whether fitting takes percentiles, which may need several scans of the data."""
        needs = self.needs(self.given)
        return needs is not None and bool(needs.percentiles)

    @property
    def fitted(self) -> bool:
        """Whether any parameter has to be found from data."""
        return len(self.given) < len(self.sought)

    @property
    def percentiles(self) -> tuple[float, ...]:
        """The percentiles of x that `fit` reads."""
        return ()

    def needs(self, found: Collection[str]) -> Needs | None:
        """Return what to find out next, given the names of the parameters found; None: all are."""
        if all(parameter.name in found for parameter in self.sought):
            return None
        return Needs(self.statistics, self.percentiles)

    def fit(self, summary: Summary, found: Collection[str]) -> dict[str, list[Any]]:
        """Return the parameters that follow, for each cell, None where one does not exist.

        `found` names those that are known already: a method that asks for one thing after the
        other returns each time what it has learned.
        """
        return {}

    def constants(self, p: Constants) -> Constants:
        """Return what `forward` and `inverse` need, computed once for each cell."""
        return p

    def domain(self, x: pl.Expr) -> pl.Expr | None:
        """Return a predicate that holds where `forward` is defined; None if it always is."""
        return None

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        """Return the normalized values."""
        raise NotImplementedError

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        """Return the original values."""
        raise NotImplementedError


METHODS: dict[str, type[Method]] = {}
"""Every method, by name."""

M = TypeVar("M", bound=Method)


def register(method: type[M]) -> type[M]:
    """Class decorator: make a method known under its name."""
    METHODS[method.name] = method
    return method


def nonzero_scale(scale: pl.Series) -> pl.Series:
    """Return the scale to divide by: 1 where it is exactly zero, as for a constant column.

    >>> nonzero_scale(pl.Series([0.0, 2.0, None])).to_list()
    [1.0, 2.0, None]
    """
    return pl.select(pl.when(scale == 0).then(1.0).otherwise(scale)).to_series()


def quotient(x: pl.Expr, divisor: pl.Expr | float) -> pl.Expr:
    """Return x/divisor, correctly rounded.

    The engine divides a column by a single number as a multiplication by its reciprocal, which
    is off in the last digit for many values (49/49 < 1); so the number is made a column.

    >>> pl.select(quotient(pl.lit(pl.Series([0.0, 49.0])), 49.0)).to_series().to_list()
    [0.0, 1.0]
    """
    return x / ((x == x).cast(pl.Float64) * divisor)


def expm1(x: pl.Expr) -> pl.Expr:
    """Return eˣ − 1 without cancellation near zero, as 2·sinh(x/2)·e^(x/2)."""
    half = x / 2
    return 2 * half.sinh() * half.exp()


def nonnegative(method: Method, option: str) -> None:
    """Raise UsageError if the option is below 0."""
    if getattr(method, option) < 0:
        raise UsageError(f"{method.name}: {option} must not be below 0")
