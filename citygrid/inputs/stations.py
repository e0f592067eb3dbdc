"""Weather of stations and satellites: EPW, TMY3 and PVGIS, read by pvlib.

Their stamps are told as the starts of hours in UTC, with units of ours. EPW and TMY3 count the
hours of local standard time by their end, and PVGIS stamps UTC. What a damaged file makes any of
these readers raise is told by who calls them (:func:`citygrid.inputs.tables.opened`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from citygrid.errors import Fault, InputError
from citygrid.inputs.sources import Source, all_told
from citygrid.inputs.tables import Column, Table, from_frame, read_text

if TYPE_CHECKING:
    import pandas as pd

#: Units of pvlib's names, which these files are read with.
PVLIB_UNITS = {
    "temp_air": "degC", "temp_dew": "degC", "relative_humidity": "percent",
    "atmospheric_pressure": "Pa", "pressure": "Pa", "ghi": "W/m^2", "dni": "W/m^2",
    "dhi": "W/m^2", "beam_horizontal": "W/m^2", "ghi_infrared": "W/m^2", "IR(h)": "W/m^2",
    "wind_speed": "m/s", "wind_direction": "deg", "cloud_cover": "1",
}  # fmt: skip
#: What TMY3 writes where it has no value.
TMY3_MISSING = -9900
#: First words of a PVGIS table, and of the second line of a TMY3 file.
PVGIS_BEGINS, TMY3_HEADER = "latitude (decimal degrees)", "date (mm/dd/yyyy),time (hh:mm)"


def is_pvgis(file: Path) -> bool:
    """Whether a text begins as the tables of PVGIS do."""
    with file.open("rb") as stream:
        return stream.read(64).lower().startswith(PVGIS_BEGINS.encode())


def is_tmy3(file: Path) -> bool:
    """Whether the second line of a text is the header of a TMY3 file."""
    with file.open("rb") as stream:
        stream.readline(4096)
        return stream.readline(64).lower().startswith(TMY3_HEADER.encode())


def epw(file: Path) -> Source:
    """A typical year of EnergyPlus."""
    from pvlib.iotools import read_epw

    frame, meta = read_epw(str(file.absolute()))
    place = {name: float(meta[name]) for name in ("latitude", "longitude", "altitude")}
    return _source(file, frame, place, header_lines=8)


def tmy3(file: Path) -> Source:
    """A typical year of the US National Renewable Energy Laboratory, with its header of two lines.

    Irradiance is that of the hour that ends at the stamp, so the whole row is told as its start.
    Source: S. Wilcox and W. Marion, Users manual for TMY3 data sets, NREL/TP-581-43156, 2008.
    """
    import pandas as pd
    from pvlib.iotools import read_tmy3

    frame, meta = read_tmy3(str(file))
    frame = frame.replace(TMY3_MISSING, np.nan)
    frame.index = frame.index - pd.Timedelta(hours=1)
    if "pressure" in frame:
        frame["pressure"] = 100.0 * frame["pressure"]  # mbar
    if "TotCld (tenths)" in frame:
        frame["cloud_cover"] = frame["TotCld (tenths)"] / 10.0
    place = {name: float(meta[name]) for name in ("latitude", "longitude", "altitude")}
    return _source(file, frame, place, header_lines=2)


def pvgis(file: Path) -> Source:
    """A table of PVGIS: a typical year, or the hours of years on a horizontal plane."""
    from pvlib.iotools import read_pvgis_hourly, read_pvgis_tmy

    lines = read_text(file).splitlines()
    rule = next((i for i, line in enumerate(lines) if line.startswith("time")), None)
    if rule is None:
        raise _no_pvgis(file)
    if lines[rule].startswith("time(UTC)"):
        frame, meta = read_pvgis_tmy(str(file), pvgis_format="csv")
        return _source(file, frame, _place_of(meta["inputs"]), rule + 1)
    frame, meta = read_pvgis_hourly(str(file), pvgis_format="csv")
    slope = str(meta["inputs"].get("Slope", "")).split(" ")[0]
    return _hours(file, frame, slope, _place_of(meta["inputs"]), rule + 1)


def pvgis_json(file: Path) -> Source:
    """The same in JSON."""
    from pvlib.iotools import read_pvgis_hourly, read_pvgis_tmy

    outputs = json.loads(read_text(file))["outputs"]
    typical = "tmy_hourly" in outputs
    if not typical and "hourly" not in outputs:
        raise _no_pvgis(file)
    read = read_pvgis_tmy if typical else read_pvgis_hourly
    frame, meta = read(str(file), pvgis_format="json")
    inputs = meta["inputs"]
    place = _place_of(inputs["location"])
    if typical:
        return _source(file, frame, place, 0)
    fixed = inputs.get("mounting_system", {}).get("fixed", {})
    slope = str(fixed.get("slope", {}).get("value", ""))
    return _hours(file, frame, slope, place, 0)


def _no_pvgis(file: Path) -> InputError:
    return InputError(Fault(str(file), "is neither a typical year nor an hourly series of PVGIS",
                            None, "download `TMY` or `hourly radiation`"))  # fmt: skip


def _place_of(said: Any) -> dict[str, float]:
    return {"latitude": float(said["latitude"]), "longitude": float(said["longitude"]),
            "altitude": float(said["elevation"])}  # fmt: skip


def _hours(
    file: Path, frame: pd.DataFrame, slope: str, place: dict[str, float], header_lines: int
) -> Source:
    """Hours of real years. PVGIS stamps the minute of the satellite's picture, such as 12:10.

    Such a value is told as its hour's. The sun is that on the plane which was asked for, and only
    one without a slope is the ground's: ``ghi = direct + diffuse``.
    """
    import pandas as pd

    if slope not in ("0", "0.0"):
        raise InputError(Fault(
            str(file), "gives the sun on a plane that is not horizontal", slope or None,
            "ask PVGIS for a fixed plane with slope 0, with radiation components",
        ))  # fmt: skip
    frame = frame.copy()
    frame.index = pd.DatetimeIndex(frame.index).floor("h")
    if "poa_direct" in frame and "poa_sky_diffuse" in frame:
        frame["beam_horizontal"] = frame["poa_direct"]
        frame["dhi"] = frame["poa_sky_diffuse"] + frame.get("poa_ground_diffuse", 0.0)
    elif "poa_global" in frame:
        frame["ghi"] = frame["poa_global"]
    return _source(file, frame, place, header_lines, typical=False)


def _source(
    file: Path, frame: pd.DataFrame, meta: dict[str, float], header_lines: int, typical: bool = True
) -> Source:
    import pandas as pd

    stamps = pd.DatetimeIndex(frame.index).tz_convert("UTC").tz_localize(None)
    plain = from_frame(file, frame.reset_index(drop=True))
    columns = tuple(
        Column(c.header, c.name, PVLIB_UNITS.get(c.name, c.unit), c.values) for c in plain.columns
    )
    table = Table(file, columns, plain.rows + header_lines)
    timed = all_told(file, stamps.to_numpy("datetime64[ns]"))
    return Source(table, timed, None, None, typical, meta)
