"""The words of a column of text, how often each occurs, and how many the longest text has."""

from __future__ import annotations

from typing import Any, ClassVar, Self, cast

import polars as pl

from normcli.statistics.base import Index, Kind, State, Values, register
from normcli.statistics.tally import Tally

__all__ = ["Words", "words_of"]

# Keras' default filters (ASCII punctuation but the apostrophe, tab and line feed) and the space.
_WORD = r"[^ !\"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~\t\n]+"


def words_of(texts: pl.Expr) -> pl.Expr:
    """Return the list of words of each text, as Keras' text_to_word_sequence has it.

    The text is lower-cased; words are what stands between spaces, tabs, line feeds and ASCII
    punctuation, of which only the apostrophe is part of a word. So is other white space (a
    carriage return, a no-break space).

    >>> frame = pl.DataFrame({"text": ["To be, or NOT to be?", "don't/panic", ""]})
    >>> frame.select(words_of(pl.col("text"))).to_series().to_list()
    [['to', 'be', 'or', 'not', 'to', 'be'], ["don't", 'panic'], []]
    """
    return texts.str.to_lowercase().str.extract_all(_WORD)


@register
class Words(State):
    """Words with their counts, and the largest number of words in a value; all in one cell."""

    name: ClassVar[str] = "words"
    fields: ClassVar[tuple[str, ...]] = ("words", "longest")
    tables: ClassVar[tuple[str, ...]] = ("words",)
    kinds: ClassVar[tuple[Kind, ...]] = ("text",)

    def __init__(self, tally: Tally, longest: int) -> None:
        self.tally = tally
        self.longest = longest

    @classmethod
    def empty(cls, kind: Kind, cells: int) -> Self:
        return cls(Tally(), 0)

    def update(self, values: Values) -> None:
        assert values.texts is not None, "only text has words"
        lists = values.texts.alias("text").to_frame().select(words_of(pl.col("text"))).to_series()
        lengths = lists.list.len()
        self.longest = max(self.longest, cast(int, lengths.max() or 0))
        # Of an empty list explode makes a null.
        self.tally.add(lists.filter(lengths > 0).explode())

    def merge(self, other: Self) -> Self:
        return type(self)(self.tally.merge(other.tally), max(self.longest, other.longest))

    def scatter(self, where: Index, cells: int) -> Self:
        assert cells == 1, "words are those of all rows"
        return self.fold()

    def fold(self, cells: int = 1) -> Self:
        return type(self)(self.tally.merge(Tally()), self.longest)

    def agrees(self, count: int) -> bool:
        return self.longest <= self.tally.total <= self.longest * count

    def to_json(self) -> list[list[Any]]:
        return [[self.tally.table], [self.longest]]

    @classmethod
    def from_json(cls, kind: Kind, columns: list[list[Any]]) -> Self:
        (table,), (longest,) = columns
        if type(longest) is not int or not 0 <= longest < 2**31:
            raise ValueError("the number of words in the longest text is a whole number from 0")
        return cls(Tally.read(table), longest)

    @property
    def ranked(self) -> pl.Series:
        """The words, most frequent first; equally frequent ones in their own order."""
        return self.tally.table.sort("count", descending=True, maintain_order=True)["value"]
