"""Hourly values as a district file writes them: a number, a series by reference, a timetable."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from citygrid import units as unit_texts
from citygrid.arrays import Floats, stamped
from citygrid.components.fields import Reference, Timetable
from citygrid.district.load import District
from citygrid.district.memory import identity
from citygrid.errors import CitygridError, Fault, choice
from citygrid.inputs.series import SeriesSpec, read_series
from citygrid.inputs.time import Horizon
from citygrid.inputs.timetable import inside


class Readings:
    """A district's hourly values over its horizon; every series is read once.

    What is wrong is added to ``faults`` and answered with zeros. ``path`` says where a named file
    lies, and notes that it was read; ``keep`` gives the thing of a key, made where nobody had it.
    """

    def __init__(
        self, district: District, horizon: Horizon, faults: list[Fault],
        path: Callable[[str], Path],
        keep: Callable[[Hashable, Callable[[], Floats]], Floats],
    ) -> None:  # fmt: skip
        self._district = district
        self._horizon = horizon
        self._faults = faults
        self._path = path
        self._keep = keep
        self._series: dict[tuple[str, str | None, str], Floats | None] = {}

    def hourly(
        self, value: Any, unit: str, component: str, field: str, minimum: float | None = 0.0
    ) -> Floats:
        """``times · series + plus`` in ``unit``, by the calendar, or the same in every step."""
        if isinstance(value, Timetable):
            return self._by_calendar(value, unit, component, field, minimum)
        if not isinstance(value, Reference):
            return np.full(len(self._horizon.time), float(value))
        place = ("components", component, *self._keys(component, field))
        known = self._district.spec.series
        if self._district.unsound & {("series",), ("series", value.series)}:
            return np.zeros(len(self._horizon.time))
        if value.series not in known:
            self._faults.append(Fault(
                self._district.place(*place, "series"), "unknown series", value.series,
                choice(value.series, known) or "add it to `series`",
            ))  # fmt: skip
            return np.zeros(len(self._horizon.time))
        key = "times"
        try:
            factor, factor_unit = _factor(value.times)
            wanted = unit_texts.canonical(unit_texts.quotient(unit, factor_unit))
            key = "plus"
            plus = 0.0 if value.plus is None else unit_texts.parse(value.plus, unit)
        except ValueError as error:
            self._faults.append(
                Fault.of(error, self._district.place(*place, key), getattr(value, key))
            )
            return np.zeros(len(self._horizon.time))
        series = self._read(value.series, value.column, wanted)
        if series is None:
            return np.zeros(len(self._horizon.time))
        found = series * factor + plus
        if minimum is not None and (found < minimum).any():
            worst = int(np.argmin(found))
            self._faults.append(Fault(
                self._district.place(*place),
                f"falls below {minimum:g} {unit} at {stamped(self._horizon.time[worst])}",
                f"{found[worst]:g} {unit}", "correct the series, or its times and plus",
            ))  # fmt: skip
        return found

    def _by_calendar(
        self, table: Timetable, unit: str, component: str, field: str, minimum: float | None
    ) -> Floats:
        """The value of the first window that a step lies in, else the one for all other hours."""
        found = self.hourly(table.otherwise, unit, component, field, minimum)
        place = ("components", component, *self._keys(component, field), "windows")
        for number, window in reversed(list(enumerate(table.windows))):
            values = self.hourly(window.value, unit, component, field, minimum)
            try:
                holds = inside(self._horizon, window.days, window.hours, window.months)
            except ValueError as error:
                self._faults.append(Fault.of(error, self._district.place(*place, number)))
                continue
            found = np.where(holds, values, found)
        return found

    def _keys(self, component: str, field: str) -> list[str]:
        """Where a parameter stands in the file: ``import_price`` under import, price."""
        entry = self._district.tree.value["components"][component]
        return [field] if field in entry else field.split("_", 1)

    def _read(self, name: str, column: str | None, canonical: str) -> Floats | None:
        spec = self._district.spec.series[name]
        column = column or spec.column
        wanted = (name, column, canonical)
        if wanted not in self._series:
            source = SeriesSpec(self._path(spec.file), spec.unit, column, spec.time,
                                spec.timezone, spec.resample)  # fmt: skip
            try:
                key = ("series", identity(source.file), source, canonical)
                self._series[wanted] = self._keep(
                    key, partial(read_series, source, self._horizon, canonical)
                )
            except CitygridError as error:
                place = self._district.place("series", name)
                self._faults += [fault.within(place) for fault in error.faults]
                self._series[wanted] = None
        return self._series[wanted]


def _factor(times: str | float | int) -> tuple[float, str]:
    """A factor as number and unit: ``0.9`` → (0.9, "1"), ``"400 kW"`` → (400, "kW")."""
    if isinstance(times, (int, float)):
        return float(times), "1"
    for unit in unit_texts.EXAMPLES:
        if unit == "degC":
            continue  # a temperature is a reading and no factor; 5 K is a difference
        try:
            return unit_texts.parse(times, unit), unit
        except ValueError:
            continue
    raise ValueError(f'cannot read the factor "{times}"; write a number, or one with its unit')
