"""What is suggested: a chain and a reason for each column, and how that is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["OFFERED", "Advice", "Suggestion"]

OFFERED = frozenset(
    (
        "asinh",
        "boxcox",
        "log",
        "log1p",
        "maxabs",
        "minmax",
        "ordinal",
        "robust",
        "skip",
        "sqrt",
        "symlog",
        "tokens",
        "yeojohnson",
        "zscore",
    )
)
"""The methods that are suggested."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_WIDEST = 48


@dataclass(frozen=True)
class Advice:
    """A chain for a column, the reason in a line, and the name of the rule that it comes from."""

    chain: str
    reason: str
    rule: str = ""


@dataclass(frozen=True)
class Suggestion:
    """Advice for every column of a source, and what a fit has to be told to read it the same way.

    `read` is as in the stats file; `inf` is "skip" if there are infinite values to be skipped.
    """

    columns: Mapping[str, Advice]
    rows: int
    sampled: int
    by: tuple[str, ...] = ()
    where: str | None = None
    inf: str | None = None
    read: Mapping[str, Any] = field(default_factory=dict)

    def to_toml(self, made_by: str = "normcli.suggest") -> str:
        """Return the recipe, to be read, changed and given to fit."""
        return "\n".join(self._lines(made_by)) + "\n"

    def _lines(self, made_by: str) -> Iterator[str]:
        yield f"# made by: {_plain(made_by)}"
        looked = f"{self.rows:,} row{'' if self.rows == 1 else 's'}"
        if self.sampled < self.rows:
            looked += f"; shapes are those of a sample of {self.sampled:,}"
        if self.by:
            looked += f"; shapes are those within groups by {_plain(', '.join(self.by))}"
        yield f"# {looked}"
        if self.by:
            yield f"by = {_value(list(self.by))}"
        if self.where is not None:
            yield f"where = {_value(self.where)}"
        if self.inf is not None:
            yield f"inf = {_value(self.inf)}"
        yield from ("", "[defaults]", 'method = "skip"', "", "[columns]")
        entries = [f"{_key(n)} = {_value(a.chain)}" for n, a in self.columns.items()]
        width = max((len(entry) for entry in entries if len(entry) <= _WIDEST), default=0)
        for entry, advice in zip(entries, self.columns.values(), strict=True):
            yield f"{entry:{width}}  # {_plain(advice.reason)}"
        if self.read:
            yield from ("", "[read]")
            for key, value in self.read.items():
                if key != "types":
                    yield f"{key} = {_value(value)}"
            if "types" in self.read:
                yield from ("", "[read.types]")
                for name, dtype in self.read["types"].items():
                    yield f"{_key(name)} = {_value(dtype)}"


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _value(name)


def _value(value: str | bool | Sequence[str]) -> str:
    r"""Return a value as TOML writes it.

    >>> print(_value('a "b"'), _value(True), _value(["NA", "-"]))
    "a \"b\"" true ["NA", "-"]
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{"".join(map(_escaped, value))}"'
    return f"[{', '.join(map(_value, value))}]"


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    control = character < " " or "\x7f" <= character < "\xa0"
    return f"\\u{ord(character):04x}" if control else character


def _plain(text: str) -> str:
    """Return a text for a comment: without line breaks and control characters."""
    return "".join(_visible(text))


def _visible(text: Iterable[str]) -> Iterator[str]:
    for character in text:
        yield character if character.isprintable() else " "
