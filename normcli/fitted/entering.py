"""What enters a step: how its values are held, and the statistics that are taken of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import polars as pl

from normcli.columns import decimal_scale, number_kind
from normcli.errors import DataError
from normcli.fitted.model import States, inner_dtype
from normcli.methods import Method
from normcli.methods.base import once
from normcli.methods.rowwise import RowMethod
from normcli.recipe import Chain, count_fitted, option_text
from normcli.statistics import STATISTICS, Kind
from normcli.tensors import (
    ONE_CHANNEL,
    Channels,
    channels,
    shape_text,
    tensor_of,
)

__all__ = [
    "RAW_STATISTICS",
    "SKETCH_STATISTICS",
    "empty_states",
    "fitted_before",
    "fold",
    "input_kind",
    "input_scale",
    "needed_statistics",
    "step_channels",
]


RAW_STATISTICS = ("counts", "extremes", "moments")
"""The statistics of every column as it comes in, whatever its methods need."""

SKETCH_STATISTICS = ("counts", "extremes", "sketch")
"""What approximate percentiles are taken from."""


def step_channels(name: str, dtype: pl.DataType, method: Method) -> Channels:
    """Return the channels that a step has parameters for: one, but for tensors.

    Raise DataError where lists of given parameters are not as long as there are channels.
    """
    tensor = tensor_of(dtype)
    if isinstance(method, RowMethod):
        assert tensor is not None and tensor.shape is not None, "a chain that joins has tensors"
        method.check_shape(f'column "{name}"', tensor.shape)
    lists = {key: len(value) for key, value in method.given.items() if type(value) is tuple}
    # Vectors are treated as wholes by methods that join columns.
    if tensor is None or method.joins or not (method.fitted or lists):
        found = ONE_CHANNEL
    else:
        found = channels(tensor, method.axis, f'column "{name}"')
    for key, length in lists.items():
        if tensor is None:
            raise DataError(
                f'column "{name}" is no tensor column, but {key} of {method.name} is given as '
                f"a list of {length} values",
                f"give one number: {method.name}:{key}=1",
            )
        if length != found.count:
            shape = (
                "lists" if tensor.shape is None else f"tensors of shape {shape_text(tensor.shape)}"
            )
            raise DataError(
                f'column "{name}": {key} of {method.name} has {length} values, but axis='
                f"{option_text(method.axis)} makes {found.count} channel"
                f"{'' if found.count == 1 else 's'} of {shape}",
                "give one number for each channel, in order, or one for all",
            )
    return found


def fitted_before(chain: Chain, step: int) -> int:
    """Return how many steps before that one are fitted."""
    return count_fitted(chain[:step])


def input_kind(dtype: pl.DataType, chain: Chain, step: int) -> Kind:
    """Return how the values that enter a step are held."""
    if step:
        return "float"
    return "text" if chain[0].encodes else cast(Kind, number_kind(inner_dtype(dtype)))


def input_scale(dtype: pl.DataType, chain: Chain, step: int) -> int:
    """Return the decimals of the units that the states of a step's input are in."""
    return decimal_scale(inner_dtype(dtype)) if step == 0 and not chain[0].encodes else 0


def needed_statistics(chain: Chain, step: int, sketched: bool) -> tuple[str, ...]:
    """Return the statistics to take of the values that enter a step, in the registry's order."""
    needs = chain[step].needs(once(chain[step].given)) if chain[step].fitted else None
    wanted = set() if needs is None or needs.of is not None else {*needs.statistics}
    if needs is not None and needs.of is None and needs.searches and sketched:
        wanted |= set(SKETCH_STATISTICS)
    if step == 0:
        wanted |= {"counts"} if chain[0].encodes else set(RAW_STATISTICS)
    elif needs is not None:
        wanted.add("counts")
    return tuple(name for name in STATISTICS if name in wanted)


def empty_states(names: Sequence[str], kind: Kind, cells: int) -> States:
    """Return states of no rows."""
    return {name: STATISTICS[name].empty(kind, cells) for name in names}


def fold(states: States, channels: int = 1) -> States:
    """Return the states of all groups' rows together, by channel."""
    return {name: state.fold(channels) for name, state in states.items()}
