"""Rules for columns whose rows hold several values: vectors, images, lists, structs."""

from __future__ import annotations

import polars as pl

from normcli.profiles import Profile
from normcli.suggestion.advice import Advice
from normcli.suggestion.shapes import After
from normcli.tensors import Tensor, shape_text, tensor_of

__all__ = ["VECTORS"]

_MOST_COLOURS = 4


def tensor(column: Profile, after: After) -> Advice | None:
    """Vectors element by element, images colour by colour, lists as a whole."""
    held = tensor_of(column.dtype)
    if held is None or held.inner.is_temporal() or held.inner == pl.Boolean():
        return None
    what = "lists of any length" if held.shape is None else f"tensors of {shape_text(held.shape)}"
    if held.shape is not None and len(held.shape) == 1:
        what = f"vectors of {held.size}"
    if held.inner == pl.UInt8():
        return Advice("minmax:min=0,max=255", f"{what}, of bytes from 0 to 255")
    axis, kept = _axis(held)
    return Advice(f"zscore{axis}", f"{what}; {kept}")


def no_number(column: Profile, after: After) -> Advice | None:
    """Structs, bytes and whatever else no method takes."""
    if column.kind != "other":
        return None
    kind = str(column.dtype.base_type()).lower()
    return Advice("skip", f"of type {kind}, which no method takes")


def _axis(held: Tensor) -> tuple[str, str]:
    """Return the option that says which axis keeps its own statistics, and what that means."""
    if held.shape is None:
        return ":axis=none", "all elements alike"
    if len(held.shape) == 1:
        return "", "each element on its own"
    if held.shape[-1] <= _MOST_COLOURS:
        return "", "each channel on its own (the last axis)"
    if held.shape[0] <= _MOST_COLOURS:
        return ":axis=0", "each channel on its own (the first axis)"
    return ":axis=none", "all elements alike"


VECTORS = (tensor, no_number)
