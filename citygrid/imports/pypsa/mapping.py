"""A network of PyPSA as a power district: buses are nodes; what has no counterpart is listed.

PyPSA counts in MW and MWh and names no currency, which is taken as EUR. Only power is mapped, and
links from a fuel's bus to a bus of power as generators with the fuel's cost and emissions.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from citygrid.arrays import Floats
from citygrid.imports.draft import Draft, Trace
from citygrid.imports.layers import number_of
from citygrid.imports.projection import Projection
from citygrid.imports.pypsa.reading import Pypsa, Row, read_pypsa
from citygrid.imports.pypsa.units import commitment
from citygrid.imports.text import word

#: Carriers of buses that are power; PyPSA's default is AC.
POWER = ("AC", "DC", "", "electricity", "power", "low voltage", "el")
#: What is infinite in PyPSA [MW].
UNLIMITED = 1e5


def draft_of_pypsa(file: Path) -> Draft:
    """The power district of a PyPSA network; see :func:`.read_pypsa` for what is refused."""
    net = read_pypsa(file)
    made = _Made(net)
    made.place()
    for sort, make in (("generators", made.generator), ("loads", made.load),
                       ("storage_units", made.storage_unit), ("stores", made.store),
                       ("lines", made.line), ("links", made.link),
                       ("transformers", made.transformer)):  # fmt: skip
        for row in net.sort(sort):
            reason = made.elsewhere(row) or make(row)
            if reason:
                made.draft.drop(f"{row.name} ({sort})", reason)
    made.others()
    return made.draft


class _Made:
    """Components as they are made of rows."""

    def __init__(self, net: Pypsa) -> None:
        self.net, self.draft = net, Draft(net.file)
        self.inputs()
        self.buses = {bus.name: bus for bus in net.sort("buses")}
        self.power = {name for name, bus in self.buses.items()
                      if bus.text("carrier", "AC") in POWER}  # fmt: skip
        self.nodes: dict[str, str] = {}
        #: Whether PyPSA has chosen sizes: those that it gives to what is there are above 0.
        self.chosen = any(
            (number_of(value) or 0.0) > 0 for rows in net.rows.values() for row in rows
            for key, value in row.said.items() if key.endswith("_nom_opt")
        )  # fmt: skip
        self.emission = {row.name: row.number("co2_emissions") for row in net.sort("carriers")}

    def inputs(self) -> None:
        """Files that must not be written over."""
        file = self.net.file
        self.draft.inputs = tuple(file.glob("*.csv")) if file.is_dir() else ()

    def place(self) -> None:
        """A node for every bus of power; degrees, PyPSA's usual, become metres."""
        at = {name: (bus.number("x"), bus.number("y")) for name, bus in self.buses.items()
              if bus.stated("x") is not None and bus.stated("y") is not None}  # fmt: skip
        at = {name: place for name, place in at.items() if place != (0.0, 0.0)}
        degrees = bool(at) and all(abs(x) <= 180 and abs(y) <= 90 for x, y in at.values())
        project = Projection(at.values()) if degrees else None
        if project is not None:
            self.draft.crs = project.crs
        for name, bus in self.buses.items():
            bus.stated("v_nom")  # of use for transformers alone
            if name not in self.power:
                carrier = self.buses[name].text("carrier")
                self.draft.drop(f"{name} (buses)", f"carries {carrier}; only power is mapped")
                continue
            place = at.get(name)
            self.nodes[name] = self.draft.add_node(
                name, place if project is None else project(place)
            )

    def elsewhere(self, row: Row) -> str | None:
        """Why a component cannot stand where it does, if so."""
        if row.text("active", "true").casefold() in ("false", "0", "0.0"):
            return "is not active"
        for key in ("bus", "bus0", "bus1"):
            bus = row.text(key)
            if key in row.said and bus not in self.buses:
                return f"is at a bus that is not there: {bus or 'none'}"
        return None

    def node(self, row: Row, key: str = "bus") -> str | None:
        """The node of a component's bus, if that is one of power."""
        name = self.nodes.get(row.text(key))
        return None if name is None else word(name)

    # values ------------------------------------------------------------------------------------

    def size(self, row: Row, key: str = "p_nom") -> float:
        """A rating [MW, MWh]; of what could be extended what PyPSA chose, if it did: also none."""
        nominal, chosen = row.number(key), row.stated(f"{key}_opt")
        if row.flag(f"{key}_extendable"):
            size = (chosen or 0.0) if self.chosen else nominal
            self.draft.drop(f"{row.name}: {key}_extendable", "what to build is not planned; "
                            f"it has {size:g} {'MWh' if key == 'e_nom' else 'MW'}")  # fmt: skip
            nominal = size
        if not np.isfinite(nominal) or nominal > UNLIMITED:
            self.draft.assumed.append(f"{row.name}: without limit, here {UNLIMITED:g} MW")
            return UNLIMITED
        return nominal

    def value(self, row: Row, key: str, usual: float, scale: float, unit: str) -> str:
        """A figure that may vary, as a district file writes it."""
        if row.varies(key):
            return self.draft.series(f"{row.name} {key}", self.trace(row.series[key] * scale), unit)
        return f"{row.number(key, usual) * scale:.9g}" + ("" if unit == "1" else f" {unit}")

    def trace(self, values: Floats) -> Trace:
        """Values of the snapshots."""
        return Trace(self.net.start, self.net.step, values)

    def carbon(self, row: Row, efficiency: float) -> dict[str, str]:
        """Emission factor of the output, from the carrier's per fuel."""
        factor = self.emission.get(row.text("carrier"), 0.0)
        if factor <= 0 or efficiency <= 0:
            return {}
        return {"carbon": f"{1000.0 * factor / efficiency:.9g} kg/MWh"}

    def notes(self, row: Row, *keys: str, usual: float = 0.0) -> None:
        """List figures of a component that nothing here can take."""
        for key in keys:
            stated = row.stated(key)
            if (stated is not None and stated != usual) or row.varies(key):
                self.draft.drop(f"{row.name}: {key}", "has no counterpart")

    # sorts -------------------------------------------------------------------------------------

    def generator(self, row: Row) -> str | None:
        """A generator, or photovoltaics and wind where it is free and has its yield."""
        node = self.node(row)
        if node is None:
            return "is at a bus that is not of power"
        if row.number("sign", 1.0) != 1.0:
            return "has another sign than generators have"
        if row.number("p_min_pu") < 0 or np.any(row.series.get("p_min_pu", np.zeros(1)) < 0):
            return "may take power (p_min_pu below 0)"
        size = self.size(row)
        if size <= 0:
            return "has no power (p_nom 0)"
        fields = {"power": f"{size:.9g} MW", **self.cost(row),
                  **self.carbon(row, row.number("efficiency", 1.0)),
                  **commitment(row, self.net.step, self.draft)}  # fmt: skip
        if row.varies("p_max_pu") or row.number("p_max_pu", 1.0) != 1.0:
            fields["availability"] = self.value(row, "p_max_pu", 1.0, 1.0, "1")
        if row.varies("p_min_pu"):
            fields["minimum_load"] = self.value(row, "p_min_pu", 0.0, 1.0, "1")
            if not row.flag("committable"):
                fields["must_run"] = "true"
        self.notes(row, "e_sum_min", "e_sum_max", usual=np.inf)
        if row.varies("p_set") or row.number("p_set") != 0:
            self.draft.drop(f"{row.name}: p_set", "the plan decides what is generated")
        self.draft.add(row.name, "generator", node=node, **fields)
        return None

    def cost(self, row: Row) -> dict[str, str]:
        """Marginal cost, and its quadratic part, where there is one."""
        fields = {"variable_cost": self.value(row, "marginal_cost", 0.0, 1.0, "EUR/MWh")}
        if row.number("marginal_cost_quadratic"):
            fields["quadratic_cost"] = f"{row.number('marginal_cost_quadratic'):.9g} EUR/MW^2/h"
        return fields

    def load(self, row: Row) -> str | None:
        """A demand; what is given rather than taken is none."""
        node = self.node(row)
        if node is None:
            return "is at a bus that is not of power"
        sign = -row.number("sign", -1.0)
        values = sign * (
            row.series["p_set"] if row.varies("p_set") else np.array([row.number("p_set")])
        )
        if np.any(values < 0):
            return "gives power in some snapshots"
        load = f"{values[0]:.9g} MW"
        if row.varies("p_set"):
            load = self.draft.series(row.name, self.trace(values), "MW")
        self.draft.add(row.name, "power_demand", node=node, load=load)
        return None

    def _battery(self, row: Row, node: str, capacity: float, fields: dict[str, str]) -> str | None:
        if capacity <= 0:
            return "holds nothing"
        loss = 1.0 - self._kept(row)
        if loss > 0:
            fields["standing_loss"] = f"{100.0 * loss / self.net.step:.9g} %/h"
        if row.number("marginal_cost_storage"):
            fields["holding_cost"] = f"{row.number('marginal_cost_storage'):.9g} EUR/MWh/h"
        self.draft.add(row.name, "battery", node=node, capacity=f"{capacity:.9g} MWh", **fields)
        return None

    def _kept(self, row: Row) -> float:
        """The share of a level that a step leaves of it."""
        return float((1.0 - row.number("standing_loss")) ** self.net.step)

    def _ends(self, row: Row, cyclic: str, first: str, capacity: float) -> dict[str, str]:
        """The level before the first step, in which it loses nothing there, and here it does."""
        if row.flag(cyclic):
            return {}
        kept = self._kept(row)
        share = row.number(first) / (capacity * kept) if capacity * kept > 0 else 0.0
        if share > 1.0:
            why = "holds no more than its capacity" + (
                ", which loses in the first step here" if kept < 1.0 else ""
            )
            self.draft.drop(f"{row.name}: {first}", why)
            share = 1.0
        return {"cyclic": "false", "initial_level": f"{100.0 * share:.9g} %"}

    def storage_unit(self, row: Row) -> str | None:
        """A battery with p_nom and max_hours."""
        node = self.node(row)
        if node is None:
            return "is at a bus that is not of power"
        size = self.size(row)
        capacity = size * row.number("max_hours", 1.0)
        fields = {
            "charge": f"{size * max(-row.number('p_min_pu', -1.0), 0.0):.9g} MW",
            "discharge": f"{size * max(row.number('p_max_pu', 1.0), 0.0):.9g} MW",
            "charge_efficiency": f"{row.number('efficiency_store', 1.0):.9g}",
            "discharge_efficiency": f"{row.number('efficiency_dispatch', 1.0):.9g}",
            **self._ends(row, "cyclic_state_of_charge", "state_of_charge_initial", capacity),
        }  # fmt: skip
        self._wear(row, fields)
        self.notes(row, "inflow", "spill_cost", "state_of_charge_set")
        self._varying(row, "p_min_pu", "p_max_pu")
        return self._battery(row, node, capacity, fields)

    def store(self, row: Row) -> str | None:
        """A battery as fast as it is large."""
        node = self.node(row)
        if node is None:
            return "is at a bus that is not of power"
        size = self.size(row, "e_nom")
        rate = f"{size / self.net.step:.9g} MW"
        fields = {
            "charge": rate, "discharge": rate, "charge_efficiency": "1",
            "discharge_efficiency": "1", **self._ends(row, "e_cyclic", "e_initial", size),
        }  # fmt: skip
        if row.number("marginal_cost"):
            self.draft.drop(f"{row.name}: marginal_cost", "pays for charging what it costs to "
                            "discharge, which is nothing over a cycle")  # fmt: skip
        self.notes(row, "e_min_pu")
        self.notes(row, "e_max_pu", usual=1.0)
        return self._battery(row, node, size, fields)

    def _wear(self, row: Row, fields: dict[str, str]) -> None:
        cost = row.number("marginal_cost")
        if cost > 0:
            fields["wear"] = f"{cost:.9g} EUR/MWh"
        elif cost < 0 or row.varies("marginal_cost"):
            self.notes(row, "marginal_cost")

    def _varying(self, row: Row, *keys: str) -> None:
        for key in keys:
            if row.varies(key):
                self.draft.drop(f"{row.name}: {key}", "varies; its fixed value is taken")

    def line(self, row: Row) -> str | None:
        """A line without loss that may carry both ways."""
        return self._joined(row, "s_nom", 1.0, "true")

    def _joined(self, row: Row, key: str, efficiency: float, both: str) -> str | None:
        start, end = self.node(row, "bus0"), self.node(row, "bus1")
        if start is None or end is None:
            return "ends at a bus that is not of power"
        if start == end:
            return "begins and ends at one bus"
        size = self.size(row, key) * row.number(f"{key[0]}_max_pu", 1.0)
        if size <= 0:
            return f"has no capacity ({key} 0)"
        self._varying(row, f"{key[0]}_max_pu")
        self.draft.add(
            row.name, "power_line", from_=start, to=end, capacity=f"{size:.9g} MW",
            loss_share=f"{100.0 * (1.0 - efficiency):.9g} %", reversible=both,
        )  # fmt: skip
        return None

    def transformer(self, row: Row) -> str | None:
        """A transformer without loss between the voltages of its buses."""
        start, end = self.node(row, "bus0"), self.node(row, "bus1")
        if start is None or end is None or start == end:
            return "does not lead from one bus of power to another"
        volts = [self.buses[row.text(key)].number("v_nom", 1.0) for key in ("bus0", "bus1")]
        size = self.size(row, "s_nom") * row.number("s_max_pu", 1.0)
        if size <= 0:
            return "has no capacity (s_nom 0)"
        self.draft.add(
            row.name, "transformer", from_=start, to=end, capacity=f"{size:.9g} MW",
            from_voltage=f"{volts[0]:.9g} kV", to_voltage=f"{volts[1]:.9g} kV",
        )  # fmt: skip
        return None

    def link(self, row: Row) -> str | None:
        """A line of two buses of power, or a generator that burns what a bus of fuel gives."""
        if row.text("bus2"):
            return "has more than two buses"
        efficiency = row.number("efficiency", 1.0)
        if row.varies("efficiency"):
            return "has an efficiency that varies"
        if not 0 < efficiency <= 1:
            return f"gives {efficiency:g} times what it takes"
        if self.node(row, "bus0") is None and self.node(row, "bus1") is not None:
            return self._burning(row, efficiency)
        least = row.number("p_min_pu")
        if least > 0 or row.flag("committable"):
            self.draft.drop(f"{row.name}: p_min_pu and committable", "lines are never off")
        if -1 < least < 0:
            self.draft.drop(f"{row.name}: p_min_pu", "carries as much back as forth")
        self._varying(row, "p_min_pu")
        self.notes(row, "marginal_cost", "ramp_limit_up", "ramp_limit_down")
        return self._joined(row, "p_nom", efficiency, "true" if least < 0 else "false")

    def _burning(self, row: Row, efficiency: float) -> str | None:
        """A link from a bus of fuel whose only supply is one generator, without limit in effect."""
        bus, node = row.text("bus0"), self.node(row, "bus1")
        supplies = [g for g in self.net.sort("generators") if g.text("bus") == bus]
        others = [each.name for sort in ("loads", "stores", "storage_units")
                  for each in self.net.sort(sort) if each.text("bus") == bus]  # fmt: skip
        if len(supplies) != 1 or others or node is None or supplies[0].varies("marginal_cost"):
            return f"burns what bus {bus} holds, which is more than one supply at one price"
        fuel = supplies[0]
        cost = (fuel.number("marginal_cost") + row.number("marginal_cost")) / efficiency
        size = self.size(row) * efficiency * row.number("p_max_pu", 1.0)
        self._varying(row, "p_max_pu", "p_min_pu", "marginal_cost")
        if size <= 0:
            return "has no power (p_nom 0)"
        self.draft.add(
            row.name, "generator", node=node, power=f"{size:.9g} MW",
            variable_cost=f"{cost:.9g} EUR/MWh", **self.carbon(fuel, efficiency),
            **commitment(row, self.net.step, self.draft),
        )  # fmt: skip
        self.draft.assumed.append(f"{row.name}: a generator whose cost and carbon hold those of "
                                  f"{fuel.name}, whose limit of {fuel.number('p_nom'):g} MW "
                                  "is not kept")  # fmt: skip
        return None

    def others(self) -> None:
        """What belongs to the network as a whole."""
        net = self.net
        if not net.dated:
            self.draft.assumed.append("snapshots: hours from 2023-01-16T00:00Z on")
        if np.any(np.abs(net.weights - net.step) > 1e-9):
            self.draft.drop("snapshot weightings", "every step counts as long as it is, "
                            f"{net.step:g} h")  # fmt: skip
        if net.sort("lines") or net.sort("transformers"):
            self.draft.drop("impedances of lines and transformers", "a plan's flows keep balances "
                            "and limits, not Kirchhoff's voltage law")  # fmt: skip
        for row in net.sort("global_constraints"):
            limit = row.number("constant")
            self.draft.drop(f"{row.name} (global_constraints)",
                            f"{row.text('type')} {row.text('sense')} {limit:g}; a cap of carbon is "
                            "`carbon_cap` of the district")  # fmt: skip
        for sort, keys in net.unread().items():
            if keys and sort != "global_constraints":
                self.draft.drop(f"{sort}: {', '.join(keys)}", "not read: results, investment, "
                                "physics or notes that a plan does not use")  # fmt: skip
        for sort in ("shunt_impedances", "processes"):
            for row in net.sort(sort):
                self.draft.drop(f"{row.name} ({sort})", "has no counterpart")
