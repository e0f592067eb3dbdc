"""A district and its surroundings over the horizon: weather, networks, jobs, faults."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from citygrid.arrays import Flags, Floats
from citygrid.components.fields import Profile
from citygrid.district.frame import frame_faults, missing_files
from citygrid.district.load import District
from citygrid.district.memory import Forgetful, Memory, identity
from citygrid.district.readings import Readings
from citygrid.district.worth import Worth
from citygrid.errors import CitygridError, Fault, InputError
from citygrid.inputs.time import Horizon, read_horizon
from citygrid.inputs.timetable import inside
from citygrid.inputs.world import DataWay, SourceLoop

if TYPE_CHECKING:
    from citygrid.inputs.jobs import Jobs
    from citygrid.inputs.pipes import Catalogue
    from citygrid.inputs.weather import Weather


class Surroundings:
    """The district's world over its horizon; see :class:`citygrid.inputs.world.World`.

    ``memory`` keeps what was read and derived for the next district that has it in common.
    """

    def __init__(self, district: District, memory: Memory | None = None) -> None:
        self.district = district
        self._memory = Forgetful() if memory is None else memory
        self.faults: list[Fault] = []
        self._files: dict[str, Path] = {}
        spec = district.spec.horizon
        self._when = (spec.start, spec.length, spec.step, district.spec.timezone)
        try:
            self.horizon: Horizon = read_horizon(*self._when)
        except ValueError as error:
            self.faults.append(Fault.of(error, district.place("horizon")))
            # Without a time axis nothing can be read; that a file is there can be seen.
            self.look_around()
            self.drawing()
            raise InputError(self.faults) from error
        self._readings = Readings(
            district, self.horizon, self.faults, self._path,
            lambda key, make: self._memory.of((key, self._when), make),
        )  # fmt: skip
        self._worth = Worth(district, self)

    def refuse(
        self, component: str, field: str, reason: str, value: object = None, repair: str = ""
    ) -> None:
        place = self.district.place("components", component, *([field] if field else []))
        self.faults.append(Fault(place, reason, value, repair))

    def _refused(self, error: CitygridError, place: str) -> None:
        self.faults += [fault.within(place) for fault in error.faults]

    @property
    def _nothing(self) -> Floats:
        return np.zeros(len(self.horizon.time))

    def _path(self, file: str) -> Path:
        path = self.district.folder / file
        self._files[file] = path
        return path

    def look_around(self) -> None:
        """Refuse named files that nobody has read and that are not there, and a faulty frame."""
        self.faults += missing_files(self.district, self._files)
        self.faults += frame_faults(self.district)

    def digests(self) -> dict[str, str]:
        """SHA-256 of every file that was read."""
        return {
            file: self._memory.of(("digest", identity(path)), partial(_digest, path))
            for file, path in sorted(self._files.items())
        }

    def has(self, what: Literal["weather", "heat_network"]) -> bool:
        return getattr(self.district.spec, what) is not None

    # values by the hour and by the year ------------------------------------------------------

    def hourly(
        self, value: Any, unit: str, component: str, field: str, minimum: float | None = 0.0
    ) -> Floats:
        return self._readings.hourly(value, unit, component, field, minimum)

    def worthless(self, carrier: str, place: str, margin: float = 0.0) -> Flags:
        return self._worth.least(carrier, place) <= -margin

    def demand(self, value: Any, carrier: str, component: str, field: str) -> Floats:
        """A demand [kW]: hourly, or a standard profile scaled to its annual energy."""
        if not isinstance(value, Profile):
            return self.hourly(value, "kW", component, field)
        from citygrid.inputs.demand import bdew_heat, bdew_power, degree_day_heat

        key: Hashable = ("demand", carrier, value.profile, value.annual, self._when)
        try:
            if carrier == "power":
                return self._memory.of(
                    key, lambda: bdew_power(value.profile, value.annual, self.horizon)
                )
            air = self.air_temperature(component)
            if self._weather is None:
                return self._nothing
            key = (key, self._sky)
            if value.profile == "degree day":
                return self._memory.of(key, lambda: degree_day_heat(
                    air, value.annual, self.horizon, self._air_of_year
                ))  # fmt: skip
            return self._memory.of(key, lambda: bdew_heat(
                value.profile, value.annual, air, self.horizon, self._air_of_year
            ))  # fmt: skip
        except ValueError as error:
            place = self.district.place("components", component, field)
            self.faults.append(Fault.of(error, place, value.profile))
            return self._nothing

    # weather and networks -------------------------------------------------------------------

    @cached_property
    def _weather(self) -> Weather | None:
        from citygrid.inputs.weather import read_weather

        spec = self.district.spec.weather
        if spec is None:
            return None
        path = self._path(spec.file)
        try:
            return self._memory.of(("weather", self._sky), lambda: read_weather(
                path, self.horizon, spec.latitude, spec.longitude, spec.altitude, spec.timezone
            ))  # fmt: skip
        except CitygridError as error:
            self._refused(error, self.district.place("weather"))
            return None

    @cached_property
    def _sky(self) -> Hashable:
        """All that the weather over the horizon depends on."""
        spec = self.district.spec.weather
        assert spec is not None, "asked for only where there is weather"
        return (identity(self.district.folder / spec.file), spec.latitude, spec.longitude,
                spec.altitude, spec.timezone, self._when)  # fmt: skip

    def _needs_weather(self, component: str, what: str) -> Weather | None:
        weather = self._weather
        if self.district.spec.weather is None and ("weather",) not in self.district.unsound:
            self.refuse(component, "", f"needs {what}, but the district has no weather", None,
                        "add `weather: {file: …, latitude: …, longitude: …}`")  # fmt: skip
        return weather

    @cached_property
    def _air_of_year(self) -> Floats | None:
        """Air temperature of the horizon's whole calendar year, where the file covers it.

        Annual demands are spread over it, so that a winter week takes a winter week's share.
        """
        from citygrid.inputs.weather import read_weather

        spec = self.district.spec.weather
        assert spec is not None, "asked for only after the weather of the horizon was read"
        year = self.horizon.time[len(self.horizon) // 2].astype("datetime64[Y]")
        hours = np.arange(year, year + 1, np.timedelta64(1, "h"), dtype="datetime64[h]")
        # An hour at either end may be missing where the file's year is a local one.
        whole = Horizon(hours[:-1].astype("datetime64[ns]"), 1.0, self.horizon.timezone)
        path = self._path(spec.file)
        try:
            return self._memory.of(("air of year", self._sky), lambda: read_weather(
                path, whole, spec.latitude, spec.longitude, spec.altitude, spec.timezone
            ).air_temperature)  # fmt: skip
        except CitygridError:
            return None

    def air_temperature(self, component: str) -> Floats:
        weather = self._needs_weather(component, "the outdoor temperature")
        return self._told(component, weather, "air_temperature")

    def _told(self, component: str, weather: Weather | None, quantity: str) -> Floats:
        """What the weather file tells; a quantity it lacks is a fault of who asks for it."""
        if weather is None:
            return self._nothing
        try:
            values: Floats = getattr(weather, quantity)
        except CitygridError as error:
            self._refused(error, self.district.place("components", component))
            return self._nothing
        return values

    def wet_bulb_temperature(self, component: str) -> Floats:
        from citygrid.inputs.humidity import wet_bulb_temperature

        weather = self._needs_weather(component, "the humidity of the air")
        air = self._told(component, weather, "air_temperature")
        return wet_bulb_temperature(air, self._told(component, weather, "relative_humidity"))

    def ground_temperature(self, component: str) -> Floats:
        network = self.district.spec.heat_network
        if network is not None and network.ground is not None:
            return np.full(len(self.horizon.time), network.ground)
        weather = self._needs_weather(component, "the ground temperature")
        return self._told(component, weather, "ground_temperature")

    def supply_temperature(self, component: str) -> Floats:
        network = self.district.spec.heat_network
        if network is None:
            self._lacks_network(component)
            return np.full(len(self.horizon.time), 80.0)
        points = network.supply
        if len(points) == 1:
            return np.full(len(self.horizon.time), points[0].water)
        air = self.air_temperature(component)
        return np.interp(air, [p.air for p in points], [p.water for p in points])

    def return_temperature(self, component: str) -> Floats:
        network = self.district.spec.heat_network
        if network is None:
            self._lacks_network(component)
            return np.full(len(self.horizon.time), 50.0)
        return np.full(len(self.horizon.time), network.return_)

    def _lacks_network(self, component: str) -> None:
        if ("heat_network",) in self.district.unsound:
            return
        self.refuse(component, "", "needs the heat network's temperatures", None,
                    "add `heat_network: {supply: [{air: -10 degC, water: 90 degC}, …], "
                    "return: 50 degC}`")  # fmt: skip

    def source_temperature(self, source: str, component: str) -> tuple[Floats, Floats]:
        """A loop's two sides; of an ambient source the same twice, for it does not cool."""
        if source == "air":
            return self.air_temperature(component), self.air_temperature(component)
        if source == "ground":
            return self.ground_temperature(component), self.ground_temperature(component)
        for _, port in self.district.ports():
            if port.place == source and port.direction == "feed" and port.loop is not None:
                warm, cool = port.loop
                return self._nothing + warm, self._nothing + cool
        if not self.is_unsound(source):
            self.refuse(component, "source", "gives heat of no known temperature", source,
                        "name a component with a heat loop, air or ground")  # fmt: skip
        return self._nothing + 30.0, self._nothing + 20.0

    def wind_speed(self, component: str) -> Floats:
        weather = self._needs_weather(component, "the wind")
        return self._told(component, weather, "wind_speed")

    def air_density(self, height: float, component: str) -> Floats:
        from citygrid.inputs.weather import air_density

        air = self.air_temperature(component)
        place = self.district.spec.weather
        return air_density(air, (0.0 if place is None else place.altitude) + height)

    def source_loops(self, source: str) -> list[SourceLoop]:
        return [
            SourceLoop(port.place, self._nothing + port.loop[0], self._nothing + port.loop[1])
            for name, port in self.district.ports()
            if name == source and port.direction == "feed" and port.loop is not None
            and port.carrier == "waste_heat"
        ]  # fmt: skip

    def data_ways(self) -> list[DataWay]:
        return [DataWay(port.place, *port.way) for _, port in self.district.ports()
                if port.way is not None]  # fmt: skip

    def node_of(self, place: str) -> str | None:
        nodes = self.district.spec.nodes
        if place in nodes:
            return place
        component = self.district.components.get(place)
        ports = [] if component is None else component.ports(place)
        return next((port.place for port in ports if port.place in nodes), None)

    def is_unsound(self, place: str) -> bool:
        return ("components", place) in self.district.unsound

    def photovoltaic_yield(self, tilt: float, azimuth: float, component: str) -> Floats:
        from citygrid.inputs.photovoltaic import photovoltaic_yield

        return self._sun(component, lambda w: self._memory.of(
            ("photovoltaic", tilt, azimuth, self._sky),
            lambda: photovoltaic_yield(w, self.horizon, tilt, azimuth),
        ))  # fmt: skip

    def collector_irradiance(
        self, tilt: float, azimuth: float, incidence_loss: float, component: str
    ) -> Floats:
        from citygrid.inputs.plane import collector_irradiance

        return self._sun(component, lambda w: self._memory.of(
            ("collector", tilt, azimuth, incidence_loss, self._sky),
            lambda: collector_irradiance(w, self.horizon, tilt, azimuth, incidence_loss),
        ))  # fmt: skip

    def _sun(self, component: str, reckon: Callable[[Weather], Floats]) -> Floats:
        """What the sun gives; a weather file without sun is a fault of who asks for it."""
        weather = self._needs_weather(component, "the sun")
        if weather is None:
            return self._nothing
        try:
            return reckon(weather)
        except CitygridError as error:
            self._refused(error, self.district.place("components", component))
            return self._nothing

    # noise ----------------------------------------------------------------------------------

    @cached_property
    def quiet(self) -> Flags | None:
        """Which steps (T) lie in the district's quiet hours; ``None`` where it names none."""
        stated = self.district.spec.quiet_hours
        if stated is None:
            return None
        try:
            return inside(self.horizon, None, stated, None)
        except ValueError as error:
            self.faults.append(Fault.of(error, self.district.place("quiet_hours")))
            return np.zeros(len(self.horizon.time), dtype=bool)

    def in_quiet_hours(self, share: float, component: str, field: str) -> Floats:
        """A share that holds in the district's quiet hours, and 1 in all others (T)."""
        if self.quiet is None and share < 1.0:
            self.refuse(component, field, "limits quiet hours that the district does not name",
                        share, 'add `quiet_hours: "22:00-06:00"` to the district')  # fmt: skip
        return np.where(False if self.quiet is None else self.quiet, share, self._nothing + 1.0)

    # the map --------------------------------------------------------------------------------

    def drawing(self) -> str | None:
        """The drawn network, where the district names one; see :mod:`citygrid.district.drawing`."""
        from citygrid.district.drawing import read_drawing

        spec, place = self.district.spec, self.district.place("geometry")
        if spec.geometry is None:
            return None
        try:
            path = self.district.folder / spec.geometry
            return self._memory.of(("drawing", identity(path), spec.crs),
                                   lambda: read_drawing(path, spec.crs, place))  # fmt: skip
        except InputError as error:
            self.faults += error.faults
            return None

    # pipes ----------------------------------------------------------------------------------

    def pipe_catalogue(self, file: str | None, component: str) -> Catalogue | None:
        from citygrid.inputs.pipes import read_catalogue

        try:
            path = None if file is None else self._path(file)
            return self._memory.of(("pipes", identity(path)), lambda: read_catalogue(path))
        except CitygridError as error:
            # A file that many pipes name is broken once.
            self.faults += error.faults
            return None

    # jobs -----------------------------------------------------------------------------------

    def jobs(self, file: str | None, listed: Any, component: str) -> Jobs:
        from citygrid.inputs.jobs import collect_jobs

        path = None if file is None else self._path(file)
        rows = [dict(job) for job in listed]
        try:
            return self._memory.of(("jobs", identity(path), repr(rows)),
                                   lambda: collect_jobs(path, rows))  # fmt: skip
        except CitygridError as error:
            self._refused(error, self.district.place("components", component))
            return collect_jobs(None, [])


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
