"""Rules for numbers whose name or values tell what they mean: flags, keys, calendar, bounds."""

from __future__ import annotations

import polars as pl

from normcli.profiles import Profile
from normcli.suggestion.advice import Advice
from normcli.suggestion.shapes import After
from normcli.suggestion.words import each_row, exact, words

__all__ = ["MEANINGS"]

FEW = 10
_LEAST_ROWS = 20
_MOST_LABELS = 20
_LEAST_OF_EACH = 5
_YEARS = (1000, 2200)

_LABELS = {"class", "label", "labels", "target", "species", "category", "type", "kind", "cluster"}
_KEY_ENDINGS = {
    *("id", "ids", "uid", "uuid", "guid", "identifier", "key", "code"),
    *("zip", "zipcode", "postcode", "phone", "rowid"),
}
_KEYS = {
    *("index", "idx", "row", "flight", "route", "train", "customer", "client", "account"),
    *("invoice", "ticket", "user", "station", "store", "shop", "device", "sensor", "patient"),
    *("subject", "participant", "respondent", "fold"),
}
_NUMBERS = ((), ("number",), ("no",), ("nr",))
_MOMENTS = {"timestamp", "epoch", "unixtime", "datetime"}
# The last word or words of a name, and the ranges that the part may have.
_CALENDAR: dict[str, tuple[tuple[int, int], ...]] = {
    "month": ((1, 12), (0, 11)),
    "mnth": ((1, 12), (0, 11)),
    "quarter": ((1, 4),),
    "week": ((1, 53), (0, 53)),
    "day": ((1, 31),),
    "weekday": ((0, 6), (1, 7)),
    "dow": ((0, 6), (1, 7)),
    "day of week": ((0, 6), (1, 7)),
    "dayofweek": ((0, 6), (1, 7)),
    "day of year": ((1, 366), (0, 365)),
    "dayofyear": ((1, 366), (0, 365)),
    "hour": ((0, 23), (0, 24)),
    "hr": ((0, 23), (0, 24)),
    "hour of day": ((0, 23), (0, 24)),
    "minute": ((0, 59),),
    "second": ((0, 59),),
}
_AMOUNTS = {"per", "since", "until", "total", "num", "count", "average", "avg", "mean"}
_ANGLES = {"dir", "direction", "bearing", "heading", "azimuth", "angle"}
_POSITIONS = {"lat": 90, "latitude": 90, "lon": 180, "lng": 180, "longitude": 180}
_PIXELS = (16, 255, 65535)
_PERCENT = {"percent", "percentage", "pct", "perc", "humidity", "humid"}


def flag(column: Profile, after: After) -> Advice | None:
    """0 and 1."""
    if column.kind != "number" or column.distinct != 2 or (column.low, column.high) != (0, 1):
        return None
    return Advice("skip", "0 or 1: a flag")


def label(column: Profile, after: After) -> Advice | None:
    """Numbers that stand for names."""
    few = column.distinct is not None and column.distinct <= _MOST_LABELS
    if column.kind != "number" or not column.whole or not few:
        return None
    if words(column.name)[-1:] and words(column.name)[-1] in _LABELS:
        return Advice("skip", f"{column.distinct} labels, as numbers")
    return None


def identifier(column: Profile, after: After) -> Advice | None:
    """Keys by name, or numbers that only count the rows."""
    if column.kind != "number":
        return None
    if column.whole and _is_key(words(column.name)):
        if column.unique:
            return Advice(
                "skip", f"{each_row(column.distinct)}, and named like a key: an identifier"
            )
        return Advice("skip", "named like a key: numbers that count nothing")
    if column.steady and column.valid >= _LEAST_ROWS:
        return Advice("skip", "goes on from each row to the next: an index or a clock")
    return None


def _is_key(named: tuple[str, ...]) -> bool:
    if not named:
        return False
    return named[-1] in _KEY_ENDINGS or (named[0] in _KEYS and named[1:] in _NUMBERS)


def year(column: Profile, after: After) -> Advice | None:
    """Calendar years: few of them are groups, many are a measure."""
    named = set(words(column.name)) & {"year", "yr"}
    inside = _YEARS[0] <= column.low and column.high <= _YEARS[1]
    if column.kind != "number" or not named or not column.whole or not inside:
        return None
    if column.distinct is not None and column.distinct <= FEW:
        return Advice(
            "skip", f"{column.distinct} years, {_span(column)}: groups rather than a measure"
        )
    return Advice("zscore", f"years, {_span(column)}")


def calendar(column: Profile, after: After) -> Advice | None:
    """Parts of dates and times, mapped from their bounds and not from what was seen."""
    named = words(column.name)
    if column.kind != "number" or not column.whole or set(named) & _AMOUNTS:
        return None
    for size in (3, 2, 1):
        part = " ".join(named[-size:])
        for low, high in _CALENDAR.get(part, ()) if len(named) >= size else ():
            if low <= column.low and column.high <= high:
                return Advice(
                    f"minmax:min={low},max={high}",
                    f"{part}, {low} to {high}; cyclic, so sine and cosine may serve better",
                )
    return None


def moment_as_number(column: Profile, after: After) -> Advice | None:
    """Dates written as 20241231, and seconds since 1970 by name."""
    if column.compact_date:
        return Advice("skip", "dates as yyyymmdd: points in time")
    if column.whole and column.low > 0 and set(words(column.name)) & _MOMENTS:
        return Advice("skip", "points in time, as numbers")
    return None


def clock(column: Profile, after: After) -> Advice | None:
    """Times as hhmm: monotone, but from 1159 it is one minute to 1200."""
    if not column.clock:
        return None
    return Advice(
        "minmax:min=0,max=2400", "clock times as hhmm; minutes since midnight may serve better"
    )


def angle(column: Profile, after: After) -> Advice | None:
    """Directions in degrees."""
    if not set(words(column.name)) & _ANGLES or not 180 < column.high <= 360 or column.low < 0:
        return None
    return Advice(
        "minmax:min=0,max=360", "degrees of a circle; cyclic, so sine and cosine may serve better"
    )


def position(column: Profile, after: After) -> Advice | None:
    """Latitude and longitude: a curved function would bend the map."""
    most = next((_POSITIONS[word] for word in words(column.name) if word in _POSITIONS), None)
    if most is None or column.kind != "number" or max(-column.low, column.high) > most:
        return None
    return Advice("zscore", "a position on the globe: shifted and scaled, never bent")


def pixels(column: Profile, after: After) -> Advice | None:
    """One bound for all pixels of an image, though each has another maximum."""
    if "pixel" not in words(column.name) or not column.whole or column.low < 0:
        return None
    if column.family_high <= 1:
        return None
    most = next((bound for bound in _PIXELS if column.family_high <= bound), None)
    if column.kind != "number" or most is None:
        return None
    return Advice(f"minmax:min=0,max={most}", f"a pixel; all of them lie between 0 and {most}")


def eight_bits(column: Profile, after: After) -> Advice | None:
    """The range of bytes, as of pixels."""
    if column.kind != "number" or column.distinct is None or column.distinct <= FEW:
        return None
    full = column.whole and (column.low, column.high) == (0, 255)
    if not full and column.dtype != pl.UInt8():
        return None
    return Advice("minmax:min=0,max=255", "8 bits, 0 to 255")


def percentage(column: Profile, after: After) -> Advice | None:
    """Bounded by 0 and 100, by name or because both ends are there."""
    if column.kind != "number" or column.low < 0 or not 1 < column.high <= 100:
        return None
    named = bool(set(words(column.name)) & _PERCENT)
    many = column.distinct is None or column.distinct > FEW
    if not named and not (many and (column.low, column.high) == (0, 100)):
        return None
    return Advice("minmax:min=0,max=100", "percent, 0 to 100")


def fraction(column: Profile, after: After) -> Advice | None:
    """Where 0 to 1 is filled already."""
    inside = column.kind == "number" and 0 <= column.low <= 0.1 and 0.9 <= column.high <= 1
    if not inside or column.whole:
        return None
    return Advice("skip", f"between 0 and 1 already, {_span(column)}")


def few_numbers(column: Profile, after: After) -> Advice | None:
    """Counts and grades with a handful of values have no shape."""
    if column.kind != "number" or column.distinct is None:
        return None
    repeated = column.distinct * _LEAST_OF_EACH <= column.valid
    if column.distinct == 2 or (column.whole and column.distinct <= FEW and repeated):
        return Advice("minmax", f"{column.distinct} different values, {_span(column)}")
    return None


def _span(column: Profile) -> str:
    return f"{exact(column.low)} to {exact(column.high)}"


MEANINGS = (
    pixels,
    flag,
    label,
    identifier,
    year,
    calendar,
    moment_as_number,
    clock,
    angle,
    position,
    eight_bits,
    percentage,
    fraction,
    few_numbers,
)
