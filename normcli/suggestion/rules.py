"""The rules, in order: the first that has advice for a column decides.

A rule is a function of a column's profile; those about shape also ask for the shape that the
column would have after a chain of methods.
"""

from __future__ import annotations

from collections.abc import Callable

from normcli.profiles import Profile
from normcli.suggestion.advice import Advice
from normcli.suggestion.meanings import MEANINGS
from normcli.suggestion.shapes import SHAPES, After
from normcli.suggestion.texts import TEXTS
from normcli.suggestion.vectors import VECTORS
from normcli.suggestion.words import exact, percent, plural

__all__ = ["RULES", "Rule", "advise"]

Rule = Callable[[Profile, After], Advice | None]

_DAY = 86_400 * 10**9
_LEAST_SHARE = 0.01


def no_values(column: Profile, after: After) -> Advice | None:
    """Nothing to fit on."""
    return None if column.valid else Advice("skip", "no value in any row")


def constant(column: Profile, after: After) -> Advice | None:
    """A scale of zero."""
    if column.distinct != 1:
        return None
    value = exact(column.low) if column.kind == "number" else column.only
    return Advice("skip", f"always {value[:40]}")


def boolean(column: Profile, after: After) -> Advice | None:
    """0 and 1 already."""
    return Advice("skip", "true or false: a flag") if column.kind == "boolean" else None


def moment(column: Profile, after: After) -> Advice | None:
    """Time goes on: what comes later lies outside of all that was fitted."""
    if column.kind != "moment":
        return None
    return Advice("skip", "points in time; later ones lie beyond any fit: use parts or an age")


def time_of_day(column: Profile, after: After) -> Advice | None:
    """Bounded by midnight."""
    if column.kind != "time":
        return None
    return Advice(f"minmax:min=0,max={_DAY}", "time of day: from midnight to midnight is 0 to 1")


RULES: tuple[Rule, ...] = (
    no_values,
    constant,
    boolean,
    *VECTORS,
    moment,
    time_of_day,
    *TEXTS,
    *MEANINGS,
    *SHAPES,
)


def advise(column: Profile, after: After) -> Advice:
    """Return what the first rule that applies says, and how much is missing."""
    rule, advice = next(
        (rule, found) for rule in RULES if (found := rule(column, after)) is not None
    )
    notes = []
    if column.missing and column.valid:
        share = column.missing / column.rows
        few = share < _LEAST_SHARE
        notes.append(plural(column.missing, "null") if few else f"{percent(share)} null")
    if column.infinite and advice.chain != "skip":
        notes.append(f"{plural(column.infinite, 'infinite value')} skipped")
    return Advice(advice.chain, ", ".join([advice.reason, *notes]), rule.__name__)
