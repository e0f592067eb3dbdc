"""Files of weather: JSON and DWD formats, and which column of any file is which quantity."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from citygrid.errors import Fault, InputError
from citygrid.inputs.sources import Source, all_told, dated, open_source
from citygrid.inputs.stations import pvgis_json
from citygrid.inputs.tables import Column, Table, check_file, opened, read_text, split_header

if TYPE_CHECKING:
    import pandas as pd

#: What the columns of a quantity are called, in lower case with underscores; the first is ours.
NAMES = {
    "air_temperature": ("temperature", "air_temperature", "temp_air", "temperature_2m", "t2m",
                        "outdoor_temperature", "dry_bulb_temperature"),
    "ground_temperature": ("ground_temperature", "soil_temperature"),
    "wind_speed": ("wind_speed", "windspeed", "wind_speed_10m", "windspeed_10m", "ws10m"),
    "relative_humidity": ("relative_humidity", "relative_humidity_2m", "relativehumidity_2m",
                          "humidity", "rh"),
    "cloud_cover": ("cloud_cover", "cloudcover"),
    "ghi": ("ghi", "global_horizontal_irradiance", "shortwave_radiation", "g(h)"),
    "dni": ("dni", "direct_normal_irradiance", "gb(n)"),
    "dhi": ("dhi", "diffuse_horizontal_irradiance", "diffuse_radiation", "gd(h)"),
    "beam_horizontal": ("beam_horizontal", "direct_horizontal_irradiance", "direct_radiation"),
}  # fmt: skip

#: Columns of DWD test reference years, of 2010 and 2015, with what they are here.
_TRY = {"t": "temperature [degC]", "WG": "wind_speed [m/s]", "RF": "relative_humidity [percent]",
        "N": "cloud_cover [1]", "B": "beam_horizontal [W/m^2]", "D": "dhi [W/m^2]"}  # fmt: skip
#: Units that some write behind a name: ``ghi_W_m2``.
_BEHIND = {"_c": "degC", "_w_m2": "W/m^2", "_m_s": "m/s", "_percent": "percent"}
#: Open-Meteo's irradiance is the mean of the hour before its stamp.
_PRECEDING = ("shortwave_radiation", "direct_radiation", "direct_normal_irradiance",
              "diffuse_radiation")  # fmt: skip


def open_weather(file: Path, timezone: str | None, faults: list[Fault]) -> Source:
    """Open any file of weather; see :func:`citygrid.inputs.weather.read_weather`."""
    ending = file.suffix.lower()
    if ending == ".json":
        check_file(file)
        said = opened(file, lambda path: json.loads(read_text(path)), "JSON")
        if isinstance(said, dict) and "outputs" in said:
            return opened(file, pvgis_json, "PVGIS")
        return opened(file, lambda path: _open_meteo(path, faults), "Open-Meteo's hourly JSON")
    if ending == ".dat":
        check_file(file)
        return opened(file, _test_reference_year, "a DWD test reference year")
    return open_source(file, faults, None, timezone)


def quantities(source: Source, faults: list[Fault]) -> dict[str, Column]:
    """The column of every quantity that the file has; two columns for one are a fault."""
    found: dict[str, Column] = {}
    for column in source.table.columns:
        name = column.name.strip().casefold().replace(" ", "_")
        behind = next((end for end in _BEHIND if column.unit is None and name.endswith(end)), None)
        if behind is not None:
            name = name.removesuffix(behind)
            column = replace(column, unit=_BEHIND[behind])
        for quantity, names in NAMES.items():
            if name not in names or column is source.time:
                continue
            if quantity in found:
                faults.append(Fault(
                    str(source.table.file), f"two columns are the {quantity.replace('_', ' ')}",
                    f"{found[quantity].header}, {column.header}", "leave one of them out",
                ))  # fmt: skip
            found[quantity] = column
    return found


def _open_meteo(file: Path, faults: list[Fault]) -> Source:
    def parse(path: Path) -> tuple[dict[str, Any], dict[str, str], dict[str, Any]]:
        document = json.loads(read_text(path))
        return document["hourly"], document["hourly_units"], document

    hourly, units, document = opened(file, parse, "Open-Meteo's hourly JSON")
    count = len(hourly["time"])
    rows = np.arange(1, count + 1, dtype=np.int64)
    time = np.array(hourly["time"], dtype=object)
    seconds = int(document.get("utc_offset_seconds", 0))
    if count and isinstance(time[0], (int, float)):
        stamps = time.astype(np.int64).astype("datetime64[s]").astype("datetime64[ns]")
        columns = [Column("time", "time", None, stamps, utc=True)]
        seconds = 0  # such stamps are of UTC, whatever clock was asked for
    else:
        columns = [Column("time", "time", None, time)]
    for name, cells in hourly.items():
        if name == "time":
            continue
        if len(cells) != count:
            raise InputError(Fault(f"{file}, {name}", f"has {len(cells)} values for {count} stamps",
                                   None, "download the file again"))  # fmt: skip
        try:
            values = np.array([np.nan if c is None else c for c in cells], dtype=np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(Fault(f"{file}, {name}", f"holds what is no number ({error})", None,
                                   "download the file again")) from error  # fmt: skip
        if name in _PRECEDING and count > 1:
            values = np.concatenate([values[1:], values[-1:]])
        columns.append(Column(name, name, units.get(name), values))
    sign, size = "-" if seconds < 0 else "+", abs(seconds) // 60
    zone = f"{sign}{size // 60:02d}:{size % 60:02d}"
    source = dated(Table(file, tuple(columns), rows), "time", zone, faults)
    meta = {"latitude": float(document["latitude"]), "longitude": float(document["longitude"]),
            "altitude": float(document.get("elevation", 0.0))}  # fmt: skip
    return Source(source.table, source.stamps, source.time, zone, False, meta)


def _test_reference_year(file: Path) -> Source:
    """DWD test reference year: hours 1 to 24 of Central European Time name their end."""
    import pandas as pd

    lines = read_text(file).splitlines()
    rule = next((i for i, line in enumerate(lines) if line.startswith("***")), None)
    if not rule:
        raise InputError(Fault(str(file), "is no DWD test reference year", None,
                               "its header ends in a line ***; use another format"))  # fmt: skip
    header = next(line for line in reversed(lines[:rule]) if line.strip()).split()
    body = [line for line in lines[rule + 1 :] if line.strip()]

    def parse(_: Path) -> pd.DataFrame:
        text = io.StringIO("\n".join(body))
        return pd.read_csv(text, sep=r"\s+", header=None, names=header, index_col=False)

    frame = opened(file, parse, "a DWD test reference year")
    lacking = [name for name in ("MM", "DD", "HH", "t") if name not in header]
    if lacking:
        raise InputError(Fault(str(file), "lacks columns of a DWD test reference year",
                               ", ".join(lacking), "use a file as DWD issues it"))  # fmt: skip
    # Any year without a leap day serves: a typical year is matched by month, day and hour.
    day = pd.to_datetime({"year": 2001, "month": frame["MM"], "day": frame["DD"]})
    stamps = (day + pd.to_timedelta(frame["HH"] - 2, unit="h")).to_numpy("datetime64[ns]")
    if "N" in frame:  # eighths; 9 is a sky that cannot be seen
        frame["N"] = np.minimum(frame["N"], 8) / 8.0
    columns = [
        Column(name, *split_header(ours), frame[name].to_numpy(np.float64))
        for name, ours in _TRY.items() if name in frame
    ]  # fmt: skip
    table = Table(file, tuple(columns), np.arange(len(frame), dtype=np.int64) + rule + 2)
    return Source(table, all_told(file, stamps), None, None, typical=True)
