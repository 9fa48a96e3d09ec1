"""Apply and invert for vectors and tensors: of one column, or made of several columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from normcli.columns import named
from normcli.groups import Index
from normcli.joined import from_vector, to_vector
from normcli.kept import KeptColumn, from_columns, to_columns
from normcli.tensorcolumns import TensorColumn
from normcli.tensors import container
from normcli.transform import from_float

__all__ = ["TensorTarget"]

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TensorTarget:
    """What carries one tensor column over, or the vector of the columns `sources`.

    `sources` are the dtypes of the columns of the data; `members` what becomes of each: the
    dtype in which its numbers come back (of invert; else None), and the dtype that is written.
    """

    column: TensorColumn
    kept: Sequence[KeptColumn]
    sources: Mapping[str, pl.DataType] | None = None
    members: Sequence[tuple[pl.DataType | None, pl.DataType]] = ()
    what: str = ""
    """The data, for messages."""

    def outputs(self, schema: pl.Schema) -> dict[str, pl.DataType]:
        """Return the dtypes of the columns that are written."""
        name = self.column.name
        if self.sources is None:
            return {name: container(schema[name], self.column.output)}
        written = (output for _, output in self.members)
        return dict(zip(self.sources, written, strict=True))

    def lacks_parameters(self, frame: pl.DataFrame, groups: Index) -> Mask | None:
        """Return which rows hold values whose cells have no parameters; None if there are none."""
        return self.column.lacks_parameters(self._vectors(frame), groups)

    def _vectors(self, frame: pl.DataFrame) -> pl.Series:
        if self.sources is None:
            return frame[self.column.name]
        return frame.select(to_vector(self.sources).alias(self.column.name)).to_series()

    def carry(self, frame: pl.DataFrame, groups: Index | None) -> list[pl.Series]:
        """Return the columns carried over, and after them what apply keeps of the rows."""
        inverted = self.column.direction == "invert"
        had = from_columns(self.kept, frame, self.what) if inverted else {}
        carried, lost = self.column.carry(self._vectors(frame), groups, had)
        columns = [carried] if self.sources is None else self._columns(carried)
        return columns + ([] if inverted else to_columns(self.kept, lost))

    def _columns(self, vectors: pl.Series) -> list[pl.Series]:
        assert self.sources is not None
        elements = pl.DataFrame(from_vector(vectors, list(self.sources)))
        made = []
        for name, (inner, output) in zip(self.sources, self.members, strict=True):
            x = named(name)
            x = x if inner is None else from_float(x, inner, None)
            made.append(x.cast(output, strict=False))
        return elements.select(made).get_columns()
