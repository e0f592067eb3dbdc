"""A heat network of pandapipes (its JSON file) as a district; read without pandapipes.

What leaves the pumps' flow junctions by pipes is the supply, and the nodes of a district are its
junctions: a heat pipe here is supply and return at once. Consumers join both, a pump is where heat
comes from. Pressures are not planned.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

from citygrid.components.common.piping import WATER_HEAT
from citygrid.errors import Fault, InputError
from citygrid.imports.draft import Draft, Frame, Prices
from citygrid.imports.layers import number_of
from citygrid.imports.projection import Projection
from citygrid.imports.sizing import carried
from citygrid.imports.text import word
from citygrid.inputs.tables import check_file, opened, read_text

KELVIN = 273.15
PUMPS = ("circ_pump_pressure", "circ_pump_mass")
#: Two-junction parts that only join, here: their pressure is lost.
JOINING = {"valve": "opening and pressure", "pump": "pressure", "flow_control": "flow",
           "press_control": "pressure", "pressure_control": "pressure",
           "compressor": "pressure"}  # fmt: skip
#: Tables that say nothing of the network itself.
QUIET = ("junction_geodata", "pipe_geodata", "valve_geodata")
#: Velocity [m/s] up to which a pipe is taken to carry; faster ones are said.
VELOCITY = 1.5
#: Coefficient [W/m/K] of a pipe that loses nothing, for one has to be above 0.
TIGHT = 1e-6
#: Bore [m] of a pipe that states none.
USUAL_BORE = 0.1


@dataclass
class _Network:
    """Tables of the file, and what of them is the supply."""

    file: Path
    tables: dict[str, pd.DataFrame]
    draft: Draft
    nodes: dict[int, str] = field(default_factory=dict)
    supply: nx.Graph = field(default_factory=nx.Graph)
    #: Junction → the one that stands for it and all that it is joined to.
    same: dict[int, int] = field(default_factory=dict)

    def table(self, name: str) -> pd.DataFrame:
        """A table's rows that are in service."""
        frame = self.tables.get(name, pd.DataFrame())
        if "in_service" not in frame:
            return frame
        return frame[frame["in_service"].astype(bool)]

    def called(self, table: str, row: Any) -> str:
        """What a row is called: its name, or its table and number."""
        frame = self.tables[table]
        name = frame["name"].get(row) if "name" in frame else None
        plain = name is not None and str(name) not in ("", "nan", "None")
        return str(name) if plain else f"{table.replace('_', ' ')} {row}"


def draft_of_pandapipes(
    file: Path, prices: Prices, frame: Frame, crs: str | None = None
) -> tuple[Draft, Frame]:
    """The district of a heat network of pandapipes, in its design state.

    crs
        Coordinate system of the junctions; positions in degrees become metres in their UTM zone.

    Raises :class:`InputError` where the file is no network of water with a circulation pump (or
    external grid), or where supply and return are joined by pipes.
    """
    tables = _read(file)
    net = _Network(file, tables, Draft(file))
    _off(net)
    sources = _sources(net)
    _supply(net, sources)
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


def _read(file: Path) -> dict[str, pd.DataFrame]:
    check_file(file)

    def parse(path: Path) -> tuple[dict[str, pd.DataFrame], str]:
        document = json.loads(read_text(path))
        inside = document["_object"]
        fluid = json.loads(inside["fluid"]["_object"])
        return {
            name: pd.read_json(io.StringIO(part["_object"]), orient=part.get("orient", "split"),
                               convert_dates=False)
            for name, part in inside.items()
            if isinstance(part, dict) and part.get("_class") == "DataFrame"
            and not name.startswith(("res_", "_"))
        }, str(fluid.get("fluid_type", fluid.get("name")))  # fmt: skip

    tables, fluid = opened(file, parse, "a network of pandapipes")
    if fluid not in ("liquid", "water"):
        raise InputError(Fault(str(file), "is no network of water", fluid,
                               "citygrid plans heat networks"))  # fmt: skip
    lacking = [name for name in ("junction", "pipe") if not len(tables.get(name, ()))]
    if lacking:
        raise InputError(Fault(str(file), f"has no {' and no '.join(lacking)}", None,
                               "store the whole network"))  # fmt: skip
    return tables


def _off(net: _Network) -> None:
    for name, rows in net.tables.items():
        if "in_service" in rows:
            for row in rows.index[~rows["in_service"].astype(bool)]:
                net.draft.drop(f"{net.called(name, row)} ({name})", "is out of service")


def _sources(net: _Network) -> dict[int, tuple[str, str]]:
    """Junctions where heat comes from, with the part's name and table."""
    found: dict[int, tuple[str, str]] = {}
    for table in PUMPS:
        for row, pump in net.table(table).iterrows():
            found.setdefault(int(pump["flow_junction"]), (net.called(table, row), table))
    if not found:
        for row, grid in net.table("ext_grid").iterrows():
            found.setdefault(int(grid["junction"]), (net.called("ext_grid", row), "ext_grid"))
    else:
        for row in net.table("ext_grid").index:
            net.draft.drop(f"{net.called('ext_grid', row)} (ext_grid)",
                           "holds a pressure beside the pumps")  # fmt: skip
    if not found:
        raise InputError(Fault(str(net.file), "has no circulation pump and no external grid", None,
                               "heat has to come from one of them"))  # fmt: skip
    return found


def _supply(net: _Network, sources: dict[int, tuple[str, str]]) -> None:
    """What pipes and open valves join to the sources; refused where a return is in it."""
    alike: nx.Graph = nx.Graph()
    alike.add_nodes_from(int(row) for row in net.table("junction").index)
    for table, lost in JOINING.items():
        for row, part in net.table(table).iterrows():
            name = f"{net.called(table, row)} ({table})"
            if not {"from_junction", "to_junction"} <= set(part.index):
                net.draft.drop(name, "is part of a pipe, whose way is taken as open")
                continue
            if not bool(part.get("opened", True)):
                net.draft.drop(name, "is closed")
                continue
            alike.add_edge(int(part["from_junction"]), int(part["to_junction"]))
            net.draft.drop(name, f"its {lost}: its two ends are one place here")
    net.same = {one: min(part) for part in nx.connected_components(alike) for one in part}
    graph: nx.MultiGraph = nx.MultiGraph()
    graph.add_nodes_from(set(net.same.values()))
    for row, pipe in net.table("pipe").iterrows():
        ends = [net.same.get(int(pipe[end])) for end in ("from_junction", "to_junction")]
        if None in ends:
            net.draft.drop(f"{net.called('pipe', row)} (pipe)", "ends at a junction that is off")
        elif ends[0] == ends[1]:
            net.draft.drop(f"{net.called('pipe', row)} (pipe)", "begins and ends at one place")
        else:
            graph.add_edge(*ends, key=row, length=max(1000.0 * float(pipe["length_km"]), 0.01))
    reached: set[int] = set()
    for source in sources:
        if net.same.get(source) in graph:
            reached |= nx.node_connected_component(graph, net.same[source])
    for table in PUMPS:
        for row, pump in net.table(table).iterrows():
            if net.same.get(int(pump["return_junction"])) in reached:
                raise InputError(Fault(
                    f"{net.file}: {net.called(table, row)}",
                    "its supply and its return are joined by pipes", None,
                    "close or leave out the bypass, so that the supply can be told",
                ))  # fmt: skip
    net.supply = graph.subgraph(reached)
    other = [net.called("pipe", row) for *_, row in graph.edges(keys=True)
             if row not in {key for *_, key in net.supply.edges(keys=True)}]  # fmt: skip
    for name in other:
        net.draft.drop(f"{name} (pipe)", "is a return: a heat pipe here is both")


def _temperatures(net: _Network, frame: Frame) -> Frame:
    """Supply from the pumps, return from the consumers, soil from the pipes, as far as stated."""
    rows = [row for table in PUMPS for _, row in net.table(table).iterrows()]
    supplies = [float(row["t_flow_k"]) - KELVIN for row in rows if _given(row, "t_flow_k")]
    rows = [row for _, row in net.table("ext_grid").iterrows()]
    supplies = supplies or [float(row["t_k"]) - KELVIN for row in rows if _given(row, "t_k")]
    supply = min(supplies, default=frame.supply)
    backs = []
    for _, row in net.table("heat_consumer").iterrows():
        if _given(row, "treturn_k"):
            backs.append(float(row["treturn_k"]) - KELVIN)
        elif _given(row, "deltat_k"):
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


def _given(row: Any, name: str) -> bool:
    return name in row.index and number_of(row[name]) is not None


def _place(net: _Network, crs: str | None) -> None:
    """Nodes of the supply, where the file says they are."""
    from pyproj import Transformer

    at = _positions(net)
    transform = None
    degrees = bool(at) and all(abs(x) <= 180 and abs(y) <= 90 for x, y in at.values())
    if at and degrees and crs is None:
        net.draft.assumed.append("positions: none, for they look like degrees; --crs EPSG:4326")
        at = {}
    elif crs is not None and at:
        from pyproj import CRS
        from pyproj.exceptions import CRSError

        try:
            system = CRS.from_user_input(crs)
        except CRSError:
            raise InputError(Fault("--crs", "is no coordinate system", crs,
                                   "write one such as EPSG:25832")) from None  # fmt: skip
        net.draft.crs = crs
        if system.is_geographic:
            net.draft.crs = Projection(at.values()).crs
            transform = Transformer.from_crs(system, net.draft.crs, always_xy=True)
    for junction in sorted(net.supply.nodes):
        position = at.get(junction)
        if position is not None and transform is not None:
            east, north = transform.transform(*position)
            position = (float(east), float(north))
        net.nodes[junction] = net.draft.add_node(net.called("junction", junction), position)
    if "pipe_geodata" in net.tables or "geo" in net.tables["pipe"]:
        net.draft.drop("courses of pipes", "pipes are drawn straight from node to node")


def _positions(net: _Network) -> dict[int, tuple[float, float]]:
    geodata = net.tables.get("junction_geodata")
    if geodata is not None and {"x", "y"} <= set(geodata):
        return {int(str(row)): (float(p["x"]), float(p["y"])) for row, p in geodata.iterrows()
                if _given(p, "x") and _given(p, "y")}  # fmt: skip
    found = {}
    junctions = net.tables["junction"]
    for row, said in (junctions["geo"] if "geo" in junctions else pd.Series(dtype=object)).items():
        shape = json.loads(said) if isinstance(said, str) and said.startswith("{") else said
        if isinstance(shape, dict) and len(shape.get("coordinates", ())) >= 2:
            x, y = shape["coordinates"][:2]
            found[int(str(row))] = (float(x), float(y))
    return found


def _consumers(net: _Network, frame: Frame) -> dict[int, float]:
    """Heat demands; the sum at every node of the supply [kW]."""
    drawn: dict[int, float] = {}
    spread = frame.supply - frame.back
    for table in ("heat_consumer", "heat_exchanger", "sink"):
        for row, part in net.table(table).iterrows():
            name, reason = net.called(table, row), None
            ends = [int(part[end]) for end in ("from_junction", "to_junction", "junction")
                    if end in part.index and _given(part, end)]  # fmt: skip
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
    if _given(part, "qext_w"):
        return float(part["qext_w"]) / 1e3
    flow = next((float(part[name]) for name in ("controlled_mdot_kg_per_s", "mdot_kg_per_s")
                 if _given(part, name)), None)  # fmt: skip
    if flow is None:
        return None
    cooled = spread
    if _given(part, "deltat_k"):
        cooled = float(part["deltat_k"])
    elif _given(part, "treturn_k"):
        cooled = frame.supply - (float(part["treturn_k"]) - KELVIN)
    return flow * WATER_HEAT * cooled * float(part.get("scaling", 1.0))


def _pipes(
    net: _Network, frame: Frame, sources: dict[int, tuple[str, str]], demand: dict[int, float]
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
        if _given(pipe, "k_mm") and float(pipe["k_mm"]) > 0:
            fields["roughness"] = f"{float(pipe['k_mm']):.9g} mm"
        if _given(pipe, "qext_w") and float(pipe["qext_w"]) != 0:
            net.draft.drop(f"{name} (pipe)", f"the {float(pipe['qext_w']) / 1e3:.6g} kW that it "
                           "gives off on its way, beside its losses")  # fmt: skip
        able = float(carried(bore, frame.supply - frame.back, VELOCITY))
        if able < need:
            fields["velocity"] = f"{VELOCITY * need / able:.4g} m/s"
        if not alone or len(starts) > 1:
            fields["reversible"] = "true"
        net.draft.add(name, "heat_pipe", **fields)
    net.draft.assumed.append(f"pipes: up to {VELOCITY:g} m/s, or what carries all demand; "
                             "the file limits no flow")  # fmt: skip
    return max(lost, 0.0)


def _bore(pipe: Any) -> float | None:
    if _given(pipe, "inner_diameter_mm"):
        return float(pipe["inner_diameter_mm"]) / 1e3
    return float(pipe["diameter_m"]) if _given(pipe, "diameter_m") else None


def _coefficient(pipe: Any) -> float:
    """Loss of one pipe [W/m/K]: heat transfer coefficient times the wall, as pandapipes has it."""
    for name in ("u_w_per_m2k", "alpha_w_per_m2k"):
        if _given(pipe, name):
            return max(float(pipe[name]) * np.pi * (_bore(pipe) or USUAL_BORE), TIGHT)
    return TIGHT


def _heat(
    net: _Network, prices: Prices, sources: dict[int, tuple[str, str]], heat: float
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
