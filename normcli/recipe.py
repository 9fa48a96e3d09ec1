"""Recipes: which columns get which chain of methods.

A chain is STEP[+STEP]…, a step is name[:key=value[,key=value]…]; a backslash stands before a
character of a value that is not to separate anything:

>>> chain = parse_chain("log1p+minmax:low=-1,high=1")
>>> [step.name for step in chain]
['log1p', 'minmax']
>>> chain_text(chain)
'log1p+minmax:low=-1'
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import polars as pl

from normcli.columns import number_kind
from normcli.dtypes import values_of_texts
from normcli.errors import UsageError, did_you_mean
from normcli.methods import METHODS, Method
from normcli.tensors import tensor_of

__all__ = [
    "DEFAULT_METHOD",
    "Chain",
    "Recipe",
    "can_fit",
    "chain_text",
    "check_chain",
    "count_fitted",
    "given_params",
    "joins",
    "make_step",
    "option_text",
    "options_of",
    "parse_chain",
    "scans_again",
    "wanted_by",
]

Chain = tuple[Method, ...]

LIST_SEPARATOR = ":"
"""Stands between the values of an option that takes many: gamma=1:0.5:2."""
DEFAULT_METHOD = "zscore"

# A plus sign inside a number (1e+5) is followed by a digit, one between steps by a name.
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_GUARDED = re.compile("\0([0-9a-f]+)\0")
_SEPARATING = re.compile(r"[\\:,+]|^\s|\s$")
_STEP_SEPARATOR = re.compile(r"\+(?=\s*[A-Za-z_])")


@dataclass(frozen=True)
class Recipe:
    """What the user asked for, before any column is known; `sets` in order, the last match wins."""

    method: Chain
    sets: tuple[tuple[str, Chain], ...] = ()
    columns: str | None = None
    exclude: str | None = None
    by: tuple[str, ...] = ()
    where: str | None = None
    skip_inf: bool = False
    min_group: int = 0
    """How many valid values of a column a group needs for parameters of its own."""
    places: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Where its parts were given, for messages, if not by flags: by the keys of a recipe file, of
    "columns." with the selector of one of the `sets`, and of "types." with a column."""

    @property
    def usual_columns(self) -> str:
        """The selector of the columns that are treated if nothing is said."""
        return "@text" if self.method[0].encodes else "@numeric"


def parse_chain(text: str) -> Chain:
    """Return the steps of a chain; raise UsageError where it is not one."""
    steps = []
    if "\0" in text or re.fullmatch(r"(\\.|[^\\])*\\", text, re.DOTALL):
        raise UsageError(
            f"{text!r} is not a chain of methods", "a backslash stands before another character"
        )
    guarded = _ESCAPE.sub(lambda escape: f"\0{ord(escape[1]):x}\0", text)
    for piece in _STEP_SEPARATOR.split(guarded):
        name, colon, options_text = piece.strip().partition(":")
        if not name or name.endswith("+") or (colon and not options_text.strip()):
            raise UsageError(
                f'"{text}" is not a chain of methods',
                "write STEP[+STEP]… with STEP name[:key=value[,key=value]…], "
                "for example log1p+minmax:low=-1,high=1",
            )
        options: dict[str, str] = {}
        for option in options_text.split(",") if colon else []:
            key, equals, value = (part.strip() for part in option.partition("="))
            if not key or not equals or not value:
                raise UsageError(
                    f'"{option}" in "{text}" is not key=value',
                    "options have commas between them: minmax:low=-1,high=1",
                )
            if key in options:
                raise UsageError(f'"{key}" is given twice in "{text}"', "give it once")
            options[key] = value
        steps.append(make_step(name, options))
    check_chain(steps, text)
    return tuple(steps)


def check_chain(chain: Sequence[Method], text: str) -> None:
    """Raise UsageError if a step can't stand where it does."""
    for i, step in enumerate(chain):
        if i > 0 and step.encodes:
            raise UsageError(
                f'"{text}": {step.name} must come first, for it takes {step.wants}',
                f"what it makes of them goes on: {step.name}+zscore"
                if step.output is not None and not step.output.is_nested()
                else "it is a chain of its own",
            )
        if step.joins and chain[0].encodes:
            raise UsageError(
                f'"{text}": {step.name} takes vectors of numbers, {chain[0].name} {chain[0].wants}',
                "normalize the numbers by a chain of their own",
            )
        if i + 1 < len(chain) and step.output is not None and step.output.is_nested():
            raise UsageError(
                f'"{text}": nothing can follow {step.name}', "its output is lists, not numbers"
            )


def make_step(name: str, options: Mapping[str, Any]) -> Method:
    """Return the method of that name with those options (texts or values of their type)."""
    if name not in METHODS:
        raise UsageError(f'unknown method "{name}"', did_you_mean(name, METHODS))
    method = METHODS[name]
    hints = _hints(name)
    known = method.option_fields()
    values = {}
    for key, value in options.items():
        if key not in known:
            raise UsageError(f'{name} has no option "{key}"', did_you_mean(key, known))
        field = known[key].name
        values[field] = _convert(name, key, value, hints[field])
    return method(**values)


@cache
def _hints(name: str) -> dict[str, Any]:
    """Return the annotations of a method's fields; evaluating them takes a while."""
    return typing.get_type_hints(METHODS[name])


def _convert(method: str, key: str, value: Any, annotation: Any, several: bool = False) -> Any:
    is_union = typing.get_origin(annotation) in (types.UnionType, typing.Union)
    union = typing.get_args(annotation) if is_union else ()
    kinds = [kind for kind in union if kind is not types.NoneType] or [annotation]
    many = isinstance(value, (list, tuple)) or (isinstance(value, str) and LIST_SEPARATOR in value)
    lists = [kind for kind in kinds if typing.get_origin(kind) is tuple]
    if lists and (many or lists == kinds):
        parts = value.split(LIST_SEPARATOR) if isinstance(value, str) else value
        parts = parts if isinstance(parts, (list, tuple)) else [parts]
        inner = typing.get_args(lists[0])[0]
        return tuple(_convert(method, key, part, inner, True) for part in parts)
    named = [kind for kind in kinds if typing.get_origin(kind) is typing.Literal]
    if named and value in typing.get_args(named[0]):
        return value
    wanted = next(kind for kind in kinds if kind not in lists)
    try:
        if wanted is bool:
            return value if isinstance(value, bool) else {"true": True, "false": False}[value]
        if isinstance(value, bool):
            raise ValueError
        if wanted is int:
            return int(value)
        if wanted is str:
            if not isinstance(value, (str, int)):
                raise ValueError
            return _GUARDED.sub(lambda found: chr(int(found[1], 16)), str(value))
        if wanted is float:
            # A whole number stays one: an int64 bound has more digits than a float64.
            return int(value) if re.fullmatch(r"[+-]?\d+", str(value)) else float(value)
        if typing.get_origin(wanted) is typing.Literal and value not in typing.get_args(wanted):
            raise ValueError
        return value
    except (ValueError, KeyError, TypeError) as error:
        names = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
        either = dict.fromkeys((*named, wanted))
        words = [word for kind in either for word in typing.get_args(kind)]
        expected = " or ".join([*([names[wanted]] if wanted in names else []), *map(str, words)])
        if lists or several:
            expected += f', or several with "{LIST_SEPARATOR}" between them'
        raise UsageError(
            f'{method}: {key} must be {expected}, not "{value}"', f"see: normcli methods {method}"
        ) from error


def given_params(step: Method, dtype: pl.DataType, cells: int = 1) -> dict[str, list[Any]]:
    """Return the parameters that options give, for each of so many cells.

    Those that are values of the column are a series of its dtype.
    """
    given = step.given_cells(cells)
    for parameter in step.sought:
        if parameter.kind == "values" and parameter.name in given:
            values = values_of_texts(step.given[parameter.name], dtype)
            if values.is_duplicated().any():
                raise UsageError(f"{step.name}: one of the {parameter.name} is given twice")
            given[parameter.name] = [values] * cells
    return given


def options_of(step: Method) -> dict[str, Any]:
    """Return the options of a step that differ from their defaults."""
    return {
        name: value
        for name, field in step.option_fields().items()
        if (value := getattr(step, field.name)) != field.default
    }


def chain_text(chain: Chain) -> str:
    """Return the chain as it would be written on the command line."""
    return "+".join(
        step.name
        + (":" if options_of(step) else "")
        + ",".join(f"{key}={option_text(value)}" for key, value in options_of(step).items())
        for step in chain
    )


def option_text(value: Any) -> str:
    """Return an option's value as it would be written in a chain."""
    if isinstance(value, (list, tuple)):
        return LIST_SEPARATOR.join(map(option_text, value))
    if isinstance(value, str):
        return _SEPARATING.sub(lambda found: "\\" + found[0], value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def count_fitted(chain: Chain) -> int:
    """Return how many steps have to be fitted."""
    return sum(step.fitted for step in chain)


def scans_again(chain: Chain, sketched: bool = False) -> bool:
    """Return whether a chain may need more than one scan of the data.

    A step has to wait for the fitted ones before it, to be fitted or to see whether it is
    defined on their output; and percentiles are searched for.

    >>> [scans_again(parse_chain(text)) for text in ("log+zscore", "zscore+minmax", "zscore+log")]
    [False, True, True]
    """
    return any(
        step.fitted and not (step.asks_once and (sketched or not step.searches)) for step in chain
    ) or any(
        count_fitted(chain[:i]) and (step.fitted or step.looks) for i, step in enumerate(chain)
    )


def can_fit(chain: Chain, dtype: pl.DataType) -> bool:
    """Return whether a chain can be fitted on a column of that dtype."""
    if chain[0].encodes:
        return chain[0].takes(dtype)
    if joins(chain):
        tensor = tensor_of(dtype)
        return tensor is not None and tensor.shape is not None
    return number_kind(dtype) is not None or tensor_of(dtype) is not None


def joins(chain: Chain) -> bool:
    """Return whether a step of the chain takes vectors, as one row each, not values."""
    return any(step.joins for step in chain)


def wanted_by(chain: Chain) -> str:
    """Return what a chain can be fitted on, for messages."""
    return "numbers, or tensors of one shape" if joins(chain) else chain[0].wants
