"""Writes what is made from the code: docs/commands.md, docs/methods.md and the JSON Schema.

Run `python docs/generate.py` (or `make docs`) after a change of a flag, a method or a statistic;
with --check it writes nothing and fails if something is out of date.
"""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

from schema import schema

import normcli
from normcli.methods import METHODS, Method

COMMANDS = ("fit", "apply", "invert", "merge", "show", "suggest", "methods")
DOCS = Path(__file__).parent
PACKAGE = Path(inspect.getfile(normcli)).parent

_COMMANDS_HEAD = """\
# Commands

<!-- Made by docs/generate.py; do not edit. -->

The help of every command, as `normcli COMMAND --help` prints it. What holds for all of them
(formats, selectors, chains, exit codes) is in the [README](../README.md).
"""
_METHODS_HEAD = """\
# Methods

<!-- Made by docs/generate.py; do not edit. -->

A method is written `name` or `name:option=value,option=value`; methods are chained with `+`, as in
`log1p+zscore`. A parameter is found by `fit`, for all rows and for each group, unless an option of
its name gives it: `zscore:mean=20,std=50` is a fixed map, and nothing is fitted. For the channels
of a [tensor column](tensors.md) it may be a list: `zscore:axis=0,mean=0.485:0.456:0.406`. A scale
that is exactly zero, as of a constant column, is taken to be 1.

x is a value, y its normalized value. `normcli methods` prints this table, `normcli methods NAME`
one method. How exactly `invert` brings x back is in [round-trip.md](round-trip.md).
"""


def help_of(*command: str) -> str:
    """Return the help that a terminal of 100 columns shows, without colours."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "normcli", *command, "--help"],
        env={**kept, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout


def commands_page() -> str:
    """Return docs/commands.md."""
    parts = [_COMMANDS_HEAD]
    for command in ((), *((name,) for name in COMMANDS)):
        lines = [line.rstrip() for line in help_of(*command).strip("\n ").splitlines()]
        title = " ".join(("normcli", *command))
        parts.append(f"## {title}\n\n```text\n" + "\n".join(lines).strip() + "\n```\n")
    return "\n".join(parts)


def methods_page() -> str:
    """Return docs/methods.md."""
    methods = [method for _, method in sorted(METHODS.items())]
    rows = ["| method | forward y | inverse x | parameters | options (default) | agrees with |"]
    rows.append("|---|---|---|---|---|---|")
    for method in methods:
        cells = (
            f"[`{method.name}`](#{method.name})",
            *method.formula,
            ", ".join(parameter.name for parameter in method.parameters),
            ", ".join(_options(method)),
            method.matches,
        )
        rows.append("| " + " | ".join(cell.replace("|", "\\|") or "–" for cell in cells) + " |")
    sections = [_section(method) for method in methods]
    return "\n".join([_METHODS_HEAD, "\n".join(rows) + "\n", *sections])


def _options(method: type[Method]) -> list[str]:
    """Return the options that are no parameters, with their defaults."""
    parameters = {parameter.name for parameter in method.parameters}
    return [
        name if field.default is None else f"{name} ({_plain(field.default)})"
        for name, field in method.option_fields().items()
        if name not in parameters
    ]


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _section(method: type[Method]) -> str:
    module = inspect.getmodule(method)
    title = ((module and module.__doc__) or "").strip().partition("\n")[0]
    text, _, example = inspect.cleandoc(method.__doc__ or "").partition("\n>>>")
    lines = [f"## {method.name}", "", title, "", text.strip(), ""]
    for parameter in method.parameters:
        lines.append(f"- `{parameter.name}`: {parameter.meaning}")
    if method.parameters:
        lines.append("")
    if method.loses:
        lines += [f"`invert` does not bring back {method.loses}, and warns of it.", ""]
    if keeps := getattr(method, "keeps", ()):
        numbers = " and ".join(f"`NAME.{name}` ({meaning})" for name, meaning in keeps)
        lines += [f"`apply --keep-row-stats` keeps {numbers} for `invert`.", ""]
    imports, shown = ">>> import polars as pl", ">>>" + example
    imported = [] if imports in shown else [imports]
    return "\n".join([*lines, "```python", *imported, shown.strip(), "```", ""])


def pages() -> dict[Path, str]:
    """Return every generated file with what it should hold."""
    return {
        DOCS / "commands.md": commands_page(),
        DOCS / "methods.md": methods_page(),
        PACKAGE / "statsfile" / "schema-1.json": json.dumps(schema(), indent=1) + "\n",
    }


def main() -> int:
    """Write the files, or say which are out of date."""
    stale = [
        path
        for path, text in pages().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.name} is out of date: run python docs/generate.py", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.write_text(pages()[path], encoding="utf-8")
        print(f"written: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
