"""The district as a drawing: footprints, pipes and cables by use, components as small plates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from shapely.affinity import affine_transform
from shapely.geometry import LineString, MultiLineString, box
from shapely.geometry.base import BaseGeometry

from citygrid.arrays import Floats
from citygrid.cards import counted, short
from citygrid.district.case import Asset, Case
from citygrid.export.flows import Dispatch
from citygrid.export.gis.geometry import Geometry
from citygrid.export.palette import CLASSES, Look, look
from citygrid.export.report.projection import WIDTH, projection
from citygrid.export.report.room import Room
from citygrid.export.report.windows import Window

#: Plates with a component's code: how many stand in a row, and how far apart they are.
IN_A_ROW = 4
STEP = (30.0, 22.0)
#: Most letters of a node's name on the map, and the height of a line and the width of a letter.
NAME = 40
LINE, LETTER = 13.0, 7.0
#: How far from its node [px] a name may stand, and how far plates may.
NEAR, FAR = (12.0, 24.0, 40.0, 64.0), (12.0, 24.0, 40.0, 64.0, 96.0, 140.0)
#: Pixels by which a cable is drawn beside a pipe of the same course.
ASIDE = 4.0
#: Most footprints that are drawn; the largest stay.
FOOTPRINTS = 3000
#: Group of a line → how it is drawn; pipes of every other group are drawn as those of heat.
NETWORKS = {"power": "power", "compute": "data"}
#: Groups that are shown by the node's own mark.
QUIET = ("demand",)


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
class Plate:
    """A component: its code and how much of its largest output it gives on average."""

    row: int
    x: float
    y: float
    look: Look
    kind: str
    share: float
    about: str


@dataclass(frozen=True)
class Cluster:
    """The components of a node under its name, with a leader to it."""

    node: str
    x: float
    y: float
    leader: tuple[float, float, float, float]
    plates: list[Plate]


@dataclass(frozen=True)
class Place:
    """A node: a mark as large as its demand."""

    x: float
    y: float
    radius: float
    about: str
    demand: bool


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
    places = _places(case, moved, nodes)
    clusters, left_out = _clusters(case, moved, table, nodes, places, list(flat.values()), height)
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


def _places(case: Case, moved: Dispatch, nodes: dict[str, Any]) -> list[Place]:
    asked: dict[str, dict[str, float]] = {}
    for i, asset in enumerate(case.assets):
        if asset.group == "demand" and asset.node in nodes:
            for carrier, amounts in moved.carriers.items():
                if np.isfinite(amounts[i]).any():
                    here = asked.setdefault(asset.node, {})
                    here[carrier] = here.get(carrier, 0.0) - float(np.nanmean(amounts[i]))
    most = max((sum(parts.values()) for parts in asked.values()), default=1.0)
    found = []
    for node, point in nodes.items():
        parts = asked.get(node, {})
        radius = 3.0 + 6.0 * np.sqrt(sum(parts.values()) / most) if parts and most > 0 else 3.0
        says = ", ".join(
            f"{carrier.replace('_', ' ')} {kw:,.0f} kW" for carrier, kw in parts.items()
        )
        about = f"{node}: mean demand {says}" if says else node
        found.append(Place(round(point.x, 1), round(point.y, 1), float(radius), about, bool(parts)))
    return found


# plates -----------------------------------------------------------------------------------------


def output(moved: Dispatch, i: int) -> tuple[Floats, str]:
    """A component's most telling figure over time [kW], and its name: the carrier it gives most of.

    What gives nothing is told by what it takes; a store by its level.
    """
    if np.isfinite(moved.level[i]).any():
        return np.nan_to_num(moved.level[i]), "level"
    best, name = np.zeros(moved.level.shape[1]), ""
    order = ["heat", "power", "cooling", "gas", "waste_heat"]
    ranked = sorted(moved.carriers, key=lambda c: order.index(c) if c in order else 9)
    for sign in (1.0, -1.0):
        for carrier in ranked:
            part = np.maximum(sign * np.nan_to_num(moved.carriers[carrier][i]), 0.0)
            # Heat that a centre hands on is a by-product: its power says how busy it is.
            if moved.assets[i].group == "compute" and carrier != "power":
                continue
            if part.sum() > best.sum():
                best, name = part, carrier
        if name:
            break
    return best, name


def share_of_peak(moved: Dispatch, i: int) -> Floats:
    """How much of its largest figure over the horizon a component shows in every step."""
    amount, _ = output(moved, i)
    return amount / max(float(amount.max()), 1e-9)


def _clusters(
    case: Case, moved: Dispatch, table: pd.DataFrame, nodes: dict[str, Any], places: list[Place],
    lines: list[BaseGeometry], height: float,
) -> tuple[list[Cluster], str]:  # fmt: skip
    """Names and plates, none on another, and in words which of them had no room.

    The fullest nodes choose first, then those of the largest demand. What has no room is told by
    the mark of its node, whose words in ``places`` are changed.
    """
    known = tuple(case.units)
    here: dict[str, list[int]] = {node: [] for node in nodes}
    for i, asset in enumerate(case.assets):
        if not asset.to and asset.group not in QUIET and asset.node in nodes:
            here.setdefault(asset.node, []).append(i)
    number = {node: i for i, node in enumerate(nodes)}
    room = Room(list(nodes.values()), lines, WIDTH, height)
    found, unnamed, hidden = [], 0, 0
    order = sorted(here, key=lambda node: (-len(here[node]), -places[number[node]].radius))
    for node in order:
        rows, point, label = here[node], nodes[node], short(node, NAME)
        across, down = min(len(rows), IN_A_ROW), -(-len(rows) // IN_A_ROW)
        size = (max(across * STEP[0], LETTER * len(label)), down * STEP[1] + LINE)
        spot = room.spot(point, size, FAR if rows else NEAR)
        if spot is None and rows:  # better without a name than not at all
            label, size = "", (across * STEP[0], down * STEP[1])
            spot = room.spot(point, size, FAR)
        if spot is None or not label:
            unnamed += 1
        if spot is None:
            hidden += bool(rows)
            mark = places[number[node]]
            held = ", ".join(short(case.assets[i].name, NAME) for i in rows)
            if held:
                places[number[node]] = replace(mark, about=f"{mark.about}; with {held}")
            continue
        x, y = spot
        area = box(x, y, x + size[0], y + size[1])
        near = area.exterior.interpolate(area.exterior.project(point))
        top = y + (LINE if label else 0.0)
        plates = [
            _plate(case, moved, table, i, known, x + STEP[0] * (k % IN_A_ROW),
                   top + STEP[1] * (k // IN_A_ROW))
            for k, i in enumerate(rows)
        ]  # fmt: skip
        found.append(Cluster(label, x, y + 9.0, (point.x, point.y, near.x, near.y), plates))
    return found, _no_room(unnamed, hidden)


def _no_room(unnamed: int, hidden: int) -> str:
    """What was left out where it would have lain on something else."""
    if not unnamed:
        return ""
    said = f"There is no room for the {'name' if unnamed == 1 else 'names'} of "
    said += counted(unnamed, "node")
    if hidden:
        said += f", nor for the components of {hidden} of them"
    return f"{said}; pointing at a mark names it, and the tables name all"


def _plate(
    case: Case, moved: Dispatch, table: pd.DataFrame, i: int, known: tuple[str, ...], x: float,
    y: float,
) -> Plate:  # fmt: skip
    asset, row = case.assets[i], table.iloc[i]
    drawn = look(asset.kind, known)
    says = [
        f"{carrier.replace('_', ' ')} {abs(row[f'{carrier}_mwh']):,.1f} MWh "
        f"{'fed' if row[f'{carrier}_mwh'] >= 0 else 'drawn'}"
        for carrier in moved.carriers if abs(row[f"{carrier}_mwh"]) >= 0.005
    ]  # fmt: skip
    if row["cost_eur"]:
        says.append(f"{row['cost_eur']:,.0f} EUR")
    about = f"{asset.name} ({drawn.label}, {asset.node}): {', '.join(says) or 'idle'}"
    share = float(share_of_peak(moved, i).mean())
    return Plate(i, round(x, 1), round(y, 1), drawn, asset.kind, share, about)


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
