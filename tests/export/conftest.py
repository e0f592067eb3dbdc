"""A district whose plan is balanced by hand: every carrier, a store, jobs, lines, two centres."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from citygrid.components.common.travel import travel_parameters
from citygrid.components.contract import Parameter, Units, kinds
from citygrid.components.fields import Measure, marks
from citygrid.components.log import Log
from citygrid.district.case import Asset, Case
from citygrid.district.prepare import _fields
from citygrid.plan.plan import Plan, assemble
from citygrid.plan.verify import Verdict, verify

PLACES = {"plant": (561269.6, 5568525.0), "east": (561700.0, 5568900.0),
          "west": (561200.0, 5569100.0), "north": (561600.0, 5569300.0)}  # fmt: skip
GROUPS = {
    "grid": "power", "fuel": "fuel", "boiler": "heat", "heat_pump": "heat", "heat_store": "heat",
    "pv": "renewable", "data_center": "compute", "chiller": "cooling", "job_pool": "compute",
    "heat_demand": "demand", "power_demand": "demand", "heat_pipe": "heat", "power_line": "power",
}  # fmt: skip


#: A store that may be full and costs nothing.
HOLDING = {"highest_level": (1.0, "1"), "holding_cost": (0.0, "EUR/kWh/h"),
           "fixed_cost": (0.0, "EUR")}  # fmt: skip


def commitment(capacity: float, minimum: float = 0.0) -> dict[str, tuple[Any, str]]:
    """Parameters of a unit without any rule but a minimum load [kW], on before the first step."""
    power = dict.fromkeys(("full_output", "usable", "start_ramp", "stop_ramp",
                           "output_before_most"), (capacity, "kW"))  # fmt: skip
    never = dict.fromkeys(("ramp_up", "ramp_down"), (np.inf, "kW/h"))
    paid = dict.fromkeys(("start_cost", "shutdown_cost", "standby_cost", "variable_cost",
                          "quadratic_cost", "cold_starts", "cost_points", "part_load",
                          "minimum_up_time", "minimum_down_time", "output_before_least",
                          "must_run", "outages", "reserve"), (0.0, "1"))  # fmt: skip
    return {**power, **never, **paid, "minimum_load": (minimum, "kW"),
            "initial_hours": (np.inf, "h"), "initially_on": (1.0, "1")}  # fmt: skip


def _defaults(kind: str, count: int, hours: int) -> dict[str, Parameter]:
    """What fields that a kind may leave out hold then, as preparing a district gives them."""
    found = {}
    for name, path, field in _fields(kinds()[kind].spec):
        mark = next((mark for mark in marks(field) if isinstance(mark, Measure)), None)
        if len(path) > 1 or field.is_required() or mark is None or mark.hourly:
            continue
        value = np.inf if field.default is None else field.default
        shape = (count, hours) if mark.quiet else (count,)
        dims = (kind, "time")[: len(shape)]
        found[name] = Parameter(dims, np.full(shape, float(value)), mark.unit)
    return found


#: A load that every kWh of is served.
SHED = {"unserved_price": (np.nan, "EUR/kWh"), "priority": ("normal", "1")}


class Builder:
    """Collects parameters and flows of every kind, then makes case and plan of them."""

    def __init__(self, hours: int, step: float) -> None:
        self.hours, self.step = hours, step
        self.units: dict[str, Units] = {}
        self.flows: dict[str, tuple[tuple[str, ...], Any, str]] = {}
        self.assets: list[Asset] = []

    def kind(
        self, kind: str, names: list[str], parameters: dict[str, tuple[Any, str]],
        flows: dict[str, Any], nodes: list[str] | None = None, ends: list[str] | None = None,
        others: dict[str, Parameter] | None = None,
    ) -> None:  # fmt: skip
        made = {}
        for name, (values, unit) in parameters.items():
            values = np.asarray(values)
            if values.dtype.kind in "US":
                values = values.astype(object)
            if values.ndim == 0:
                values = np.full(len(names), values[()])
            dims = (kind,) if values.ndim == 1 else (kind, "time")
            made[name] = Parameter(dims, values, unit)
        made |= others or {}
        made |= {n: p for n, p in _defaults(kind, len(names), self.hours).items() if n not in made}
        coords: dict[str, Any] = {kind: np.array(names, dtype=object)}
        for parameter in made.values():
            for dim in parameter.dims:
                if dim not in coords and dim != "time":
                    coords[dim] = made[dim].values
        self.units[kind] = Units(kind, tuple(names), made, coords, self.step)
        for flow, values in flows.items():
            dims = (kind, "time")
            if isinstance(values, tuple):
                values, dims = values
            unit = {"level": "kWh", "on": "1", "start": "1"}.get(flow, "kW")
            self.flows[f"{kind}.{flow}"] = (dims, np.asarray(values, float), unit)
        for i, name in enumerate(names):
            node = (nodes or [""] * len(names))[i]
            self.assets.append(Asset(name, kind, GROUPS[kind], node, ends[i] if ends else ""))

    def finish(self, places: bool, geometry: str | None, crs: str | None) -> tuple[Case, Plan]:
        hour = np.timedelta64(int(self.step * 3600), "s")
        time = np.datetime64("2023-01-15T23:00", "ns") + np.arange(self.hours) * hour
        nowhere = (float("nan"), float("nan"))
        case = Case(
            "Riedberg, by hand", time, self.step, "Europe/Berlin", {"carbon": 0.08}, self.units,
            {n: at if places else nowhere for n, at in PLACES.items()}, tuple(self.assets),
            crs, geometry,
            {"model": "riedberg.yaml", "model_hash": "c0ffee" * 8,
             "files": {"spot.csv": "ab" * 32}},
        )  # fmt: skip
        blocks, values = {}, {}
        for name, (dims, array, unit) in self.flows.items():
            kind = name.split(".")[0]
            labels = {d: self.units[kind].coords[d] for d in dims if d != "time"}
            blocks[name] = (dims, labels, unit, name)
            values[name] = array
        draft = assemble(case, blocks, values, {}, {"route": "milp", "objective": 0.0})
        ledger, cost = {}, 0.0
        for kind, units in case.units.items():
            log = Log(kind, units.names)
            kinds()[kind].replay(units, draft.flows(units), log)
            for item in log.spent:
                ledger[f"{kind}.{item}"] = (log.names, log.lines(item))
                cost += sum(each.money + 0.08 * each.carbon for each in log.lines(item))
        attributes = {
            "route": "milp", "seed": 7, "status": "optimal", "objective": float(cost),
            "bound": float(cost) * 0.9995, "form_hash": "f0" * 32, "citygrid_version": "0.1.0",
            "python_version": "3.11.7", "model": "riedberg.yaml", "model_hash": "c0ffee" * 8,
            "file_hashes": json.dumps({"spot.csv": "ab" * 32}),
            "telemetry": json.dumps({"feasibility_rate": 0.875}),
        }  # fmt: skip
        return case, assemble(case, blocks, values, ledger, attributes)


def build(
    hours: int = 48, step: float = 1.0, places: bool = True, geometry: str | None = None,
    crs: str | None = "EPSG:25832", rename: Callable[[str], str] = str, jobs: bool = True,
) -> tuple[Case, Plan]:  # fmt: skip
    """Case and plan of a plant, three zones, two centres and a pool of jobs."""
    b = Builder(hours, step)
    clock = np.arange(hours) * step
    day = 2 * np.pi * clock / 24.0
    season = 1.0 + 0.6 * np.cos(2 * np.pi * clock / 8760.0)
    zones = ["east", "west", "north"]
    heat = np.array([(300 + 120 * np.cos(day - 2.0 - i)) * season for i in range(3)])
    power = np.array([90 + 40 * np.sin(day - 2.2 + 0.3 * i) for i in range(3)])
    b.kind("heat_demand", [f"heat {z}" for z in zones],
           {"node": (zones, "1"), "load": (heat, "kW"), **SHED},
           {"served": heat}, zones)  # fmt: skip
    b.kind("power_demand", [f"power {z}" for z in zones],
           {"node": (zones, "1"), "load": (power, "kW"), **SHED},
           {"served": power}, zones)  # fmt: skip
    sun = np.maximum(np.sin(day - np.pi / 2), 0.0) * 180.0
    roof = rename("roof east")
    b.kind("pv", [roof], {"node": (["east"], "1"), "peak": (200.0, "kW"),
           "curtailable": ([True], "1"), "available": (sun[None], "kW")},
           {"produced": sun[None]}, ["east"])  # fmt: skip
    # Jobs: one every five hours, 60 kW for three hours, in turn at both centres.
    centers = ["dc east", "dc north"]
    compute = np.zeros((2, hours))
    run = round(3 / step)
    begins = range(0, hours - run + 1, round(5 / step)) if jobs else []
    for number, begin in enumerate(begins):
        compute[number % 2, begin : begin + run] += 60.0
    load = np.vstack([150 + 30 * np.sin(day), 90 + 15 * np.sin(day + 1)])
    it = 40.0 + load + compute
    capacity = np.array([[400.0], [300.0]])
    draw = 1.03 * it + 0.02 * capacity
    cop = 3.6
    lifted = np.minimum(0.85 * it[0] / (1 - 1 / cop), heat[0] * 0.9)
    recovered = np.vstack([lifted * (1 - 1 / cop), np.zeros(hours)])
    b.kind("data_center", centers, {
        "node": (["east", "north"], "1"), "capacity": (capacity.ravel(), "kW"),
        "idle": (40.0, "kW"), "load": (load, "kW"), **SHED, "loss_share": (0.03, "1"),
        "loss_fixed": (0.02, "1"), "recoverable": (0.85, "1"),
        "moded": (False, "1"), "cooling_power": (0.0, "1"), "energy_reuse_min": (0.0, "1"),
        "pue_max": (np.inf, "1"), "reuse_before": (0.0, "kWh"), "pue_before": (0.0, "kWh"),
        "lit": (1.0, "1"),
    }, {"compute": compute, "recovered": recovered, "rejected": draw - recovered},
        ["east", "north"])  # fmt: skip
    b.kind("chiller", ["chiller east", "chiller north"],
           {"node": (["east", "north"], "1"), "cooling": (500.0, "kW"), **commitment(500.0),
            "power_share": (np.full((2, hours), 0.08), "1")},
           {"cooling": draw - recovered}, ["east", "north"])  # fmt: skip
    b.kind("heat_pump", ["pump east"], {
        "sink": (["east"], "1"), "source": (["dc east"], "1"), "heat": (500.0, "kW"),
        "performance": (np.full((1, hours), cop), "1"), "recovers": ([True], "1"),
        "several_loops": ([False], "1"),
        **commitment(500.0, 50.0),
        "worthless": (np.zeros((1, hours), dtype=bool), "1"),
    }, {"heat": lifted[None], "on": np.ones((1, hours))}, ["east"])  # fmt: skip
    # Pipes and cables lead from the plant to every zone.
    loss = np.full((3, hours), 6.0)
    sent = heat - np.vstack([lifted, np.zeros((2, hours))]) + loss
    line = {"from_": (["plant"] * 3, "1"), "to": (zones, "1"), "loss_share": (0.0, "1")}
    b.kind("heat_pipe", [f"pipe {z}" for z in zones],
           {**line, "capacity": (np.full((3, hours), 800.0), "kW"), "loss": (loss, "kW"),
            "reversible": ([False] * 3, "1"), "dn": (np.array([80.0, 100.0, 65.0]), "1"),
            "delay": (np.zeros(3, dtype=int), "1"),
            "water": (0.0, "kWh"), "water_before": (0.0, "kWh"),
            "pump": ([""] * 3, "1")},
           {"flow": sent}, ["plant"] * 3, zones, travel_parameters("heat_pipe", 3))  # fmt: skip
    local = power.copy()
    local[0] += draw[0] + lifted / cop + 0.08 * (draw - recovered)[0] - sun
    local[2] += draw[1] + 0.08 * (draw - recovered)[1]
    b.kind("power_line", [f"cable {z}" for z in zones],
           {**line, "capacity": (1000.0, "kW"), "loss": (np.zeros((3, hours)), "kW"),
            "reversible": ([True] * 3, "1"),
            "worthless": (np.zeros((3, hours), dtype=bool), "1")},
           {"flow": np.maximum(local, 0.0), "back": np.maximum(-local, 0.0)},
           ["plant"] * 3, zones)  # fmt: skip
    swing = 80.0 * np.sin(day) if hours * step % 24 == 0 else np.zeros(hours)
    swing -= swing.mean()
    level = np.cumsum(swing) * step
    level = level - level.min() + 50.0
    b.kind("heat_store", ["tank"], {
        "node": (["plant"], "1"), "capacity": (float(np.ceil(level.max() + 200)), "kWh"),
        "charge": (200.0, "kW"), "discharge": (200.0, "kW"), "charge_efficiency": (1.0, "1"),
        "discharge_efficiency": (1.0, "1"), "standing_loss": (0.0, "1"), "cyclic": ([True], "1"),
        "initial_level": (0.0, "1"), "final_level": (0.0, "1"),
        "loss": (np.zeros((1, hours)), "kW"), **HOLDING,
        "may_burn": ([False], "1"),
    }, {"level": level[None], "charge": np.maximum(swing, 0.0)[None],
        "discharge": np.maximum(-swing, 0.0)[None]}, ["plant"])  # fmt: skip
    burned = sent.sum(axis=0) + swing
    b.kind("boiler", ["boiler"], {
        "node": (["plant"], "1"), "heat": (3000.0, "kW"), "efficiency": (0.92, "1"),
        **commitment(3000.0),
    }, {"heat": burned[None]}, ["plant"])  # fmt: skip
    b.kind("fuel", ["gas"], {
        "node": (["plant"], "1"), "price": (np.full((1, hours), 0.06), "EUR/kWh"),
        "carbon": (0.2, "kg/kWh"), "max": (np.inf, "kW"),
    }, {"supplied": (burned / 0.92)[None]}, ["plant"])  # fmt: skip
    net = local.sum(axis=0)
    price = 0.25 + 0.08 * np.sin(day - 1.0)
    b.kind("grid", ["grid"], {
        "node": (["plant"], "1"), "import_price": (price[None], "EUR/kWh"),
        "export_price": (price[None] * 0.5, "EUR/kWh"), "import_max": (4000.0, "kW"),
        "export_max": (1000.0, "kW"), "import_carbon": (np.full((1, hours), 0.38), "kg/kWh"),
        "import_marginal_carbon": (np.full((1, hours), 0.38), "kg/kWh"),
        "peak_charge": (0.0, "EUR/kW"), "peak_before": (0.0, "kW"),
        "fixed_charge": (0.0, "EUR/h"), "monthly": ([False], "1"),
        "month": (np.zeros((1, hours)), "1"), "peak_share": (np.ones((1, hours)), "1"),
    }, {"import": np.maximum(net, 0.0)[None], "export": np.maximum(-net, 0.0)[None]},
        ["plant"])  # fmt: skip
    if jobs:
        _pool(b, centers, list(begins), run, compute)
    return b.finish(places, geometry, crs)


def _pool(b: Builder, centers: list[str], begins: list[int], run: int, compute: Any) -> None:
    names = np.array([f"job {i + 1}" for i in range(len(begins))], dtype=object)
    labels = np.array([f"{n} @ {centers[i % 2]} + {s * b.step:g} h"
                       for i, (n, s) in enumerate(zip(names, begins, strict=True))],
                      dtype=object)  # fmt: skip
    numbers = np.arange(len(begins))
    starts = np.array(begins) * b.step
    none = np.array([], dtype=np.int64)
    b.kind("job_pool", ["pool"], {}, {
        "load": (compute, ("job_site", "time")),
        "start": (np.ones(len(begins)), ("job_start",)),
    }, None, None, {
        "job": Parameter(("job",), names),
        "job_site": Parameter(("job_site",), np.array(centers, dtype=object)),
        "job_start": Parameter(("job_start",), labels),
        "job_slot": Parameter(("job_slot",), np.array([], dtype=object)),
        "site_center": Parameter(("job_site",), np.array(centers, dtype=object)),
        "site_resource": Parameter(("job_site",), np.array(["compute"] * 2, dtype=object)),
        "site_pool": Parameter(("job_site",), np.zeros(2, dtype=np.int64)),
        "job_power": Parameter(("job",), np.full(len(begins), 60.0), "kW"),
        "job_duration": Parameter(("job",), np.full(len(begins), run * b.step), "h"),
        "job_release": Parameter(("job",), np.maximum(starts - 2.0, 0.0), "h"),
        "job_deadline": Parameter(("job",), np.minimum(starts + run * b.step + 6.0,
                                                       b.hours * b.step), "h"),
        "job_preemptible": Parameter(("job",), np.zeros(len(begins), dtype=bool)),
        "job_priority": Parameter(("job",), np.array(["deferrable"] * len(begins), dtype=object)),
        "job_unserved_price": Parameter(("job",), np.full(len(begins), np.inf), "EUR/kWh"),
        "pool_of_job": Parameter(("job",), np.zeros(len(begins), dtype=np.int64)),
        "job_allowed": Parameter(("job", "job_site"), np.ones((len(begins), 2), dtype=bool)),
        "start_job": Parameter(("job_start",), numbers),
        "start_site": Parameter(("job_start",), numbers % 2),
        "start_step": Parameter(("job_start",), np.array(begins, dtype=np.int64)),
        "slot_job": Parameter(("job_slot",), none),
        "slot_site": Parameter(("job_slot",), none),
        "slot_step": Parameter(("job_slot",), none),
        "slot_share": Parameter(("job_slot",), none.astype(float)),
    })  # fmt: skip


@pytest.fixture(scope="session")
def make() -> Callable[..., tuple[Case, Plan]]:
    """The builder itself, for districts that differ from the usual one."""
    return build


@pytest.fixture(scope="session")
def planned() -> tuple[Case, Plan, Verdict]:
    """Two days of the hand-made district, verified."""
    case, plan = build()
    verdict = verify(case, plan)
    assert verdict.ok, verdict.violations
    return case, plan, verdict
