"""Catalogues of pipes: what a nominal diameter (DN) measures and loses, shipped or one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from citygrid.arrays import Floats
from citygrid.errors import Fault, InputError
from citygrid.inputs.tables import Table, numbers, read_table
from citygrid.units import factor

#: Pre-insulated steel pipes of insulation series 1; origin and licence stand in the file.
SHIPPED = Path(__file__).parent / "catalogues" / "logstor_series_1.csv"

#: Column → unit in which it is kept.
COLUMNS = {"dn": "1", "inner": "m", "outer": "m", "casing": "m", "u1": "W/m/K", "u2": "W/m/K"}
_EXAMPLE = "dn,inner [mm],outer [mm],casing [mm],u1 [W/m/K],u2 [W/m/K]"


class PipeSize(NamedTuple):
    """One row: diameters [m] of the bore, the pipe and the casing; U1 and U2 [W/mK] of a pair.

    ``outer`` and ``casing``, or ``u1`` and ``u2``, may be left out of a catalogue: ``None``.
    """

    dn: int
    inner: float
    outer: float | None
    casing: float | None
    u1: float | None
    u2: float | None


@dataclass(frozen=True)
class Catalogue:
    """Pipes by nominal diameter, from small to large."""

    file: Path
    sizes: Mapping[int, PipeSize]

    def names(self) -> str:
        """All nominal diameters, for a message: ``DN 20, 25, 32``."""
        return f"DN {', '.join(str(dn) for dn in self.sizes)}"


def read_catalogue(file: Path | None = None) -> Catalogue:
    """Read a catalogue from a table; without a file, the shipped one.

    The table has the columns ``dn`` and ``inner``, and ``u1`` with ``u2``, or ``outer`` with
    ``casing`` from which losses are reckoned. Raises :class:`InputError` with every fault.
    """
    return _shipped() if file is None else _read(Path(file))


@cache
def _shipped() -> Catalogue:
    return _read(SHIPPED)


def _read(file: Path) -> Catalogue:
    table = read_table(file)
    columns: dict[str, Floats] = {}
    faults: list[Fault] = []
    for name in COLUMNS:
        values, wrong = _column(table, name)
        faults += wrong
        if values is not None:
            columns[name] = values
    needed = [name for name in ("dn", "inner") if table.find(name) is None]
    pairs = (("u1", "u2"), ("outer", "casing"))
    if not any(all(table.find(name) is not None for name in pair) for pair in pairs):
        needed.append("u1 and u2 (or outer and casing)")
    if needed:
        faults.append(Fault(f"{file}, header", f"lacks {', '.join(needed)}", table.names(),
                            f"name the columns, such as: {_EXAMPLE}"))  # fmt: skip
    if faults:
        raise InputError(faults)
    faults = list(_absurd(table, columns))
    if faults:
        raise InputError(faults)
    order = np.argsort(columns["dn"])
    rows = [
        {name: float(values[i]) for name, values in columns.items()} for i in order
    ]  # fmt: skip
    return Catalogue(file, {
        round(row["dn"]): PipeSize(round(row["dn"]), row["inner"], *(
            row.get(name) for name in ("outer", "casing", "u1", "u2")
        ))
        for row in rows
    })  # fmt: skip


def _column(table: Table, name: str) -> tuple[Floats | None, list[Fault]]:
    column = table.find(name)
    if column is None:
        return None, []
    values, faults = numbers(table, column, np.arange(len(table.rows)))
    try:
        scale, _ = factor(column.unit or COLUMNS[name], COLUMNS[name])
    except ValueError as error:
        return None, [Fault.of(error, f"{table.file}, header", column.header)]
    return values * scale, faults


def _absurd(table: Table, columns: Mapping[str, Floats]) -> Iterator[Fault]:
    """Rows that no pipe can have."""
    seen: dict[float, int] = {}
    for i, dn in enumerate(columns["dn"]):
        place = table.place(i)
        row = {name: values[i] for name, values in columns.items()}
        if dn in seen:
            yield Fault(place, f"DN {dn:g} stands twice, first in row {table.rows[seen[dn]]}",
                        None, "leave one of them out")  # fmt: skip
        seen.setdefault(dn, i)
        if dn <= 0 or dn != round(dn):
            yield Fault(place, "a DN is a whole number of millimetres", f"{dn:g}",
                        "write it without decimals")  # fmt: skip
        for name in ("inner", "u1"):
            if name in row and row[name] <= 0:
                yield Fault(place, f"{name} is not above 0", f"{row[name]:g} {COLUMNS[name]}",
                            "correct it")  # fmt: skip
        if "u2" in row and not 0 <= row["u2"] < row.get("u1", np.inf):
            yield Fault(place, "u2 is not between 0 and u1", f"{row['u2']:g} W/m/K",
                        "U2 is what the other pipe of the pair gives back")  # fmt: skip
        for inside, around in (("inner", "outer"), ("outer", "casing")):
            if around in row and inside in row and row[around] <= row[inside]:
                yield Fault(place, f"{around} is not larger than {inside}",
                            f"{1000 * row[around]:g} mm and {1000 * row[inside]:g} mm",
                            "give diameters, from the bore outward")  # fmt: skip
