"""Which kernel adds values up: the compiled one, or its reference in NumPy.

Both give the same numbers, because they are exact; the compiled one is faster, and is there if
the package was built where there was a C compiler.
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType

from normcli.errors import EnvironmentFailureError, UsageError

__all__ = ["VARIABLE", "compiled", "compiled_keys", "compiled_selection", "name_of_kernel"]

VARIABLE = "NORMCLI_KERNEL"
"""The environment variable that chooses: "c", "numpy", or (empty) whichever is faster."""


def compiled() -> ModuleType | None:
    """Return the compiled kernel, None if it is not there or not wanted.

    Raise UsageError if the variable names no kernel, EnvironmentFailureError if it asks for the
    compiled one and there is none.
    """
    wanted = os.environ.get(VARIABLE, "")
    if wanted not in ("", "c", "numpy"):
        raise UsageError(f'{VARIABLE} must be c or numpy, not "{wanted}"')
    if wanted == "numpy":
        return None
    try:
        from normcli import _exact
    except ImportError as error:
        if wanted == "c":
            raise EnvironmentFailureError(
                f"{VARIABLE} asks for the compiled kernel, and there is none",
                "install normcli where there is a C compiler, or unset the variable",
            ) from error
        return None
    return _exact


def compiled_selection() -> ModuleType | None:
    """Return the compiled loops of searches for percentiles, None where there is no kernel."""
    return _beside_kernel("_select")


def compiled_keys() -> ModuleType | None:
    """Return the compiled table of group keys, None where there is no kernel."""
    return _beside_kernel("_keys")


def _beside_kernel(name: str) -> ModuleType | None:
    if compiled() is None:
        return None
    try:
        return importlib.import_module(f"normcli.{name}")
    except ImportError:
        return None


def name_of_kernel() -> str:
    """Return "C" or "NumPy"."""
    return "NumPy" if compiled() is None else "C"
