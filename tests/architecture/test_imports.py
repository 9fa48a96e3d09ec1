"""The rooms of the house and what each may import; a new room has to be written down here."""

from __future__ import annotations

import ast
import graphlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "normcli"

# room: (rooms it may import, third-party packages it may import). A room is a module or a folder
# right below normcli/. "sources.options" allows that one module of a room, not the rest of it.
ALLOWED: dict[str, tuple[set[str], set[str]]] = {
    "errors": (set(), set()),
    # Paths to remove when a signal ends the process.
    "temporary": (set(), set()),
    # Queries that end when they are interrupted.
    "stoppable": (set(), {"polars"}),
    # Whether sums are taken by the compiled kernel (_exact.c) or by its reference.
    "kernel": ({"_exact", "_keys", "_select", "errors"}, set()),
    "keytable": ({"kernel"}, {"numpy", "polars"}),
    "statistics": ({"errors", "kernel"}, {"numpy", "polars"}),
    # Order statistics from counts by bin; it knows numbers and cells, neither columns nor files.
    "selection": ({"errors", "kernel", "statistics"}, {"numpy"}),
    "methods": ({"errors", "statistics"}, {"numpy", "polars"}),
    # A documented hash of rows, the same everywhere.
    "rowhash": ({"methods.base", "tensors"}, {"numpy", "polars"}),
    # The blocks that rows fall into, batch by batch.
    "rowblocks": ({"groups", "methods.base", "rowhash"}, {"numpy", "polars"}),
    # Names of dtypes, written and read.
    "dtypes": ({"errors"}, {"polars"}),
    "columns": ({"errors"}, {"numpy", "polars"}),
    # Group keys to cell numbers.
    "groups": ({"columns", "errors", "keytable"}, {"numpy", "polars"}),
    # Tensor columns: dtypes, channels, flat values.
    "tensors": ({"columns", "errors"}, {"numpy", "polars"}),
    "recipe": ({"columns", "dtypes", "errors", "methods", "tensors"}, {"polars"}),
    # Which groups have few values; it knows numbers only.
    "smallgroups": (set(), {"numpy"}),
    # What a fit yields, as data; the pure core that plan, merging and statsfile share.
    "fitted": (
        {"columns", "errors", "methods", "recipe", "smallgroups", "statistics", "tensors"},
        {"polars"},
    ),
    # Values that are no numbers, to codes and back.
    "coding": ({"fitted", "methods.base"}, {"polars"}),
    # Fitted columns as expressions; `methods.base` for the correctly rounded quotient.
    "transform": ({"coding", "columns", "fitted", "methods.base"}, {"numpy", "polars"}),
    # Several columns as one column of vectors, and back.
    "joined": ({"columns", "transform"}, {"polars"}),
    # From a recipe and a schema to columns and vectors of columns.
    "resolution": (
        {"columns", "dtypes", "errors", "joined", "recipe", "tensors"},
        {"polars"},
    ),
    # Chains over the elements of tensors, with steps that take whole rows.
    "rowsteps": ({"fitted", "methods.rowwise", "transform"}, {"numpy", "polars"}),
    # What rows lose to such steps, as columns.
    "kept": (
        {"columns", "dtypes", "errors", "fitted", "methods.rowwise", "tensors"},
        {"numpy", "polars"},
    ),
    # A tensor column's elements with the constants of their cells beside them.
    "flat": ({"fitted", "tensors", "transform"}, {"numpy", "polars"}),
    "tensorcolumns": (
        {
            "dtypes",
            "errors",
            "fitted",
            "flat",
            "methods.rowwise",
            "rowsteps",
            "tensors",
            "transform",
        },
        {"numpy", "polars"},
    ),
    # The same for a vector of several columns, and with what is kept of the rows.
    "tensortargets": (
        {"columns", "groups", "joined", "kept", "tensorcolumns", "tensors", "transform"},
        {"numpy", "polars"},
    ),
    "conditioning": (
        {"errors", "fitted", "statistics", "tensors", "transform"},
        {"numpy", "polars"},
    ),
    # A fit's scans in words.
    "outline": ({"fitted", "recipe"}, {"polars"}),
    "plan": (
        {
            "coding",
            "flat",
            "tensors",
            "columns",
            "errors",
            "fitted",
            "groups",
            "methods",
            "recipe",
            "rowblocks",
            "rowsteps",
            "statistics",
            "transform",
        },
        {"numpy", "polars"},
    ),
    # One column's fit from scan to scan: what to ask next, until every step has its parameters.
    "progression": (
        {
            "columns",
            "dtypes",
            "errors",
            "fitted",
            "methods",
            "plan",
            "recipe",
            "resolution",
            "selection",
            "smallgroups",
            "statistics",
            "tensors",
        },
        {"numpy", "polars"},
    ),
    "merging": (
        {"dtypes", "errors", "fitted", "recipe", "statistics", "tensors"},
        {"numpy", "polars"},
    ),
    # Which columns of the data are treated with which fitted ones.
    "choosing": ({"columns", "errors", "fitted"}, {"polars"}),
    "application": (
        {
            "choosing",
            "coding",
            "columns",
            "dtypes",
            "errors",
            "fitted",
            "groups",
            "kept",
            "methods.rowwise",
            "tensorcolumns",
            "tensors",
            "tensortargets",
            "transform",
        },
        {"numpy", "polars"},
    ),
    # What is asked of a fit, by flags, a recipe file or an earlier fit.
    "request": ({"dtypes", "errors", "fitted", "recipe", "sources.options"}, set()),
    # The "read" and "recipe" blocks of a stats file check themselves.
    "statsfile": (
        {
            "columns",
            "dtypes",
            "errors",
            "fitted",
            "joined",
            "methods",
            "recipe",
            "request",
            "smallgroups",
            "sources.options",
            "statistics",
            "tensors",
        },
        {"msgspec", "numpy", "polars"},
    ),
    # Text is read as the dtypes that a column can be normalized in.
    "sources": ({"columns", "dtypes", "errors", "temporary", "tensors"}, {"polars", "pyarrow"}),
    # The rows to fit on, as a predicate.
    "where": ({"errors"}, {"polars"}),
    # What of a fit is worth a warning.
    # A method says which of its parameters are doubtful, given the extremes.
    "findings": ({"fitted", "methods", "smallgroups", "statistics"}, set()),
    # Output is encoded as the input was, unless told otherwise.
    "destinations": ({"errors", "sources", "temporary"}, set()),
    # Formats differ in what they can hold.
    "sinks": (
        {"destinations", "dtypes", "errors", "sources", "stoppable", "tensors"},
        {"polars", "pyarrow"},
    ),
    # What columns look like; it knows neither methods nor files.
    "profiles": ({"columns"}, {"numpy", "polars"}),
    # Which chain suits a profile: names and thresholds, no data.
    "suggestion": ({"profiles", "tensors"}, {"polars"}),
    "engines": (
        {
            "application",
            "coding",
            "columns",
            "conditioning",
            "destinations",
            "dtypes",
            "errors",
            "fitted",
            "groups",
            "joined",
            "kernel",
            "plan",
            "profiles",
            "progression",
            "recipe",
            "resolution",
            "sinks",
            "sources",
            "tensors",
        },
        {"numpy", "polars"},
    ),
    "api": (
        {
            "application",
            "columns",
            "destinations",
            "dtypes",
            "engines",
            "errors",
            "findings",
            "fitted",
            "kept",
            "merging",
            "methods",
            "outline",
            "profiles",
            "recipe",
            "request",
            "resolution",
            "sinks",
            "sources",
            "statistics",
            "statsfile",
            "suggestion",
            "where",
        },
        {"polars"},
    ),
    # Tables name dtypes and chains, and list the registry of methods.
    "report": ({"api", "dtypes", "errors", "methods", "recipe"}, {"polars", "rich"}),
    # The package itself and the kernel, for --version.
    "cli": ({"api", "errors", "kernel", "report", "normcli"}, {"typer"}),
    "normcli": ({"api"}, set()),
    "__main__": ({"cli"}, set()),
}

MODULES = sorted(PACKAGE.rglob("*.py"))


@dataclass(frozen=True)
class Import:
    """`target` is a dotted name without "normcli."; `top` says that it runs on import."""

    target: str
    ours: bool
    top: bool

    @property
    def room(self) -> str:
        return self.target.partition(".")[0]


def room_of(module: Path) -> str:
    first = module.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "normcli" if first == "__init__" else first


def name_of(module: Path) -> str:
    return str(module.relative_to(PACKAGE))


def imports_of(module: Path) -> Iterator[Import]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    running = set(_running_on_import(tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            # "from normcli import api" names a room only in the second half.
            names = [
                f"normcli.{alias.name}"
                if node.module == "normcli" and _is_module(alias.name)
                else str(node.module)
                for alias in node.names
            ]
        else:
            continue
        for name in names:
            if name == "normcli" or name.startswith("normcli."):
                yield Import(name.removeprefix("normcli."), True, node in running)
            else:
                yield Import(name, False, node in running)


def _running_on_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        if isinstance(statement, ast.If):
            checked_only = ast.unparse(statement.test) == "TYPE_CHECKING"
            yield from () if checked_only else _running_on_import(statement.body)
            yield from _running_on_import(statement.orelse)


def _is_module(name: str) -> bool:
    return any((PACKAGE / (name + ending)).exists() for ending in ("", ".py", ".c"))


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_every_module_imports_only_what_its_room_may(module: Path) -> None:
    room = room_of(module)
    assert room in ALLOWED, f"{room} is a new room: say in ALLOWED what it may import, and why"
    rooms, packages = ALLOWED[room]
    wrong = []
    for each in imports_of(module):
        if each.ours:
            inside = each.room == room
            if not inside and each.room not in rooms and each.target not in rooms:
                wrong.append(f"normcli.{each.target}")
        elif each.room not in sys.stdlib_module_names and each.room not in packages:
            wrong.append(each.target)
    assert not wrong, f"{module.relative_to(PACKAGE)} may not import {', '.join(wrong)}"


def test_every_listed_room_exists() -> None:
    assert set(ALLOWED) == {room_of(module) for module in MODULES}


def test_rooms_stand_on_each_other_without_circles() -> None:
    graph = {
        room: {target.partition(".")[0] for target in targets} - {"normcli"}
        for room, (targets, _) in ALLOWED.items()
        if room != "normcli"
    }
    tuple(graphlib.TopologicalSorter(graph).static_order())


def test_only_the_command_line_knows_typer_and_only_it_and_the_reports_know_rich() -> None:
    users: dict[str, set[str]] = {name: set() for name in ("typer", "rich", "msgspec", "json")}
    for module in MODULES:
        for each in imports_of(module):
            if not each.ours and each.room in users:
                users[each.room].add(room_of(module))
    assert users["typer"] == {"cli"}
    assert users["rich"] <= {"cli", "report"}
    # The stats file is the only JSON that is written; input is NDJSON at most.
    assert users["msgspec"] == {"statsfile"}
    # (An extension type of tensors says their shape in JSON.)
    assert users["json"] <= {"statsfile", "sources", "tensors"}


LIGHT = {"cli", "errors", "kernel", "normcli", "__main__"}


@pytest.mark.parametrize("module", [m for m in MODULES if room_of(m) in LIGHT], ids=name_of)
def test_importing_the_command_line_imports_nothing_heavy(module: Path) -> None:
    heavy = [
        each.target
        for each in imports_of(module)
        if each.top
        and (
            each.room not in LIGHT
            if each.ours
            else each.room not in sys.stdlib_module_names and each.room != "typer"
        )
    ]
    assert not heavy, f"import {', '.join(heavy)} inside the function that needs it"


def test_no_module_has_a_name_that_says_nothing() -> None:
    vague = {"utils", "util", "helpers", "common", "misc", "manager"}
    assert not [str(path) for path in MODULES if path.stem in vague]
