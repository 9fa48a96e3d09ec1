"""Statistics: exact, commutative, columnar. One file each, found by importing the folder."""

from __future__ import annotations

import importlib
import pkgutil

from normcli.statistics.base import STATISTICS, Kind, State, Values
from normcli.statistics.summary import Summary

__all__ = ["STATISTICS", "Kind", "State", "Summary", "Values"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
