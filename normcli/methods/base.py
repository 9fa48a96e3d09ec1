"""What a method is: a frozen dataclass whose fields are its options.

A new method is one new file in this folder, named like it: the dataclass, registered by
`@register`. The command line's help, `normcli methods`, the chain grammar, the stats file and
the conformance tests are all made from the registry and the fields.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar, Literal

import polars as pl

from normcli.errors import UsageError
from normcli.methods.expressions import Constants, Expressions, expm1, nonzero_scale, quotient
from normcli.methods.needs import Batches, Blocks, Needs, Question
from normcli.methods.registry import METHODS, register
from normcli.statistics import Summary

__all__ = [
    "METHODS",
    "Axis",
    "Batches",
    "Blocks",
    "Constants",
    "Expressions",
    "Found",
    "Given",
    "Method",
    "Needs",
    "Parameter",
    "Question",
    "expm1",
    "is_ascending",
    "listed",
    "nonnegative",
    "nonzero_scale",
    "once",
    "quotient",
    "register",
]

Axis = int | tuple[int, ...] | Literal["none", "all"]
"""Axes of a tensor, that of the rows not counted; −1 is the last one."""
Given = float | tuple[float, ...] | None
"""A parameter as an option gives it: a number, or one for each channel of a tensor."""
Found = Mapping[str, Sequence[Any]]
"""What is known so far, by name, an entry for each cell."""


@dataclass(frozen=True)
class Parameter:
    """A number that `fit` finds, or that an option of the same name gives.

    A "location" lies on the axis of x (mean, min) and moves with it when x is shifted; a
    "scale" is a length on that axis; a "number" is neither (an exponent). "numbers" are many
    of them (quantiles), "values" many of the values themselves: a series of the column's dtype.
    """

    name: str
    kind: Literal["location", "scale", "number", "numbers", "values"]
    meaning: str
    exact: bool = False
    """Whether it is one of the values themselves, kept as int or Decimal where they are."""
    ascending: bool = False
    """Of a list: whether none of its numbers is less than the one before."""

    @property
    def is_list(self) -> bool:
        """Whether a cell has many values of it."""
        return self.kind in ("numbers", "values")


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
    in_order: ClassVar[bool] = False
    """Whether the parameters depend on the order of the rows."""
    constant: ClassVar[str] = "its scale is taken to be 1"
    """What becomes of a column whose values are all equal; for warnings."""
    axis: Axis = field(default=-1, kw_only=True)
    """The axes of a tensor that keep parameters of their own, the others reduced over."""

    joins: ClassVar[bool] = False
    """Whether x are vectors, which several columns that one selector names make up together."""
    encodes: ClassVar[bool] = False
    """Whether x are values as they come (text, dates), not numbers; then it comes first.

    Its parameters are those of all rows, in every group. `forward` makes null of what it has no
    code for, `inverse` of what is no code.
    """
    wants: ClassVar[str] = "numbers, Booleans, dates or times"
    """What it can be fitted on, for messages."""

    def __post_init__(self) -> None:
        for name, value in self.options.items():
            for number in value if isinstance(value, tuple) else (value,):
                if isinstance(number, float) and not math.isfinite(number):
                    raise UsageError(f"{self.name}: {name} must be finite, not {number}")
        for parameter in self.sought:
            for given in listed(self.options[parameter.name]):
                if parameter.kind == "scale" and given <= 0:
                    raise UsageError(f"{self.name}: {parameter.name} must be above 0, not {given}")
            numbers = self.options[parameter.name]
            if parameter.ascending and numbers is not None and not is_ascending(numbers):
                raise UsageError(
                    f"{self.name}: {parameter.name} must be numbers, none less than the one before"
                )
        for first, second in self.ordered:
            for low, high in _paired(self.options[first], self.options[second]):
                if low > high:
                    raise UsageError(
                        f"{self.name}: {first} ({low}) must not be above {second} ({high})"
                    )

    @classmethod
    def option_fields(cls) -> dict[str, dataclasses.Field[Any]]:
        """Return the options' fields by name; a field that Python reserves the name of ends in _.

        >>> list(METHODS["zscore"].option_fields())
        ['mean', 'std', 'ddof', 'axis']
        """
        fields = {each.name.rstrip("_"): each for each in dataclasses.fields(cls)}
        axis = fields.pop("axis")
        # What has no parameters treats all elements of a tensor alike.
        return {**fields, "axis": axis} if cls.parameters and not cls.encodes else fields

    @property
    def options(self) -> dict[str, Any]:
        """The values of all options."""
        return {name: getattr(self, each.name) for name, each in self.option_fields().items()}

    @property
    def sought(self) -> tuple[Parameter, ...]:
        """The parameters that there are with these options: all, unless a method says less."""
        return self.parameters

    @property
    def given(self) -> dict[str, Any]:
        """The parameters that options give, which are therefore not fitted.

        A tuple has one number for each channel.
        """
        options = self.options
        return {
            parameter.name: list(value) if parameter.is_list else value
            for parameter in self.sought
            if (value := options[parameter.name]) is not None
        }

    def given_cells(self, cells: int) -> dict[str, list[Any]]:
        """Return the given parameters for each of so many cells, those of channels in turn.

        >>> METHODS["zscore"](mean=(1, 2), std=3).given_cells(4)
        {'mean': [1, 2, 1, 2], 'std': [3, 3, 3, 3]}
        """
        return {
            name: list(value) * (cells // len(value)) if type(value) is tuple else [value] * cells
            for name, value in self.given.items()
        }

    @property
    def searches(self) -> bool:
        """Whether fitting takes percentiles, which may need several scans of the data."""
        needs = self.needs(once(self.given))
        return needs is not None and needs.searches

    @property
    def fitted(self) -> bool:
        """Whether any parameter has to be found from data."""
        return len(self.given) < len(self.sought)

    @property
    def questions(self) -> tuple[Question, ...]:
        """What fitting asks for, one question after the other."""
        shares = sorted(set(self.percentiles))
        if not shares:
            return (Question(),)
        text = ", ".join(f"{share:g}" for share in shares[:_MOST_SHARES])
        return (Question(f"percentiles {text}{', …' * (len(shares) > _MOST_SHARES)}", True),)

    @property
    def reads(self) -> tuple[str, ...]:
        """Other columns that fitting reads, by name."""
        return ()

    @property
    def percentiles(self) -> tuple[float, ...]:
        """The percentiles of x that `fit` reads."""
        return ()

    @property
    def output(self) -> pl.DataType | None:
        """The dtype of y, where it is no float."""
        return None

    @property
    def strict(self) -> bool:
        """Whether, if it encodes, a value without a code and a code without a value are errors."""
        return False

    @property
    def looks(self) -> bool:
        """Whether `fit` has to look for values that `forward` is not defined for."""
        if self.encodes:
            return self.strict and not self.fitted
        return self.domain(pl.lit(0.0)) is not None

    def output_of(self, params: Mapping[str, Any]) -> pl.DataType | None:
        """Return the dtype of y with these parameters, where it is no float."""
        return self.output

    def takes(self, dtype: pl.DataType) -> bool:
        """Whether a method that encodes can encode values of that dtype."""
        return False

    def check(self, params: Mapping[str, Any]) -> None:
        """Raise ValueError if these can't be the method's parameters."""

    def remarks(self, params: Mapping[str, Any], count: int) -> Iterator[str]:
        """Yield what is worth a warning of parameters that encode so many values."""
        yield from ()

    def doubt(self, params: Mapping[str, Any], low: float, high: float) -> str | None:
        """Return what is worth a warning of parameters found for values between two, if any."""
        return None

    def needs(self, found: Found) -> Needs | None:
        """Return what to find out next, given what was found; None: that is all."""
        if all(parameter.name in found for parameter in self.sought):
            return None
        return Needs(self.statistics, self.percentiles)

    def fit(self, summary: Summary, found: Found) -> dict[str, list[Any]]:
        """Return the parameters that follow, for each cell, None where one does not exist.

        `found` has what is known already: a method that asks for one thing after the other
        returns each time what it has learned, under names of its own where that is no
        parameter yet.
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


_MOST_SHARES = 7


def listed(given: Given) -> tuple[float, ...]:
    """Return the numbers of a parameter that may be given, or not, or by channel."""
    if given is None:
        return ()
    return given if isinstance(given, tuple) else (given,)


def _paired(first: Given, second: Given) -> Iterator[tuple[float, float]]:
    """Yield the pairs of two parameters by channel, where both are given."""
    firsts, seconds = listed(first), listed(second)
    most = max(len(firsts), len(seconds)) if firsts and seconds else 0
    if len(firsts) in (1, most) and len(seconds) in (1, most):
        for i in range(most):
            yield firsts[i % len(firsts)], seconds[i % len(seconds)]


def once(params: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return parameters as those of a single cell."""
    return {name: [value] for name, value in params.items()}


def is_ascending(numbers: Sequence[Any]) -> bool:
    """Return whether there are numbers, and none is less than the one before."""
    return len(numbers) > 0 and all(a <= b for a, b in pairwise(numbers))


def nonnegative(method: Method, option: str) -> None:
    """Raise UsageError if the option is below 0."""
    if getattr(method, option) < 0:
        raise UsageError(f"{method.name}: {option} must not be below 0")
