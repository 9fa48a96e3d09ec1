"""Values as unsigned integers in the same order, and back.

A float64's bits, with the sign bit flipped for positive values and all bits for negative ones,
are an unsigned integer that is ordered as the value is; whole numbers are shifted to start at 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from normcli.statistics.base import Kind, Planes
from normcli.statistics.ordering import floats_of_keys, keys_of_floats

__all__ = ["KeyScale"]

Keys = npt.NDArray[np.uint64]
_SIGN = np.uint64(1 << 63)
_MASK = (1 << 64) - 1


class KeyScale:
    """How the values of a column become keys.

    128-bit integers are counted from `base`, their minimum; if they span more than 64 bits,
    `dropped` low bits are left out of the key (which then only narrows, never decides).
    """

    def __init__(self, kind: Kind, base: int = 0, dropped: int = 0) -> None:
        self.kind = kind
        self.base = base
        self.dropped = dropped

    @classmethod
    def of_range(cls, kind: Kind, low: Any, high: Any) -> KeyScale:
        """Return the scale for values between two bounds."""
        if kind != "wide":
            return cls(kind)
        return cls(kind, low, max(0, (high - low).bit_length() - 64))

    def keys(self, planes: Planes) -> Keys:
        """Return the keys of values."""
        values = planes[0]
        if self.kind == "float":
            return keys_of_floats(values.astype(np.float64, copy=False))
        if self.kind == "int":
            return values.astype(np.int64, copy=False).view(np.uint64) ^ _SIGN
        if self.kind == "uint":
            return values.astype(np.uint64, copy=False)
        low = planes[1] - np.uint64(self.base & _MASK)
        borrow = planes[1] < np.uint64(self.base & _MASK)
        base_high = np.int64(self.base >> 64)
        high = (values - base_high - borrow.astype(np.int64)).view(np.uint64)
        if self.dropped == 0:
            return low
        if self.dropped >= 64:
            return high >> np.uint64(self.dropped - 64)
        return (high << np.uint64(64 - self.dropped)) | (low >> np.uint64(self.dropped))

    def key(self, value: Any) -> int:
        """Return the key of one value."""
        if self.kind == "wide":
            return int((value - self.base) >> self.dropped)
        dtype = {"float": np.float64, "int": np.int64, "uint": np.uint64}[self.kind]
        return int(self.keys((np.array([value], dtype),))[0])

    def values(self, keys: Keys) -> list[Any]:
        """Return the values of keys, as Python numbers; only where no bits were dropped."""
        if self.kind == "float":
            return floats_of_keys(keys).tolist()  # type: ignore[no-any-return]
        if self.kind == "int":
            return (keys ^ _SIGN).view(np.int64).tolist()  # type: ignore[no-any-return]
        return [self.base + int(key) for key in keys.tolist()]
