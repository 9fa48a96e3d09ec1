"""The errors that normcli raises, each with the exit code that the command line ends with."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

__all__ = [
    "DataError",
    "EnvironmentFailureError",
    "NormError",
    "NormWarning",
    "StatsFileError",
    "UsageError",
    "did_you_mean",
    "located",
]


class NormWarning(UserWarning):
    """Something a user should know that does not stop the work."""


class NormError(Exception):
    """Base of all errors: a message that says what and where, and a hint that says what to do."""

    exit_code = 3

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


class UsageError(NormError):
    """A wrong flag, method, option, chain or selector syntax."""

    exit_code = 2


class DataError(NormError):
    """Data that can't be used: missing, corrupt, wrong columns, infinities, unknown groups."""

    exit_code = 3


class StatsFileError(NormError):
    """A stats file that can't be read, trusted or merged."""

    exit_code = 3


class EnvironmentFailureError(NormError):
    """The machine said no: permission, disk full, directory missing."""

    exit_code = 4


@contextmanager
def located(place: str | None) -> Iterator[None]:
    """Put a place, a file or a key in it, before the message of an error raised inside.

    >>> with located("recipe.toml: by"):
    ...     raise DataError('there is no column "k"')
    Traceback (most recent call last):
    normcli.errors.DataError: recipe.toml: by: there is no column "k"
    """
    try:
        yield
    except NormError as error:
        if place:
            error.message = f"{place}: {error.message}"
            error.args = (error.message,)
        raise


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint that names the nearest of the known names, or else lists them.

    >>> did_you_mean("zscor", ["zscore", "center"])
    'did you mean "zscore"?'
    >>> did_you_mean("q", ["zscore", "center"])
    'known: center, zscore'
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1) or [
        known_name for known_name in names if known_name.lower() == name.lower()
    ]
    if close:
        return f'did you mean "{close[0]}"?'
    shown = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    return f"known: {shown}" if shown else "there are none"
