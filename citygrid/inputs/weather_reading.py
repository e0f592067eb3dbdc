"""One reading of a file of weather: what is known, what is modelled, what is missing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from citygrid.arrays import Floats
from citygrid.errors import Fault
from citygrid.inputs.ground import YEAR_DAYS_MIN, ground_wave
from citygrid.inputs.series import Resample, conversion, covered, place_on, usual_step
from citygrid.inputs.sky import PARTS, Sky
from citygrid.inputs.sources import Source
from citygrid.inputs.sun import height, solar_position
from citygrid.inputs.tables import Column, number
from citygrid.inputs.time import Horizon, show
from citygrid.inputs.weather_values import Values

#: Below this mean height of the sun (its cosine of zenith) an interval's sun is spread evenly.
LOW_SUN = 0.02
#: Distance [deg] of the file's own place from the district's that is worth a note.
PLACE_TOLERANCE = 0.5
#: Canonical unit of every quantity.
UNITS = {
    "air_temperature": "degC", "ground_temperature": "degC", "wind_speed": "m/s",
    "relative_humidity": "1", "cloud_cover": "1", "ghi": "W/m^2", "dni": "W/m^2",
    "dhi": "W/m^2", "beam_horizontal": "W/m^2",
}  # fmt: skip
#: Between what they can be anywhere on earth. Beyond is a slip, another unit, or one of the figures
#: by which files say that they know nothing (EPW: 99.9 degC, 999 %, 9999 W/m²). Sensors read a
#: little below zero at night, and clouds at noon make more than the sun above the air (1361 W/m²).
POSSIBLE = {
    "air_temperature": (-95.0, 60.0), "ground_temperature": (-60.0, 80.0),
    "wind_speed": (0.0, 120.0), "relative_humidity": (0.0, 1.2), "cloud_cover": (0.0, 1.01),
    "ghi": (-30.0, 2000.0), "dni": (-30.0, 2000.0), "dhi": (-30.0, 2000.0),
    "beam_horizontal": (-30.0, 2000.0),
}  # fmt: skip


class Reading:
    """What a file tells of a place over a horizon (T), and what follows from it.

    ``values`` of quantities by name, ``missing`` those that the file cannot give, ``notes`` on what
    was modelled, ``faults`` what is wrong.
    """

    def __init__(
        self, source: Source, known: Mapping[str, Column], horizon: Horizon,
        place: tuple[float, float, float],
    ) -> None:  # fmt: skip
        self.source, self.known, self.horizon, self.place = source, known, horizon, place
        self.faults: list[Fault] = []
        self.notes: list[str] = []
        self.missing: dict[str, Fault] = {}
        self.values: dict[str, Floats] = {}

    def quantities(self, ground_depth: float) -> Values:
        """All that is known or follows, the sun's once it is asked for."""
        for name in ("air_temperature", "wind_speed", "relative_humidity", "cloud_cover"):
            self._state(name)
        self._ground(ground_depth)
        work_out = self._sky()
        self._elsewhere()
        return Values(self.values, () if work_out is None else PARTS, work_out or dict)

    def _lacks(self, name: str, repair: str) -> None:
        place = str(self.source.table.file)
        reason = f"does not tell the {name.replace('_', ' ')}"
        self.missing[name] = Fault(place, reason, None, repair)

    def _state(self, name: str) -> None:
        """A quantity that is read at the stamps."""
        column = self.known.get(name)
        if column is None:
            self._lacks(name, f"add a column `{name.replace('_', ' ')} [{UNITS[name]}]`")
            return
        stamps, _ = self.source.over(self.horizon, [])
        first = int(np.searchsorted(stamps, self.horizon.start))
        delta = usual_step(stamps, self.horizon)
        aligned = first < len(stamps) and stamps[first] == self.horizon.start
        finer = delta < self.horizon.delta
        method: Resample | None = "interpolate" if not finer and not aligned else None
        if delta > self.horizon.delta:
            method = "interpolate"
        self._keep(name, column, self.horizon, method)

    def _keep(self, name: str, column: Column, grid: Horizon, method: Resample | None) -> bool:
        scale, offset = conversion(self.source, column, None, UNITS[name], self.faults)
        values = place_on(self.source, column, grid, method, self.faults)
        if values is None:
            return False
        self.values[name] = values * scale + offset
        least, most = POSSIBLE[name]
        odd = np.flatnonzero((self.values[name] < least) | (self.values[name] > most))
        if len(odd):
            unit = f" {UNITS[name]}".removesuffix(" 1")
            at, value = show(grid.time[odd[0]]), self.values[name][odd[0]]
            self.faults.append(Fault(
                f'{self.source.table.file}, column "{column.header}"',
                f"is beyond {least:g} to {most:g}{unit} at {at}", f"{value:g}{unit}",
                "correct its unit, or fill what the file does not know",
            ))  # fmt: skip
        return not len(odd)

    def _ground(self, depth: float) -> None:
        if "ground_temperature" in self.known:
            self._state("ground_temperature")
            return
        source, column = self.source, self.known["air_temperature"]
        scale, offset = conversion(source, column, None, "degC", [])
        cells = np.asarray(column.values)
        if cells.dtype.kind == "O":
            cells = np.array([number(cell) for cell in cells], dtype=np.float64)
        air = cells * scale + offset
        least, most = POSSIBLE["air_temperature"]
        good = (air >= least) & (air <= most)  # what is unknown beyond the horizon hurts nobody
        days = len(np.unique(source.stamps[good].astype("datetime64[D]")))
        if days < YEAR_DAYS_MIN:
            reason = f"it tells the air of {days} days, and the air's yearly wave needs a year"
            self._lacks("ground_temperature", f"{reason}; add a column `ground temperature [degC]`")
            return
        self.values["ground_temperature"] = ground_wave(
            source.stamps[good], air[good], self.horizon.middle, depth
        )
        self.notes.append(f"ground temperature at {depth:g} m modelled from the air's yearly wave")

    # the sun --------------------------------------------------------------------------------

    def _sky(self) -> Callable[[], Mapping[str, Floats]] | None:
        """What gives ``ghi``, ``dni``, ``dhi`` from whatever of them, or of clouds, is known."""
        known = {name: self._irradiance(name) for name in (*PARTS, "beam_horizontal")
                 if name in self.known}  # fmt: skip
        if self.faults:
            return None
        sky = Sky(self.horizon, self.place, known, self.values.get("cloud_cover"))
        if sky.way is None:
            for name in PARTS:
                self._lacks(name, "add a column `ghi [W/m^2]` or `cloud cover [%]`")
            return None
        said, _ = sky.way
        if said:
            self.notes.append(said)
        return sky.parts

    def _irradiance(self, name: str) -> Floats:
        """An irradiance (T): means of the file's intervals, shared within them by the sun's height.

        ``dni`` is held instead, so that ``ghi = dhi + dni cos(zenith)`` stays true in every part.
        """
        column, horizon = self.known[name], self.horizon
        stamps, _ = self.source.over(horizon, [])
        delta = usual_step(stamps, horizon)
        found: list[Fault] = []
        first, last = covered(self.source, stamps, delta, horizon, found)
        if found:
            self.faults += found
            return np.zeros(len(horizon))
        shift = (horizon.start - stamps[first]) % delta
        part = math.gcd(*(int(d / np.timedelta64(1, "s")) for d in (delta, horizon.delta, shift)))
        # The file's own intervals that meet the horizon, cut so finely that both grids fit.
        own = Horizon(stamps[first] + np.arange(last - first) * delta,
                      float(delta / np.timedelta64(1, "h")), horizon.timezone)  # fmt: skip
        if not self._keep(name, column, own, None):
            return np.zeros(len(horizon))
        means = self.values.pop(name)
        parts = round(own.step * 3600) // part
        values = np.repeat(means, parts)
        if parts > 1 and name != "dni":
            up = height(solar_position(own.split(parts).middle, *self.place)).reshape(-1, parts)
            mean = up.mean(axis=1, keepdims=True)
            values *= np.where(mean > LOW_SUN, up / np.maximum(mean, LOW_SUN), 1.0).reshape(-1)
        begin = int((horizon.start - stamps[first]) / np.timedelta64(part, "s"))
        inner = round(horizon.step * 3600) // part
        return values[begin : begin + inner * len(horizon)].reshape(-1, inner).mean(axis=1)

    def _elsewhere(self) -> None:
        meta = self.source.meta
        if meta is None:
            return
        away = max(abs(meta["latitude"] - self.place[0]), abs(meta["longitude"] - self.place[1]))
        if away > PLACE_TOLERANCE:
            there = f"{meta['latitude']:.2f} N {meta['longitude']:.2f} E"
            self.notes.append(f"the weather is that of {there}, not of the district's place")
