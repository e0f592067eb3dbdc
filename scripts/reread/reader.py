"""The second reader: a stored plan checked again with netCDF4 and numpy alone.

From the file alone it checks

* units and hours: every flow is in the unit that its name asks for, over the hours of the case;
* balances: what all components feed of a carrier at a place in an hour is drawn there;
* limits of flows, choices of 0 or 1, and that what does not run gives nothing;
* levels: each follows what went in and out, and closes or begins as the case says;
* jobs: each is done once, in its window, where it may run, and the load is theirs;
* money: the lines that are a flow times a price, that prices times the ledger's sums are the
  objective, that caps hold, and that no bound lies above the cost.

It does not count starts, peaks, curves of cost, ramps and times on and off, shares of reuse,
quiet hours, pumping, rules of policies, and energy in a circle: ``citygrid verify`` does.
"""

from __future__ import annotations

import json
import re
from typing import Any

import netCDF4
import numpy as np
from kinds import LIMITS, MOVES, OUTPUT, PAID, Move

#: Largest violation, relative to what flows there and to 1 in its unit at the least.
TOLERANCE = 1e-6
#: Flows that are not in kW, by a pattern of their name.
UNITS = {
    r".*\.level|job_pool\.undone": "kWh",
    r"data_link\..*|job_pool\.data": "GB/h",
    r".*\.curve_cost": "EUR/h",
    r".*\.(on|start|stop|warm_start_\d+|\w+_segment_\d+|mode|left_out|dark|shut|charging|importing"
    r"|forward)": "1",
}
COLUMNS = {"money": "EUR", "carbon": "kg", "marginal_carbon": "kg", "water": "l", "nox": "kg"}
#: A price of carbon weighs what a kilowatt-hour more emits.
WEIGHED = {"carbon": "marginal_carbon"}


class Kind:
    """All components of one kind: parameters of the case, and flows of the plan, as arrays."""

    def __init__(self, plan: Reader, group: Any) -> None:
        self.plan, self.group, self.name = plan, group, group.name
        self.names = [str(name) for name in group[self.name][:]]

    def __getitem__(self, name: str) -> Any:
        """A parameter, over (component, hour) or one number per component as (component, 1)."""
        variable = self.group[name]
        values = np.asarray(variable[:])
        return values[:, None] if variable.dimensions == (self.name,) else values

    def has(self, name: str) -> bool:
        return name in self.group.variables

    def texts(self, name: str) -> Any:
        return np.array([str(text) for text in self.group[name][:]], dtype=object)

    def flow(self, name: str, absent: float = 0.0) -> Any:
        """A flow over (component, hour); ``absent`` where the plan has none."""
        return self.plan.spread(f"{self.name}.{name}", self.names, absent)


class Reader:
    """One plan file, and what was found in it."""

    def __init__(self, path: str) -> None:
        self.file = netCDF4.Dataset(path)
        self.file.set_auto_mask(False)
        self.case = self.file["case"]
        self.step = float(self.case.getncattr("step_h"))
        self.time = self.hours(self.file["time"])
        self.kinds = {name: Kind(self, group) for name, group in self.case.groups.items()}
        self.found: list[str] = []

    def hours(self, variable: Any) -> Any:
        """Stamps as whole seconds since 1970."""
        dates = netCDF4.num2date(variable[:], variable.units,
                                 getattr(variable, "calendar", "standard"))  # fmt: skip
        return np.rint(netCDF4.date2num(dates, "seconds since 1970-01-01")).astype(np.int64)

    def spread(self, name: str, rows: list[str], absent: float = 0.0) -> Any:
        """A flow over (rows, hours), by its labels."""
        full = np.full((len(rows), len(self.time)), absent)
        if name not in self.file.variables:
            return full
        variable = self.file[name]
        labels = [str(label) for label in self.file[variable.dimensions[0]][:]]
        at = [rows.index(label) for label in labels]
        when = np.arange(len(self.time))
        if len(variable.dimensions) > 1 and variable.dimensions[1] != "time":
            stamps = self.hours(self.file[variable.dimensions[1]])
            when = np.array([int(np.flatnonzero(self.time == stamp)[0]) for stamp in stamps])
        full[np.ix_(at, when)] = variable[:]
        return full

    def breaks(self, rule: str, labels: Any, size: Any, scale: Any = 1.0) -> None:
        """Note the worst hour of every label where ``size`` is more than may be."""
        size, scale = (np.asarray(each, dtype=float) for each in (size, scale))
        if size.ndim < 2:
            size = size.reshape(len(labels), -1)
            scale = scale.reshape(size.shape) if scale.ndim else scale
        scale = np.maximum(np.nan_to_num(np.broadcast_to(scale, size.shape)), 1.0)
        wrong = ~(size <= TOLERANCE * scale)
        for row in np.flatnonzero(wrong.any(axis=1)):
            step = int(np.nanargmax(np.where(wrong[row], np.nan_to_num(size[row], nan=1e300), -1)))
            self.found.append(f"{labels[row]}: {rule}, off by {size[row, step]:.6g} at {step}")

    def within(self, rule: str, labels: Any, value: Any, low: Any, high: Any) -> None:
        scale = np.maximum(np.abs(value), np.where(np.isfinite(high), np.abs(high), 0.0))
        self.breaks(rule, labels, np.maximum(low - value, value - high), scale)

    # what is checked ------------------------------------------------------------------------------

    def check(self) -> list[str]:
        """Everything; the lines of what is broken."""
        self.check_frame()
        if not self.found:
            moved = [move for name, kind in self.kinds.items() for move in MOVES[name](kind)]
            self.check_balances(moved)
            self.check_limits()
            for kind in self.kinds.values():
                self.check_level(kind)
            if "job_pool" in self.kinds:
                self.check_jobs(self.kinds["job_pool"])
            self.check_money()
        return self.found

    def check_frame(self) -> None:
        planned = self.hours(self.case["time"])
        if self.time.tolist() != planned.tolist():
            self.found.append("the plan: its hours are not those of its case")
        if (np.diff(self.time) != round(3600 * self.step)).any():
            self.found.append("the plan: its hours do not follow each other")
        if self.file.getncattr("case_hash") != self.case.getncattr("hash"):
            self.found.append("the plan: it names another case than the one it carries")
        for name, variable in self.file.variables.items():
            head = name.split(".")[0]
            if head in self.kinds and "." in name:
                self.check_flow(name, variable)
            elif name.removeprefix("ledger.") in COLUMNS and (
                getattr(variable, "units", "") != COLUMNS[name.removeprefix("ledger.")]
            ):
                self.found.append(f"{name}: is not in {COLUMNS[name.removeprefix('ledger.')]}")
            elif "." in name and head not in ("ledger", "worth", "price", "imposed", "policy"):
                self.found.append(f"{name}: is a flow of nobody")

    def check_flow(self, name: str, variable: Any) -> None:
        wanted = next((u for pattern, u in UNITS.items() if re.fullmatch(pattern, name)), "kW")
        stated = getattr(variable, "units", "nothing")
        if stated != wanted:
            self.found.append(f"{name}: is in {stated}, not in {wanted}")
        if not np.isfinite(variable[:].astype(float)).all():
            self.found.append(f"{name}: holds what is no number")
        for place, dim in enumerate(variable.dimensions):
            if dim not in self.file.variables:
                self.found.append(f"{name}: {dim} has no labels")
                continue
            labels = self.file[dim][:].tolist()
            if (dim == "time" or hasattr(self.file[dim], "calendar")) != (place == 1):
                self.found.append(f"{name}: its hours do not stand last")
            elif len(set(labels)) < len(labels):
                self.found.append(f"{name}: a label of {dim} stands twice")
        group = self.kinds[name.split(".")[0]].group
        own = group.variables.get(variable.dimensions[0])
        first = self.file.variables.get(variable.dimensions[0])
        known = {str(label) for dim, each in group.variables.items()
                 if each.dimensions == (dim,) for label in each[:]}  # fmt: skip
        if first is not None and (
            not {str(label) for label in first[:]} <= known
            or (own is not None and own[:].tolist() != first[:].tolist())
        ):
            self.found.append(f"{name}: its {variable.dimensions[0]} are not those of the case")

    def check_balances(self, moved: list[Move]) -> None:
        for carrier in sorted({move[0] for move in moved}):
            net: dict[str, Any] = {}
            largest: dict[str, Any] = {}
            for _, sign, places, flow in (move for move in moved if move[0] == carrier):
                for place, row in zip(places, flow, strict=True):
                    net[place] = net.get(place, 0.0) + sign * row
                    largest[place] = np.maximum(largest.get(place, 1.0), np.abs(row))
            for place in net:
                self.breaks(f"{carrier} is balanced", [place], net[place], largest[place])

    def check_limits(self) -> None:
        for name, kind in self.kinds.items():
            for flow, limit in LIMITS.get(name, {}).items():
                self.within("within its limit", kind.names, kind.flow(flow), 0.0, kind[limit])
            if kind.has("usable"):
                output = kind.flow(OUTPUT[name])
                if name == "chp":
                    output = output + kind["power_loss"] * kind.flow("heat")
                committed = f"{name}.on" in self.file.variables
                on = kind.flow("on", 1.0)
                least = kind["minimum_load"] * on if committed else 0.0
                self.within("between minimum load and capacity", kind.names, output, least,
                            kind["usable"] * on)  # fmt: skip
        for name, variable in self.file.variables.items():
            if re.fullmatch(list(UNITS)[-1], name) and not name.endswith(".dark"):
                values = variable[:].reshape(variable.shape[0], -1)
                self.breaks("is 0 or 1", [f"{name} {i}" for i in range(len(values))],
                            np.minimum(np.abs(values), np.abs(values - 1.0)))  # fmt: skip

    def check_level(self, kind: Kind) -> None:
        if kind.name not in ("battery", "heat_store", "seasonal_store"):
            return
        level, charge, discharge = (kind.flow(name) for name in ("level", "charge", "discharge"))
        initial = np.where(kind["cyclic"], level[:, -1:], kind["initial_level"] * kind["capacity"])
        before = np.concatenate([initial, level[:, :-1]], axis=1)
        lost = kind["loss"] if kind.has("loss") else 0.0
        kept = before * (1.0 - kind["standing_loss"] * self.step) - lost * self.step
        passed = charge * kind["charge_efficiency"] - discharge / kind["discharge_efficiency"]
        scale = np.maximum(np.maximum(charge, discharge) * self.step, np.abs(level - before))
        self.breaks("level follows", kind.names, np.abs(kept + passed * self.step - level), scale)
        self.within("level within capacity", kind.names, level, 0.0,
                    kind["capacity"] * kind["highest_level"])  # fmt: skip
        final = np.where(kind["cyclic"], 0.0, kind["final_level"] * kind["capacity"])
        self.within("level at the end", kind.names, level[:, -1:], final, np.inf)

    def check_jobs(self, pool: Kind) -> None:
        jobs, sites = pool.texts("job").tolist(), pool.texts("job_site").tolist()
        power, duration, release, deadline = (
            pool[f"job_{name}"] for name in ("power", "duration", "release", "deadline")
        )
        split = pool["job_preemptible"].astype(bool)
        load = np.zeros((len(sites), len(self.time)))
        times, work = np.zeros(len(jobs)), np.zeros(len(jobs))
        clock = np.arange(len(self.time)) * self.step
        chosen = self.along("job_pool.start", len(pool["start_job"]))
        for i in np.flatnonzero(chosen > 0.5):
            job, site, begin = pool["start_job"][i], pool["start_site"][i], pool["start_step"][i]
            begin, end = begin * self.step, begin * self.step + duration[job]
            times[job] += 1.0
            self.within("job in its window", [jobs[job]], np.array([begin, end]),
                        release[job], deadline[job])  # fmt: skip
            part = np.clip(np.minimum(end, clock + self.step) - np.maximum(begin, clock), 0, None)
            load[site] += power[job] * part / self.step
            if not pool["job_allowed"][job, site]:
                self.found.append(f"{jobs[job]}: runs at {sites[site]}, where it may not")
        run = self.along("job_pool.run", len(pool["slot_job"]))
        rate = np.zeros((len(jobs), max(len(self.time), int(pool["slot_step"].max(initial=0)) + 1)))
        for job, site, step, each in zip(pool["slot_job"], pool["slot_site"], pool["slot_step"],
                                         run, strict=True):  # fmt: skip
            work[job] += each * self.step
            rate[job, step] += each
            if step < len(self.time):
                load[site, step] += each
            if each > TOLERANCE and not pool["job_allowed"][job, site]:
                self.found.append(f"{jobs[job]}: runs at {sites[site]}, where it may not")
        begin = np.arange(rate.shape[1]) * self.step
        open_hours = np.clip(np.minimum(deadline[:, None], begin + self.step)
                             - np.maximum(release[:, None], begin), 0.0, None)  # fmt: skip
        self.within("job within its power and window", jobs, rate, 0.0,
                    power[:, None] * open_hours / self.step)  # fmt: skip
        times += self.by_label("job_pool.left_out", jobs)
        work += self.by_label("job_pool.undone", jobs)
        self.breaks("job is done once", jobs, np.where(split, 0.0, np.abs(times - 1.0)))
        due = power * duration
        self.breaks("job is finished", jobs, np.where(split, np.abs(work - due), 0.0), due)
        stated = self.spread("job_pool.load", sites)
        self.breaks("load is that of the jobs", sites, np.abs(stated - load), np.abs(load))

    def along(self, name: str, count: int) -> Any:
        return self.file[name][:] if name in self.file.variables else np.zeros(count)

    def by_label(self, name: str, rows: list[str]) -> Any:
        values = np.zeros(len(rows))
        if name in self.file.variables:
            labels = self.file[self.file[name].dimensions[0]][:]
            values[[rows.index(str(label)) for label in labels]] = self.file[name][:]
        return values

    def check_money(self) -> None:
        lines = {name: self.file[f"ledger.{name}"][:] for name in ("component", "item", *COLUMNS)}
        keys = list(zip(lines["component"], lines["item"], strict=True))
        if len(set(keys)) < len(keys):
            self.found.append("ledger: a line stands twice")
        labels = [f"ledger {component}, {item}" for component, item in keys]
        for label, (component, item) in zip(labels, keys, strict=True):
            kind = item.split(".", 1)[0]
            if kind not in self.kinds or component not in self.kinds[kind].names:
                self.found.append(f"{label}: is of nobody")
        stated = dict(zip(keys, lines["money"], strict=True))
        for (kind, what), (flow, price, sign) in PAID.items():
            if kind not in self.kinds:
                continue
            names = self.kinds[kind].names
            rate = np.nan_to_num(self.kinds[kind][price], posinf=0.0)
            paid = sign * (self.kinds[kind].flow(flow) * rate).sum(axis=1) * self.step
            told = np.array([stated.get((name, f"{kind}.{what}"), 0.0) for name in names])
            self.breaks(f"{what} is {flow} times its price", names, np.abs(told - paid),
                        np.abs(paid))  # fmt: skip
        sums = {name: float(lines[name].sum()) for name in COLUMNS}
        prices = json.loads(self.case.getncattr("prices"))
        cost = sums["money"] + sum(
            price * sums[WEIGHED.get(name, name)] for name, price in prices.items()
        )
        objective = float(self.file.getncattr("objective"))
        turnover = float(np.abs(lines["money"]).sum())
        self.breaks("the objective is the sum of the ledger", ["the plan"],
                    abs(objective - cost), turnover)  # fmt: skip
        for name, cap in json.loads(self.case.getncattr("caps")).items():
            self.breaks("within its cap", [name], max(sums[name] - cap, 0.0), abs(cap))
        if "bound" in self.file.ncattrs():
            over = float(self.file.getncattr("bound")) - objective
            self.breaks("the bound is not above the cost", ["the plan"], over, abs(objective))


def reread(path: str) -> list[str]:
    """What is wrong with a stored plan, a line each.

    Raises ``OSError``, ``KeyError``, ``ValueError`` and their like for a file that is no plan.
    """
    reader = Reader(path)
    try:
        return reader.check()
    finally:
        reader.file.close()
