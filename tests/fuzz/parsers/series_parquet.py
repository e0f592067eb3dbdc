"""Series from Parquet."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd

from tests.fuzz.parsers import series


def _parquet(index: bool) -> bytes:
    stamps = pd.date_range("2023-01-16", periods=6, freq="h", tz="UTC", name="time")
    frame = pd.DataFrame({"price [EUR/MWh]": [1.0, 2, 3, 4, 5, 6]}, index=stamps)
    stream = io.BytesIO()
    (frame if index else frame.reset_index()).to_parquet(stream)
    return stream.getvalue()


SEEDS = [_parquet(True), _parquet(False)]


def read(data: bytes, folder: Path) -> None:
    series.read(data, folder, ".parquet")
