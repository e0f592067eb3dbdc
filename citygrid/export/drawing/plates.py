"""Components on the drawing: plates with a code, under the name of their node."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from citygrid.arrays import Floats
from citygrid.cards import counted, short
from citygrid.district.case import Case
from citygrid.export.drawing.places import Place
from citygrid.export.drawing.projection import WIDTH
from citygrid.export.drawing.room import Room
from citygrid.export.flows import Dispatch
from citygrid.export.palette import Look, look

#: Plates with a component's code: how many stand in a row, and how far apart they are.
IN_A_ROW = 4
STEP = (30.0, 22.0)
#: Most letters of a node's name on the map, and the height of a line and the width of a letter.
NAME = 40
LINE, LETTER = 13.0, 7.0
#: How far from its node [px] a name may stand, and how far plates may.
NEAR, FAR = (12.0, 24.0, 40.0, 64.0), (12.0, 24.0, 40.0, 64.0, 96.0, 140.0)
#: Groups that are shown by the node's own mark.
QUIET = ("demand",)


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


def output(moved: Dispatch, i: int) -> tuple[Floats, str]:
    """A component's most telling figure over time [kW], and its name: the carrier it gives most of.

    What gives nothing is told by what it takes; a store by its level.
    """
    if moved.stores[i]:
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


def clusters_of(
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
