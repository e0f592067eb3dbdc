"""What replays say of flows and parameters drawn by lot: golden, so that a change shows in review.

Honest plans keep the laws, and told lies break a few of them. Here every law of a kind is broken by
some amount in some step, every price is above nothing, and a step is no hour, so that a slip in any
term of a replay is another number. Nothing is solved: flows are numbers in the shape of a plan.

``golden/replay/<kind>.txt`` has a line for each thing that a replay reports: a law, a movement, a
line of the ledger, a figure. The numbers are sums over units and steps, each weighed by its place,
so that two that are swapped are found, too. See ``conftest.py`` for how golden texts are rewritten.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import ArrayLike

import citygrid as cg
from citygrid.components.contract import Flows, Parameter, Units, kinds
from citygrid.components.log import Log
from citygrid.district.case import Case
from citygrid.model.form import Form
from citygrid.plan.plan import assemble
from tests.components.test_mixed_fleets import fleet
from tests.helpers import DISTRICTS

HERE = Path(__file__).parent
#: Hours in a step, whatever the district says: no factor of one hides that a step is forgotten.
STEP = 0.75
#: What stands for a bound of a flow, or a parameter, that there is none.
LARGE = 80.0
#: Parameters that say of which others there are how many: another would ask for what is not there.
FIXED = {"part_load", "cost_points", "cold_starts", "moded", "several_loops"}


#: What is in neither: cost by points, in segments narrower than a kilowatt that bend the wrong way
#: and in wide ones that do not, and jobs that need data and may be left out, interrupted or not.
REST = """name: rest
horizon: {start: 2023-01-16T00:00Z, length: 4 h, step: 1 h}
weather: {file: fleet.csv, latitude: 50.1, longitude: 8.7}
nodes: {plant: {}, east: {}}
components:
  grid: {kind: grid, node: plant, import: {price: 200 EUR/MWh, max: 200 kW}}
  far grid: {kind: grid, node: east, import: {price: 200 EUR/MWh, max: 200 kW}}
  little: {kind: generator, node: plant, power: 2 kW, cost_points: [{output: 0.5 kW,
    cost: 1 EUR/h}, {output: 1 kW, cost: 2 EUR/h}, {output: 2 kW, cost: 3.5 EUR/h}]}
  block: {kind: generator, node: plant, power: 60 kW, cost_points: [{output: 10 kW,
    cost: 1 EUR/h}, {output: 30 kW, cost: 3 EUR/h}, {output: 60 kW, cost: 9 EUR/h}]}
  flats: {kind: power_demand, node: plant, load: 20 kW}
  centre: {kind: data_center, node: plant, capacity: 50 kW, cooling: liquid, load: 5 kW}
  chiller: {kind: chiller, node: plant, cooling: 90 kW}
  fibre: {kind: data_link, from: east, to: plant, capacity: 3 GB/h, latency: 5 ms}
  jobs: {kind: job_pool, sites: [centre], unserved_price: 2 EUR/kWh, jobs: [{job: copy, power: 5 kW,
    duration: 2 h, release: 2023-01-16T00:00Z, deadline: 2023-01-16T03:30Z, preemptible: true,
    home: east, data: 0.5 GB, latency: 30 ms}]}
"""
#: The same jobs, interrupted or not.
RESTS = (REST, REST.replace("preemptible: true", "preemptible: false"))


@cache
def formulated(path: Path) -> tuple[Case, Form]:
    case = cg.prepare(cg.load(path))
    return case, cg.formulate(case)


@pytest.fixture(scope="session")
def fleets(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two districts with three units of every kind, which differ in every option; the rest."""
    paths = []
    table = fleet(0)[1]
    for text in (fleet(0)[0], fleet(1)[0], *RESTS):
        folder = tmp_path_factory.mktemp("fleet")
        (folder / "fleet.csv").write_text(table, encoding="utf-8")
        paths.append(folder / "fleet.yaml")
        paths[-1].write_text(text, encoding="utf-8")
    return paths


def drawn_flows(case: Case, form: Form, units: Units, lot: Generator) -> Flows:
    """Flows of a kind somewhere around their bounds; choices are 0 or 1, mostly."""
    blocks, values = {}, {}
    for name, block in form.columns.items():
        if name.split(".")[0] != units.kind:
            continue
        low, high = form.lower[block.span], form.upper[block.span]
        high = np.where(np.isfinite(high), high, low + LARGE)
        found = low + (high - low + 20.0) * lot.uniform(-0.2, 1.1, len(low))
        choice = form.integer[block.span].astype(bool)
        found = np.where(choice, lot.choice([0.0, 1.0, 1.0, 0.75], len(low)), found)
        values[name] = found.reshape(block.shape)
        blocks[name] = (block.dims, block.coords, block.unit, block.about)
    return assemble(case, blocks, values, {}, {"route": "lot", "objective": 0.0}).flows(units)


def drawn_parameters(units: Units, lot: Generator) -> Units:
    """The units with every price, loss and limit there, and every number a little other."""

    def other(name: str, parameter: Parameter) -> Parameter:
        values = parameter.values
        if values.dtype.kind not in "bf" or not values.size or name in FIXED:
            return parameter
        if values.dtype.kind == "b":
            return parameter._replace(values=values ^ (lot.random(values.shape) < 0.4))
        found = values * lot.uniform(0.8, 1.2, values.shape)
        found = np.where(found == 0.0, lot.uniform(0.1, 0.6, values.shape), found)
        open_ = ~np.isfinite(found) & (lot.random(values.shape) < 0.6)
        return parameter._replace(
            values=np.where(open_, lot.uniform(0.5, 3.0, values.shape), found)
        )

    parameters = {name: other(name, parameter) for name, parameter in units.parameters.items()}
    return replace(units, parameters=parameters)


def weighed(values: ArrayLike) -> str:
    """One number of many, which says also where they stand; how many are without bound."""
    found = np.asarray(values, dtype=float).ravel()
    finite = np.isfinite(found)
    weights = 1.0 + np.sqrt(np.arange(1, len(found) + 1))
    total = float((np.where(finite, found, 0.0) * weights).sum())
    endless = int(np.count_nonzero(~finite))
    return f"{total:.6g}" + (f" and {endless} endless" if endless else "")


def listed(texts: ArrayLike) -> str:
    return ", ".join(map(str, np.asarray(texts).ravel()))


def said(flows: Flows, log: Log) -> Iterator[str]:
    """A line for each thing that a replay reports."""
    yield "reads " + ", ".join(f"{name} [{unit}]" for name, unit in sorted(flows.asked.items()))
    for breach in log.breaches:
        yield (f"{breach.rule}: off by {weighed(breach.size)} of {weighed(breach.scale)} "
               f"{breach.unit}; {listed(breach.labels)}")  # fmt: skip
    for moved in log.movements:
        way = "feeds" if moved.sign > 0 else "draws"
        yield (f"{way} {moved.carrier} {weighed(moved.flow)} at {listed(moved.places)} by "
               f"{listed(moved.owners)}")  # fmt: skip
    for item, columns in log.spent.items():
        for column, amounts in columns.items():
            yield f"pays {item}, {column}: {weighed(amounts)}"
    for side in log.opposed:
        way = "gives" if side.gives else "takes"
        yield (f"{way} what is {side.rule} {side.carrier} {weighed(side.flow)} at "
               f"{listed(side.places)}, guarded {weighed(side.guarded)}")  # fmt: skip
    for line in log.carried:
        yield (f"carries {line.carrier} {weighed(line.flow)} from {listed(line.start)} to "
               f"{listed(line.end)}, lossy {weighed(line.lossy)}, guarded "
               f"{weighed(line.guarded)}")  # fmt: skip
    yield from (f"undoes {weighed(flow)}" for flow in log.undone)
    for shed in log.shed:
        yield (f"sheds {shed.carrier} {weighed(shed.amount)} of {listed(shed.priorities)} by "
               f"{listed(shed.owners)}")  # fmt: skip
    yield from (f"measures {name} {weighed(flow)}" for name, flow in log.measures.items())


def replayed(kind: str, path: Path, title: str) -> Iterator[str]:
    """What is said of a district's units, as they are and with parameters by lot."""
    case, form = formulated(path)
    if kind not in case.units:
        return
    lot = np.random.default_rng(7)
    stated = replace(case.units[kind], step=STEP)
    for what, units in (("", stated), (", parameters by lot", drawn_parameters(stated, lot))):
        flows = drawn_flows(case, form, units, lot)
        log = Log(kind, units.names)
        kinds()[kind].replay(units, flows, log)
        yield f"{title}{what}"
        yield from (f"  {line}" for line in said(flows, log))


NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]\d+)?")


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_golden_replay(kind: str, rewriting: bool, fleets: list[Path]) -> None:
    paths = {"district": DISTRICTS / f"{kind}.yaml"} | dict(
        zip(("fleet 0", "fleet 1", "rest", "rest as a whole"), fleets, strict=True)
    )
    told = [line for title, path in paths.items() for line in replayed(kind, path, title)]
    path = HERE / "golden" / "replay" / f"{kind}.txt"
    if rewriting:
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(told) + "\n", encoding="utf-8")
    golden = path.read_text(encoding="utf-8").splitlines()
    hint = f"the replay of {kind} changed; see conftest.py for how golden texts are rewritten"
    for line, expected in zip(told, golden, strict=True):
        assert NUMBER.sub("#", line) == NUMBER.sub("#", expected), hint
        numbers = [[float(n) for n in NUMBER.findall(text)] for text in (line, expected)]
        assert numbers[0] == pytest.approx(numbers[1], rel=1e-4, abs=1e-4), f"{hint}: {line}"
