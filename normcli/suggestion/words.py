"""Words: those that a column's name is made of, and figures for people."""

from __future__ import annotations

import math
import re

__all__ = ["each_row", "exact", "figure", "percent", "plural", "words"]

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


def words(name: str) -> tuple[str, ...]:
    """Return the words of a name, in lower case.

    >>> words("PassengerId"), words("dep_delay"), words("ZIPCode 2")
    (('passenger', 'id'), ('dep', 'delay'), ('zip', 'code', '2'))
    """
    return tuple(word.lower() for word in _WORD.findall(name))


def figure(value: float) -> str:
    """Return a number with two significant digits, from a thousand on with three.

    >>> [figure(x) for x in (0.0471, -0.004, 4.803, 68.9, 1048.36, 0.0)]
    ['0.05', '0.00', '4.8', '69', '1,050', '0.00']
    """
    if abs(value) < 1:
        return f"{value:.2f}".replace("-0.00", "0.00")
    digits = 3 if abs(value) >= 1000 else 2
    rounded = round(value, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{rounded:,.0f}" if abs(rounded) >= 10 else f"{rounded:.1f}"


def exact(value: float) -> str:
    """Return a value of the data: whole as it is, else with four significant digits.

    >>> exact(2013.0), exact(0.123456), exact(-1e300)
    ('2013', '0.1235', '-1e+300')
    """
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.4g}"


def percent(share: float) -> str:
    """Return a share in percent.

    >>> percent(0.813), percent(0.00061), percent(1e-9), percent(0.9999)
    ('81 %', '0.06 %', 'under 0.01 %', '99.9 %')
    """
    value = 100 * share
    if 0 < value < 0.01:
        return "under 0.01 %"
    if value > 99 and share < 1:
        return f"{min(value, 99.9):.3g} %"
    return f"{value:.0f} %" if value >= 10 else f"{float(f'{value:.1g}'):g} %"


def each_row(distinct: int | None) -> str:
    """Return where no value comes twice: in all rows only if all different values were counted.

    >>> each_row(344)
    'different in every row'
    """
    return "different in every row" + (" looked at" if distinct is None else "")


def plural(count: int, noun: str) -> str:
    """Return a count with its noun.

    >>> plural(1, "null"), plural(2345, "row")
    ('1 null', '2,345 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
