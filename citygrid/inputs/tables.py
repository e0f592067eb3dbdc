"""Tables from files: columns with their units, and every row with the number a person gives it."""

from __future__ import annotations

import csv
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from citygrid.arrays import Floats
from citygrid.errors import Fault, InputError

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

#: Bytes of the largest file that is read, and of the largest text, which takes far more room than
#: its bytes once it is in memory.
MOST_BYTES, MOST_TEXT = 512 * 2**20, 64 * 2**20
#: Rows of a text table: a year by the minute, and a column's worth to spare.
MOST_ROWS = 1_000_000
#: Columns of a text table.
MOST_COLUMNS = 10_000
#: Numbers of a Parquet or netCDF file that are read; such files are small whatever they claim.
MOST_CELLS = 30_000_000
#: Endings of files that are no text.
BINARY = (".parquet", ".pq", ".nc", ".nc4", ".cdf")

#: So many faults of one sort are told in full; the rest is counted.
FAULTS_MAX = 8

_HEADER = re.compile(r"^(?P<name>.*?)\s*\[(?P<unit>[^\[\]]*)\]\s*$")
_DECIMAL_COMMA = re.compile(r"^[+-]?\d+,\d+$")


@dataclass(frozen=True)
class Column:
    """A column: ``header`` as written, its ``name`` and ``unit`` (``price [EUR/MWh]``), values.

    ``utc`` marks stamps (datetime64) that the file itself says are UTC or have an offset.
    """

    header: str
    name: str
    unit: str | None
    values: NDArray[Any]
    utc: bool = False


@dataclass(frozen=True)
class Table:
    """The columns of a file and the number of every row, as a person counts its lines.

    ``rows`` (N) are line numbers in text files and the count of rows from 1 elsewhere.
    """

    file: Path
    columns: tuple[Column, ...]
    rows: NDArray[np.int64]

    def place(self, row: int) -> str:
        """Where row ``row`` (from 0) stands: ``spot.csv, row 57``."""
        return f"{self.file}, row {self.rows[row]}"

    def names(self) -> str:
        """All headers, for a message."""
        return ", ".join(f'"{column.header}"' for column in self.columns) or "none"

    def find(self, wanted: str) -> Column | None:
        """The one column with this header or name; ``None`` when there is none or more than one."""
        for same in (
            [c for c in self.columns if c.header == wanted],
            [c for c in self.columns if c.name == wanted],
            [c for c in self.columns if c.name.casefold() == wanted.strip().casefold()],
        ):
            if same:
                return same[0] if len(same) == 1 else None
        return None


def read_table(file: Path) -> Table:
    """Read a CSV (``,``, ``;`` or tab; ``#`` comments) or Parquet file.

    CSV cells stay text, so that a message can show them as they were written; the first line that
    is neither empty nor a comment is the header. Raises :class:`InputError`.
    """
    file = Path(file)
    check_file(file)
    if file.suffix.lower() in (".parquet", ".pq"):
        from citygrid.inputs.parquet import read_parquet

        return opened(file, read_parquet, "Parquet")
    return opened(file, _text, "CSV")


def check_file(file: Path, most: int | None = None) -> None:
    """Refuse a file that is not there, a folder, a pipe or device, or too large.

    ``most`` are the bytes it may have; by its ending, if left out.
    """
    try:
        status = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        status = None
    except (OSError, ValueError) as error:  # too long, in circles, without permission; with a NUL
        reason = f"cannot be opened ({getattr(error, 'strerror', None) or error})"
        raise InputError(Fault(_short(file), reason, None, "check the path and its permissions")
                         ) from error  # fmt: skip
    if status is not None and stat.S_ISDIR(status.st_mode):
        raise InputError(Fault(str(file), "is a folder", None, "name the file in it"))
    if status is None:
        near = sorted(p.name for p in file.parent.glob("*")) if file.parent.is_dir() else []
        there = f"there is {', '.join(near[:12])}" if near else f"{file.parent} is not there either"
        raise InputError(
            Fault(str(file), "the file is not there", None, f"check the path: {there}")
        )
    if not stat.S_ISREG(status.st_mode):  # a pipe would wait, and a device never end
        raise InputError(Fault(str(file), "is not an ordinary file", None, "name a file"))
    if most is None:
        most = MOST_BYTES if file.suffix.lower() in BINARY else MOST_TEXT
    if status.st_size > most:
        repair = "keep what the horizon needs"
        if most < MOST_BYTES:
            repair += ", or write it as Parquet"
        raise InputError(Fault(str(file), f"is larger than {most // 2**20} MiB",
                               f"{status.st_size:,} bytes", repair))  # fmt: skip


def _short(file: Path) -> str:
    """A path that is no longer than people read."""
    return str(file) if len(str(file)) < 200 else f"{str(file)[:100]}…"


def few(faults: list[Fault], what: str) -> list[Fault]:
    """The first faults of one sort, and one that counts the others."""
    if len(faults) <= FAULTS_MAX:
        return faults
    rest = len(faults) - FAULTS_MAX
    return [*faults[:FAULTS_MAX], Fault(faults[FAULTS_MAX].place, f"and {rest} more rows: {what}")]


def split_header(header: str) -> tuple[str, str | None]:
    """Name and unit of a header: ``price [EUR/MWh]`` → ``("price", "EUR/MWh")``."""
    match = _HEADER.match(header)
    if match is None:
        return header.strip(), None
    return match["name"].strip(), match["unit"].strip()


def numbers(table: Table, column: Column, rows: NDArray[np.int64]) -> tuple[Floats, list[Fault]]:
    """The column's cells in ``rows`` as finite numbers, and a fault for each that is none.

    In files separated by ``;`` a decimal comma is read as such.
    """
    cells = column.values[rows]
    kind = column.values.dtype.kind
    if kind in "fiu":
        values = cells.astype(np.float64)
    elif kind in "bMm":
        return np.zeros(len(rows)), [
            Fault(f'{table.file}, column "{column.header}"', "holds no numbers", str(cells[:1]),
                  "name another column"),
        ]  # fmt: skip
    else:
        values = np.array([number(cell) for cell in cells], dtype=np.float64)
    wrong = np.flatnonzero(~np.isfinite(values))
    faults = [
        Fault(f'{table.place(int(rows[i]))}, column "{column.header}"', _why(cells[i]),
              _shown(cells[i]), "write a finite number, or fill the gap before planning")
        for i in wrong[: FAULTS_MAX + 1]
    ]  # fmt: skip
    if len(wrong) > FAULTS_MAX:
        rest = len(wrong) - FAULTS_MAX
        faults[-1] = Fault(faults[-1].place, f"and {rest} more rows without a number")
    return np.where(np.isfinite(values), values, 0.0), faults


def number(cell: Any) -> float:
    """A cell as a number, NaN where it is none."""
    if isinstance(cell, str) and not _is_plain(cell):
        return np.nan
    try:
        return float(cell)
    except (TypeError, ValueError, OverflowError):
        return np.nan


def _is_plain(text: str) -> bool:
    """Whether Python reads into it what people do: no 1_000, no digits of another script."""
    return text.isascii() and "_" not in text


def _why(cell: Any) -> str:
    if cell is None or (isinstance(cell, str) and not cell):
        return "the cell is empty"
    text = str(cell).casefold()
    if text in ("nan", "na", "n/a", "null", "none", "<na>", "-"):
        return "the value is missing"
    if "inf" in text:
        return "the value is infinite"
    beyond = _is_plain(text) and _is_number(text)
    return "the value is too large for a number" if beyond else "the value is not a number"


def _shown(cell: Any) -> object:
    return None if cell is None or cell == "" else str(cell)


# text -------------------------------------------------------------------------------------------


def read_text(file: Path) -> str:
    """The text of a file in UTF-8 (with or without mark) or else Latin-1; zeros are refused."""
    raw = file.read_bytes()
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return raw.decode("utf-16")
        except UnicodeDecodeError as error:
            raise InputError(Fault(str(file), f"begins as UTF-16 and is none: {error.reason}", None,
                                   "save it once more, as UTF-8")) from error  # fmt: skip
    if b"\0" in raw:
        raise InputError(
            Fault(str(file), "is no text file", None,
                  "use CSV, or the ending .parquet, .nc, .epw, .json or .dat of what it is")
        )  # fmt: skip
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _text(file: Path) -> Table:
    text = read_text(file)
    if (long := text.count("\n")) > MOST_ROWS:
        raise InputError(Fault(str(file), f"has more than {MOST_ROWS:,} rows", f"{long:,}",
                               "keep what the horizon needs, or write it as Parquet"))  # fmt: skip
    lines = text.splitlines()
    kept = [i for i, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")]
    if not kept:
        raise InputError(Fault(str(file), "the file is empty", None, "write a header and rows"))
    delimiter = _delimiter(lines[kept[0]])
    if (wide := lines[kept[0]].count(delimiter)) > MOST_COLUMNS:
        raise InputError(Fault(str(file), f"has more than {MOST_COLUMNS:,} columns", f"{wide:,}",
                               "keep the columns that the district names"))  # fmt: skip
    rows, count = [], []
    for number, cells in _records(file, [(i + 1, lines[i]) for i in kept], delimiter):
        rows.append([cell.strip() for cell in cells])
        count.append(number)
    header, body, place = rows[0], rows[1:], count[1:]
    while header and header[-1] == "" and all(len(r) < len(header) or r[-1] == "" for r in body):
        header = header[:-1]
        body = [row[: len(header)] for row in body]
    _check_shape(file, header, body, place)
    columns = []
    for j, name in enumerate(header):
        values = np.array([row[j] for row in body], dtype=object)
        if delimiter == ";":
            values = _points(file, name, values, place)
        columns.append(Column(name, *split_header(name), values))
    return Table(file, tuple(columns), np.array(place, dtype=np.int64))


def _delimiter(header: str) -> str:
    return next((mark for mark in (";", "\t") if mark in header), ",")


def _records(
    file: Path, lines: list[tuple[int, str]], delimiter: str
) -> Iterator[tuple[int, list[str]]]:
    """Records with the number of the line that each ends at; what is no CSV raises."""
    last = 0

    def given() -> Iterator[str]:
        nonlocal last
        for number, line in lines:
            last = number
            yield line + "\n"

    try:
        for cells in csv.reader(given(), delimiter=delimiter, strict=True):
            yield last, cells
    except csv.Error as error:
        reason = str(error)
        told = "a quote is not closed" if "unexpected end" in reason else reason
        repair = "close the quote, or write the cell without quotes"
        raise InputError(
            Fault(f"{file}, row {last}", f"cannot be read: {told}", None, repair)
        ) from error


def _check_shape(file: Path, header: list[str], body: list[list[str]], place: list[int]) -> None:
    if not body:
        raise InputError(Fault(str(file), "the file has a header but no rows", None, "add rows"))
    if all(_is_number(cell) for cell in header if cell):
        raise InputError(Fault(
            f"{file}, row {place[0] - 1}", "the first row is no header", ", ".join(header[:4]),
            "name the columns, such as: time,price [EUR/MWh]",
        ))  # fmt: skip
    faults = [
        Fault(f"{file}, row {number}", f"has {len(row)} cells where the header has {len(header)}",
              None, "check the separators of this row")
        for row, number in zip(body, place, strict=True) if len(row) != len(header)
    ]  # fmt: skip
    seen: set[str] = set()
    for name in header:
        if name and name in seen:
            faults.append(Fault(f"{file}, header", "two columns have one name", name, "rename one"))
        seen.add(name)
    if faults:
        raise InputError(few(faults, "another number of cells than the header"))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _points(file: Path, name: str, values: NDArray[Any], place: list[int]) -> NDArray[Any]:
    """Decimal commas as points; a column that mixes both is refused."""
    comma = np.array([bool(_DECIMAL_COMMA.match(cell)) for cell in values], dtype=bool)
    if not comma.any():
        return values
    point = np.array(["." in cell and _is_number(cell) for cell in values], dtype=bool)
    if point.any():
        row = place[int(np.flatnonzero(point)[0])]
        raise InputError(Fault(
            f'{file}, row {row}, column "{name}"', "mixes decimal commas and points",
            str(values[np.flatnonzero(point)[0]]), "write all numbers of the column in one way",
        ))  # fmt: skip
    return np.array([c.replace(",", ".") if k else c for c, k in zip(values, comma, strict=True)],
                    dtype=object)  # fmt: skip


def check_cells(file: Path, cells: int) -> None:
    """Refuse a file that claims more numbers than any series or table has."""
    if cells > MOST_CELLS:
        repair = "keep the columns and rows that the horizon needs"
        raise InputError(
            Fault(str(file), f"claims more than {MOST_CELLS:,} values", f"{cells:,}", repair)
        )


def check_unpacked(file: Path, size: int) -> None:
    """Refuse a file that says that it unpacks to more bytes than any file may have."""
    if size > MOST_BYTES:
        raise InputError(Fault(str(file), f"unpacks to more than {MOST_BYTES // 2**20} MiB",
                               f"{size:,} bytes", "keep what the horizon needs"))  # fmt: skip


def opened(file: Path, read: Callable[[Path], Any], what: str) -> Any:
    """What ``read`` makes of the file; whatever a library objects to becomes one fault."""
    return guarded(lambda: read(file), lambda said: InputError(
        Fault(str(file), f"cannot be read as {what}: {said}", None, "check or replace the file")
    ))  # fmt: skip


def guarded(read: Callable[[], T], refusal: Callable[[str], Exception]) -> T:
    """What ``read`` gives; whatever a library objects to is raised as a refusal that tells it.

    An :class:`InputError` is one already.
    """
    try:
        return read()
    except InputError:
        raise
    except Exception as error:  # every library has its own family, and they change
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise refusal(f"it lacks {first}" if isinstance(error, KeyError) else first) from error


def from_frame(file: Path, frame: pd.DataFrame) -> Table:
    """A table of a data frame; a named or dated index becomes its first column."""
    import pandas as pd

    dated = isinstance(frame.index, pd.DatetimeIndex)
    if dated or frame.index.name is not None:
        frame = frame.reset_index(names=frame.index.name or "time")
    if frame.empty:
        raise InputError(Fault(str(file), "the file has no rows", None, "add rows"))
    columns = []
    for position, name in enumerate(frame.columns):
        series = frame.iloc[:, position]
        aware = isinstance(series.dtype, pd.DatetimeTZDtype)
        if aware:
            plain = series.dt.tz_convert("UTC").dt.tz_localize(None)
            values: NDArray[Any] = plain.to_numpy("datetime64[ns]")
        elif series.dtype.kind in "fiubMm" and not pd.api.types.is_extension_array_dtype(series):
            values = series.to_numpy()
        elif pd.api.types.is_numeric_dtype(series) and series.dtype.kind in "fiu":
            values = series.to_numpy(np.float64, na_value=np.nan)
        else:
            values = series.to_numpy(dtype=object)
        columns.append(Column(str(name), *split_header(str(name)), values, aware))
    return Table(file, tuple(columns), np.arange(1, len(frame) + 1, dtype=np.int64))
