"""What a fit could not find out, or found to be of little use: worth a warning."""

from __future__ import annotations

from collections.abc import Iterator

from normcli.fitted import FittedColumn

__all__ = ["findings"]


def findings(column: FittedColumn) -> Iterator[str]:
    """Yield what of a column's fit can't do what it was asked for."""
    summary = column.summary
    missing = [
        f"{key} of {step.method.name}"
        for step in column.steps
        for key, value in step.params.items()
        if value is None
    ]
    if summary["count"] == 0:
        yield "has no valid value; apply will give null"
        return
    if missing:
        yield f"has too few values for the {' and '.join(missing)}; apply will give null"
    elif summary["min"] == summary["max"]:
        yield f"is constant ({summary['min']}); its scale is taken to be 1"
    groups = column.inputs[0].groups if column.inputs[0] is not None else None
    if groups is None:
        return
    counts = groups["counts"].to_json()[0]
    empty = {cell for cell, count in enumerate(counts) if count == 0}
    lacking = {
        cell
        for step in column.steps
        for values in (step.groups or {}).values()
        for cell, value in enumerate(values)
        if value is None
    } - empty
    for cells, what in ((empty, "no valid value"), (lacking, "too few values")):
        if cells:
            yield (
                f"has {what} in {len(cells):,} of {len(counts):,} groups; "
                "apply will treat them as unknown groups"
            )
