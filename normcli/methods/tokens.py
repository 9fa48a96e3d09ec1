"""Tokens: text becomes a list of word indices, of one length for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.errors import UsageError
from normcli.methods.base import Constants, Expressions, Found, Method, Parameter, register
from normcli.statistics import Summary
from normcli.statistics.words import Words, words_of

__all__ = ["Tokens"]

Index = npt.NDArray[np.int64]

# From so many numbers for each text on it is worth asking whether that is meant.
_LONG = 1000


@register
@dataclass(frozen=True)
class Tokens(Method):
    """y = the indices of the words of x, with zeros up to `length`.

    Words are what stands between spaces, tabs, line feeds and ASCII punctuation (the apostrophe
    apart), in lower case by the Unicode of the installed polars. Their index is their rank by
    frequency over all fitted rows, from 1; of equally frequent words the one that sorts first by
    code points comes first, so that the order of rows does not matter. Only indices below
    max_words are given; other words are left out, or become `oov`, which then has index 1.
    Zeros stand, and words are cut off, at the beginning (pad=pre) or at the end (pad=post); where
    `length` is not given it is the number of words of the longest fitted text. y is an array of
    Int32; null stays null. The indices are the same in all groups. As Keras' Tokenizer and
    pad_sequences, but for the order of equally frequent words, and that `length` counts words that
    are left out, too.

    >>> import polars as pl
    >>> from normcli import fit
    >>> frame = pl.DataFrame({"text": ["The cat sat.", "The dog!", "the cat"]})
    >>> fit(frame, method="tokens").apply(frame)["text"].to_list()
    [[1, 2, 4], [0, 1, 3], [0, 1, 2]]
    >>> stats = fit(frame, method="tokens:oov=<oov>,max_words=4,length=4,pad=post")
    >>> stats.apply(frame)["text"].to_list()
    [[2, 3, 1, 0], [2, 1, 0, 0], [2, 3, 0, 0]]
    """

    name: ClassVar[str] = "tokens"
    formula: ClassVar[tuple[str, str]] = (
        "indices of the words of x in vocabulary",
        "words of the indices, with spaces between",
    )
    matches: ClassVar[str] = (
        "keras Tokenizer(num_words, oov_token) and "
        "pad_sequences(maxlen, padding=pad, truncating=pad), but for ties"
    )
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("length", "number", "numbers for each text: words of the longest fitted one"),
        Parameter("vocabulary", "values", "the words by rank, without `oov`"),
    )
    statistics: ClassVar[tuple[str, ...]] = ("words",)
    encodes: ClassVar[bool] = True
    wants: ClassVar[str] = "text"
    loses: ClassVar[str] = "capitals, punctuation and words that were left out or cut off"

    length: int | None = None
    vocabulary: tuple[str, ...] | None = None
    max_words: int = 10_000
    pad: Literal["pre", "post"] = "pre"
    oov: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.length is not None and not 1 <= self.length < 2**31:
            raise UsageError("tokens: length must be at least 1")
        if not self._first < self.max_words < 2**31:
            raise UsageError(
                f"tokens: max_words must be at least {self._first + 1}",
                "indices are below it; 0 is padding" + (", 1 is oov" if self.oov else ""),
            )
        if self.oov is not None and _is_word(self.oov):
            raise UsageError(
                f'tokens: oov "{self.oov}" could be a word of the text',
                "choose one with punctuation or capitals, for example oov=<oov>",
            )
        for word in self.vocabulary or ():
            if not _is_word(word):
                raise UsageError(
                    f'tokens: "{word}" in vocabulary is no word',
                    "words are in lower case, without spaces or punctuation but the apostrophe",
                )
        if self.vocabulary is not None and len({*self.vocabulary}) < len(self.vocabulary):
            raise UsageError("tokens: a word of vocabulary is given twice")

    @property
    def _first(self) -> int:
        """The index of the most frequent word."""
        return 1 if self.oov is None else 2

    @property
    def output(self) -> pl.DataType | None:
        return pl.List(pl.Int32) if self.length is None else pl.Array(pl.Int32, self.length)

    def output_of(self, params: Mapping[str, Any]) -> pl.DataType | None:
        length = params["length"]
        return pl.List(pl.Int32) if length is None else pl.Array(pl.Int32, length)

    def takes(self, dtype: pl.DataType) -> bool:
        return dtype.base_type() in (pl.String, pl.Categorical, pl.Enum)

    def fit(self, summary: Summary, found: Found) -> dict[str, list[Any]]:
        if summary.count == [0]:
            return {"length": [None], "vocabulary": [None]}
        words = cast(Words, summary.states["words"])
        vocabulary = words.ranked.cast(pl.String).head(self.max_words - self._first)
        return {"length": [max(1, words.longest)], "vocabulary": [vocabulary]}

    def check(self, params: Mapping[str, Any]) -> None:
        length, words = params["length"], params["vocabulary"]
        if length is not None and (type(length) is not int or not 1 <= length < 2**31):
            raise ValueError("length must be a whole number from 1")
        if words is None:
            return
        if words.null_count() or words.is_duplicated().any():
            raise ValueError("the words of the vocabulary must differ from each other")
        if self.fitted and self.vocabulary is None and len(words) > self.max_words - self._first:
            raise ValueError("the vocabulary has more words than max_words allows")

    def remarks(self, params: Mapping[str, Any], count: int) -> Iterator[str]:
        if self.vocabulary is None and params["vocabulary"].is_empty():
            yield "holds no words"
        if self.length is None and params["length"] >= _LONG:
            yield (
                f"has a text of {params['length']:,} words, so that each becomes a list of as "
                "many numbers; give a smaller length, as in tokens:length=200"
            )

    def constants(self, p: Constants) -> Constants:
        words = p["vocabulary"].cast(pl.String).head(self.max_words - self._first)
        order = words.arg_sort()
        return {
            "length": p["length"],
            "vocabulary": words,
            "sorted": words.gather(order),
            "indices": order.cast(pl.Int32) + self._first,
        }

    def forward(self, x: pl.Expr, p: Expressions) -> pl.Expr:
        length = int(p.lists["length"].item())
        y = x.map_batches(
            lambda texts: self._encoded(texts, p.lists, length),
            return_dtype=pl.Array(pl.Int32, length),
        )
        return pl.when(x.is_not_null()).then(y)

    def _encoded(self, texts: pl.Series, lists: Mapping[str, pl.Series], length: int) -> pl.Series:
        words = texts.alias("text").to_frame().select(words_of(pl.col("text"))).to_series()
        rows, flat = _flattened(words)
        index = _looked_up(flat, lists["sorted"], lists["indices"])
        if self.oov is not None:
            index = index.fill_null(1)
        known = index.is_not_null().to_numpy()
        rows, numbers = rows[known], index.drop_nulls().to_numpy()
        lengths = np.bincount(rows, minlength=len(texts))
        place = np.arange(len(rows)) - (np.cumsum(lengths) - lengths)[rows]
        if self.pad == "pre":
            place += length - lengths[rows]
        inside = (place >= 0) & (place < length)
        table = np.zeros((len(texts), length), np.int32)
        table[rows[inside], place[inside]] = numbers[inside]
        return pl.Series(texts.name, table, pl.Array(pl.Int32, length))

    def inverse(self, y: pl.Expr, p: Expressions) -> pl.Expr:
        x = y.map_batches(
            lambda codes: self._decoded(codes, p.lists["vocabulary"]), return_dtype=pl.String
        )
        return pl.when(y.is_not_null()).then(x)

    def _decoded(self, codes: pl.Series, vocabulary: pl.Series) -> pl.Series:
        rows, flat = _flattened(codes.cast(pl.List(pl.Float64)))
        index = flat.round()
        inside = index.is_between(self._first, self._first + len(vocabulary) - 1)
        place = pl.when(inside).then(index - self._first).cast(pl.UInt32)
        word = pl.lit(vocabulary).gather(place)
        # As Keras has it: an index without a word is one of oov, if there is that.
        word = word.fill_null(pl.lit(self.oov, pl.String))
        words = pl.DataFrame({"row": rows, "word": pl.select(word).to_series()})
        padding = (index == 0) | index.is_nan() | index.is_null()
        texts = (
            words.filter(~padding)
            .drop_nulls()
            .group_by("row", maintain_order=True)
            .agg(pl.col("word").str.join(" "))
        )
        every = pl.DataFrame({"row": np.arange(len(codes))})
        joined = every.join(texts, on="row", how="left", maintain_order="left")["word"]
        return joined.fill_null("").alias(codes.name)


def _is_word(text: str) -> bool:
    """Return whether a text is a word as `words_of` gives them."""
    return pl.select(words_of(pl.lit(text))).to_series().to_list() == [[text]]


def _flattened(lists: pl.Series) -> tuple[Index, pl.Series]:
    """Return the elements of all lists one after the other, and the row of each."""
    lengths = lists.list.len().fill_null(0)
    # Of an empty list explode makes a null.
    return np.repeat(np.arange(len(lists)), lengths.to_numpy()), lists.filter(lengths > 0).explode()


def _looked_up(values: pl.Series, known: pl.Series, results: pl.Series) -> pl.Series:
    """Return the result for each value that is among the known, sorted ones; else null."""
    place = pl.lit(known).search_sorted(pl.lit(values))
    found = pl.lit(known).gather(place, null_on_oob=True) == pl.lit(values)
    return pl.select(
        pl.when(found).then(pl.lit(results).gather(place, null_on_oob=True))
    ).to_series()
