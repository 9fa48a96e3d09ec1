"""Temporary files and folders of this process, so that they go when it is ended by a signal."""

from __future__ import annotations

import os
from contextlib import suppress

__all__ = ["forget", "register", "remove_all"]

_paths: list[str] = []


def register(path: str) -> None:
    """Remember a file or an empty folder that must not outlive the process."""
    _paths.append(path)


def forget(path: str) -> None:
    """Stop remembering a path: it was removed, or is now what it was made for."""
    with suppress(ValueError):
        _paths.remove(path)


def remove_all() -> None:
    """Remove what is remembered, the latest first."""
    for path in reversed(_paths.copy()):
        with suppress(OSError):
            os.rmdir(path) if os.path.isdir(path) else os.unlink(path)
        forget(path)
