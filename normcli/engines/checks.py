"""What a scan may have found that a fit has to refuse."""

from __future__ import annotations

from normcli.coding import listed
from normcli.errors import DataError
from normcli.plan import Contribution
from normcli.recipe import Recipe, chain_text
from normcli.sources import Source

__all__ = ["check_scan"]


def check_scan(done: Contribution, source: Source, recipe: Recipe) -> None:
    """Raise DataError if there were no rows, or values that a method can't be fitted on."""
    where = f" where {recipe.where}" if recipe.where else ""
    name = source.names[0] if len(source.names) == 1 else "the input"
    if done.rows == 0:
        raise DataError(f"{name} has no rows{where}", "there is nothing to fit on")
    for i, (task, states) in enumerate(zip(done.the_pass.tasks, done.states, strict=True)):
        outside = done.outside[i]
        column = f'{name}: column "{task.column}"'
        if "counts" in states and not recipe.skip_inf:
            infinite = int(states["counts"].fold().to_json()[3][0])
            if infinite and task.partial is not None:
                # The column's own infinities were refused in the scan before.
                raise DataError(
                    f"{column} has {_values(infinite, 'value')} whose distance from the others is "
                    f"beyond float64, so {task.partial.method.name} can't be fitted",
                    "scale the column first, for example with decimal:exponent=300",
                )
            if infinite:
                after = (
                    f" after {chain_text(tuple(s.method for s in task.before))}"
                    if task.before
                    else ""
                )
                raise DataError(
                    f"{column} has {_values(infinite, 'infinite value')}{after}",
                    "count and skip them with --inf skip, or leave them out with --where",
                )
        if outside and task.checked is not None:
            method = task.checked.name
            if task.checked.encodes:
                raise DataError(
                    f"{column} has {_values(outside, 'value')} that {method} has no code for: "
                    f"{listed(done.examples[i])}",
                    "give the method all values, or let others become null: "
                    f"{method}:…,unseen=null",
                )
            others = "yeojohnson" if method == "boxcox" else "symlog, asinh"
            raise DataError(
                f"{column} has {_values(outside, 'value')} outside the domain of {method}",
                f"{task.checked.formula[0]} is not defined there; "
                f"choose another method ({others}), or leave them out with --where",
            )


def _values(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
