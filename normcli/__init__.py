"""normcli: exact, reproducible, mergeable, invertible normalization of datasets.

>>> import polars as pl
>>> from normcli import fit
>>> frame = pl.DataFrame({"x": [1, 2, 4]})
>>> stats = fit(frame, method="minmax")
>>> stats.apply(frame)["x"].to_list()
[0.0, 0.3333333333333333, 1.0]
>>> stats.invert(stats.apply(frame)).equals(frame)
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from normcli.api import Stats, explain, fit, load, merge, suggest

__all__ = ["Stats", "__version__", "explain", "fit", "load", "merge", "suggest"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # The interface imports polars and numpy, which `normcli --help` must not wait for.
    if name in ("Stats", "explain", "fit", "load", "merge", "suggest"):
        from normcli import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
