"""What apply and invert have in common: from their flags to a call of the interface."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

from normcli.cli.running import guarded, pairs, prepare

if TYPE_CHECKING:
    from normcli.api import ReadOptions

__all__ = ["carry"]


def carry(direction: Literal["apply", "invert"], given: dict[str, Any]) -> None:
    """Run a command with its arguments by name."""

    def work() -> None:
        prepare(given["threads"])
        from normcli import api
        from normcli.errors import UsageError
        from normcli.report.progress import progress_on_stderr

        if given["stats"] == "-" and (given["sources"] or ["-"]) == ["-"]:
            raise UsageError("the stats file and the data can't both come from stdin")
        options = api.TransformOptions(
            columns=given["columns"],
            renamed=dict(pairs(given["renamed"], "--map")),
            dtype=given["dtype"] and given["dtype"].value,
            unknown_group=given["unknown_group"].value,
            missing_column=given["missing_column"].value,
            keep_row_stats=given.get("keep_row_stats", False),
        )
        stats = api.load(given["stats"])
        with progress_on_stderr(given["progress"].value) as shown:
            stats.write(
                direction,
                given["sources"] or ["-"],
                given["output"],
                options=options,
                read=_reading(stats.reading(direction), given),
                format=given["from_format"],
                to=given["to"],
                compression=given["compression"],
                float_format=given["float_format"],
                progress=shown,
            )

    guarded(work, quiet=given["quiet"], debug=given["debug"])


def _reading(recorded: ReadOptions, given: dict[str, Any]) -> ReadOptions:
    """Return how text is read: as in the fit, but for what the flags say."""
    from normcli.api import parse_dtype

    changes: dict[str, Any] = {}
    if given["delimiter"] is not None:
        changes["delimiter"] = given["delimiter"]
    if given["no_header"]:
        changes["header"] = False
    if given["null_value"]:
        changes["null_values"] = tuple(given["null_value"])
    if given["decimal_comma"]:
        changes["decimal_comma"] = True
    forced = {name: parse_dtype(text) for name, text in pairs(given["types"], "--type")}
    if forced:
        changes["types"] = {**recorded.types, **forced}
    return dataclasses.replace(recorded, **changes)
