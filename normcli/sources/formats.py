"""File formats: what an extension or the first bytes of a stream say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal, get_args

from normcli.errors import DataError, UsageError, did_you_mean

__all__ = [
    "BOM",
    "FORMATS",
    "Encoding",
    "Format",
    "encoding_of_name",
    "looks_like",
    "named_format",
    "sniff",
    "sniff_text",
]

Format = Literal["parquet", "csv", "tsv", "ndjson", "ipc", "arrows"]
"""`ipc` is the Arrow file format (Feather), `arrows` the Arrow stream format."""
Compression = Literal["gzip", "zstd"]

BOM = b"\xef\xbb\xbf"
"""What some programs put before text in UTF-8."""

FORMATS: tuple[Format, ...] = get_args(Format)
TEXT_FORMATS = ("csv", "tsv", "ndjson")

_EXTENSIONS: dict[str, Format] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".ipc": "ipc",
    ".arrow": "ipc",
    ".feather": "ipc",
    ".arrows": "arrows",
}
_COMPRESSIONS: dict[str, Compression] = {".gz": "gzip", ".zst": "zstd"}
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PAR1", "parquet"),
    (b"ARROW1", "ipc"),
    (b"\xff\xff\xff\xff", "arrows"),
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)


@dataclass(frozen=True)
class Encoding:
    """A format and, for text, how it is compressed."""

    format: Format
    compression: Compression | None = None

    @property
    def is_text(self) -> bool:
        """Whether values have to be parsed from text."""
        return self.format in TEXT_FORMATS


def named_format(name: str) -> Format:
    """Return the format that a flag names; raise UsageError if there is none."""
    aliases: dict[str, Format] = {"jsonl": "ndjson", "arrow": "ipc", "feather": "ipc"}
    for known in FORMATS:
        if name.lower() == known:
            return known
    if name.lower() in aliases:
        return aliases[name.lower()]
    raise UsageError(f'unknown format "{name}"', did_you_mean(name, (*FORMATS, *aliases)))


def encoding_of_name(name: str) -> Encoding | None:
    """Return the encoding that a file name's extensions tell, None if they tell none.

    >>> encoding_of_name("a/b.csv.gz")
    Encoding(format='csv', compression='gzip')
    """
    path = PurePath(name.lower())
    compression = _COMPRESSIONS.get(path.suffix)
    if compression:
        path = path.with_suffix("")
    found = _EXTENSIONS.get(path.suffix)
    if found is None or (compression and found not in TEXT_FORMATS):
        return None
    return Encoding(found, compression)


def sniff(head: bytes) -> str | None:
    """Return what the first bytes say: a binary format, a compression, or None for text."""
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)


def sniff_text(head: bytes, name: str) -> Format:
    """Return which text format the first bytes of an input of that name are in."""
    text = head.removeprefix(BOM).lstrip()
    if text.startswith(b"{"):
        return "ndjson"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(
            f"{name} is text in UTF-16", "convert it to UTF-8: iconv -f UTF-16 -t UTF-8"
        )
    if b"\0" in head:
        raise DataError(
            f"{name} is neither text nor Parquet nor Arrow",
            "it may be damaged, or of a format that normcli does not read",
        )
    first_line = text.split(b"\n", 1)[0]
    return "tsv" if b"\t" in first_line and b"," not in first_line else "csv"


def looks_like(encoding: Encoding, head: bytes, name: str) -> str | None:
    """Return what a file really is, None if its first bytes agree with its encoding."""
    found = sniff(head)
    expected = encoding.compression or encoding.format
    if found == expected or not head:
        return None
    if found is None and encoding.is_text and not encoding.compression:
        return None
    return found or sniff_text(head, name)
