"""What README.md and docs/*.md show really runs, and prints what they say.

```console  "$ command" lines, each followed by exactly what it prints (stdout and stderr)
```sh       a script that has to succeed
```python   a doctest if it holds ">>>", else code that has to run

The blocks of a page run in order, in a directory with a copy of sample_data.
"""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "\x1e"


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    place: str


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(found[1], found[2], f"{page.name}:{text[: found.start()].count(chr(10)) + 1}")
        for found in _FENCE.finditer(text)
    ]


def examples_of(text: str) -> list[tuple[str, str]]:
    """Return the commands of a console block, each with the output shown below it."""
    examples: list[tuple[str, str]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            examples.append((line[2:], ""))
        elif examples and not examples[-1][1] and line.startswith("> "):
            command, _ = examples.pop()
            examples.append((f"{command}\n{line[2:]}", ""))
        else:
            assert examples, f"a console block begins with a command, not with {line!r}"
            command, shown = examples.pop()
            examples.append((command, f"{shown}{line}\n"))
    return examples


def shell(script: str, directory: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # So that it is the same package as the tests import.
    own = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    return subprocess.run(
        ["bash", "-c", script],
        cwd=directory,
        env={"PATH": path, "HOME": str(directory), "LC_ALL": "C.UTF-8", **own},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )


def run_console(block: Block, directory: Path) -> None:
    examples = examples_of(block.text)
    # A mark before each command, which leaves $? as it is.
    script = "".join(f"(r=$?; printf '{_MARK}'; exit $r)\n{command}\n" for command, _ in examples)
    printed = shell(script, directory).stdout.split(_MARK)[1:]
    for (command, shown), output in zip(examples, printed, strict=True):
        assert stripped(output) == stripped(shown), f"{block.place}: $ {command}"


def stripped(text: str) -> str:
    """Return the lines without the blanks that a table pads them with."""
    return "\n".join(line.rstrip() for line in text.splitlines())


def run_python(block: Block, names: dict[str, Any]) -> None:
    """Run a block with the names that the blocks before it have made."""
    if ">>>" not in block.text:
        exec(compile(block.text, block.place, "exec"), names)
        return
    test = doctest.DocTestParser().get_doctest(block.text, names, block.place, block.place, 0)
    report: list[str] = []
    doctest.DocTestRunner().run(test, out=report.append, clear_globs=False)
    names.update(test.globs)
    assert not report, "".join(report)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_shows_what_happens(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "sample_data", tmp_path / "sample_data")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "example"}
    for block in blocks_of(page):
        if block.language == "console":
            run_console(block, tmp_path)
        elif block.language == "sh":
            done = shell(f"set -euo pipefail\n{block.text}", tmp_path)
            assert done.returncode == 0, f"{block.place}:\n{done.stdout}"
        elif block.language == "python":
            run_python(block, names)
        else:
            assert block.language in ("", "text", "json", "toml"), f"{block.place}: not known"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]*)(?:#[^)]*)?\)", text):
        assert not target or (page.parent / target).exists(), f"{page.name}: {target}"


def test_generated_pages_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_command_is_documented() -> None:
    from normcli.cli import app

    names = {
        str(command.callback.__name__) for command in app().registered_commands if command.callback
    }
    readme, commands = (
        (ROOT / path).read_text("utf-8") for path in ("README.md", "docs/commands.md")
    )
    assert {"fit", "apply", "invert", "merge", "show", "suggest", "methods"} <= names
    for name in names:
        assert f"`normcli {name}" in readme, f"README.md does not list the command {name}"
        assert f"## normcli {name}\n" in commands


def test_every_method_is_documented() -> None:
    from normcli.methods import METHODS

    page = (ROOT / "docs" / "methods.md").read_text("utf-8")
    readme = (ROOT / "README.md").read_text("utf-8")
    for name in METHODS:
        assert f"\n## {name}\n" in page
        assert f"`{name}`" in readme, f"README.md does not name the method {name}"


def test_every_exit_code_is_documented() -> None:
    from normcli import errors

    readme = (ROOT / "README.md").read_text("utf-8")
    codes = {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.NormError)
    }
    for code in codes | {0, 1, 70, 130, 143}:
        assert re.search(rf"^\| {code} \|", readme, re.MULTILINE), f"README.md: exit code {code}"
