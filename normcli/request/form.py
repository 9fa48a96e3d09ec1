"""The form of a recipe, in its own file and in a stats file: keys, kinds, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from normcli.dtypes import parse_dtype
from normcli.errors import StatsFileError, UsageError, did_you_mean, located
from normcli.fitted import Fitted
from normcli.recipe import DEFAULT_METHOD, Chain, Recipe, chain_text, parse_chain
from normcli.request.request import Request
from normcli.sources.options import ReadOptions

__all__ = ["from_table", "recorded", "request_of"]

_TEXT, _TEXTS, _FLAG, _TABLE = "a text", "a list of texts", "true or false", "a table"
_NUMBER = "a whole number"
_TOP = {
    "by": _TEXTS,
    "where": _TEXT,
    "select": _TEXT,
    "exclude": _TEXT,
    "quantiles": _TEXT,
    "inf": _TEXT,
    "min_group": _NUMBER,
    "defaults": _TABLE,
    "columns": _TABLE,
    "read": _TABLE,
}
_SECTIONS = {
    "defaults": {"method": _TEXT},
    "read": {
        "delimiter": _TEXT,
        "header": _FLAG,
        "null_values": _TEXTS,
        "decimal_comma": _FLAG,
        "types": _TABLE,
    },
}
RECORDED = ("select", "exclude", "inf", "min_group", "defaults", "columns")
"""The keys of the recipe in a stats file, in their order."""
_EXAMPLES = {
    _TEXT: "a text stands in quotes, and so does a key with a dot in it",
    _TEXTS: 'texts stand in quotes, a list in brackets: ["a", "b"]',
    _NUMBER: "write it without quotes, like 30",
    _FLAG: "write it without quotes",
    _TABLE: "it begins with its name in brackets, like [columns]; a selector is called select",
}


def recorded(recipe: Recipe) -> dict[str, Any]:
    """Return what of a recipe differs from the defaults, in the form of a recipe file.

    Keys, condition, quantiles and reading are left out: a stats file has places for them.

    >>> recorded(Recipe(parse_chain("zscore"), exclude="year"))
    {'exclude': 'year'}
    """
    table: dict[str, Any] = {}
    if recipe.columns not in (None, recipe.usual_columns):
        table["select"] = recipe.columns
    if recipe.exclude:
        table["exclude"] = recipe.exclude
    if recipe.skip_inf:
        table["inf"] = "skip"
    if recipe.min_group:
        table["min_group"] = recipe.min_group
    if chain_text(recipe.method) != DEFAULT_METHOD:
        table["defaults"] = {"method": chain_text(recipe.method)}
    if recipe.sets:
        table["columns"] = {selector: chain_text(chain) for selector, chain in recipe.sets}
    return table


def request_of(fitted: Fitted, name: str) -> Request:
    """Return what was asked of a fit, so that it can be asked of another; the name is its file's.

    Raise StatsFileError if that is not known.
    """
    plain = parse_chain(DEFAULT_METHOD)
    if not fitted.recipe:
        for column in fitted.columns:
            if tuple(step.method for step in column.steps) != plain:
                raise StatsFileError(
                    f"{name} does not say what its recipe was", "give the flags of that fit instead"
                )
    asked = from_table(fitted.recipe, f"{name}: recipe.", RECORDED)
    options = ReadOptions.from_json(fitted.read)
    read = {key: getattr(options, key) for key in fitted.read}
    own = Request(
        by=fitted.by,
        where=fitted.where,
        quantiles="sketch" if fitted.sketched else None,
        read=read,
        places={
            "by": f"{name}: by",
            "where": f"{name}: source.where",
            **{f"types.{key}": f"{name}: read.types" for key in options.types},
        },
    )
    return own.over(asked)


def from_table(
    table: Mapping[str, Any], prefix: str, allowed: Iterable[str] = tuple(_TOP)
) -> Request:
    """Return the request that a recipe's keys and values are.

    `prefix` stands before a key in messages. Raise UsageError, naming the key, for whatever is
    unknown, of the wrong type or no chain, dtype, … .
    """
    top = _checked(table, {key: _TOP[key] for key in allowed}, prefix)
    defaults, read = (
        _checked(top.get(name, {}), kinds, f"{prefix}{name}.") for name, kinds in _SECTIONS.items()
    )
    columns = _checked(top.get("columns", {}), None, f"{prefix}columns.")
    types = _checked(read.get("types", {}), None, f"{prefix}read.types.")
    method = None
    if "method" in defaults:
        with located(f"{prefix}defaults.method"):
            method = parse_chain(defaults["method"])
    sets = []
    for selector, text in columns.items():
        with located(f"{prefix}columns.{_key(selector)}"):
            sets.append((selector, _chain(selector, text)))
    if "types" in read:
        read["types"] = {}
        for name, text in types.items():
            with located(f"{prefix}read.types.{_key(name)}"):
                read["types"][name] = parse_dtype(text)
    if "null_values" in read:
        read["null_values"] = tuple(read["null_values"])
    with located(f"{prefix}read"):
        ReadOptions(**read)
    with located(prefix.rstrip(": .")):
        return Request(
            method,
            tuple(sets),
            top.get("select"),
            top.get("exclude"),
            tuple(top["by"]) if "by" in top else None,
            top.get("where"),
            top.get("inf"),
            top.get("quantiles"),
            top.get("min_group"),
            read,
            {
                **{
                    key: prefix + key for key, kind in _TOP.items() if key in top and kind != _TABLE
                },
                **{f"columns.{each}": f"{prefix}columns.{_key(each)}" for each in columns},
                **{f"types.{each}": f"{prefix}read.types" for each in types},
            },
        )


def _chain(selector: str, text: str) -> Chain:
    try:
        return parse_chain(text)
    except UsageError as error:
        if selector in _TOP:
            error.hint = _above(selector)
        raise


def _checked(table: Mapping[str, Any], kinds: Mapping[str, str] | None, prefix: str) -> Any:
    """Return a table of which every key is known and every value of its kind.

    Where `kinds` is None, any key will do, and values are texts.
    """
    for key, value in table.items():
        if kinds is not None and key not in kinds:
            raise UsageError(f"{prefix}{_key(key)}: there is no such key", _hint(key, kinds))
        kind = _TEXT if kinds is None else kinds[key]
        if not _is(value, kind):
            raise UsageError(
                f"{prefix}{_key(key)}: {kind} is needed, not {_described(value, kind)}",
                _above(key) if kinds is None and key in _TOP else _EXAMPLES[kind],
            )
    return dict(table)


def _is(value: Any, kind: str) -> bool:
    if kind == _TEXTS:
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    if kind == _NUMBER:
        return type(value) is int
    return isinstance(value, {_TEXT: str, _FLAG: bool, _TABLE: Mapping}[kind])


def _described(value: Any, kind: str) -> str:
    of_others = " that holds something else" if kind == _TEXTS else ""
    kinds = {bool: _FLAG, str: _TEXT, dict: _TABLE, list: f"a list{of_others}"}
    return kinds.get(type(value), str(value))


def _hint(key: str, kinds: Mapping[str, str]) -> str:
    for section, keys in _SECTIONS.items():
        if key in keys:
            return f"it belongs below [{section}]"
    return _above(key) if key in _TOP else did_you_mean(key, kinds)


def _above(key: str) -> str:
    return f"if the recipe's own key {key} is meant, it belongs above the first [table]"


def _key(key: str) -> str:
    """Return a key as TOML writes it."""
    if re.fullmatch(r"[A-Za-z0-9_-]+", key):
        return key
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
