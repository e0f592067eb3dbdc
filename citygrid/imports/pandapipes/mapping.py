"""A heat network of pandapipes (its JSON file) as a district; read without pandapipes.

What leaves the pumps' flow junctions by pipes is the supply, and the nodes of a district are its
junctions: a heat pipe here is supply and return at once. Consumers join both, a pump is where heat
comes from. Pressures are not planned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

from citygrid.components.common.piping import WATER_HEAT
from citygrid.errors import Fault, InputError
from citygrid.imports.draft import Draft, Frame, Prices
from citygrid.imports.pandapipes.reading import (
    JOINING,
    PUMPS,
    Tables,
    courses_of,
    find_supply,
    given,
    positions_of,
    read_tables,
    say_what_is_off,
    sources_of,
)
from citygrid.imports.projection import Projection
from citygrid.imports.sizing import carried
from citygrid.imports.text import word

KELVIN = 273.15
#: Tables that say nothing of the network itself.
QUIET = ("junction_geodata", "pipe_geodata", "valve_geodata")
#: Velocity [m/s] up to which a pipe is taken to carry; faster ones are said.
VELOCITY = 1.5
#: Coefficient [W/m/K] of a pipe that loses nothing, for one has to be above 0.
TIGHT = 1e-6
#: Bore [m] of a pipe that states none.
USUAL_BORE = 0.1


def draft_of_pandapipes(
    file: Path, prices: Prices, frame: Frame, crs: str | None = None
) -> tuple[Draft, Frame]:
    """The district of a heat network of pandapipes, in its design state.

    crs
        Coordinate system of the junctions; positions in degrees become metres in their UTM zone.

    Raises :class:`InputError` where the file is no network of water with a circulation pump (or
    external grid), or where supply and return are joined by pipes.
    """
    tables = read_tables(file)
    net = Tables(file, tables, Draft(file))
    say_what_is_off(net)
    sources = sources_of(net)
    find_supply(net, sources)
    frame = _temperatures(net, frame)
    _place(net, crs)
    demand = _consumers(net, frame)
    losses = _pipes(net, frame, sources, demand)
    _heat(net, prices, sources, sum(demand.values()) + losses)
    known = {"junction", "pipe", "heat_consumer", "heat_exchanger", "ext_grid", "sink",
             *PUMPS, *JOINING, *QUIET}  # fmt: skip
    for name, rows in tables.items():
        if len(rows) and name not in known:
            net.draft.drop(f"{name} ({len(rows)} rows)", "has no counterpart")
    return net.draft, frame


def _temperatures(net: Tables, frame: Frame) -> Frame:
    """Supply from the pumps, return from the consumers, soil from the pipes, as far as stated."""
    rows = [row for table in PUMPS for _, row in net.table(table).iterrows()]
    supplies = [float(row["t_flow_k"]) - KELVIN for row in rows if given(row, "t_flow_k")]
    rows = [row for _, row in net.table("ext_grid").iterrows()]
    supplies = supplies or [float(row["t_k"]) - KELVIN for row in rows if given(row, "t_k")]
    supply = min(supplies, default=frame.supply)
    backs = []
    for _, row in net.table("heat_consumer").iterrows():
        if given(row, "treturn_k"):
            backs.append(float(row["treturn_k"]) - KELVIN)
        elif given(row, "deltat_k"):
            backs.append(supply - float(row["deltat_k"]))
    back = float(np.mean(backs)) if backs else frame.back
    pipes = net.table("pipe")
    ground = frame.ground
    if "text_k" in pipes and pipes["text_k"].notna().all() and frame.weather is None:
        ground = round(float(pipes["text_k"].mean()) - KELVIN, 3)
        if pipes["text_k"].nunique() > 1:
            net.draft.assumed.append(f"soil: {ground:g} degC, the pipes' mean")
    if supply <= back:
        raise InputError(Fault(
            str(net.file), f"its supply of {supply:.1f} degC is not above its return",
            f"{back:.1f} degC", "correct t_flow_k, or --return",
        ))  # fmt: skip
    if not supplies:
        net.draft.assumed.append(f"supply: {supply:g} degC")
    if not backs:
        net.draft.assumed.append(f"return: {back:g} degC")
    return replace(frame, supply=round(supply, 3), back=round(back, 3), ground=ground)


def _place(net: Tables, crs: str | None) -> None:
    """Nodes of the supply, where the file says they are, and the courses of its pipes."""
    at, courses = positions_of(net), courses_of(net)
    degrees = bool(at) and all(abs(x) <= 180 and abs(y) <= 90 for x, y in at.values())
    if at and degrees and crs is None:
        net.draft.assumed.append("positions: none, for they look like degrees; --crs EPSG:4326")
        at, courses = {}, {}
    project = _projection(net, crs, at) if at and crs is not None else lambda point: point
    for junction in sorted(net.supply.nodes):
        position = at.get(junction)
        net.nodes[junction] = net.draft.add_node(
            net.called("junction", junction), None if position is None else project(position)
        )
    if at:
        net.courses = {row: [project(point) for point in line] for row, line in courses.items()}


def _projection(
    net: Tables, crs: str, at: dict[int, tuple[float, float]]
) -> Callable[[tuple[float, float]], tuple[float, float]]:  # fmt: skip
    """What makes a point of the file one of the district, whose system is set."""
    from pyproj import CRS, Transformer
    from pyproj.exceptions import CRSError

    try:
        system = CRS.from_user_input(crs)
    except CRSError:
        raise InputError(Fault("--crs", "is no coordinate system", crs,
                               "write one such as EPSG:25832")) from None  # fmt: skip
    net.draft.crs = crs
    if not system.is_geographic:
        return lambda point: point
    to_degrees = Transformer.from_crs(system, "EPSG:4326", always_xy=True)
    net.draft.crs = Projection(to_degrees.transform(*point) for point in at.values()).crs
    to_metres = Transformer.from_crs(system, net.draft.crs, always_xy=True)

    def project(point: tuple[float, float]) -> tuple[float, float]:
        east, north = to_metres.transform(*point)
        return float(east), float(north)

    return project


def _consumers(net: Tables, frame: Frame) -> dict[int, float]:
    """Heat demands; the sum at every node of the supply [kW]."""
    drawn: dict[int, float] = {}
    spread = frame.supply - frame.back
    for table in ("heat_consumer", "heat_exchanger", "sink"):
        for row, part in net.table(table).iterrows():
            name, reason = net.called(table, row), None
            ends = [int(part[end]) for end in ("from_junction", "to_junction", "junction")
                    if end in part.index and given(part, end)]  # fmt: skip
            here = [net.same[end] for end in ends if net.same.get(end) in net.nodes]
            heat = _heat_of(part, frame, spread)
            if not here:
                reason = "is not at the supply of a source"
            elif len(here) > 1:
                reason = "begins and ends in the supply"
            elif heat is None:
                reason = "states no heat"
            elif heat < 0:
                reason = f"gives {-heat:.6g} kW to the network, for which there is no kind"
            if reason or heat is None:
                net.draft.drop(f"{name} ({table})", reason or "states no heat")
                continue
            if table == "sink":
                net.draft.assumed.append(f"{name}: a heat demand by its flow and {spread:g} K")
            net.draft.add(name, "heat_demand", node=word(net.nodes[here[0]]), load=f"{heat:.9g} kW")
            drawn[here[0]] = drawn.get(here[0], 0.0) + heat
    return drawn


def _heat_of(part: Any, frame: Frame, spread: float) -> float | None:
    """Heat that a consumer takes [kW]: as stated, or by its flow and what it cools that."""
    if given(part, "qext_w"):
        return float(part["qext_w"]) / 1e3
    flow = next((float(part[name]) for name in ("controlled_mdot_kg_per_s", "mdot_kg_per_s")
                 if given(part, name)), None)  # fmt: skip
    if flow is None:
        return None
    cooled = spread
    if given(part, "deltat_k"):
        cooled = float(part["deltat_k"])
    elif given(part, "treturn_k"):
        cooled = frame.supply - (float(part["treturn_k"]) - KELVIN)
    return flow * WATER_HEAT * cooled * float(part.get("scaling", 1.0))


def _pipes(
    net: Tables, frame: Frame, sources: dict[int, tuple[str, str]], demand: dict[int, float]
) -> float:  # fmt: skip
    """Heat pipes from the sources outward; returns what all of them lose [kW]."""
    starts = {net.same[source] for source in sources if net.same.get(source) in net.nodes}
    distance = nx.multi_source_dijkstra_path_length(net.supply, starts, weight="length")
    plain = nx.Graph(net.supply)
    bridges = {frozenset(pair) for pair in nx.bridges(plain)}
    warmer = frame.supply + frame.back - 2.0 * (10.0 if frame.ground is None else frame.ground)
    table = net.table("pipe")
    lost = sum(
        length * _coefficient(table.loc[row]) * warmer / 1e3
        for *_, row, length in net.supply.edges(keys=True, data="length")
    )
    # How flow divides in loops is the plan's to say, so each may carry all.
    need = 1.1 * sum(demand.values()) + max(lost, 0.0)
    for a, b, row in sorted(net.supply.edges(keys=True), key=lambda edge: edge[2]):
        pipe, name = table.loc[row], net.called("pipe", row)
        near, far = (a, b) if distance[a] <= distance[b] else (b, a)
        bore = _bore(pipe)
        if bore is None:
            bore = USUAL_BORE
            net.draft.assumed.append(f"{name}: a bore of {bore:g} m")
        alone = frozenset((a, b)) in bridges and net.supply.number_of_edges(a, b) == 1
        fields = {"from_": word(net.nodes[near]), "to": word(net.nodes[far]),
                  "length": f"{net.supply.edges[a, b, row]['length']:.9g} m",
                  "inner": f"{bore:.9g} m", "loss_u1": f"{_coefficient(pipe):.9g} W/m/K",
                  "loss_u2": "0 W/m/K"}  # fmt: skip
        if given(pipe, "k_mm") and float(pipe["k_mm"]) > 0:
            fields["roughness"] = f"{float(pipe['k_mm']):.9g} mm"
        if given(pipe, "qext_w") and float(pipe["qext_w"]) != 0:
            net.draft.drop(f"{name} (pipe)", f"the {float(pipe['qext_w']) / 1e3:.6g} kW that it "
                           "gives off on its way, beside its losses")  # fmt: skip
        able = float(carried(bore, frame.supply - frame.back, VELOCITY))
        if able < need:
            fields["velocity"] = f"{VELOCITY * need / able:.4g} m/s"
        if not alone or len(starts) > 1:
            fields["reversible"] = "true"
        made = net.draft.add(name, "heat_pipe", **fields)
        course = net.courses.get(row, [])
        forth = net.same[int(pipe["from_junction"])] == near
        net.draft.course(made, course if forth else course[::-1])
    net.draft.assumed.append(f"pipes: up to {VELOCITY:g} m/s, or what carries all demand; "
                             "the file limits no flow")  # fmt: skip
    return max(lost, 0.0)


def _bore(pipe: Any) -> float | None:
    if given(pipe, "inner_diameter_mm"):
        return float(pipe["inner_diameter_mm"]) / 1e3
    return float(pipe["diameter_m"]) if given(pipe, "diameter_m") else None


def _coefficient(pipe: Any) -> float:
    """Loss of one pipe [W/m/K]: heat transfer coefficient times the wall, as pandapipes has it."""
    for name in ("u_w_per_m2k", "alpha_w_per_m2k"):
        if given(pipe, name):
            return max(float(pipe[name]) * np.pi * (_bore(pipe) or USUAL_BORE), TIGHT)
    return TIGHT


def _heat(
    net: Tables, prices: Prices, sources: dict[int, tuple[str, str]], heat: float
) -> None:  # fmt: skip
    """Gas and a boiler at every source, each large enough for all."""
    rated = max(10.0, float(np.ceil(1.1 * heat / 10.0) * 10.0))
    fed: set[int] = set()
    for junction, (name, table) in sources.items():
        place = net.same.get(junction)
        if place not in net.nodes or place in fed:
            net.draft.drop(f"{name} ({table})", "stands where another source does, or is off")
            continue
        fed.add(place)
        node = word(net.nodes[place])
        net.draft.add(f"gas of {name}", "fuel", node=node, price=f"{prices.fuel:g} EUR/MWh",
                      carbon=f"{prices.carbon:g} kg/MWh")  # fmt: skip
        net.draft.add(name, "boiler", node=node, heat=f"{rated:g} kW", efficiency="92 %")
        net.draft.assumed.append(f"{name}: a gas boiler of {rated:g} kW and 92 %, gas at "
                                 f"{prices.fuel:g} EUR/MWh, placeholders")  # fmt: skip
        net.draft.drop(f"{name} ({table})", "its pressure and flow: here it is where heat comes in")
