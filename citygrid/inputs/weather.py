"""Weather over the horizon: temperatures, wind and sun from the files in which weather comes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from citygrid.arrays import Floats
from citygrid.errors import Fault, InputError
from citygrid.inputs.series import Resample, conversion, covered, place_on, usual_step
from citygrid.inputs.sources import Source
from citygrid.inputs.sun import (
    clear_irradiance,
    cloudy_irradiance,
    direct_normal,
    height,
    parted,
    solar_position,
)
from citygrid.inputs.tables import Column, number
from citygrid.inputs.time import Horizon, show
from citygrid.inputs.weather_files import open_weather, quantities

if TYPE_CHECKING:
    import pandas as pd


#: Depth [m] of the ground temperature: that of buried pipes.
GROUND_DEPTH = 1.0
#: Thermal diffusivity of soil [m²/s]: 2.3 W/mK over 2.5 MJ/m³K, moist as in the pipes' losses.
SOIL_DIFFUSIVITY = 2.3 / 2.5e6
#: Days of air temperature from which its yearly wave can be told.
YEAR_DAYS_MIN = 330.0
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
_SUN = ("ghi", "dni", "dhi")
#: Between what they can be anywhere on earth. Beyond is a slip, another unit, or one of the figures
#: by which files say that they know nothing (EPW: 99.9 degC, 999 %, 9999 W/m²). Sensors read a
#: little below zero at night, and clouds at noon make more than the sun above the air (1361 W/m²).
POSSIBLE = {
    "air_temperature": (-95.0, 60.0), "ground_temperature": (-60.0, 80.0),
    "wind_speed": (0.0, 120.0), "relative_humidity": (0.0, 1.2), "cloud_cover": (0.0, 1.01),
    "ghi": (-30.0, 2000.0), "dni": (-30.0, 2000.0), "dhi": (-30.0, 2000.0),
    "beam_horizontal": (-30.0, 2000.0),
}  # fmt: skip


class _Values(Mapping[str, Floats]):
    """Quantities by name, some of which are worked out together when the first of them is read.

    Where the sun stands takes longer than all else of a district's weather, and a district without
    roofs and collectors never asks.
    """

    def __init__(
        self, known: Mapping[str, Floats], later: tuple[str, ...] = (),
        work_out: Callable[[], Mapping[str, Floats]] = dict,
    ) -> None:  # fmt: skip
        self._known, self._later, self._work_out = dict(known), later, work_out

    def __getitem__(self, name: str) -> Floats:
        if name in self._later:
            self._known |= {each: values for each, values in self._work_out().items()
                            if each in self._later}  # fmt: skip
            self._later = ()
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._known or name in self._later  # without working anything out

    def __iter__(self) -> Iterator[str]:
        return iter((*self._known, *self._later))

    def __len__(self) -> int:
        return len(self._known) + len(self._later)

    def mapped(self, change: Callable[[Floats], Floats]) -> _Values:
        """The same quantities, each changed; what is not worked out yet stays for later."""
        known = {name: change(values) for name, values in self._known.items()}
        later = self._later
        return _Values(known, later, lambda: {name: change(self[name]) for name in later})


@dataclass(frozen=True)
class Weather:
    """Weather of a place over the horizon; all arrays are means over the steps (T).

    ``air_temperature`` [degC] at 2 m, ``ground_temperature`` [degC] at the depth of pipes, ``ghi``,
    ``dni``, ``dhi`` [W/m^2] (global horizontal, direct normal, diffuse horizontal), ``wind_speed``
    [m/s] at 10 m, ``relative_humidity`` and ``cloud_cover`` [1]. What the file cannot give is
    refused (:class:`InputError`) when it is asked for and not before; ``has`` tells beforehand.
    ``notes`` say in words what was modelled. ``fine`` is the same weather in steps of an hour or
    less where the horizon's are longer, for the sun.
    """

    latitude: float
    longitude: float
    altitude: float
    values: Mapping[str, Floats]
    missing: Mapping[str, Fault]
    notes: tuple[str, ...] = ()
    fine: tuple[Horizon, Weather] | None = None

    def has(self, quantity: str) -> bool:
        """Whether a quantity (``"ghi"``) is known."""
        return quantity in self.values

    def _get(self, quantity: str) -> Floats:
        if quantity not in self.values:
            raise InputError(self.missing[quantity])
        return self.values[quantity]

    @property
    def air_temperature(self) -> Floats:
        """Outdoor air at 2 m [degC], shape (T,)."""
        return self._get("air_temperature")

    @property
    def ground_temperature(self) -> Floats:
        """Undisturbed ground at pipe depth [degC], shape (T,)."""
        return self._get("ground_temperature")

    @property
    def ghi(self) -> Floats:
        """Global irradiance on the horizontal [W/m^2], shape (T,)."""
        return self._get("ghi")

    @property
    def dni(self) -> Floats:
        """Direct irradiance on a plane that faces the sun [W/m^2], shape (T,)."""
        return self._get("dni")

    @property
    def dhi(self) -> Floats:
        """Diffuse irradiance on the horizontal [W/m^2], shape (T,)."""
        return self._get("dhi")

    @property
    def wind_speed(self) -> Floats:
        """Wind at 10 m [m/s], shape (T,)."""
        return self._get("wind_speed")

    @property
    def relative_humidity(self) -> Floats:
        """Relative humidity of the air, 0 to 1, shape (T,)."""
        return self._get("relative_humidity")

    @property
    def cloud_cover(self) -> Floats:
        """Share of the sky that clouds cover, 0 to 1, shape (T,)."""
        return self._get("cloud_cover")


def read_weather(
    file: Path,
    horizon: Horizon,
    latitude: float,
    longitude: float,
    altitude: float = 0.0,
    timezone: str | None = None,
    ground_depth: float = GROUND_DEPTH,
) -> Weather:
    """Read weather for a place (``latitude``, ``longitude`` [deg], ``altitude`` [m]).

    Files: CSV, Parquet or netCDF with units in the headers (``temperature [degC]``,
    ``wind speed [m/s]``, ``ghi [W/m^2]``, ``cloud cover [%]``, …), Open-Meteo JSON, EPW, TMY3
    (CSV), PVGIS typical year and hourly series on a horizontal plane (CSV, JSON), and DWD test
    reference year (``.dat``). ``timezone`` is for stamps without an offset in tables; the other
    formats say theirs. Typical years are laid over the horizon by month, day and hour in UTC;
    29 February takes 28 February.

    Temperature, wind, humidity and clouds are interpolated to shorter steps and averaged over
    longer ones. Irradiance is an interval's mean: shorter steps share it by the height of the sun,
    so that energy is kept.

    Sun. Missing parts are completed: ``dni`` from ``ghi`` and ``dhi``; both from ``ghi`` alone by
    Erbs et al. (1982). Where only cloud cover ``c`` is known, ``ghi = ghi_clear (1 − 0.75 c^3.4)``
    (Kasten and Czeplak 1980) on the clear sky of Ineichen and Perez (2002), with the sun at the
    middle of the step: right over weeks, not in the single hour.

    Ground. Kusuda and Achenbach (1965): ``T(z, t) = T_m + A exp(−z/d) cos(ω (t − t_max) − z/d)``
    with ``d = sqrt(2 α/ω)``; mean, amplitude and phase are those of the yearly wave of the file's
    air temperature, for which it must cover a year. A column ``ground temperature [degC]`` wins.

    Raises :class:`InputError` with all faults.
    """
    faults: list[Fault] = []
    source = open_weather(Path(file), timezone, faults)
    known = quantities(source, faults)
    if "air_temperature" not in known:
        faults.append(Fault(
            str(file), "there is no column of air temperature", None,
            f"write one such as `temperature [degC]`; columns are {source.table.names()}",
        ))  # fmt: skip
    if faults:
        raise InputError(faults)
    parts = horizon.parts(1.0)
    grid = horizon.split(parts) if parts > 1 else horizon
    reader = _Reader(source, known, grid, float(latitude), float(longitude), float(altitude))
    weather = reader.weather(ground_depth)
    if reader.faults:
        raise InputError(dict.fromkeys(reader.faults))
    if parts == 1:
        return weather
    return replace(
        weather, fine=(grid, weather),
        values=reader.quantities.mapped(lambda fine: fine.reshape(-1, parts).mean(axis=1)),
    )  # fmt: skip


def air_density(temperature: Floats, altitude: float) -> Floats:
    """Density of dry air [kg/m^3] (T) from its temperature [degC] (T) and altitude [m].

    ``ρ = p / (R T)`` with the pressure of the standard atmosphere, ``p = 101325 (1 − 0.0065 z /
    288.15)^5.2559`` Pa, and ``R = 287.05`` J/kg/K (ISO 2533): 1.225 at 15 degC and sea level.
    """
    pressure = 101_325.0 * (1.0 - 0.0065 * altitude / 288.15) ** 5.2559
    return np.asarray(pressure / (287.05 * (temperature + 273.15)))


def ground_wave(
    stamps: NDArray[np.datetime64], air: Floats, time: NDArray[np.datetime64], depth: float
) -> Floats:
    """Ground [degC] at ``depth`` [m] and ``time`` (T) from a year of air temperature (N) [degC].

    See :func:`read_weather`; the ground's surface is taken to follow the air.
    """
    omega = 2.0 * np.pi / (365.25 * 86_400.0)
    phase = omega * _since_new_year(stamps)
    waves = np.column_stack([np.ones(len(phase)), np.cos(phase), np.sin(phase)])
    mean, cosine, sine = np.linalg.lstsq(waves, air, rcond=None)[0]
    delay = depth / math.sqrt(2.0 * SOIL_DIFFUSIVITY / omega)
    later = omega * _since_new_year(time) - delay
    return np.asarray(mean + math.exp(-delay) * (cosine * np.cos(later) + sine * np.sin(later)))


def _since_new_year(stamps: NDArray[np.datetime64]) -> Floats:
    """Seconds since each stamp's own 1 January, so that a typical year's years do not matter."""
    year = stamps.astype("datetime64[Y]").astype("datetime64[ns]")
    return np.asarray((stamps - year) / np.timedelta64(1, "s"))


class _Reader:
    """One reading of a file: what is known, what is modelled, what is missing."""

    def __init__(
        self, source: Source, known: Mapping[str, Column], horizon: Horizon, latitude: float,
        longitude: float, altitude: float,
    ) -> None:  # fmt: skip
        self.source, self.known, self.horizon = source, known, horizon
        self.place = (latitude, longitude, altitude)
        self.faults: list[Fault] = []
        self.notes: list[str] = []
        self.missing: dict[str, Fault] = {}
        self.values: dict[str, Floats] = {}
        self.quantities = _Values({})

    @cached_property
    def sun(self) -> pd.DataFrame:
        """Where the sun stands in the middle of every step."""
        return solar_position(self.horizon.middle, *self.place)

    def weather(self, ground_depth: float) -> Weather:
        for name in ("air_temperature", "wind_speed", "relative_humidity", "cloud_cover"):
            self._state(name)
        self._ground(ground_depth)
        sky = self._sky()
        self._elsewhere()
        self.quantities = _Values(self.values, () if sky is None else _SUN, sky or dict)
        return Weather(*self.place, self.quantities, self.missing, tuple(self.notes))

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
        source = self.source
        days = (source.stamps[-1] - source.stamps[0]) / np.timedelta64(1, "D")
        if not source.typical and days < YEAR_DAYS_MIN:
            reason = f"it covers {days:.0f} days, and the air's yearly wave needs a year"
            self._lacks("ground_temperature", f"{reason}; add a column `ground temperature [degC]`")
            return
        column = self.known["air_temperature"]
        scale, offset = conversion(source, column, None, "degC", [])
        cells = np.asarray(column.values)
        if cells.dtype.kind == "O":
            cells = np.array([number(cell) for cell in cells], dtype=np.float64)
        good = np.isfinite(cells)
        self.values["ground_temperature"] = ground_wave(
            source.stamps[good], cells[good] * scale + offset, self.horizon.middle, depth
        )
        self.notes.append(f"ground temperature at {depth:g} m modelled from the air's yearly wave")

    # the sun --------------------------------------------------------------------------------

    def _sky(self) -> Callable[[], Mapping[str, Floats]] | None:
        """What gives ``ghi``, ``dni``, ``dhi`` from whatever of them, or of clouds, is known."""
        sun = {name: self._irradiance(name) for name in (*_SUN, "beam_horizontal")
               if name in self.known}  # fmt: skip
        if self.faults:
            return None
        if "ghi" not in sun and {"beam_horizontal", "dhi"} <= set(sun):
            sun["ghi"] = sun["beam_horizontal"] + sun["dhi"]
        given = set(sun) & set(_SUN)
        if given == {"ghi", "dhi"}:
            self.notes.append("direct irradiance computed from global and diffuse")
        elif given == {"ghi", "dni"}:
            self.notes.append("diffuse irradiance computed from global and direct")
        elif given == {"dhi", "dni"}:
            self.notes.append("global irradiance computed from direct and diffuse")
        elif given == {"ghi"}:
            self.notes.append("direct and diffuse irradiance modelled from global (Erbs)")
        elif given != set(_SUN) and "cloud_cover" in self.values:
            self.notes.append("irradiance modelled from cloud cover (clear sky of Ineichen, "
                              "Kasten and Czeplak, Erbs)")  # fmt: skip
        elif given != set(_SUN):
            for name in _SUN:
                self._lacks(name, "add a column `ghi [W/m^2]` or `cloud cover [%]`")
            return None
        return lambda: {
            name: np.clip(values, 0.0, None) for name, values in self._completed(sun).items()
        }

    def _completed(self, sun: Mapping[str, Floats]) -> dict[str, Floats]:
        """``ghi``, ``dni``, ``dhi`` (T) from the parts that are known, else from the clouds."""
        found = dict(sun)
        if {"ghi", "dni", "dhi"} <= set(sun):
            pass
        elif {"ghi", "dhi"} <= set(sun):
            clear = clear_irradiance(self.horizon.middle, self.sun, *self.place)
            found["dni"] = direct_normal(sun["ghi"], sun["dhi"], self.sun, clear)
        elif {"ghi", "dni"} <= set(sun):
            found["dhi"] = np.clip(sun["ghi"] - sun["dni"] * height(self.sun), 0.0, None)
        elif {"dhi", "dni"} <= set(sun):
            found["ghi"] = sun["dhi"] + sun["dni"] * height(self.sun)
        elif "ghi" in sun:
            found["dni"], found["dhi"] = parted(self.horizon.middle, sun["ghi"], self.sun)
        else:
            clear = clear_irradiance(self.horizon.middle, self.sun, *self.place)
            found["ghi"] = cloudy_irradiance(
                clear["ghi"].to_numpy(np.float64), self.values["cloud_cover"]
            )
            found["dni"], found["dhi"] = parted(self.horizon.middle, found["ghi"], self.sun)
        return {name: found[name] for name in _SUN}

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
