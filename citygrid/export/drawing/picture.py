"""The district as a drawing: footprints, pipes and cables by use, components as small plates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from shapely.affinity import affine_transform
from shapely.geometry import LineString, MultiLineString, box
from shapely.geometry.base import BaseGeometry

from citygrid.district.case import Asset, Case
from citygrid.export.drawing.places import Place, places_of
from citygrid.export.drawing.plates import Cluster, clusters_of, share_of_peak
from citygrid.export.drawing.projection import WIDTH, projection
from citygrid.export.flows import Dispatch
from citygrid.export.gis.geometry import Geometry
from citygrid.export.palette import CLASSES
from citygrid.export.windows import Window

#: Pixels by which a cable is drawn beside a pipe of the same course.
ASIDE = 4.0
#: Most footprints that are drawn; the largest stay.
FOOTPRINTS = 3000
#: Group of a line → how it is drawn; pipes of every other group are drawn as those of heat.
NETWORKS = {"power": "power", "compute": "data"}


@dataclass(frozen=True)
class Line:
    """A pipe or cable: its course, thickness, class of mean use, and what to say of it."""

    row: int
    course: str
    thick: float
    network: str
    level: int
    about: str


@dataclass(frozen=True)
class Picture:
    """All that the template draws, in pixels of its own; ``left_out`` says what had no room."""

    width: float
    height: float
    areas: str
    dots: list[tuple[float, float]]
    lines: list[Line]
    places: list[Place]
    clusters: list[Cluster]
    scale: tuple[float, str] | None
    left_out: str = ""


def use_class(share: float) -> int:
    """Class of use of a line: 0 without a figure, else 1 (idle) to 5 (full)."""
    if not np.isfinite(share):
        return 0
    return 1 + next(i for i, high in enumerate(CLASSES) if share < high)


def draw(case: Case, geometry: Geometry, moved: Dispatch, table: pd.DataFrame) -> Picture | None:
    """The map of a case; ``None`` where it has no positions."""
    if not geometry.known:
        return None
    to_pixels, height, metres = projection(
        [*geometry.nodes.values(), *geometry.lines.values()], geometry.crs
    )
    flat = {name: affine_transform(line, to_pixels) for name, line in geometry.lines.items()}
    nodes = {n: affine_transform(p, to_pixels) for n, p in geometry.nodes.items()}
    lines = _lines(case, moved, table, flat)
    areas, dots = _footprints(geometry, to_pixels, height)
    places = places_of(case, moved, nodes)
    clusters, left_out = clusters_of(case, moved, table, nodes, places, list(flat.values()), height)
    return Picture(WIDTH, height, areas, dots, lines, places, clusters, _scale(metres), left_out)


def _course(line: BaseGeometry) -> str:
    parts = line.geoms if isinstance(line, MultiLineString) else [line]
    text = ""
    for part in parts:
        points = np.asarray(part.simplify(0.4).coords)[:, :2]
        text += "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return text


def _lines(
    case: Case, moved: Dispatch, table: pd.DataFrame, flat: dict[str, BaseGeometry]
) -> list[Line]:
    found = []
    largest = {
        group: table.loc[table["group"] == group, "capacity_kw"].max()
        for group in table["group"].unique()
    }
    drawn: list[BaseGeometry] = []
    for i in moved.lines:
        asset, row = case.assets[i], table.iloc[i]
        if asset.name not in flat:
            continue
        course = flat[asset.name]
        network = NETWORKS.get(asset.group, "heat")
        if any(course.hausdorff_distance(other) < 1.5 for other in drawn):
            aside = course.simplify(1.0).offset_curve(ASIDE)
            course = aside if isinstance(aside, LineString) and not aside.is_empty else course
        else:
            drawn.append(course)
        share = (
            np.sqrt(row["capacity_kw"] / largest[asset.group]) if row["capacity_kw"] > 0 else 0.5
        )
        thick = 2.6 + 4.0 * share if network == "heat" else 1.6 + 1.6 * share
        found.append(Line(int(i), _course(course), float(thick), network,
                          use_class(row["mean_used"]), _about(asset, row)))  # fmt: skip
    return sorted(found, key=lambda line: line.network != "heat")


def _about(asset: Asset, row: pd.Series[Any]) -> str:
    """What is said of a line; figures that do not apply are left out."""
    size = f", DN {row['dn']:.0f}" if np.isfinite(row["dn"]) else ""
    said = []
    if np.isfinite(row["mean_kw"]):
        said.append(f"mean {row['mean_kw']:,.0f} kW, at most {row['max_kw']:,.0f} kW of "
                    f"{row['capacity_kw']:,.0f} kW")  # fmt: skip
    if np.isfinite(row["mean_used"]):
        said.append(f"in use {row['mean_used']:.0%} on average, {row['max_used']:.0%} at most")
    return f"{asset.name}{size}, {asset.node} to {asset.to}: {'; '.join(said) or 'no figures'}"


def _footprints(
    geometry: Geometry, matrix: list[float], height: float
) -> tuple[str, list[tuple[float, float]]]:
    """Outlines of areas as one path, and points as dots."""
    if geometry.footprints is None:
        return "", []
    frame = box(0.0, 0.0, WIDTH, height)
    shapes = [affine_transform(shape, matrix) for shape in geometry.footprints.geometry]
    shapes = [shape for shape in shapes if shape.intersects(frame)]
    shapes = sorted(shapes, key=lambda shape: -shape.area)[:FOOTPRINTS]
    path, dots = "", []
    for shape in shapes:
        if shape.geom_type == "Point":
            dots.append((round(shape.x, 1), round(shape.y, 1)))
            continue
        for part in getattr(shape, "geoms", [shape]):
            if part.geom_type != "Polygon":
                continue
            points = np.asarray(part.simplify(0.5).exterior.coords)[:, :2]
            path += "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points[:-1]) + "Z"
    return path, dots


def _scale(metres: float | None) -> tuple[float, str] | None:
    """Length in pixels and label of a scale bar of a round length."""
    if metres is None:
        return None
    rough = 110.0 * metres
    power = 10.0 ** np.floor(np.log10(rough))
    length = max(m * power for m in (1, 2, 5) if m * power <= rough)
    label = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    return float(length / metres), label


# what the slider shows --------------------------------------------------------------------------


def shown_by_hour(picture: Picture | None, moved: Dispatch, window: Window) -> dict[str, Any]:
    """Class of use of every line and share [%] of every plate, for every point of a window."""
    if picture is None:
        return {"lines": [], "plates": []}
    lines = []
    for line in picture.lines:
        shares = window.means(moved.use[line.row])
        lines.append("".join(str(use_class(share)) for share in shares))
    plates = [
        np.round(100 * window.means(share_of_peak(moved, plate.row))).astype(int).tolist()
        for cluster in picture.clusters for plate in cluster.plates
    ]  # fmt: skip
    return {"lines": lines, "plates": plates}
