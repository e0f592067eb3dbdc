"""The tables of a pandapipes file, read without pandapipes, and what of the network is supply."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import networkx as nx
import pandas as pd

from citygrid.errors import Fault, InputError
from citygrid.imports.draft import Draft
from citygrid.imports.layers import number_of
from citygrid.inputs.tables import check_file, opened, read_text

#: Columns without which a table says nothing.
NEEDED = {
    "pipe": {"from_junction", "to_junction", "length_km"},
    "circ_pump_pressure": {"flow_junction", "return_junction"},
    "circ_pump_mass": {"flow_junction", "return_junction"}, "ext_grid": {"junction"},
}  # fmt: skip
#: Columns that name a junction, and the one that says how long a pipe is.
ENDS = ("from_junction", "to_junction", "junction", "flow_junction", "return_junction")
LENGTH = ("pipe", "length_km")
PUMPS = ("circ_pump_pressure", "circ_pump_mass")
#: Two-junction parts that only join, here: their pressure is lost.
JOINING = {"valve": "opening and pressure", "pump": "pressure", "flow_control": "flow",
           "press_control": "pressure", "pressure_control": "pressure",
           "compressor": "pressure"}  # fmt: skip
#: Tables whose rows others name, or are named by.
NUMBERED = ("junction", "junction_geodata", "pipe_geodata", "heat_consumer", "heat_exchanger",
            "sink", *NEEDED, *JOINING)  # fmt: skip


@dataclass
class Tables:
    """Tables of the file, and what of them is the supply."""

    file: Path
    tables: dict[str, pd.DataFrame]
    draft: Draft
    nodes: dict[int, str] = field(default_factory=dict)
    supply: nx.Graph = field(default_factory=nx.Graph)
    #: Junction → the one that stands for it and all that it is joined to.
    same: dict[int, int] = field(default_factory=dict)
    #: Pipe → where it runs, in metres.
    courses: dict[int, list[tuple[float, float]]] = field(default_factory=dict)

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


def read_tables(file: Path) -> dict[str, pd.DataFrame]:
    """The tables of a file by name, without results; refused where a network of water lacks."""
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
    faults = [
        Fault(f"{file}: {name}", "lacks columns", ", ".join(sorted(columns - set(tables[name]))),
              "store the whole network")
        for name, columns in NEEDED.items() if len(tables.get(name, ()))
        if columns - set(tables[name])
    ]  # fmt: skip
    if not faults:
        tables |= {name: _numbered(file, name, tables[name], faults)
                   for name in NUMBERED if name in tables}  # fmt: skip
    if not faults:
        faults = [
            Fault(f"{file}: {name} {row}", f"has no {column}", value, "correct it in pandapipes")
            for name, rows in tables.items() for column in rows
            if (column in ENDS and name in (*NEEDED, *JOINING)) or (name, column) == LENGTH
            for row, value in rows[column].items()
            if (number := number_of(value)) is None or (column in ENDS and number % 1)
        ]  # fmt: skip
    if faults:
        raise InputError(faults)
    return tables


def _numbered(file: Path, name: str, rows: pd.DataFrame, faults: list[Fault]) -> pd.DataFrame:
    """A table whose rows have whole numbers, none of them twice, as pandapipes counts them."""
    numbers = [number_of(label) for label in rows.index]
    count = Counter(numbers)
    wrong = [label for label, number in zip(rows.index, numbers, strict=True)
             if number is None or number % 1 or count[number] > 1]  # fmt: skip
    if wrong:
        faults.append(Fault(f"{file}: {name}", "has a row whose number is none, or stands twice",
                            wrong[0], "number each row once, from 0 on"))  # fmt: skip
        return rows
    return rows.set_axis(pd.Index([int(number or 0) for number in numbers], dtype=int))


def say_what_is_off(net: Tables) -> None:
    """List what is out of service."""
    for name, rows in net.tables.items():
        if "in_service" in rows:
            for row in rows.index[~rows["in_service"].astype(bool)]:
                net.draft.drop(f"{net.called(name, row)} ({name})", "is out of service")


def sources_of(net: Tables) -> dict[int, tuple[str, str]]:
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


def find_supply(net: Tables, sources: dict[int, tuple[str, str]]) -> None:
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


def given(row: Any, name: str) -> bool:
    """Whether a row states a finite figure."""
    return name in row.index and number_of(row[name]) is not None


def positions_of(net: Tables) -> dict[int, tuple[float, float]]:
    """Where junctions are, in the file's own coordinates."""
    geodata = net.tables.get("junction_geodata")
    if geodata is not None and {"x", "y"} <= set(geodata):
        return {int(str(row)): (float(p["x"]), float(p["y"])) for row, p in geodata.iterrows()
                if given(p, "x") and given(p, "y")}  # fmt: skip
    found = {}
    junctions = net.tables["junction"]
    for row, said in (junctions["geo"] if "geo" in junctions else pd.Series(dtype=object)).items():
        shape = json.loads(said) if isinstance(said, str) and said.startswith("{") else said
        if isinstance(shape, dict) and len(shape.get("coordinates", ())) >= 2:
            x, y = shape["coordinates"][:2]
            found[int(str(row))] = (float(x), float(y))
    return found


def courses_of(net: Tables) -> dict[int, list[tuple[float, float]]]:
    """Where pipes run, in the file's own coordinates."""
    drawn = net.tables.get("pipe_geodata")
    pipes = net.tables["pipe"]
    if drawn is not None and "coords" in drawn:
        said = drawn["coords"].items()
    else:
        said = (pipes["geo"] if "geo" in pipes else pd.Series(dtype=object)).items()
    found = {}
    for row, course in said:
        shape = json.loads(course) if isinstance(course, str) and course[:1] in "[{" else course
        points = shape.get("coordinates") if isinstance(shape, dict) else shape
        if isinstance(points, list) and all(isinstance(p, list) and len(p) > 1 for p in points):
            found[int(str(row))] = [(float(p[0]), float(p[1])) for p in points]
    return found
