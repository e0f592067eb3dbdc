"""Tables from Parquet files, column by column as arrays."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citygrid.errors import Fault, InputError
from citygrid.inputs.tables import (
    Column,
    Table,
    check_cells,
    check_unpacked,
    from_frame,
    split_header,
)

#: What a column of stamps is called that is the index of a data frame and has no name there.
TIME = "time"


def read_parquet(file: Path) -> Table:
    """A Parquet file; one that claims more than a series needs is refused by what it says.

    Equal numbers take no room in it: a file of kilobytes may hold a thousand million of them. Of a
    file that pandas wrote, a named or dated index becomes the first column.
    """
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(file) as stored:
        _check(file, stored.metadata)
        held = stored.read(use_threads=False)
    if any(_is_foreign(field) for field in held.schema):
        import pandas as pd

        return from_frame(file, pd.read_parquet(file))
    columns, hidden = _index(held) if held.num_rows else ([], set())
    columns += [_column(name, held[name]) for name in held.column_names if name not in hidden]
    if not held.num_rows or not columns:
        raise InputError(Fault(str(file), "the file has no rows", None, "add rows"))
    return Table(file, tuple(columns), np.arange(1, held.num_rows + 1, dtype=np.int64))


def _check(file: Path, said: Any) -> None:
    """Raise :class:`InputError` for names that stand twice and for what is too much to be read."""
    names = Counter(said.schema.column(i).path for i in range(said.num_columns))
    for name, count in names.most_common(1):
        if count > 1:
            raise InputError(Fault(f"{file}, header", "two columns have one name", name,
                                   "rename one"))  # fmt: skip
    groups = [said.row_group(i) for i in range(said.num_row_groups)]
    check_cells(file, max(said.num_rows, sum(group.num_rows for group in groups))
                * said.num_columns)  # fmt: skip
    check_unpacked(file, sum(group.total_byte_size for group in groups))


def _is_foreign(field: Any) -> bool:
    """Whether a column's numbers mean what only the library knows that wrote them: periods."""
    import pyarrow as pa

    said = field.metadata or {}
    return isinstance(field.type, pa.BaseExtensionType) or b"ARROW:extension:name" in said


def _index(held: Any) -> tuple[list[Column], set[str]]:
    """The index of the data frame that was stored, if it says anything, and how it is stored."""
    import pyarrow as pa

    said = json.loads((held.schema.metadata or {}).get(b"pandas", b"{}"))
    levels = said.get("index_columns", [])
    hidden = {level for level in levels if isinstance(level, str)} & {*held.column_names}
    if len(levels) != 1:
        return [], hidden
    level = levels[0]
    if isinstance(level, dict):  # steps of numbers, which are not stored one by one
        if level.get("name") is None:
            return [], hidden
        counted = np.arange(level["start"], level["stop"], level["step"])
        return [Column(level["name"], *split_header(level["name"]), counted)], hidden
    if not hidden:
        return [], hidden
    name = next((c["name"] for c in said["columns"] if c["field_name"] == level), None)
    if name is None and not pa.types.is_timestamp(held[level].type):
        return [], hidden
    return [_column(TIME if name is None else str(name), held[level])], hidden


def _column(header: str, stored: Any) -> Column:
    """Numbers, flags and stamps as arrays; of all else, the objects that they are in Python."""
    import pyarrow as pa

    types, kind = pa.types, stored.type
    aware = types.is_timestamp(kind) and kind.tz is not None
    values: NDArray[Any]
    if aware:
        values = _counted(stored.cast(pa.timestamp("ns", "UTC"))).view("datetime64[ns]")
    elif types.is_timestamp(kind) or types.is_duration(kind):
        what = "datetime64" if types.is_timestamp(kind) else "timedelta64"
        values = _counted(stored).view(f"{what}[{kind.unit}]")
    elif types.is_integer(kind) or types.is_floating(kind):
        values = _numbers(stored)
    elif types.is_boolean(kind) and not stored.null_count:
        values = np.array(stored.to_pylist(), dtype=bool)
    else:
        values = np.empty(len(stored), dtype=object)
        for i, value in enumerate(stored.to_pylist()):
            values[i] = value
    return Column(header, *split_header(header), values, aware)


# By DLPack: the library's own way to numpy loads pandas, which takes longer than all of this.
def _counted(stored: Any) -> NDArray[np.int64]:
    """Stamps and spans as what they count; the least number is none, as numpy has it."""
    import pyarrow as pa

    return _filled(stored.cast(pa.int64()), np.iinfo(np.int64).min)


def _numbers(stored: Any) -> NDArray[Any]:
    """Numbers of their own kind, or floats where some are missing."""
    import pyarrow as pa

    if stored.null_count and pa.types.is_integer(stored.type):
        stored = stored.cast(pa.float64(), safe=False)
    return _filled(stored, np.nan)


def _filled(stored: Any, none: float) -> NDArray[Any]:
    """An array with ``none`` where there is no number."""
    whole = stored.fill_null(none) if stored.null_count else stored
    return np.from_dlpack(whole.combine_chunks())
