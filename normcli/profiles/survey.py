"""Looking at all rows once: counts of everything, a sample, and the profiles that follow."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from normcli.columns import named
from normcli.profiles.counts import Counts
from normcli.profiles.profile import Kind, Profile, Shape, Wording, kind_of
from normcli.profiles.sample import RowSample
from normcli.profiles.shape import shape_of

__all__ = ["SAMPLE_ROWS", "Survey"]

SAMPLE_ROWS = 1 << 17
_LEAST_ROWS = 1 << 11
_MOST_VALUES = 1 << 24
"""Rows × columns of the sample."""
_GROUP = "\0group"
_LEAST_GROUP = 10
_HEAD = 64
# As the method tokens cuts: at white space and ASCII punctuation, but not at an apostrophe.
_TOKEN = r"""[^\s!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~]+"""
_DIGITS = re.compile(r"\d+")
_SHOWN = 4

Carry = Callable[[pl.Series, pl.Series], pl.Series]
"""What a chain of methods, fitted on the first values, makes of the second."""


class Survey:
    """The rows seen so far. Batches come in order; what is kept does not grow with their number."""

    def __init__(self, schema: Mapping[str, pl.DataType], by: Sequence[str] = ()) -> None:
        self._schema = dict(schema)
        self._by = tuple(by)
        self._kinds: dict[str, Kind] = {name: kind_of(dtype) for name, dtype in schema.items()}
        self._counts = {name: Counts(kind) for name, kind in self._kinds.items()}
        limit = max(_LEAST_ROWS, _MOST_VALUES // max(1, len(self._schema)))
        self._sample = RowSample(min(SAMPLE_ROWS, limit))
        self._taken: pl.DataFrame | None = None

    @property
    def rows(self) -> int:
        """The number of rows seen."""
        return self._sample.rows

    @property
    def sampled(self) -> int:
        """The number of rows in the sample."""
        return self._frame().height

    def update(self, batch: pl.DataFrame) -> None:
        """Take in the rows that follow those before."""
        plain = batch.lazy().select(self._plain(name) for name in self._schema).collect()
        for name, counts in self._counts.items():
            counts.update(plain[name])
        sampled: list[pl.Expr] = []
        for name, kind in self._kinds.items():
            value = named(name)
            if kind == "text":
                sampled += [
                    value.hash().alias(name),
                    value.str.slice(0, _HEAD).alias(f"{name}\0head"),
                    value.str.count_matches(r"\S+").alias(f"{name}\0words"),
                    value.str.count_matches(_TOKEN).alias(f"{name}\0tokens"),
                ]
            else:
                sampled.append(value)
        frame = plain.select(sampled)
        if self._by:
            frame = frame.with_columns(batch.select(map(named, self._by)).hash_rows().alias(_GROUP))
        self._sample.update(frame)
        self._taken = None

    def _plain(self, name: str) -> pl.Expr:
        """Return a column as floats (null for NaN, which counts as missing), texts or integers."""
        value, dtype = named(name), self._schema[name]
        kind = self._kinds[name]
        if kind == "number":
            if isinstance(dtype, pl.Duration):
                value = value.to_physical()
            return value.cast(pl.Float64).fill_nan(None)
        if kind == "text":
            return value.cast(pl.String)
        return pl.when(value.is_not_null()).then(1).alias(name) if kind == "other" else value

    def _frame(self) -> pl.DataFrame:
        if self._taken is None:
            self._taken = self._sample.frame()
        return self._taken

    def profiles(self) -> list[Profile]:
        """Return what is known of each column."""
        profiles = [self._profile(name) for name in self._schema]
        highs: dict[str, float] = {}
        for each in profiles:
            stem = _DIGITS.sub("0", each.name)
            highs[stem] = max(highs.get(stem, -math.inf), each.high)
        return [
            dataclasses.replace(each, family_high=highs[_DIGITS.sub("0", each.name)])
            for each in profiles
        ]

    def _profile(self, name: str) -> Profile:
        counts, kind = self._counts[name], self._kinds[name]
        profile = Profile(name, self._schema[name], kind, self.rows, **counts.findings())
        if kind == "other" or not profile.valid:
            return profile
        values = self._frame()[name].drop_nulls()
        found: dict[str, Any] = {}
        if kind == "text" or profile.whole:
            found["unique"] = len(values) > 1 and values.n_unique() == len(values)
        if kind == "number":
            found["shape"] = self.shape(profile)
        elif kind == "text":
            found["wording"] = self._wording(name)
        return dataclasses.replace(profile, **found)

    def _wording(self, name: str) -> Wording:
        frame = self._frame().filter(named(name).is_not_null())
        heads, words, tokens = (frame[f"{name}\0{part}"] for part in ("head", "words", "tokens"))
        numbers = heads.str.strip_chars().cast(pl.Float64, strict=False).is_not_null()
        others = heads.filter(~numbers).unique().sort().head(_SHOWN)
        return Wording(
            math.ceil(tokens.quantile(0.95, "linear") or 0),
            float(words.mean() or 0),  # type: ignore[arg-type]
            float(numbers.mean() or 0),  # type: ignore[arg-type]
            tuple(others.to_list()),
            float(heads.str.contains(r"^\d{4}-\d\d-\d\d").mean() or 0),  # type: ignore[arg-type]
        )

    def shape(self, profile: Profile, carry: Carry | None = None) -> Shape | None:
        """Return the shape of a column of numbers, or of what `carry` makes of them.

        With groups of ten rows and more, it is that of the distances from the groups' medians.
        """
        sample = self._frame()
        groups = sample[_GROUP] if self._by else None
        values = sample[profile.name]
        finite = values.is_finite().fill_null(False)
        values = values.filter(finite)
        if not len(values):
            return None
        ends = pl.Series([profile.low, profile.high])
        if carry is not None:
            carried = carry(values, pl.concat([ends, values]))
            ends, values = carried[:2], carried[2:]
        if groups is not None:
            groups = groups.filter(finite)
            if groups.n_unique() * _LEAST_GROUP <= len(groups):
                frame = pl.DataFrame({"x": values, "g": groups})
                centred = pl.col("x") - pl.col("x").median().over("g")
                shape = shape_of(frame.select(centred).to_series().to_numpy())
                return shape and dataclasses.replace(shape, centred=True)
        return shape_of(values.to_numpy(), (ends[0], ends[1]))
