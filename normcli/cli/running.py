"""How a command runs: in a thread of its own, so that signals end it at once, and cleanly.

The engine blocks inside calls that Python can't interrupt (a read from an idle pipe). So the
main thread only waits; on SIGINT or SIGTERM it removes what was begun and ends the process.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

from normcli.errors import NormError, NormWarning, UsageError

__all__ = ["guarded", "leave", "pairs", "prepare", "size"]

_BUG = 70
_MEANINGS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file grew beyond the size limit",
}
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PATIENCE = 1.0

# Whoever holds it may write to stderr. A process that a signal ends keeps it: what fails in the
# working thread because its files are being removed is no news to anybody.
_voice = threading.Lock()


def prepare(threads: int | None) -> None:
    """Set what has to be set before the engine is imported."""
    # The batches already keep all cores busy; BLAS threads of its own would wait for each other,
    # and to start them takes longer than a small fit.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if threads is not None:
        os.environ["POLARS_MAX_THREADS"] = str(threads)


def leave(code: int) -> NoReturn:
    """End the process at once: to take the interpreter down takes as long as a small fit."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def guarded(work: Callable[[], None], *, quiet: bool = False, debug: bool = False) -> None:
    """Run a command's work; print what goes wrong to stderr and exit with its code."""
    result: list[int] = []

    def body() -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore" if quiet else "always", NormWarning)
                warnings.showwarning = _show_warning
                work()
                sys.stdout.flush()
            result.append(0)
        except KeyboardInterrupt:
            # The engine noticed it, too; the main thread deals with it.
            result.append(128 + signal.SIGINT)
        except BaseException as error:
            result.append(_explain(error, debug))

    def stop(number: int, frame: Any) -> NoReturn:
        raise _Stopped(number)

    thread = threading.Thread(target=body, daemon=True)
    try:
        for number in _ENDING:
            # What is ignored stays so: nohup, or a job in the background of a script.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, stop)
        thread.start()
        # The engine's own handler of SIGINT restarts a wait without end; this one ends in time.
        while thread.is_alive():
            thread.join(0.05)
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)  # it is done; only its exit code is to come
    except _Stopped as stopped:
        _end(128 + stopped.number, "interrupted" if stopped.number == signal.SIGINT else "ended")
    if result[0]:
        _end(result[0], None)


class _Stopped(BaseException):
    """A signal asked the process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _end(code: int, message: str | None) -> NoReturn:
    """End the process without waiting for threads that may be blocked."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    _voice.acquire(timeout=_PATIENCE)  # whoever writes to a full pipe never lets go of it
    temporary = sys.modules.get("normcli.temporary")
    if temporary is not None:
        temporary.remove_all()
    if message:
        print(f"normcli: {message}", file=sys.stderr)
    try:
        sys.stderr.flush()
    finally:
        os._exit(code)


def _explain(error: BaseException, debug: bool) -> int:
    """Print what an error means and return its exit code."""
    if debug:
        _say(*traceback.format_exception(error))
    # Rich makes a SystemExit of a closed pipe.
    if isinstance(error, (BrokenPipeError, SystemExit)):
        # Whoever read our output has seen enough; stdout can't even be flushed any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if isinstance(error, NormError):
        _say(f"normcli: {error.message}", *([f"hint: {error.hint}"] if error.hint else []))
        return error.exit_code
    if isinstance(error, OSError):
        what = _MEANINGS.get(error.errno or 0, error.strerror or str(error))
        _say(f"normcli: {error.filename or 'output'}: {what}")
        return 4
    _say(
        f"normcli: unexpected {type(error).__name__}: {error}",
        "hint: this is a bug in normcli; --debug shows where",
    )
    return _BUG


def _say(*lines: str) -> None:
    with _voice:
        print("\n".join(line.rstrip("\n") for line in lines), file=sys.stderr)


def _show_warning(message: Warning | str, *where: Any, **more: Any) -> None:
    _say(f"warning: {message}")


_FORMS = {"--set": "SELECTOR=CHAIN", "--map": "NEW=FITTED", "--type": "COLUMN=DTYPE"}
_EXAMPLES = {
    "--set": "--set price=log+zscore",
    "--map": "--map predicted_price=price",
    "--type": "--type zip_code=String",
}


def pairs(texts: list[str] | None, flag: str) -> list[tuple[str, str]]:
    """Return texts of the form KEY=VALUE as pairs; the key may itself hold an equals sign."""
    split: list[tuple[str, str]] = []
    for text in texts or []:
        key, equals, value = text.rpartition("=") if flag != "--set" else text.partition("=")
        if not equals or not key or not value:
            raise UsageError(
                f'"{text}" is not of the form {_FORMS[flag]}', f"for example: {_EXAMPLES[flag]}"
            )
        if flag != "--set" and key in dict(split):
            raise UsageError(f'{flag} is given twice for "{key}"', "say it once")
        split.append((key, value))
    return split


def size(text: str, flag: str) -> int:
    """Return a number of bytes written like 512MiB, 2GB or 1000000.

    >>> [size(text, "--memory") for text in ("1KiB", "2 GB", "500")]
    [1024, 2000000000, 500]
    """
    matched = re.fullmatch(r"(\d+)\s*(?:([kmgt])(i?)b?|b)?", text.strip().lower())
    if not matched or int(matched[1]) == 0:
        raise UsageError(f'{flag} needs a size in bytes, not "{text}"', "for example 512MiB or 2GB")
    power = " kmgt".index(matched[2] or " ")
    return int(matched[1]) * int((1024 if matched[3] else 1000) ** power)
