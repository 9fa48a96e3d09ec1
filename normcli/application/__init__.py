"""Apply and invert: a stats file's columns carried over the columns of other data.

A `Transform` is a function of a frame, made once for a schema; the engine calls it for every
batch, from any thread.
"""

from __future__ import annotations

from normcli.application.options import Direction, TransformKeywords, TransformOptions

# `Transform` is imported from `application.carrying`: a fit has no use for it.
__all__ = ["Direction", "TransformKeywords", "TransformOptions"]
