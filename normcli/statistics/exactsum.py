"""Exact sums: integers scaled by powers of two, for many cells at once.

A float64 is m·2^e, so a sum of float64 values, or of their squares, is an integer times a
power of two and can be kept without any rounding. `ExactSum` keeps one such number for each
cell (a group, a channel) as int64 limbs in base 2^LIMB_BITS: cell c holds

    value[c] = Σ_i limbs[i, c] · 2^(LIMB_BITS · (low + i))

Limbs are signed and may exceed the base (carry-save), so that adding is one vector addition;
only the value, never the choice of limbs, is visible from outside. Addition of integers is
associative and commutative, and so is this type, bit for bit.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.statistics.hextext import MOST_EXPONENT, limbs_of, texts_of

__all__ = ["LIMB_BITS", "ExactSum"]

LIMB_BITS = 19
_BASE = 1 << LIMB_BITS
# Fewer cells are read and written one by one.
_FEW = 24
_NOT_CANONICAL = '"{}" is not an exact number in canonical form'
# A part added to a limb is an exact integer below 2^53; 2^9 of them fit an int64 with room.
_ADDS_BETWEEN_CARRIES = 2**9

Int64Array = npt.NDArray[np.int64]


class ExactSum:
    """One exact number m·2^e for each of `cells` cells; starts at zero."""

    __slots__ = ("_adds", "cells", "limbs", "low")

    def __init__(self, cells: int, low: int = 0, limbs: Int64Array | None = None) -> None:
        self.cells = cells
        self.low = low
        self.limbs: Int64Array = np.zeros((0, cells), np.int64) if limbs is None else limbs
        self._adds = 0

    def _reserve(self, low: int, high: int) -> None:
        """Make room for limbs low … high − 1."""
        if len(self.limbs) == 0:
            self.low = low
        below = max(0, self.low - low)
        above = max(0, high - self.low - len(self.limbs))
        if below or above:
            limbs = np.zeros((below + len(self.limbs) + above, self.cells), np.int64)
            limbs[below : below + len(self.limbs)] = self.limbs
            self.limbs = limbs
            self.low -= below

    def add(
        self, low: int, parts: npt.NDArray[np.float64], where: npt.NDArray[np.intp] | None = None
    ) -> None:
        """Add Σ_i parts[i]·2^(LIMB_BITS·(low+i)), in place.

        `parts` is (limbs × cells), or (limbs × len(where)) with the distinct cells to add to;
        each is an exact integer of magnitude below 2^53.
        """
        count = len(parts)
        if count == 0:
            return
        if self._adds >= _ADDS_BETWEEN_CARRIES:
            self._carry()
        self._adds += 1
        self._reserve(low, low + count)
        first = low - self.low
        integers = parts.astype(np.int64)
        if where is None:
            self.limbs[first : first + count] += integers
        else:
            self.limbs[first : first + count, where] += integers

    def _carry(self) -> None:
        """Bring every limb but the top one back below the base."""
        self._reserve(self.low, self.low + len(self.limbs) + 4)
        half = np.int64(1 << (LIMB_BITS - 1))
        carry, part = np.empty((2, self.cells), np.int64)
        for i in range(len(self.limbs) - 1):
            np.add(self.limbs[i], half, out=carry)
            carry >>= LIMB_BITS
            self.limbs[i + 1] += carry
            np.left_shift(carry, LIMB_BITS, out=part)
            self.limbs[i] -= part
        while len(self.limbs) > 1 and not self.limbs[-1].any():
            self.limbs = self.limbs[:-1]
        self._adds = 1

    def __add__(self, other: ExactSum) -> ExactSum:
        """Return the cell-wise sum of two sums over the same cells."""
        if not len(other.limbs) or not len(self.limbs):
            return (self if len(self.limbs) else other).copy()
        total = self.copy()
        addend = other.copy()
        for each in (total, addend):
            each._carry()
        if len(addend.limbs):
            total._reserve(addend.low, addend.low + len(addend.limbs))
            first = addend.low - total.low
            total.limbs[first : first + len(addend.limbs)] += addend.limbs
            total._adds = 2
        return total

    def carried(self) -> ExactSum:
        """Return the same sums with every limb in balanced digits, at most half the base."""
        total = self.copy()
        total._carry()
        return total

    def copy(self) -> ExactSum:
        """Return an independent copy."""
        twin = ExactSum(self.cells, self.low, self.limbs.copy())
        twin._adds = self._adds
        return twin

    def scatter(self, where: npt.NDArray[np.intp], cells: int) -> ExactSum:
        """Return the sums laid out anew over `cells` cells: cell i becomes cell where[i]."""
        moved = self.copy()
        moved.limbs = np.zeros((len(self.limbs), cells), np.int64)
        moved.limbs[:, where] = self.limbs
        moved.cells = cells
        return moved

    def fold(self, cells: int = 1) -> ExactSum:
        """Return the sums over the cells i, i + cells, i + 2·cells and so on."""
        digits = self.carried()
        limbs = digits.limbs.reshape(len(digits.limbs), -1, cells).sum(axis=1)
        return ExactSum(cells, digits.low, limbs).carried()

    @property
    def exponent(self) -> int:
        """The power of two that `integers` are in units of."""
        return LIMB_BITS * self.low

    def integers(self, where: npt.NDArray[np.intp] | None = None) -> list[int]:
        """Return for each cell (or for some) the integer m of its value m·2^exponent."""
        limbs = self.limbs if where is None else self.limbs[:, where]
        if len(limbs) == 0:
            return [0] * limbs.shape[1]
        numbers: npt.NDArray[Any] = limbs[-1].astype(object)
        for limb in limbs[-2::-1]:
            numbers = (numbers << LIMB_BITS) + limb.astype(object)
        return numbers.tolist()  # type: ignore[no-any-return]

    def part(self, cells: slice) -> ExactSum:
        """Return the sums of some cells."""
        limbs = self.limbs[:, cells].copy()
        return ExactSum(limbs.shape[1], self.low, limbs)

    def times(self, factors: Int64Array) -> ExactSum:
        """Return the sums times whole numbers from 0 up to 2^57, one for each cell."""
        digits = self.carried()
        pieces = [(factors >> shift) & (_BASE - 1) for shift in range(0, 57, LIMB_BITS)]
        limbs = np.zeros((len(digits.limbs) + len(pieces) - 1, self.cells), np.int64)
        for i, piece in enumerate(pieces):
            if piece.any():
                limbs[i : i + len(digits.limbs)] += digits.limbs * piece
        return ExactSum(self.cells, digits.low, limbs)

    def minus_square(self, other: ExactSum) -> ExactSum:
        """Return the sums minus the squares of others, which have fewer than 2^24 limbs."""
        digits, less = self.carried(), other.carried()
        count = len(less.limbs)
        if count == 0:
            return digits
        digits._reserve(2 * less.low, 2 * less.low + 2 * count - 1)
        first = 2 * less.low - digits.low
        for i, limb in enumerate(less.limbs):
            digits.limbs[first + 2 * i] -= limb * limb
            digits.limbs[first + 2 * i + 1 : first + i + count] -= 2 * limb * less.limbs[i + 1 :]
        return digits

    @classmethod
    def from_digits(cls, digits: Int64Array, exponent: int, *, bits: int) -> ExactSum:
        """Return Σ_i digits[i]·2^(exponent + bits·i) for each cell; digits are below 2^62."""
        used = np.flatnonzero(digits.any(axis=1))
        if len(used) == 0:
            return cls(digits.shape[1])
        places = exponent + bits * used
        low, high = int(places[0]) // LIMB_BITS, int(places[-1]) // LIMB_BITS
        limbs = np.zeros((high - low + 2, digits.shape[1]), np.int64)
        for i, place in zip(used, places.tolist(), strict=True):
            limb, shift = divmod(place, LIMB_BITS)
            room = LIMB_BITS - shift
            limbs[limb - low] += (digits[i] & ((1 << room) - 1)) << shift
            limbs[limb - low + 1] += digits[i] >> room
        total = cls(digits.shape[1], low, limbs)
        total._carry()
        return total

    @classmethod
    def from_integers(cls, numbers: list[int], exponent: int) -> ExactSum:
        """Return the sum whose cell i is numbers[i]·2^exponent."""
        low, shift = divmod(exponent, LIMB_BITS)
        scaled = [number << shift for number in numbers]
        bits = max((number.bit_length() for number in scaled), default=0)
        if bits == 0:
            return cls(len(numbers))
        mask = (1 << LIMB_BITS) - 1
        limbs = np.zeros((bits // LIMB_BITS + 1, len(numbers)), np.int64)
        for i in range(len(limbs) - 1):
            limbs[i] = [number >> (LIMB_BITS * i) & mask for number in scaled]
        limbs[-1] = [number >> (LIMB_BITS * (len(limbs) - 1)) for number in scaled]
        total = cls(len(numbers), low, limbs)
        total._adds = 1
        return total

    def to_hex(self) -> list[str]:
        """Return each cell as canonical text "0x…p…": an odd integer times a power of two.

        >>> ExactSum.from_integers([0, 12, -3], -1).to_hex()
        ['0x0p0', '0x3p1', '-0x3p-1']
        """
        if self.cells < _FEW:
            return [_hex(number, self.exponent) for number in self.integers()]
        return self.texts().to_list()

    def texts(self) -> pl.Series:
        """Return what `to_hex` does, of many cells at once."""
        digits = self.carried()
        return texts_of(digits.limbs, digits.low, LIMB_BITS)

    @classmethod
    def from_hex(cls, texts: list[str]) -> ExactSum:
        """Return the sums written by `to_hex`; raise ValueError for any other text."""
        if len(texts) >= _FEW:
            limbs, low = limbs_of(texts, LIMB_BITS)
            total = cls(len(texts), low, limbs).carried()
            for text, canonical in zip(texts, total.to_hex(), strict=True):
                if text != canonical:
                    raise ValueError(_NOT_CANONICAL.format(text))
            return total
        pairs = [_unhex(text) for text in texts]
        exponent = min((e for m, e in pairs if m), default=0)
        return cls.from_integers([m << (e - exponent) if m else 0 for m, e in pairs], exponent)


def _hex(mantissa: int, exponent: int) -> str:
    if mantissa == 0:
        return "0x0p0"
    zeros = (mantissa & -mantissa).bit_length() - 1
    return f"{mantissa >> zeros:#x}p{exponent + zeros}"


def _unhex(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(-?0x[0-9a-f]{1,3200})p(-?\d{1,4})", text)
    mantissa, exponent = (int(found[1], 16), int(found[2])) if found else (0, 0)
    if abs(exponent) > MOST_EXPONENT or _hex(mantissa, exponent) != text:
        raise ValueError(_NOT_CANONICAL.format(text))
    return mantissa, exponent
