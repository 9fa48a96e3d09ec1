"""Temporary folders of this process, so that nothing is left when a signal ends it.

What is not whole yet lies in a folder of its own beside its destination. To remove a folder is
final: a thread that is just about to create its file in it can't any more.
"""

from __future__ import annotations

import os
import tempfile
import threading
from contextlib import suppress

__all__ = ["discard", "make_folder", "make_plain_folder", "release", "remove_all"]

_ATTEMPTS = 1000

_lock = threading.Lock()
# Whether what is in a folder is ours too, by folder, in the order in which they were made.
_folders: dict[str, bool] = {}


def make_folder(parent: str | None, prefix: str) -> str:
    """Make a new folder in another one (None: the system's); raise OSError if that can't be."""
    with _lock:
        path = tempfile.mkdtemp(prefix=prefix, suffix=".tmp", dir=parent)
        _folders[path] = True
    return path


def make_plain_folder(path: str) -> None:
    """Make a folder for outputs, which goes again unless it is released or others use it."""
    with _lock:
        os.mkdir(path)
        _folders[path] = False


def release(path: str) -> None:
    """Let a folder stay."""
    _folders.pop(path, None)


def discard(path: str) -> None:
    """Remove a folder that was made here, and what is in it if that is ours."""
    ours = _folders.get(path, False)
    # A thread may still create a file while we remove them; not for ever.
    for _ in range(_ATTEMPTS if ours else 1):
        with suppress(OSError):
            for name in os.listdir(path) if ours else ():
                os.unlink(os.path.join(path, name))
            os.rmdir(path)
        if not os.path.isdir(path):
            break
    # Only now: whoever ends the process meanwhile removes what is left of it.
    release(path)


def remove_all() -> None:
    """Remove all folders, the latest first; none can be made from now on."""
    _lock.acquire()
    for path in reversed(list(_folders)):
        discard(path)
