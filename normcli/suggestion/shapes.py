"""Rules for the shape of numbers: zeros, piles, outliers, skew."""

from __future__ import annotations

from collections.abc import Callable

from normcli.profiles import Profile, Shape
from normcli.suggestion.advice import Advice
from normcli.suggestion.words import exact, figure, percent

__all__ = ["SHAPES", "After"]

After = Callable[[str], Shape | None]
"""The shape that the column has after a chain."""

_FEW_VALUES = 30
_MANY_VALUES = 100
_SPARSE, _SPARSE_SKEW = 0.5, 4.0
_SYMMETRIC, _MODERATE, _STRONG = 0.5, 1.0, 1.5
_SYMMETRIC_CORE = 0.6
"""Skew below which what is not far out counts as symmetric, although quartiles are estimates."""
_WIDENED = 1.25
_REACHING = 20.0
_TAILS = 0.05
_PILED = 0.5
_STRAIGHTER = 0.6
_LESS_SKEWED = 0.75
_STRAIGHT = 0.025


def too_few(column: Profile, after: After) -> Advice | None:
    """A shape needs values."""
    if column.valid >= _FEW_VALUES:
        return None
    return Advice("zscore", f"{column.valid} values: too few to judge the shape")


def sparse(column: Profile, after: After) -> Advice | None:
    """Mostly zeros, which should stay zeros."""
    share = column.zeros / column.valid
    if share < _SPARSE or column.shape is None:
        return None
    reason = f"{percent(share)} zeros, which stay 0"
    before = column.shape.skew
    if not column.negatives and before > _SPARSE_SKEW:
        shapes = {name: shape for name in ("log1p", "sqrt") if (shape := after(name)) is not None}
        best = min(shapes, key=lambda name: abs(shapes[name].skew))
        if abs(shapes[best].skew) <= _LESS_SKEWED * before:
            change = f"skew {figure(before)}, {figure(shapes[best].skew)} after {best}"
            return Advice(f"{best}+maxabs", f"{reason}; {change}")
    return Advice("maxabs", reason)


def piled(column: Profile, after: After) -> Advice | None:
    """With half of the values at one point, quartiles and tails mean little."""
    shape = column.shape
    if shape is None or shape.piled < _PILED:
        return None
    pile = exact(shape.quartiles[1])
    if shape.centred:
        where = "their group's median"
    else:
        where = f"at the upper end, {pile}" if shape.quartiles[1] == column.high else pile
    return Advice("minmax", f"{percent(shape.piled)} of the values are {where}")


def tails(column: Profile, after: After) -> Advice | None:
    """Symmetric with long tails on both sides of 0: there are too many for outliers."""
    shape = column.shape
    if shape is None or abs(shape.core) > _SYMMETRIC_CORE or shape.far < _TAILS:
        return None
    function = _asinh(shape)
    if not column.negatives or function is None or (carried := after(function)) is None:
        return None
    if _bend(carried) > _STRAIGHTER * _bend(shape):
        return None
    reason = f"symmetric with long tails ({percent(shape.far)} far out, up to {_reach(shape)})"
    return Advice(f"{function}+zscore", reason)


def outliers(column: Profile, after: After) -> Advice | None:
    """Symmetric but for what is far out."""
    shape = column.shape
    if shape is None or abs(shape.core) > _SYMMETRIC_CORE or not _needs_robust(shape):
        return None
    exception = f"{percent(shape.far)} far out," if shape.far else "rare values"
    skew = figure(shape.core)
    return Advice("robust", f"symmetric (skew {skew}) but for {exception} up to {_reach(shape)}")


def even(column: Profile, after: After) -> Advice | None:
    """Symmetric, or nearly: mean and standard deviation say it all."""
    if column.shape is None or abs(column.shape.skew) > _MODERATE:
        return None
    near = abs(column.shape.skew) <= _SYMMETRIC
    skew = figure(column.shape.skew)
    return Advice("zscore", f"near symmetric (skew {skew})" if near else f"moderate skew ({skew})")


def skewed(column: Profile, after: After) -> Advice | None:
    """The function that makes the normal quantile plot straightest, if one does."""
    before = column.shape
    if before is None:
        return None
    known = _functions(column, before)
    shapes = {chain: shape for chain in known if (shape := after(chain)) is not None}
    better = [chain for chain, shape in shapes.items() if _is_better(shape, before)]
    best = min(better, key=lambda chain: _rank(shapes[chain]), default=None)
    power = "boxcox" if column.low > 0 else "yeojohnson"
    strong = abs(before.skew) > _STRONG and column.valid >= _MANY_VALUES
    unclear = best is None or _bend(shapes[best]) > _STRAIGHT
    if strong and unclear:
        shape = after(power)
        limit = _bend(before) * _STRAIGHTER if best is None else _bend(shapes[best]) / 2
        if shape is not None and _bend(shape) <= limit:
            shapes[power], best = shape, power
    return None if best is None else _transformed(column, before, best, shapes[best])


def stubborn(column: Profile, after: After) -> Advice | None:
    """Skewed, and nothing helps."""
    shape = column.shape
    skew = "" if shape is None else f" (skew {figure(shape.skew)})"
    if shape is not None and _needs_robust(shape):
        return Advice("robust", f"skewed{skew} and far out; no log or root makes it straighter")
    return Advice("zscore", f"skewed{skew}; no log or root makes it much straighter")


def _functions(column: Profile, shape: Shape) -> tuple[str, ...]:
    """Return functions that pull the longer tail in and are defined on all values."""
    if column.low > 0:
        return ("log", "sqrt") if shape.skew > 0 else ()
    if column.low == 0:
        return ("log1p", "sqrt") if shape.skew > 0 else ()
    asinh = _asinh(shape)
    return ("symlog",) if asinh is None else ("symlog", asinh)


def _asinh(shape: Shape) -> str | None:
    """Return the chain that leaves the values around 0 as they are, up to a factor.

    The factor has one digit, so that it does not change with a few rows.
    """
    scale = max(abs(quartile) for quartile in shape.quartiles)
    return f"asinh:s={float(f'{scale:.0e}'):g}" if scale > 0 else None


def _reach(shape: Shape) -> str:
    return f"{figure(shape.reach)} interquartile ranges away"


def _bend(shape: Shape) -> float:
    return 1 - shape.straightness


def _rank(shape: Shape) -> tuple[bool, float]:
    return abs(shape.skew) > _MODERATE, _bend(shape)


def _is_better(shape: Shape, before: Shape) -> bool:
    straighter = _bend(shape) <= _STRAIGHTER * _bend(before)
    return straighter and abs(shape.skew) <= _LESS_SKEWED * abs(before.skew)


def _needs_robust(shape: Shape) -> bool:
    return shape.widening > _WIDENED or shape.reach > _REACHING


def _transformed(column: Profile, before: Shape, function: str, shape: Shape) -> Advice:
    domain = "above 0" if column.low > 0 else "from 0" if column.low == 0 else "below 0 too"
    name = function.partition(":")[0]
    change = f"skew {figure(before.skew)}, {figure(shape.skew)} after {name}"
    scaling = "robust" if _needs_robust(shape) else "zscore"
    rest = f"; {percent(shape.far)} still far out" if scaling == "robust" and shape.far else ""
    return Advice(f"{function}+{scaling}", f"{domain}, {change}{rest}")


SHAPES = (too_few, sparse, piled, tails, outliers, even, skewed, stubborn)
