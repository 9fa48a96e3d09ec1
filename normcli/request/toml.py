"""Recipe files: what is asked of a fit, written down in TOML.

Its keys are those of `form.from_table`; docs/recipes.md describes them.
"""

from __future__ import annotations

import re
import sys
import tomllib

from normcli.errors import DataError, EnvironmentFailureError, UsageError
from normcli.request.form import from_table
from normcli.request.request import Request

__all__ = ["parse_recipe", "read_recipe"]


def read_recipe(path: str) -> Request:
    """Return what a recipe file asks for ("-" for stdin).

    Raise UsageError, naming file and line or key, where it is wrong, DataError if there is
    none, and EnvironmentFailureError if it can't be read.
    """
    try:
        if path == "-":
            data, path = sys.stdin.buffer.read(), "stdin"
        else:
            with open(path, "rb") as file:
                data = file.read()
    except FileNotFoundError as error:
        raise DataError(
            f"there is no recipe {path}", f"have one written: normcli suggest DATA > {path}"
        ) from error
    except OSError as error:
        raise EnvironmentFailureError(f"{path} can't be read: {error.strerror}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{path}: line {line} is not text in UTF-8", "a recipe is a text file in TOML"
        ) from error
    return parse_recipe(text, path)


def parse_recipe(text: str, name: str) -> Request:
    r"""Return what the text of a recipe file asks for; the name is for messages.

    >>> asked = parse_recipe('exclude = "year"\n[columns]\n"bill_*" = "robust"', "recipe.toml")
    >>> asked.exclude, [selector for selector, _ in asked.sets]
    ('year', ['bill_*'])
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, place = str(error), "the end"
        found = re.fullmatch(r"(.*) \(at line (\d+), column \d+\)", message, re.DOTALL)
        if found:
            message, place = found[1], f"line {found[2]}"
        message = message.removesuffix(" (at end of document)")
        message = re.sub(r"\('([^']*)',\)", r"[\1]", message)
        raise UsageError(
            f"{name}: {place}: {message[:1].lower()}{message[1:]}",
            "a recipe is written in TOML (https://toml.io): texts stand in quotes, "
            "and so do keys other than letters, digits, - and _",
        ) from error
    return from_table(table, f"{name}: ")
