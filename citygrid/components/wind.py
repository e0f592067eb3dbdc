"""Wind turbines: power from the wind at hub height, curtailed when nobody takes it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from citygrid.arrays import Floats
from citygrid.components.common.available import formulate_available, replay_available
from citygrid.components.contract import Component, Flows, Parameter, Port, Units
from citygrid.components.fields import HourlyShare, HourlySpeed, Length, Node, Power, Share, Speed
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker
from citygrid.inputs.world import World

#: Air [kg/m^3] for which power curves are stated (IEC 61400-12-1).
STANDARD_DENSITY = 1.225
#: Height [m] of the wind in weather files.
WEATHER_HEIGHT = 10.0

#: Turbine → power curve as (speeds [m/s], powers [kW]); beyond the last speed it stands still.
#: Both from the NREL turbine archive (github NREL/turbine-models, BSD-3): "DW100" is the 100 kW
#: turbine with a rotor of 27.6 m of NREL's 2019 cost review, "IEA 3.4" the onshore reference
#: turbine 3.4 MW, 130 m of IEA Wind Task 37 (Bortolotti et al., NREL/TP-5000-73492, 2019).
TURBINES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "DW100": (
        tuple(float(speed) for speed in range(2, 26)),
        (0.0, 2.16, 8.64, 17.856, 30.855, 48.997, 73.139, 90.828, 98.941, 99.988, 99.833, 99.833,
         99.833, 98.333, 94.0, 86.833, 79.833, 72.833, 65.833, 59.167, 53.167, 48.0, 44.0, 41.333),
    ),
    "IEA 3.4": (
        (3.0, 3.5392, 4.0485, 4.5267, 4.973, 5.3862, 5.7654, 6.1098, 6.4186, 6.6912, 6.9269, 7.2857,
         7.5435, 7.7563, 8.0899, 8.5735, 8.8703, 9.203, 9.5707, 9.8127, 25.0),
        (51.62, 123.37, 213.24, 318.84, 435.96, 560.90, 688.91, 819.13, 949.72, 1075.93, 1193.68,
         1388.95, 1541.68, 1675.86, 1901.50, 2263.33, 2506.64, 2799.33, 3148.46, 3370.0, 3370.0),
    ),
}  # fmt: skip


class CurvePoint(BaseModel):
    """One point of a power curve."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    speed: Speed
    power: Power


class WindTurbine(Component):
    """Wind turbines of a node: ``0 ≤ produced ≤ available`` [kW].

    ``available = turbines · (1 − losses) · P(v)`` with the power curve ``P``, linear between its
    points and zero outside, at the wind of hub height ``v = v_m (h / h_m)^α`` (power law) or
    ``v_m ln(h/z0) / ln(h_m/z0)`` (logarithmic, with ``roughness``), where ``h_m`` is where the wind
    was measured: 10 m in weather files. With ``density_correction`` the curve is read at
    ``v (ρ/1.225)^(1/3)`` (IEC 61400-12-1). Or ``rated · output`` with an ``output``
    series, whose losses it holds already.

    The wind is a mean over the step: gusts within it are not seen.
    """

    group = "renewable"
    memoryless = True
    node: Node
    turbine: Literal["DW100", "IEA 3.4"] | None = Field(None, description="a shipped power curve")
    curve: tuple[CurvePoint, ...] | None = Field(
        None, min_length=2,
        description="power curve of one turbine: [{speed: 3 m/s, power: 20 kW}, …, cut-out]",
    )  # fmt: skip
    turbines: int = Field(1, ge=1, strict=True, description="number of turbines")
    hub_height: Length | None = Field(None, description="of the rotor's axis above ground")
    wind: HourlySpeed | None = Field(
        None, description="wind speed at `wind_height`; left out, that of the weather"
    )
    wind_height: Length = Field(WEATHER_HEIGHT, description="where the `wind` was measured")
    shear: Share | None = Field(
        None, description="exponent α of the power law; 1/7 if left out: open, flat land"
    )
    roughness: Length | None = Field(
        None, description="roughness length z0 for the logarithmic law, instead of `shear`"
    )
    density_correction: bool = Field(False, description="read the curve at the hour's air density")
    losses: Share = Field(
        0.05, description="of the curve, to standstill, wakes and cables; assumed"
    )
    rated: Power | None = Field(None, description="power at an output of 1, with `output`")
    output: HourlyShare | None = Field(
        None, description="output per rated power, instead of a power curve"
    )

    @model_validator(mode="after")
    def _one_source(self) -> WindTurbine:
        given = [n for n in ("turbine", "curve", "output") if getattr(self, n) is not None]
        if len(given) != 1:
            raise ValueError(
                f"has {' and '.join(f'`{name}`' for name in given) or 'no power curve'}; give one "
                "of `turbine`, `curve`, or `output` with `rated`"
            )
        if (self.output is None) != (self.rated is None):
            raise ValueError("`rated` and `output` belong together; give both or neither")
        if self.output is None:
            self._check_curve()
        return self

    def _check_curve(self) -> None:
        if self.hub_height is None or self.hub_height <= 0 or self.wind_height <= 0:
            raise ValueError("a power curve needs a height above ground; add `hub_height: 80 m`")
        if self.shear is not None and self.roughness is not None:
            raise ValueError("`shear` and `roughness` say the same twice; keep one of them")
        low = min(self.hub_height, self.wind_height)
        if self.roughness is not None and not 0 < self.roughness < low:
            raise ValueError(
                f"a roughness of {self.roughness:g} m has no logarithmic wind at {low:g} m; give "
                "z0 in metres, 0.03 m for meadows up to 2 m for cities"
            )
        speeds = [point.speed for point in self.curve or ()]
        if any(later <= earlier for earlier, later in pairwise(speeds)):
            raise ValueError("the speeds of a power curve rise from point to point; sort them")

    def least_value(self, carrier: str, name: str, world: World) -> float:
        """Nothing: it may be turned down instead."""
        return 0.0

    def ports(self, name: str) -> list[Port]:
        return [Port("power", "feed", self.node)]


def wind_at(speed: Floats, measured: float, height: float, shear: float | None,
            roughness: float | None) -> Floats:  # fmt: skip
    """Wind at ``height`` [m] from that at ``measured`` [m], shape (T,) [m/s]; see the kind."""
    if roughness is not None:
        return speed * np.log(height / roughness) / np.log(measured / roughness)
    return speed * (height / measured) ** (1.0 / 7.0 if shear is None else shear)


def power_at(speed: Floats, speeds: Floats, powers: Floats) -> Floats:
    """Power [kW] (T) at a wind [m/s] (T) by a power curve; nothing outside of its points."""
    return np.interp(speed, speeds, powers, left=0.0, right=0.0)


def prepare(specs: Mapping[str, WindTurbine], world: World) -> dict[str, Parameter]:
    """Power available in every step, and at most in any wind [kW]."""
    return {
        "available": Parameter(
            ("wind", "time"), np.array([_available(s, n, world) for n, s in specs.items()]), "kW"
        ),
        "rated_power": Parameter(("wind",), np.array([*map(_rated, specs.values())]), "kW"),
    }


def _rated(spec: WindTurbine) -> float:
    if spec.rated is not None:
        return spec.turbines * spec.rated
    return spec.turbines * (1.0 - spec.losses) * float(_curve(spec)[1].max())


def _curve(spec: WindTurbine) -> tuple[Floats, Floats]:
    """Speeds [m/s] and powers [kW] of a turbine's power curve."""
    if spec.turbine is not None:
        speeds, powers = TURBINES[spec.turbine]
    else:
        speeds, powers = zip(*((p.speed, p.power) for p in spec.curve or ()), strict=True)
    return np.array(speeds, dtype=float), np.array(powers, dtype=float)


def _available(spec: WindTurbine, name: str, world: World) -> Floats:
    if spec.output is not None and spec.rated is not None:
        return spec.turbines * spec.rated * world.hourly(spec.output, "1", name, "output")
    assert spec.hub_height is not None, "checked by the spec"
    if spec.wind is None:
        speed, measured = world.wind_speed(name), WEATHER_HEIGHT
    else:
        speed, measured = world.hourly(spec.wind, "m/s", name, "wind"), spec.wind_height
    speed = wind_at(speed, measured, spec.hub_height, spec.shear, spec.roughness)
    if spec.density_correction:
        speed = speed * (world.air_density(spec.hub_height, name) / STANDARD_DENSITY) ** (1.0 / 3.0)
    return spec.turbines * (1.0 - spec.losses) * power_at(speed, *_curve(spec))


def formulate(m: Speaker, c: Fleet) -> None:
    """Produce up to what the wind gives."""
    formulate_available(m, c, "power")


def replay(c: Units, flows: Flows, log: Log) -> None:
    """No more than the wind gives."""
    replay_available(c, flows, log, "power", "wind", "wind")
