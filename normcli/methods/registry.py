"""The methods by name, each imported when it is asked for: most commands need only a few."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from normcli.methods.base import Method

__all__ = ["METHODS", "register"]

_FOLDER = Path(__file__).parent
_registered: dict[str, type[Method]] = {}

M = TypeVar("M", bound="Method")


def register(method: type[M]) -> type[M]:
    """Class decorator: make a method known under its name, which is that of its file."""
    _registered[method.name] = method
    return method


class _Methods(Mapping[str, "type[Method]"]):
    """What the files of this folder register."""

    def __getitem__(self, name: str) -> type[Method]:
        if name not in _registered and name in _modules():
            _import(name)
        return _registered[name]

    def __iter__(self) -> Iterator[str]:
        for name in _modules():
            _import(name)
        return iter(dict(_registered))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _modules() -> list[str]:
    return [module.name for module in pkgutil.iter_modules([str(_FOLDER)])]


def _import(name: str) -> None:
    importlib.import_module(f"{__package__}.{name}")


METHODS: Mapping[str, type[Method]] = _Methods()
"""Every method, by name."""
