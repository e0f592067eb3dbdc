"""Parquet files as tables: as data frames have them, whatever wrote them."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from citygrid.errors import InputError
from citygrid.inputs.parquet import read_parquet
from citygrid.inputs.tables import from_frame

MOMENTS = pd.to_datetime(["2020-01-01T00:00", "2021-06-01T12:30", "2022-01-01T00:00"])
PLAIN = {
    "power [kW]": np.array([1.0, 2.0, 3.0]), "count": np.array([1, 2, 3], dtype="uint8"),
    "on": np.array([True, False, True]), "utc": MOMENTS.tz_localize("UTC"),
    "berlin": MOMENTS.tz_localize("Europe/Berlin"), "naive": MOMENTS,
    "span": pd.to_timedelta([1, 2, 3], unit="h"),
}  # fmt: skip
LACKING = {
    "power [kW]": np.array([1.5, np.nan, 2.0], dtype="float32"),
    "count": pd.array([1, None, 3], dtype="Int64"), "on": [True, None, False],
    "text": ["x", None, "z"], "kind": pd.Categorical(["u", None, "u"]),
    "naive": MOMENTS.where([True, False, True]),
    "utc": MOMENTS.tz_localize("UTC").where([True, False, True]),
    "day": [datetime.date(2020, 1, 1), None, datetime.date(2021, 1, 1)],
    "exact": [decimal.Decimal("1.5"), None, decimal.Decimal(2)],
}  # fmt: skip
HOURS = pd.date_range("2020-01-01", periods=3, freq="h", tz="UTC")
INDEXES = {
    "none": None, "dated": HOURS, "named": pd.Index(["p", "q", "r"], name="place"),
    "nameless": pd.Index(["p", "q", "r"]), "counted": pd.RangeIndex(0, 6, 2, name="hour"),
    "dated and named": HOURS.rename("zeit"),
    "of two levels": pd.MultiIndex.from_tuples([(1, 2), (3, 4), (5, 6)], names=["k", "l"]),
}  # fmt: skip


def _shown(values: NDArray[Any]) -> list[str | None]:
    return [None if pd.isna(value) else str(value) for value in values]


def test_an_index_that_somebody_has_dropped_is_none(tmp_path: Path) -> None:
    frame = pd.DataFrame({"power [kW]": [1.0, 2.0, 3.0]}, index=INDEXES["named"])
    table = pa.Table.from_pandas(frame).drop_columns(["place"])
    file = tmp_path / "table.parquet"
    pq.write_table(table, file)
    (column,) = read_parquet(file).columns
    assert (column.name, list(column.values)) == ("power", [1.0, 2.0, 3.0])


@pytest.mark.parametrize("index", INDEXES)
@pytest.mark.parametrize("columns", [PLAIN, LACKING], ids=["whole", "with gaps"])
def test_columns_are_those_of_a_data_frame(tmp_path: Path, columns: dict, index: str) -> None:
    frame = pd.DataFrame(columns, index=INDEXES[index])
    file = tmp_path / "table.parquet"
    frame.to_parquet(file)
    found, wanted = read_parquet(file), from_frame(file, pd.read_parquet(file))
    assert [c.header for c in found.columns] == [c.header for c in wanted.columns]
    assert list(found.rows) == list(wanted.rows) == [1, 2, 3]
    for one, other in zip(found.columns, wanted.columns, strict=True):
        assert (one.name, one.unit, one.utc) == (other.name, other.unit, other.utc)
        assert one.values.dtype == other.values.dtype, one.header
        assert _shown(one.values) == _shown(other.values), one.header


def test_what_only_pandas_knows_it_reads_itself(tmp_path: Path) -> None:
    file = tmp_path / "periods.parquet"
    hours = pd.period_range("2023-01-16", periods=2, freq="h")
    pd.DataFrame({"hour": hours, "power [kW]": [1.0, 2.0]}).to_parquet(file)
    assert list(map(str, read_parquet(file).columns[0].values)) == list(map(str, hours))


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "empty.parquet"
    pd.DataFrame({"power [kW]": np.zeros(0)}).to_parquet(file)
    with pytest.raises(InputError, match="the file has no rows"):
        read_parquet(file)
