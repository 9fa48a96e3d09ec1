"""What is counted exactly, over all rows: missing and different values, extremes, zeros, order."""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from normcli.profiles.profile import Kind

__all__ = ["MOST_DISTINCT", "Counts"]

MOST_DISTINCT = 10_000
_LEAST_MINUTES = 6
_FIRST_DATE, _LAST_DATE = 1700_01_01, 2200_12_31
_STEP_TOLERANCE = 1e-6


class Counts:
    """Of one column: floats without NaN, texts, or values of a dtype that has an order."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._missing = self._infinite = self._zeros = self._negatives = self._rows = 0
        self._low, self._high = math.inf, -math.inf
        self._whole = True
        self._distinct: pl.Series | None = None
        self._too_many = False
        self._only = ""
        # The last value, and the smallest and largest step from one value to the next.
        self._last: float | None = None
        self._steps = (math.inf, -math.inf)

    def update(self, values: pl.Series) -> None:
        """Take in the values that follow those before."""
        missing = values.null_count()
        self._rows += len(values)
        self._missing += missing
        if self._kind == "other":
            return
        if missing:
            values = values.drop_nulls()
        if self._kind == "number":
            values = self._measure(values)
        if len(values) and not self._only:
            self._only = str(values[0])
        self._note(values)

    def _measure(self, values: pl.Series) -> pl.Series:
        """Return the finite values."""
        finite = values.is_finite()
        if not finite.all():
            self._infinite += len(values) - int(finite.sum())
            values = values.filter(finite)
        if not len(values):
            return values
        self._low = min(self._low, float(values.min()))  # type: ignore[arg-type]
        self._high = max(self._high, float(values.max()))  # type: ignore[arg-type]
        self._zeros += int((values == 0).sum())
        self._negatives += int((values < 0).sum())
        self._whole = self._whole and bool((values.floor() == values).all())
        if self._steps[0] <= self._steps[1] and self._steps[0] <= 0 <= self._steps[1]:
            return values  # it goes up and down
        ends = values if self._last is None else pl.concat([pl.Series([self._last]), values])
        self._last = float(values[-1])
        if len(ends) > 1:
            steps = ends.diff().drop_nulls()
            low, high = float(steps.min()), float(steps.max())  # type: ignore[arg-type]
            self._steps = min(self._steps[0], low), max(self._steps[1], high)
        return values

    def _note(self, values: pl.Series) -> None:
        """Add to the different values, as long as they are not too many."""
        if self._too_many or not len(values):
            return
        if self._kind == "text":
            values = values.hash()
        new = values.unique()
        self._distinct = (
            new if self._distinct is None else pl.concat([self._distinct, new]).unique()
        )
        if len(self._distinct) > MOST_DISTINCT:
            self._too_many, self._distinct = True, None

    def findings(self) -> dict[str, Any]:
        """Return the fields of a Profile that are known exactly."""
        distinct = None if self._too_many else 0 if self._distinct is None else len(self._distinct)
        found: dict[str, Any] = {
            "missing": self._missing,
            "infinite": self._infinite,
            "distinct": distinct,
            "only": self._only if distinct == 1 else "",
        }
        if self._kind == "number" and self._low <= self._high:
            found |= {
                "low": self._low,
                "high": self._high,
                "zeros": self._zeros,
                "negatives": self._negatives,
                "whole": self._whole,
                "steady": self._steady(),
                "clock": self._clock(),
                "compact_date": self._compact_date(),
            }
        return found

    def _steady(self) -> bool:
        low, high = self._steps
        if not low <= high or low <= 0 <= high:
            return False
        equal = high - low <= _STEP_TOLERANCE * max(abs(low), abs(high))
        return self._whole or equal

    def _clock(self) -> bool:
        if (
            self._distinct is None
            or not self._whole
            or self._low < 0
            or not 100 < self._high <= 2400
        ):
            return False
        minutes = (self._distinct % 100).unique()
        return len(minutes) >= _LEAST_MINUTES and bool((minutes < 60).all())

    def _compact_date(self) -> bool:
        if self._distinct is None or not self._whole:
            return False
        if not _FIRST_DATE <= self._low <= self._high <= _LAST_DATE:
            return False
        days, months = self._distinct % 100, self._distinct // 100 % 100
        return bool(days.is_between(1, 31).all() and months.is_between(1, 12).all())
