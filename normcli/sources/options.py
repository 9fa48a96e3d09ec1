"""How text is read: what a fit was told, recorded so that apply and invert read the same way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from normcli.dtypes import dtype_name, parse_dtype
from normcli.errors import UsageError

__all__ = ["ReadOptions"]


@dataclass(frozen=True)
class ReadOptions:
    """Options for text input; `types` also converts columns of the other formats."""

    delimiter: str | None = None
    header: bool = True
    null_values: tuple[str, ...] = ()
    decimal_comma: bool = False
    types: Mapping[str, pl.DataType] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.delimiter is not None and len(self.delimiter.encode()) != 1:
            raise UsageError(
                f'the delimiter must be one character of ASCII, not "{self.delimiter}"',
                "for a tab write --delimiter $'\\t' or read the file --from tsv",
            )
        if self.decimal_comma and self.delimiter == ",":
            raise UsageError("a comma can't be both the delimiter and the decimal point")

    def separator(self, format_name: str) -> str:
        """Return the character between fields."""
        if self.delimiter is not None:
            return self.delimiter
        if format_name == "tsv":
            return "\t"
        return ";" if self.decimal_comma else ","

    def to_json(self) -> dict[str, Any]:
        """Return what differs from the defaults."""
        options: dict[str, Any] = {}
        if self.delimiter is not None:
            options["delimiter"] = self.delimiter
        if not self.header:
            options["header"] = False
        if self.null_values:
            options["null_values"] = list(self.null_values)
        if self.decimal_comma:
            options["decimal_comma"] = True
        if self.types:
            options["types"] = {name: dtype_name(dtype) for name, dtype in self.types.items()}
        return options

    @classmethod
    def from_json(cls, options: Mapping[str, Any]) -> ReadOptions:
        """Return the options that `to_json` wrote; raise ValueError if they are none."""
        known: dict[str, type] = {
            "delimiter": str,
            "header": bool,
            "null_values": list,
            "decimal_comma": bool,
            "types": dict,
        }
        for key, value in options.items():
            if key not in known or not isinstance(value, known[key]):
                raise ValueError(f'"{key}" is no way to read text')
        texts = [*options.get("null_values", ()), *options.get("types", {}).values()]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("null values and types are texts")
        try:
            return cls(
                options.get("delimiter"),
                options.get("header", True),
                tuple(options.get("null_values", ())),
                options.get("decimal_comma", False),
                {name: parse_dtype(text) for name, text in options.get("types", {}).items()},
            )
        except UsageError as error:
            raise ValueError(error.message) from error
