"""Footprints of buildings as the backdrop of a district's maps, with their heights."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from citygrid.errors import Fault, InputError
from citygrid.imports.layers import column_of, number_of, read_layer, split_layer
from citygrid.imports.network import Backdrop, Network

if TYPE_CHECKING:
    import geopandas as gpd

#: Columns that are recognised: height above ground [m], and what a building is called.
HEIGHTS = ("height", "height_m", "building:height", "building_height", "measuredheight", "hoehe")
NAMES = ("name", "id", "gml_id", "osm_id")
#: Buildings further than this [m] from the network's extent are left out of its map.
MARGIN = 250.0


def read_buildings(named: str, network: Network) -> Backdrop:
    """Areas of a layer (``FILE`` or ``FILE:LAYER``) around a network, in its coordinate system.

    A height is a number in m, or a text such as ``12.5 m``; what is none is left out, and said.
    Raises :class:`InputError` where the layer cannot be read or holds no areas, or where none of
    them is near the network.
    """
    faults: list[Fault] = []
    frame = read_layer(named, ("buildings", "building", "footprints"), faults)
    if network.crs is None:
        faults.append(Fault(named, "cannot be laid under a network without coordinate system",
                            None, "leave --buildings out"))  # fmt: skip
    if frame is None or network.crs is None:
        raise InputError(faults)
    areas = frame[frame.geom_type.isin(["Polygon", "MultiPolygon"]) & ~frame.geometry.is_empty]
    if areas.empty:
        types = ", ".join(sorted(set(frame.geom_type.dropna())))
        raise InputError(Fault(named, "has no areas", types, "name a layer of footprints"))
    areas = areas.to_crs(network.crs).reset_index(drop=True)
    east, north = zip(*network.nodes.values(), strict=True)
    near = areas.cx[min(east) - MARGIN : max(east) + MARGIN,
                    min(north) - MARGIN : max(north) + MARGIN]  # fmt: skip
    if near.empty:
        raise InputError(Fault(named, f"has no building within {MARGIN:g} m of the network",
                               str(frame.crs.name), "check its coordinate system"))  # fmt: skip
    notes = []
    if len(areas) < len(frame):
        notes.append(f"{named}: {len(frame) - len(areas)} features are no areas "
                     "and were left out")  # fmt: skip
    if len(near) < len(areas):
        notes.append(f"{named}: {len(areas) - len(near)} buildings further than {MARGIN:g} m from "
                     "the network's extent were left out")  # fmt: skip
    return Backdrop(_told(named, near.reset_index(drop=True), notes),
                    split_layer(named)[0].resolve(), tuple(notes))  # fmt: skip


def _told(named: str, near: gpd.GeoDataFrame, notes: list[str]) -> gpd.GeoDataFrame:
    """Footprints with the columns that maps use: ``building`` and ``height`` [m]."""
    import geopandas as gpd

    columns: dict[str, list[object]] = {}
    called, high = column_of(near, NAMES), column_of(near, HEIGHTS)
    if called is not None:
        columns["building"] = [None if value is None else str(value) for value in near[called]]
    if high is not None:
        heights = [_height(value) for value in near[high]]
        unknown = sum(height is None for height in heights)
        if unknown:
            notes.append(f"{named}: {unknown} of {len(heights)} buildings have no height above 0 "
                         f"in {high} and are drawn flat")  # fmt: skip
        columns["height"] = list(heights)
    return gpd.GeoDataFrame(columns, geometry=list(near.geometry), crs=near.crs)


def _height(value: object) -> float | None:
    text = re.sub(r"\s*m$", "", value.strip()) if isinstance(value, str) else value
    number = number_of(text)
    return number if number is not None and number > 0 else None
