"""A trial of seconds: a tiny district by every route that is present, replayed, stored, reread."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from citygrid.doctor.findings import Finding
from citygrid.errors import CitygridError, Fault, InputError, VerificationError
from citygrid.gap import relative_gap
from citygrid.registry.place import place_of, refuse_network

if TYPE_CHECKING:
    from citygrid.district.case import Case
    from citygrid.model.form import Form
    from citygrid.plan.plan import Plan

#: Seconds that a route has; a tiny district needs a hundredth of them.
LIMIT = 5.0
#: How far the routes' costs may lie apart, relative; they all stop within the gap below.
CLOSE, GAP = 1e-3, 1e-4
#: Free bytes of memory and disk below which work of any size would fail.
LEAST_MEMORY, LEAST_DISK = 512 << 20, 64 << 20

#: Three hours of a block with a data centre: a job, two ways to make heat, a dear hour. By hand:
#: hour 1 takes 40 kW of power at 0.10, hour 2 40 kW at 0.30 and 80 kWh of the boiler's heat at
#: 0.20, hour 3, with the job, 120 kW at 0.20: 4 + 12 + 16 + 24 = 56 EUR.
DISTRICT = """\
name: trial
horizon: {start: 2023-01-16T00:00Z, length: 3 h, step: 1 h}
weather: {file: trial.csv, latitude: 50.1, longitude: 8.7}
carbon_price: 0.10 EUR/kg
series:
  price: {file: trial.csv, column: price}
  heat: {file: trial.csv, column: heat}
nodes:
  block: {}
components:
  grid: {kind: grid, node: block, import: {price: {series: price}, max: 200 kW}}
  gas: {kind: fuel, node: block, price: 0.14 EUR/kWh, carbon: 0.2 kg/kWh}
  boiler: {kind: boiler, node: block, heat: 120 kW, efficiency: 80 %}
  houses: {kind: heat_demand, node: block, load: {series: heat}}
  data centre: {kind: data_center, node: block, cooling: liquid, capacity: 100 kW, load: 30 kW,
                loss_share: 0 %, loss_fixed: 0 %, recoverable: 100 %}
  heat pump: {kind: heat_pump, source: data centre, sink: block, heat: 120 kW, cop: 4}
  chiller: {kind: chiller, node: block, cooling: 100 kW, auxiliary: 0 %}
  jobs:
    kind: job_pool
    sites: [data centre]
    jobs:
      - {job: render, power: 60 kW, duration: 1 h,
         release: 2023-01-16T00:00Z, deadline: 2023-01-16T03:00Z}
"""
TABLE = """\
time,price [EUR/kWh],heat [kW],temperature [degC]
2023-01-16T00:00Z,0.10,40,5
2023-01-16T01:00Z,0.30,120,5
2023-01-16T02:00Z,0.20,120,5
"""
COST = 56.0


def try_all(registry: str | None = None) -> Iterator[Finding]:
    """Findings of the trial as they come: room, folders, samplers, every route, a stored plan."""
    from citygrid.doctor.facts import free_disk, free_memory

    yield _room("memory", free_memory(), LEAST_MEMORY)
    yield _room("disk", free_disk(Path.cwd()), LEAST_DISK)
    yield _tried("registry", lambda: _registry(registry))
    try:
        folder = tempfile.TemporaryDirectory(prefix="citygrid-doctor-")
    except OSError as error:
        yield Finding("temporary folder", f"{error}; name another by TMPDIR", InputError.exit_code)
        return
    with folder as name:
        yield Finding("temporary folder", f"{Path(name).parent} can be written")
        yield from _samplers()
        yield from _routes(Path(name))


def _room(what: str, free: int | None, least: int) -> Finding:
    if free is None:
        return Finding(what, "nobody says how much is free")
    said = f"{free / 2**30:.1f} GiB free"
    if free < least:
        return Finding(what, f"{said}: free some", InputError.exit_code)
    return Finding(what, said)


def _registry(wish: str | None) -> str:
    """Whether runs can be recorded; a registry that is not there is not made."""
    import os

    from citygrid.registry import Registry

    place = place_of(wish)
    if place is None:
        return "is switched off: no run is recorded"
    refuse_network(place)
    if not (place.folder / "runs.db").is_file():
        above = place.folder
        while not above.exists():
            above = above.parent
        if not os.access(above, os.W_OK):
            raise InputError(Fault(str(place.folder), "no registry can be made here", None,
                                   "name a folder of yours by --registry, or none"))  # fmt: skip
        return f"{place.folder} will be made by the first run"
    with Registry(place) as opened:
        count, _ = opened.head()
    if not os.access(place.folder, os.W_OK):
        raise InputError(Fault(str(place.folder), "cannot be written: no run is recorded", None,
                               "name a folder of yours by --registry, or none"))  # fmt: skip
    return f"{place.folder} can be read and written, {count:,} runs"


def _tried(name: str, trial: Callable[[], str]) -> Finding:
    began = time.perf_counter()
    try:
        said = trial()
    except (CitygridError, OSError) as error:
        return Finding.of(name, error, time.perf_counter() - began)
    except Exception as error:  # a broken library may raise anything, and that is what is asked
        return Finding(name, f"{type(error).__name__}: {error}"[:200], InputError.exit_code,
                       time.perf_counter() - began)  # fmt: skip
    return Finding(name, said, 0, time.perf_counter() - began)


def _samplers() -> Iterator[Finding]:
    """Every sampler that has a name; one that is an extra and not installed is no fault."""
    from citygrid.routes.samplers import get, names
    from citygrid.routes.samplers.adapters import OPTIONAL

    def made(name: str) -> str:
        return f"{type(get(name)).__name__} is there"

    for name in names():
        found = _tried(f"sampler {name}", lambda name=name: made(name))  # type: ignore[misc]
        if not found.ok and name in OPTIONAL and "not installed" in found.said:
            found = Finding(found.name, f"not installed: pip install {OPTIONAL[name]}")
        yield found


def _routes(folder: Path) -> Iterator[Finding]:
    from citygrid.routes.pyomo import solvers
    from citygrid.verbs import formulate, load, prepare, solve, verify

    (folder / "trial.csv").write_text(TABLE, encoding="utf-8")
    (folder / "trial.yaml").write_text(DISTRICT, encoding="utf-8")
    made: list[tuple[Case, Form]] = []
    plans: list[Plan] = []

    def read() -> str:
        case = prepare(load(folder / "trial.yaml"))
        made.append((case, formulate(case)))
        return f"{len(case.time)} hours, {made[0][1].size['columns']} columns"

    def planned(route: str) -> str:
        from citygrid.routes.contract import Options

        case, form = made[0]
        plan = solve(form, route, Options(gap=GAP, time_limit=LIMIT, threads=1))
        verify(case, plan).require()
        apart = relative_gap(plan.objective, COST)
        if apart is None or abs(apart) > CLOSE:
            raise VerificationError(Fault(
                f"route {route}", f"costs {plan.objective:.4f} EUR, by hand it is {COST:g} EUR",
                None, "install citygrid's locked versions anew",
            ))  # fmt: skip
        plans.append(plan)
        return f"{plan.objective:.2f} EUR, verified"

    yield _tried("district", read)
    if not made:
        return
    for route in ("milp", "hybrid", *(f"pyomo:{name}" for name in solvers())):
        yield _tried(f"route {route}", lambda route=route: planned(route))  # type: ignore[misc]
    if plans:
        yield _tried("stored plan", lambda: _stored(plans[0], folder / "plan.nc"))


def _stored(plan: Plan, path: Path) -> str:
    from citygrid.plan.plan import Plan
    from citygrid.verbs import verify

    plan.save(path)
    read = Plan.load(path)
    if read.digest != plan.digest:
        raise VerificationError(Fault(str(path), "is read back as another plan", None,
                                      "see that the disk is sound"))  # fmt: skip
    verify(read.case, read).require()
    return f"{path.stat().st_size:,} bytes, written, read back and verified"
