"""Rules for text: numbers in disguise, categories, keys, sentences."""

from __future__ import annotations

from normcli.profiles import Profile
from normcli.suggestion.advice import Advice
from normcli.suggestion.shapes import After
from normcli.suggestion.words import each_row, percent, plural

__all__ = ["TEXTS"]

_MOST_CATEGORIES = 256
_LEAST_OF_EACH = 5
_SENTENCE = 4.0
_LONGEST = 1000
_MOST_NUMBERS = 0.5
_MOST_DATES = 0.9


def numbers_as_text(column: Profile, after: After) -> Advice | None:
    """One word for null, such as NA, makes a column of text of numbers."""
    wording = column.wording
    if wording is None or wording.numbers < _MOST_NUMBERS:
        return None
    if not wording.others:
        return Advice("skip", "digits as text: codes; for quantities, force a type (--type)")
    other = wording.others[0]
    return Advice(
        "skip",
        f'text, but {percent(wording.numbers)} are numbers: is "{other}" null? (--null-value)',
    )


def dates_as_text(column: Profile, after: After) -> Advice | None:
    """Dates are points in time, however they are written."""
    if column.wording is None or column.wording.dates < _MOST_DATES:
        return None
    return Advice("skip", "dates as text: points in time")


def sentences(column: Profile, after: After) -> Advice | None:
    """Words that can be numbered."""
    wording = column.wording
    if wording is None or wording.typical_words < _SENTENCE or _few(column):
        return None
    reason = f"free text; 95 % have at most {plural(wording.words, 'word')}"
    return Advice(f"tokens:length={min(wording.words, _LONGEST)}", reason)


def text_identifier(column: Profile, after: After) -> Advice | None:
    """Never the same twice: nothing can be learned from it."""
    if column.kind != "text" or not column.unique:
        return None
    return Advice("skip", f"{each_row(column.distinct)}: an identifier")


def categories(column: Profile, after: After) -> Advice | None:
    """Few different texts, each often."""
    if column.kind != "text" or not _few(column):
        return None
    return Advice("ordinal", f"{column.distinct} categories, as text")


def names(column: Profile, after: After) -> Advice | None:
    """Everything else: names, keys, codes."""
    if column.kind != "text":
        return None
    count = "many" if column.distinct is None else f"{column.distinct:,}"
    return Advice("skip", f"{count} different texts: names or keys")


def _few(column: Profile) -> bool:
    distinct = column.distinct
    return distinct is not None and (
        distinct <= _MOST_CATEGORIES and distinct * _LEAST_OF_EACH <= column.valid
    )


TEXTS = (numbers_as_text, dates_as_text, sentences, text_identifier, categories, names)
