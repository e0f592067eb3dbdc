"""Footprints of buildings as the backdrop of a district's maps, with their heights."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from citygrid.errors import Fault, InputError
from citygrid.imports.layers import column_of, number_of, read_layer, split_layer
from citygrid.imports.network import Backdrop

if TYPE_CHECKING:
    import geopandas as gpd

#: Columns that are recognised: height above ground [m], and what a building is called.
HEIGHTS = ("height", "height_m", "building:height", "building_height", "measuredheight", "hoehe")
NAMES = ("name", "id", "gml_id", "osm_id")
#: Buildings further than this [m] from the network's extent are left out of its map.
MARGIN = 250.0


def read_buildings(
    named: str, places: Iterable[tuple[float, float] | None], crs: str | None
) -> Backdrop:  # fmt: skip
    """Areas of a layer (``FILE`` or ``FILE:LAYER``) around the nodes of a district.

    ``places`` are the nodes' positions in its coordinate system ``crs``, in which the areas come
    back. A height is a number in m, or a text such as ``12.5 m``; what is none is left out, and
    said. Raises :class:`InputError` where the layer cannot be read or holds no areas, where none of
    them is near the nodes, and where it is not known where these are.
    """
    faults: list[Fault] = []
    frame = read_layer(named, ("buildings", "building", "footprints"), faults)
    at = np.array([place for place in places if place is not None], dtype=float).reshape(-1, 2)
    at = at[np.isfinite(at).all(axis=1)]
    if crs is None or not len(at):
        lacks = "without coordinate system" if len(at) else "without positions"
        faults.append(Fault("--buildings", f"cannot be laid under a network {lacks}", named,
                            "say by --crs in which system its positions are, where the command "
                            "has it, or leave --buildings out" if len(at)
                            else "leave --buildings out"))  # fmt: skip
    if frame is None or crs is None or faults:
        raise InputError(faults)
    areas = frame[frame.geom_type.isin(["Polygon", "MultiPolygon"]) & ~frame.geometry.is_empty]
    if areas.empty:
        types = ", ".join(sorted(set(frame.geom_type.dropna())))
        raise InputError(Fault(named, "has no areas", types, "name a layer of footprints"))
    areas = areas.to_crs(crs).reset_index(drop=True)
    (west, south), (east, north) = at.min(axis=0), at.max(axis=0)
    near = areas.cx[west - MARGIN : east + MARGIN, south - MARGIN : north + MARGIN]
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
