"""Normalization methods. One file each, found by importing the folder."""

from __future__ import annotations

import importlib
import pkgutil

from normcli.methods.base import METHODS, Method, Needs, Parameter

__all__ = ["METHODS", "Method", "Needs", "Parameter"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
