"""The sun's irradiance from whatever of it a file tells, or else from the clouds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from citygrid.arrays import Floats
from citygrid.inputs.sun import (
    clear_irradiance,
    cloudy_irradiance,
    direct_normal,
    height,
    parted,
    solar_position,
)
from citygrid.inputs.time import Horizon

if TYPE_CHECKING:
    import pandas as pd

#: Global horizontal, direct normal and diffuse horizontal irradiance: ``ghi = dhi + dni cos(z)``.
PARTS = ("ghi", "dni", "dhi")


@dataclass(frozen=True)
class Sky:
    """What is known of the sun over a horizon (T), and what follows of the rest.

    ``known`` holds irradiances [W/m^2] of :data:`PARTS` or ``beam_horizontal``, ``clouds`` the
    share of the sky that they cover; ``place`` is latitude, longitude [deg] and altitude [m].
    """

    horizon: Horizon
    place: tuple[float, float, float]
    known: Mapping[str, Floats]
    clouds: Floats | None

    @cached_property
    def given(self) -> dict[str, Floats]:
        """Those of the three parts that are known, global as the sum of what meets the ground."""
        found = dict(self.known)
        if "ghi" not in found and {"beam_horizontal", "dhi"} <= set(found):
            found["ghi"] = found["beam_horizontal"] + found["dhi"]
        return {name: found[name] for name in PARTS if name in found}

    @property
    def way(self) -> tuple[str, Callable[[], Mapping[str, Floats]]] | None:
        """How the three parts come about, in words, and what works them out; ``None`` if nothing.

        The words are empty where all are given.
        """
        ways = {
            ("ghi", "dni", "dhi"): ("", dict),
            ("ghi", "dhi"): ("direct irradiance computed from global and diffuse", self._direct),
            ("ghi", "dni"): ("diffuse irradiance computed from global and direct", self._diffuse),
            ("dni", "dhi"): ("global irradiance computed from direct and diffuse", self._global),
            ("ghi",): ("direct and diffuse irradiance modelled from global (Erbs)", self._both),
        }
        clouded = ("irradiance modelled from cloud cover (clear sky of Ineichen, Kasten and "
                   "Czeplak, Erbs)", self._from_clouds)  # fmt: skip
        return ways.get(tuple(self.given), None if self.clouds is None else clouded)

    def parts(self) -> dict[str, Floats]:
        """``ghi``, ``dni``, ``dhi`` [W/m^2] (T), none below zero."""
        assert self.way is not None
        _, work_out = self.way
        found = {**self.given, **work_out()}
        return {name: np.clip(found[name], 0.0, None) for name in PARTS}

    @cached_property
    def sun(self) -> pd.DataFrame:
        """Where the sun stands in the middle of every step."""
        return solar_position(self.horizon.middle, *self.place)

    def _clear(self) -> pd.DataFrame:
        return clear_irradiance(self.horizon.middle, self.sun, *self.place)

    def _direct(self) -> dict[str, Floats]:
        sun = self.given
        return {"dni": direct_normal(sun["ghi"], sun["dhi"], self.sun, self._clear())}

    def _diffuse(self) -> dict[str, Floats]:
        sun = self.given
        return {"dhi": np.clip(sun["ghi"] - sun["dni"] * height(self.sun), 0.0, None)}

    def _global(self) -> dict[str, Floats]:
        sun = self.given
        return {"ghi": sun["dhi"] + sun["dni"] * height(self.sun)}

    def _both(self) -> dict[str, Floats]:
        return self._of_global(self.given["ghi"])

    def _from_clouds(self) -> dict[str, Floats]:
        assert self.clouds is not None
        return self._of_global(
            cloudy_irradiance(self._clear()["ghi"].to_numpy(np.float64), self.clouds)
        )

    def _of_global(self, ghi: Floats) -> dict[str, Floats]:
        dni, dhi = parted(self.horizon.middle, ghi, self.sun)
        return {"ghi": ghi, "dni": dni, "dhi": dhi}
