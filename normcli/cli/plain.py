"""Commands that take texts as they are.

For every value, even one that is missing, typer asks a validation library that takes as long to
import as all of typer. Texts need no validation, nor do values that are of their type already.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from typer.core import TyperCommand, TyperGroup

__all__ = ["PlainCommand", "PlainGroup"]


class PlainCommand(TyperCommand):
    """A command whose options are validated only where there is something to validate."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _plain(super().get_params(ctx))


class PlainGroup(TyperGroup):
    """The same for the options that stand before a command."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _plain(super().get_params(ctx))


def _plain(params: list[Any]) -> list[Any]:
    for param in params:
        if "process_value" not in vars(param):
            param.process_value = partial(_taken, param, param.process_value)
    return params


def _taken(param: Any, validated: Callable[[Any, Any], Any], ctx: Any, value: Any) -> Any:
    """Return the value of an option or argument as `validated` would."""
    missing = param.required and param.value_is_missing(value)
    annotation = param.type_descriptor.annotation
    many = param.multiple or param.nargs == -1
    if value is None:
        value = () if many else None
    elif many and annotation == list[str] and isinstance(value, (list, tuple)):
        value = list(value)
    elif annotation is not str and type(value) in (str, list, tuple):
        return validated(ctx, value)
    if missing:
        return validated(ctx, value)  # it says so
    return value if param.callback is None else param.callback(ctx, param, value)
