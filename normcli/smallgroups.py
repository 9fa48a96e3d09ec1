"""Groups with few values: which they are, and that they take the parameters of all rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["cells_of", "small_groups", "with_parameters_of_all"]


def cells_of(groups: Sequence[int], channels: int) -> frozenset[int]:
    """Return the cells of groups, each of which has so many channels.

    >>> sorted(cells_of((0, 2), 2))
    [0, 1, 4, 5]
    """
    return frozenset(group * channels + k for group in groups for k in range(channels))


def small_groups(counts: npt.NDArray[np.int64], channels: int, least: int) -> tuple[int, ...]:
    """Return the groups, by number, that have fewer valid values than `least` in any channel.

    `counts` are those of the channels of all groups, one group after the other.

    >>> small_groups(np.array([5, 0, 3]), 1, 4)
    (1, 2)
    """
    fewest = counts.reshape(-1, channels).min(axis=1)
    return tuple(np.flatnonzero(fewest < least).tolist())


def with_parameters_of_all(
    groups: Mapping[str, Sequence[Any]], rows: Mapping[str, Sequence[Any]], small: Sequence[int]
) -> dict[str, list[Any]]:
    """Return the parameters by group, with those of all rows for the small groups.

    >>> with_parameters_of_all({"mean": [1.0, None, 3.0]}, {"mean": [2.5]}, [1])
    {'mean': [1.0, 2.5, 3.0]}
    """
    taken = {name: list(values) for name, values in groups.items()}
    for name, values in taken.items():
        if name in rows:
            channels = len(rows[name])
            for group in small:
                values[group * channels : (group + 1) * channels] = rows[name]
    return taken
