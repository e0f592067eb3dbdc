"""What every kind of component moves, its limits and its prices, for the second reader.

Written down from the physics and not from the package: each function gives what the components of
a kind feed (+) and draw (−) of which carrier, and where, from the numbers of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

#: Carrier, sign, places, and the flow over (rows, hours).
Move = tuple[str, float, Any, Any]
Moves = Iterator[Move]


def fuel_of(k: Any, output: Any, efficiency: Any) -> Any:
    """Fuel for an output: by a constant efficiency, or read off a curve of part load."""
    fuel = output / efficiency
    points = k["part_load"].astype(int).ravel()
    on = k.flow("on", 1.0)
    for row in np.flatnonzero(points):
        at = [[float(k[f"fuel_{what}_{i}"][row, 0]) for i in range(points.max())]
              for what in ("output", "rate")]  # fmt: skip
        fuel[row] = np.interp(output[row], *at) * on[row]
    return fuel


def held_back(k: Any) -> Moves:
    gives = k["reserve"].astype(bool).ravel()
    yield "spinning_reserve", 1.0, k.texts("reserve_place")[gives], k.flow("reserve")[gives]


def grid(k: Any) -> Moves:
    yield "power", 1.0, k.texts("node"), k.flow("import")
    yield "power", -1.0, k.texts("node"), k.flow("export")


def gives(carrier: str, flow: str) -> Callable[[Any], Moves]:
    def moves(k: Any) -> Moves:
        yield carrier, 1.0, k.texts("node"), k.flow(flow)

    return moves


def takes(carrier: str, flow: str) -> Callable[[Any], Moves]:
    def moves(k: Any) -> Moves:
        yield carrier, -1.0, k.texts("node"), k.flow(flow)

    return moves


def stores(carrier: str) -> Callable[[Any], Moves]:
    def moves(k: Any) -> Moves:
        yield carrier, -1.0, k.texts("node"), k.flow("charge")
        yield carrier, 1.0, k.texts("node"), k.flow("discharge")

    return moves


def seasonal_store(k: Any) -> Moves:
    pumped = k["to_pumps"].astype(bool).ravel()
    out = k.flow("discharge")
    yield "heat", -1.0, k.texts("node"), k.flow("charge")
    yield "heat", 1.0, k.texts("node")[~pumped], out[~pumped]
    yield "waste_heat", 1.0, np.array(k.names, dtype=object)[pumped], out[pumped]


def boiler(k: Any) -> Moves:
    yield "heat", 1.0, k.texts("node"), k.flow("heat")
    yield "gas", -1.0, k.texts("node"), fuel_of(k, k.flow("heat"), k["efficiency"])
    yield from held_back(k)


def electric_boiler(k: Any) -> Moves:
    yield "heat", 1.0, k.texts("node"), k.flow("heat")
    yield "power", -1.0, k.texts("node"), k.flow("heat") / k["efficiency"]
    yield from held_back(k)


def chp(k: Any) -> Moves:
    power, extracts = k.flow("power"), k["extracts"].astype(bool)
    taken = np.where(extracts, k.flow("heat"), 0.0)
    fuel = fuel_of(k, power + k["power_loss"] * taken, k["full_efficiency"])
    yield "power", 1.0, k.texts("node"), power
    yield "heat", 1.0, k.texts("node"), np.where(extracts, taken, fuel * k["thermal_efficiency"])
    yield "gas", -1.0, k.texts("node"), fuel
    yield from held_back(k)


def generator(k: Any) -> Moves:
    burns = k["burns"].astype(bool).ravel()
    yield "power", 1.0, k.texts("node"), k.flow("power")
    fuel = fuel_of(k, k.flow("power"), k["efficiency"])
    yield "gas", -1.0, k.texts("node")[burns], fuel[burns]
    yield from held_back(k)


def heat_pump(k: Any) -> Moves:
    heat = k.flow("heat")
    several = k["several_loops"].astype(bool).ravel()
    recovers = k["recovers"].astype(bool).ravel() & ~several
    power = heat / k["performance"]
    source = (heat - power)[recovers]
    if several.any():
        power[several] = 0.0
        lifted = k.plan.spread("heat_pump.loop_heat", k.texts("heat_pump_loop").tolist())
        work = lifted / k["loop_performance"]
        np.add.at(power, k["loop_pump"], work)
        yield "waste_heat", -1.0, k.texts("loop_place"), lifted - work
    yield "heat", 1.0, k.texts("sink"), heat
    yield "power", -1.0, k.texts("sink"), power
    yield "waste_heat", -1.0, k.texts("source")[recovers], source
    yield from held_back(k)


def chiller(k: Any) -> Moves:
    yield "cooling", 1.0, k.texts("node"), k.flow("cooling")
    yield "power", -1.0, k.texts("node"), k.flow("cooling") * k["power_share"]
    yield from held_back(k)


def absorption_chiller(k: Any) -> Moves:
    cooling, outdoors = k.flow("cooling"), k["outdoors"].astype(bool)
    rejected = cooling * (1.0 + k["heat_share"])
    power = cooling * k["auxiliary"] + np.where(outdoors, rejected, 0.0) * k["rejection_power"]
    inside = ~outdoors.ravel()
    yield "cooling", 1.0, k.texts("node"), cooling
    yield "heat", -1.0, k.texts("node"), cooling * k["heat_share"]
    yield "power", -1.0, k.texts("node"), power
    yield "rejected_heat", 1.0, k.texts("node")[inside], rejected[inside]


def heat_rejection(k: Any) -> Moves:
    heat, taken = k.flow("heat"), k.texts("takes")
    for carrier in sorted(set(taken)):
        sign = 1.0 if carrier == "cooling" else -1.0
        yield carrier, sign, k.texts("node")[taken == carrier], heat[taken == carrier]
    yield "power", -1.0, k.texts("power_node"), heat * k["power_share"]


def electrolyser(k: Any) -> Moves:
    power = k.flow("power")
    yield "power", -1.0, k.texts("node"), power
    yield "hydrogen", 1.0, k.texts("node"), power * k["efficiency"]
    heat = k.flow("recovered") + k.flow("rejected")
    k.plan.breaks("all heat is recovered or rejected", k.names,
                  np.abs(heat - power * (1.0 - k["efficiency"])), heat)  # fmt: skip
    yield "waste_heat", 1.0, k.names, k.flow("recovered")
    yield "cooling", -1.0, k.texts("node"), k.flow("rejected")
    yield from held_back(k)


def line(carrier: str) -> Callable[[Any], Moves]:
    def moves(k: Any) -> Moves:
        flow, back = k.flow("flow"), k.flow("back")
        loss, share = k["loss"], k["loss_share"]
        reversible = k["reversible"].astype(bool)
        lossy = (loss.max(axis=1, keepdims=True) > 0) | (share > 0)
        ahead = np.where(reversible & lossy, k.flow("forward"), 1.0)
        begun, begun_back, was_ahead = (
            arrived(k, values, before)
            for values, before in (
                (flow, "sent_before"),
                (back, "back_before"),
                (ahead, "ahead_before"),
            )
        )
        along = begun * (1.0 - share) - loss * was_ahead
        against = begun_back * (1.0 - share) - loss * np.where(reversible, 1.0 - was_ahead, 0.0)
        for begin, end, sent, come in (
            ("from_", "to", flow, along),
            ("to", "from_", back, against),
        ):
            yield carrier, -1.0, k.texts(begin), sent
            yield carrier, 1.0, k.texts(end), come
        if k.has("no_load_loss"):
            yield carrier, -1.0, k.texts("from_"), np.broadcast_to(k["no_load_loss"], flow.shape)
        if k.has("pump"):
            pumped = k.texts("pump") != ""
            yield "power", -1.0, k.texts("pump")[pumped], k.flow("pump_power")[pumped]
        if k.has("water"):
            yield from held_water(k, carrier)

    return moves


def arrived(k: Any, flow: Any, before: str) -> Any:
    """What comes out of a long pipe: what went in some steps earlier."""
    if not k.has("delay"):
        return flow
    found = np.empty_like(flow)
    for row, delay in enumerate(k["delay"].astype(int).ravel()):
        found[row] = np.roll(flow[row], delay)
        if delay and not k["circle"][row, 0]:
            known = np.broadcast_to(k[before], flow.shape)
            found[row, :delay] = known[row, :delay]
    return found


def held_water(k: Any, carrier: str) -> Moves:
    """Heat that the water of a pipe holds: its level, and what goes in and comes out."""
    holds = (k["water"] > 0).ravel()
    level, charge, discharge = (k.flow(name) for name in ("level", "charge", "discharge"))
    first = np.where(k["circle"] > 0, level[:, -1:], k["water_before"])
    before = np.concatenate([first, level[:, :-1]], axis=1)
    found = before * k["water_kept"] + (charge - discharge) * k.plan.step
    names = np.array(k.names, dtype=object)[holds]
    passed = np.maximum(np.maximum(charge, discharge) * k.plan.step, np.abs(level - before))
    k.plan.breaks("the water's heat follows", names, np.abs(level - found)[holds], passed[holds])
    yield carrier, -1.0, k.texts("from_")[holds], charge[holds]
    yield carrier, 1.0, k.texts("to")[holds], discharge[holds]


def data_center(k: Any) -> Moves:
    compute, moded = k.flow("compute"), k["moded"].astype(bool).ravel()
    lit = k["lit"] - k.flow("dark") - k.flow("shut")
    work = (k["idle"] + k["load"]) * lit + compute
    k.plan.within("IT power within capacity", k.names, work, 0.0, k["capacity"])
    power = work * (1.0 + k["loss_share"]) + k["loss_fixed"] * k["capacity"] * lit
    heat = k.flow("recovered") + k.flow("rejected")
    k.plan.breaks("all heat is recovered or rejected", k.names,
                  np.where(moded[:, None], 0.0, np.abs(heat - power)), power)  # fmt: skip
    names = np.array(k.names, dtype=object)
    yield "compute", 1.0, names, compute
    yield "waste_heat", 1.0, names[~moded], k.flow("recovered")[~moded]
    yield "cooling", -1.0, k.texts("node")[~moded], k.flow("rejected")[~moded]
    if moded.any():
        labels, center = k.texts("data_center_mode").tolist(), k["mode_center"]
        mode, recovered, rejected = (
            k.plan.spread(f"data_center.{flow}", labels)
            for flow in ("mode", "mode_recovered", "mode_rejected")
        )
        fans = np.where(mode > 0.5, work[center], 0.0) * k["mode_fans"][:, None]
        heat = np.where(mode > 0.5, power[center], 0.0) + fans
        k.plan.breaks("all heat leaves by the mode that is on", labels,
                      np.abs(recovered + rejected - heat), heat)  # fmt: skip
        np.add.at(power, center, fans)
        yield "waste_heat", 1.0, k.texts("mode_place"), recovered
        yield "cooling", -1.0, k.texts("mode_node"), rejected
    yield "power", -1.0, k.texts("node"), power


def quantum_center(k: Any) -> Moves:
    duty = k.flow("run") + k["active"] * k["duty"]
    power = k["cryogenics"] + k["control_idle"] + k["host_idle"] + duty
    heat = k.flow("recovered") + k.flow("rejected")
    k.plan.breaks("all heat is recovered or rejected", k.names, np.abs(heat - power), power)
    hosted = (k["host_share"] > 0).ravel()
    yield "quantum", 1.0, k.names, k.flow("run")
    yield "power", -1.0, k.texts("node"), power
    yield "compute", -1.0, k.texts("host")[hosted], (k["host_share"] * duty)[hosted]
    yield "waste_heat", 1.0, k.names, k.flow("recovered")
    yield "cooling", -1.0, k.texts("node"), k.flow("rejected")


def job_pool(k: Any) -> Moves:
    load = k.plan.spread("job_pool.load", k.texts("job_site").tolist())
    resources, centers = k.texts("site_resource"), k.texts("site_center")
    for resource in sorted(set(resources)):
        here = resources == resource
        yield resource, -1.0, centers[here], load[here]
    if k.has("job_way") and len(k.texts("job_way")):
        ways = k.texts("job_way").tolist()
        yield "data", -1.0, k.texts("way_place"), k.plan.spread("job_pool.data", ways)


def data_link(k: Any) -> Moves:
    for flow, suffix, sender in (("flow", "", "from_"), ("back", ": back", "to")):
        yield "data", 1.0, [f"{name}{suffix}" for name in k.names], k.flow(flow)
        yield "power", -1.0, k.texts(sender), k.flow(flow) * k["energy"]


def shortage(k: Any) -> Moves:
    lacking, surplus = k.flow("lacking"), k.flow("surplus")
    for row, carrier in enumerate(k.texts("carrier")):
        yield carrier, 1.0, k.texts("node")[[row]], lacking[[row]]
        yield carrier, -1.0, k.texts("node")[[row]], surplus[[row]]


MOVES: dict[str, Callable[[Any], Moves]] = {
    "absorption_chiller": absorption_chiller, "battery": stores("power"), "boiler": boiler,
    "chiller": chiller, "chp": chp, "cooling_demand": takes("cooling", "served"),
    "cooling_pipe": line("cooling"), "data_center": data_center, "data_link": data_link,
    "electric_boiler": electric_boiler, "electrolyser": electrolyser,
    "fuel": gives("gas", "supplied"), "generator": generator, "grid": grid,
    "heat_demand": takes("heat", "served"), "heat_pipe": line("heat"), "heat_pump": heat_pump,
    "heat_rejection": heat_rejection, "heat_store": stores("heat"),
    "hydrogen_sale": takes("hydrogen", "sold"), "job_pool": job_pool,
    "power_demand": takes("power", "served"), "power_line": line("power"),
    "pv": gives("power", "produced"), "quantum_center": quantum_center,
    "reserve": takes("spinning_reserve", "held"), "seasonal_store": seasonal_store,
    "shortage": shortage, "solar_thermal": gives("heat", "produced"), "transformer": line("power"),
    "wind": gives("power", "produced"),
}  # fmt: skip

_STORE = {"charge": "charge", "discharge": "discharge"}
_LINE = {"flow": "capacity", "back": "capacity"}
#: Kind → flow → the parameter that it may not exceed.
LIMITS = {
    "absorption_chiller": {"cooling": "capacity"}, "battery": _STORE, "heat_store": _STORE,
    "seasonal_store": _STORE, "cooling_demand": {"served": "load"}, "cooling_pipe": _LINE,
    "data_link": _LINE, "fuel": {"supplied": "max"},
    "grid": {"import": "import_max", "export": "export_max"}, "heat_demand": {"served": "load"},
    "heat_pipe": _LINE, "heat_rejection": {"heat": "capacity"}, "hydrogen_sale": {"sold": "max"},
    "power_demand": {"served": "load"}, "power_line": _LINE, "pv": {"produced": "available"},
    "reserve": {"held": "required"}, "solar_thermal": {"produced": "available"},
    "transformer": _LINE, "wind": {"produced": "available"},
}  # fmt: skip
#: Kind → the flow that its commitment is about.
OUTPUT = {
    "boiler": "heat", "electric_boiler": "heat", "heat_pump": "heat", "chiller": "cooling",
    "chp": "power", "generator": "power", "electrolyser": "power",
}  # fmt: skip
#: Kind and item of the ledger → the flow, its price, and the sign: lines that are one product.
PAID = {
    ("grid", "import"): ("import", "import_price", 1.0),
    ("grid", "export"): ("export", "export_price", -1.0),
    ("fuel", "fuel"): ("supplied", "price", 1.0), ("battery", "wear"): ("discharge", "wear", 1.0),
    ("hydrogen_sale", "revenue"): ("sold", "price", -1.0),
    ("shortage", "lacking"): ("lacking", "price", 1.0),
    ("shortage", "surplus"): ("surplus", "surplus_price", 1.0),
    ("reserve", "missing"): ("missing", "missing_price", 1.0),
    ("heat_demand", "unserved"): ("unserved", "unserved_price", 1.0),
    ("power_demand", "unserved"): ("unserved", "unserved_price", 1.0),
    ("cooling_demand", "unserved"): ("unserved", "unserved_price", 1.0),
    ("data_link", "data"): ("flow", "price", 1.0),
    ("data_link", "data_back"): ("back", "price", 1.0),
}  # fmt: skip
