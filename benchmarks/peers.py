"""What others do with the same data, each as a whole process: python -m benchmarks.peers WORK FILE.

Every work ends with the same numbers as normcli's, as near as the other one gets to them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

__all__ = ["WORKS"]

COLUMNS = [f"f{i}" for i in range(8)]

Work = Callable[[str, str], Any]


def _polars_moments(source: Any, by: str) -> Any:
    import polars as pl

    each = [
        expression.alias(f"{name}_{what}")
        for name in COLUMNS
        for what, expression in (
            ("mean", pl.col(name).mean()),
            ("std", pl.col(name).std(ddof=0)),
            ("min", pl.col(name).min()),
            ("max", pl.col(name).max()),
        )
    ]
    lazy = source.group_by(by).agg(each) if by else source.select(each)
    return lazy.collect(engine="streaming")


def polars_fit(path: str, by: str) -> Any:
    """Mean, std, min and max by polars' streaming engine, inexactly."""
    import polars as pl

    return _polars_moments(pl.scan_parquet(path), by)


def polars_csv(path: str, by: str) -> Any:
    """The same from CSV."""
    import polars as pl

    return _polars_moments(pl.scan_csv(path), by)


def _duckdb(table: str, by: str) -> Any:
    import duckdb

    wanted = ", ".join(f"avg({c}), stddev_pop({c}), min({c}), max({c})" for c in COLUMNS)
    keys, grouped = (f"{by}, ", f" group by {by}") if by else ("", "")
    return duckdb.execute(f"select {keys}{wanted} from {table}{grouped}").fetchall()


def duckdb_fit(path: str, by: str) -> Any:
    """The same by DuckDB."""
    return _duckdb(f"'{path}'", by)


def duckdb_csv(path: str, by: str) -> Any:
    """The same by DuckDB, from CSV."""
    return _duckdb(f"read_csv('{path}')", by)


def duckdb_quartiles(path: str, by: str) -> Any:
    """Exact quartiles by DuckDB."""
    import duckdb

    wanted = ", ".join(f"quantile_cont({c}, [0.25, 0.5, 0.75])" for c in COLUMNS)
    return duckdb.execute(f"select {wanted} from '{path}'").fetchall()


def polars_quartiles(path: str, by: str) -> Any:
    """Exact quartiles by polars."""
    import polars as pl

    shares = (0.25, 0.5, 0.75)
    wanted = [
        pl.col(c).quantile(q, interpolation="linear").alias(f"{c}_{q}")
        for c in COLUMNS
        for q in shares
    ]
    return pl.scan_parquet(path).select(wanted).collect(engine="streaming")


def sklearn_fit(path: str, by: str) -> Any:
    """StandardScaler.partial_fit over Arrow batches."""
    import numpy as np
    import pyarrow.parquet as pq
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    for batch in pq.ParquetFile(path).iter_batches(1 << 17, columns=COLUMNS):
        scaler.partial_fit(np.column_stack([column.to_numpy() for column in batch.columns]))
    return scaler


def sklearn_quartiles(path: str, by: str) -> Any:
    """RobustScaler over the whole table."""
    import pyarrow.parquet as pq
    from sklearn.preprocessing import RobustScaler

    return RobustScaler().fit(pq.read_table(path, columns=COLUMNS).to_pandas().to_numpy())


def sklearn_apply(path: str, by: str) -> Any:
    """StandardScaler.transform of Arrow batches, written by pyarrow."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    scaler = sklearn_fit(path, "")
    schema = pa.schema([(name, pa.float64()) for name in COLUMNS])
    with pq.ParquetWriter(f"{path}.out", schema) as writer:
        for batch in pq.ParquetFile(path).iter_batches(1 << 17, columns=COLUMNS):
            table = np.column_stack([column.to_numpy() for column in batch.columns])
            scaled = scaler.transform(table)
            writer.write_batch(pa.record_batch(list(scaled.T), schema=schema))


def pandas_fit(path: str, by: str) -> Any:
    """The same numbers by pandas."""
    import pandas as pd

    frame = pd.read_parquet(path, columns=[*COLUMNS, *([by] if by else [])])
    table = frame.groupby(by)[COLUMNS] if by else frame[COLUMNS]
    return table.agg(["mean", "std", "min", "max"])


def polars_copy(path: str, by: str) -> Any:
    """A copy from Parquet to Parquet by polars: the floor of apply and invert."""
    import polars as pl

    pl.scan_parquet(path).sink_parquet(f"{path}.out")


def nothing(path: str, by: str) -> Any:
    """What importing polars and typer takes."""
    import polars
    import typer

    return polars, typer


WORKS: dict[str, Work] = {
    work.__name__: work
    for work in (
        polars_fit,
        polars_csv,
        polars_quartiles,
        polars_copy,
        duckdb_fit,
        duckdb_csv,
        duckdb_quartiles,
        sklearn_fit,
        sklearn_quartiles,
        sklearn_apply,
        pandas_fit,
        nothing,
    )
}


if __name__ == "__main__":
    name, path, *by = sys.argv[1:]
    WORKS[name](path, by[0] if by else "")
