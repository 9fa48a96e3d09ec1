"""From what the user names (files, globs, directories) to a list of files of one encoding."""

from __future__ import annotations

import difflib
import glob
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import polars as pl

from normcli.errors import DataError, EnvironmentFailureError
from normcli.sources.formats import Encoding, Format, encoding_of_name, looks_like, sniff_text

__all__ = ["InputFile", "expand", "hive_dtypes"]

_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
_HEAD = 1 << 12


@dataclass(frozen=True)
class InputFile:
    """A file to read; `relative` is its name below the directory or glob it was found by."""

    path: str
    relative: str
    encoding: Encoding
    shown: str | None = None
    """What messages call it, if not by its path."""

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.shown or self.path

    @property
    def hive(self) -> dict[str, str | None]:
        """The key=value parts of its folders."""
        pairs: dict[str, str | None] = {}
        for part in Path(self.path).parts[:-1]:
            key, equals, value = part.partition("=")
            if key and equals:
                pairs[unquote(key)] = None if value == _HIVE_NULL else unquote(value)
        return pairs


def expand(sources: Sequence[str], format_name: Format | None) -> list[InputFile]:
    """Return the files that the sources name, each checked to be what its name says.

    All are of one format; the order is that of the sources, sorted within each.
    """
    files: list[InputFile] = []
    for source in sources:
        files += _expand_one(source, format_name)
    formats = sorted({file.encoding.format for file in files})
    if len(formats) > 1:
        raise DataError(
            f"the input mixes formats: {', '.join(formats)}",
            "name the files of one format, for example with a glob like 'data/**/*.parquet'",
        )
    seen: set[str] = set()
    for file in files:
        real = os.path.realpath(file.path)
        if real in seen:
            raise DataError(f"{file.path} is named twice", "its rows would count twice")
        seen.add(real)
    return files


def _expand_one(source: str, format_name: Format | None) -> list[InputFile]:
    if os.path.isdir(source):
        paths = sorted(_walk(source))
        data = [path for path in paths if format_name or encoding_of_name(path)]
        if not data:
            raise DataError(
                f"the directory {source} holds no data files",
                "known endings: .parquet .csv .tsv .ndjson .jsonl .arrow .arrows; "
                "text also with .gz or .zst",
            )
        return [_input(path, os.path.relpath(path, source), format_name) for path in data]
    if os.path.exists(source):
        return [_input(source, os.path.basename(source), format_name)]
    if glob.has_magic(source):
        found = sorted(path for path in glob.glob(source, recursive=True) if os.path.isfile(path))
        if not found:
            raise DataError(
                f"no file matches {source}",
                "* stands for anything within a folder's or file's name, ** for any folders",
            )
        # Below the part of the pattern that has no wildcard.
        root = re.split(r"[*?\[]", source, maxsplit=1)[0].rpartition("/")[0] or "."
        return [_input(path, os.path.relpath(path, root), format_name) for path in found]
    folder = Path(source).parent
    names = sorted(os.listdir(folder)) if folder.is_dir() else []
    close = difflib.get_close_matches(Path(source).name, names, n=1)
    if close:
        hint = f'did you mean "{folder / close[0]}"?'
    elif folder.is_dir():
        hint = f"see what is there: ls {folder}"
    else:
        hint = f"there is no directory {folder} either"
    raise DataError(f"there is no file {source}", hint)


def _walk(directory: str) -> Iterable[str]:
    for folder, folders, names in os.walk(directory):
        # Hidden and underscored entries are bookkeeping (_SUCCESS, .crc), as in Spark and Hive.
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        yield from (os.path.join(folder, name) for name in names if not name.startswith((".", "_")))


def _input(path: str, relative: str, format_name: Format | None) -> InputFile:
    named = encoding_of_name(path)
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except FileNotFoundError as error:
        raise DataError(f"{path} is gone", "it is a link to a file that was removed") from error
    except PermissionError as error:
        raise EnvironmentFailureError(
            f"{path} may not be read: permission denied", f"see who may read it: ls -l {path}"
        ) from error
    except OSError as error:
        raise EnvironmentFailureError(f"{path} can't be read: {error.strerror}") from error
    if not head:
        raise DataError(f"{path} is empty", "leave it out, or write it again")
    if format_name:
        encoding = Encoding(format_name, named.compression if named else None)
    elif named:
        encoding = named
    else:
        raise DataError(
            f"{path} has no known ending",
            "name the format with --from (parquet, csv, tsv, ndjson, ipc, arrows)",
        )
    actual = looks_like(encoding, head, path)
    if actual:
        expected = encoding.compression or encoding.format
        if actual in ("gzip", "zstd"):
            hint = f"let its name end with {'.gz' if actual == 'gzip' else '.zst'}"
        elif encoding.compression:
            hint = f"let its name end with .{actual} alone"
        else:
            hint = f"read it with --from {actual}"
        raise DataError(f"{path} is not {expected}; it looks like {actual}", hint)
    guessed = format_name is None and encoding.is_text and not encoding.compression
    if guessed and encoding.format != "ndjson" and sniff_text(head, path) == "ndjson":
        raise DataError(
            f"{path} is not {encoding.format}; it looks like ndjson",
            "read it with --from ndjson",
        )
    return InputFile(path, relative, encoding)


def hive_dtypes(files: Sequence[InputFile]) -> dict[str, pl.DataType]:
    """Return the dtypes of the folders' keys: whole numbers, dates, numbers, or else text."""
    values: dict[str, set[str]] = {}
    names = {tuple(file.hive) for file in files}
    if len(names) > 1:
        first, second = sorted(names, key=lambda keys: (len(keys), keys))[:2]
        examples = {tuple(file.hive): file.name for file in reversed(files)}
        raise DataError(
            "the files' folders name different columns: "
            f"{', '.join(first) or 'none'} in {examples[first]} "
            f"and {', '.join(second) or 'none'} in {examples[second]}",
            "name only files that lie in folders of the same kind",
        )
    for file in files:
        for key, value in file.hive.items():
            values.setdefault(key, set()).update(() if value is None else (value,))
    return {key: _hive_dtype(found) for key, found in values.items()}


def _hive_dtype(values: set[str]) -> pl.DataType:
    # A leading zero (01234) belongs to a code, not a number.
    patterns: tuple[tuple[str, pl.DataType], ...] = (
        (r"-?(0|[1-9]\d{0,17})", pl.Int64()),
        (r"\d{4}-\d\d-\d\d", pl.Date()),
        (r"-?(0|[1-9]\d*)\.\d+", pl.Float64()),
    )
    for pattern, dtype in patterns:
        if values and all(re.fullmatch(pattern, value) for value in values):
            return dtype
    return pl.String()
