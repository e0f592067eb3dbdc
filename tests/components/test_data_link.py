"""Data link: what jobs away from home need, how far they may run, and what carrying costs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import citygrid as cg
from citygrid.components.common.routing import fastest_routes
from citygrid.components.contract import Parameter
from citygrid.inputs.world import DataWay
from citygrid.plan.plan import Plan
from tests.helpers import DISTRICTS, Solved, faults_of, refusal, solve, solved, told, variant


def started(result: Solved) -> set[str]:
    starts = result.plan.dataset["job_pool.start"]
    return set(starts["job_start"].values[starts.values > 0.5])


def test_two_jobs_share_a_slow_radio_by_hand() -> None:
    """Proves routes, capacity, energy at the sending end and price; a free network costs 11.8 EUR.

    Power costs 0.5 and 0.4 EUR/kWh in town, 0.1 and 0.2 on the hill, 0.3 in the port between them.
    A GB from town to hill takes 0.1 kWh in town and 0.01 EUR by fibre, then 0.02 kWh in the port by
    radio, which carries 25 GB an hour: 0.066 and 0.056 EUR.
    ``batch`` (10 kWh, 10 GB) costs 1.66 and 2.56 on the hill, 4 at home; a kWh of ``big`` (2 GB)
    0.232 and 0.312, 0.4 at home. In hour 1 ``batch`` is worth more per GB, so ``big`` has 15 GB and
    7.5 kWh of it, then 25 GB and 12.5 kWh, and 10 at home. ``strict`` may run 6 ms away, the hill
    is at 7: 5 kWh at home, 2 EUR. 1.66 + 1.74 + 3.9 + 4 + 2 = 13.3 EUR.
    """
    result = solved("data_link")
    assert started(result) == {"batch @ hut + 0 h", "strict @ hall + 1 h"}
    assert result.flow("job_pool.load") == pytest.approx(np.array([[0, 15], [17.5, 12.5]]))
    assert result.flow("data_link.flow", "fibre") == pytest.approx([25, 25])
    assert result.flow("data_link.back", "radio") == pytest.approx([25, 25])
    assert result.flow("data_link.flow", "radio") == pytest.approx([0, 0])
    assert result.flow("grid.import", "grid port") == pytest.approx([0.5, 0.5])
    assert result.paid("fibre", "data_link.data") == pytest.approx(0.5)
    assert result.plan.objective == pytest.approx(13.3, abs=1e-6)
    assert result.verdict.kpis["data_carried_gb"] == pytest.approx(100)


def test_without_links_jobs_with_a_home_stay_there(tmp_path: Path) -> None:
    """The layer is cut: all in town, at 0.4 EUR in hour 2 as far as its 50 kW reach."""
    path = variant("data_link", tmp_path)
    text = path.read_text(encoding="utf-8")
    begin, end = text.index("  fibre:"), text.index("  pool:")
    path.write_text(text[:begin] + text[end:], encoding="utf-8")
    result = solve(path)
    assert result.verdict.ok
    assert result.flow("job_pool.load", "hut") == pytest.approx([0, 0])
    assert result.plan.objective == pytest.approx(45 * 0.4)


def test_without_homes_links_carry_nothing(tmp_path: Path) -> None:
    """As it was before there were links: every job runs where power is cheapest."""
    homes = [(", home: hall, data: 10 GB", ""), (", home: town, data: 60 GB", ""),
             (", home: town, latency: 6 ms", "")]  # fmt: skip
    result = solve(variant("data_link", tmp_path, *homes))
    assert result.verdict.ok and "job_pool.data" not in result.form.columns
    assert result.flow("data_link.flow") == pytest.approx(np.zeros((2, 2)), abs=1e-9)
    assert result.plan.objective == pytest.approx(45 * 0.1)


def test_a_latency_across_the_break_even_moves_its_job(tmp_path: Path) -> None:
    """7 ms are allowed now: ``strict`` needs no data and goes to the hill at 0.1 EUR/kWh."""
    result = solve(variant("data_link", tmp_path, ("latency: 6 ms", "latency: 7 ms")))
    assert "strict @ hut + 0 h" in started(result)
    assert result.plan.objective == pytest.approx(13.3 - 2 + 0.5)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([("sites: [hall, hut]", "sites: [hut]"), ("latency: 6 ms", "latency: 5 ms")],
         "hut: 7 ms away, more than its 5 ms"),
        ([("sites: [hall, hut]", "sites: [hut]"), ("latency: 6 ms", "latency: 9 ms"),
          ("data: 10 GB", "data: 30 GB")], "its data need 30 GB/h of a link of 25 GB/h"),
    ],
)  # fmt: skip
def test_an_impossible_job_is_named(
    tmp_path: Path, changes: list[tuple[str, str]], words: str
) -> None:
    fault = refusal("data_link", tmp_path, *changes)
    assert "can run at none of its sites" in fault.reason and words in str(fault.value)
    assert ("strict" in fault.place) == ("latency" in changes[1][1] and len(changes) == 2)


def test_a_home_that_no_link_reaches_names_every_job_that_needs_one(tmp_path: Path) -> None:
    alone = [
        ("sites: [hall, hut]", "sites: [hut]"),
        ("from: town, to: port", "from: hill, to: port"),
    ]
    faults = faults_of(variant("data_link", tmp_path, *alone))
    assert len(faults) == 3
    assert all("no data link leads there from its home" in str(fault.value) for fault in faults)


@pytest.mark.parametrize("centre", ["hall", "hut"])
def test_a_fault_in_a_centre_is_not_blamed_on_the_links(tmp_path: Path, centre: str) -> None:
    """Where a centre that cannot be read stands is unknown: jobs at home there are not at fault."""
    text = (DISTRICTS / "data_link.yaml").read_text()
    (line,) = [row for row in text.splitlines() if row.strip().startswith(f"{centre}: {{kind")]
    broken = line.replace("kind: data_center", "kind: data_center, fans: 3")
    faults = faults_of(variant("data_link", tmp_path, (line, broken)))
    assert {fault.place.rpartition("› ")[2] for fault in faults} == {"fans"}


def test_data_that_nothing_carried_are_told() -> None:
    """The radio is said to carry 20 of 25 GB, with its power in order."""
    lie = {("data_link.back", "radio", 0): 20.0, ("grid.import", "grid port", 0): 0.4}
    assert "data is balanced" in told(solved("data_link"), lie)
    both = lie | {("job_pool.data", "radio: back", 0): 20.0}
    rules = told(solved("data_link"), both)
    assert "data are those of the jobs" in rules and "data is balanced" not in rules


def test_more_than_a_link_carries_is_told() -> None:
    """All of ``big`` in hour 1 on the hill: 70 GB by a radio of 25."""
    lie = {("data_link.back", "radio", 0): 70.0, ("job_pool.data", "radio: back", 0): 70.0}
    assert "data within the link's capacity" in told(solved("data_link"), lie)


def test_the_latency_is_read_from_the_jobs_and_not_from_the_candidates() -> None:
    """``batch`` ran 7 ms away; the same plan for a job that may only go 5 is refused."""
    case, _, plan, _ = solved("data_link")
    units = case.units["job_pool"]
    limits = units.parameters["job_latency"].values.copy()
    limits[list(units.parameters["job"].values).index("batch")] = 5.0
    tables = {**units.parameters, "job_latency": Parameter(("job",), limits, "ms")}
    other = replace(case, units={**case.units, "job_pool": replace(units, parameters=tables)})
    dataset = plan.dataset.assign_attrs(case_hash=other.hash)
    (told_of,) = cg.verify(other, Plan(other, dataset)).violations
    assert told_of.rule == "job within its latency" and told_of.where == "job_pool batch"
    assert told_of.size == pytest.approx(2.0)


WAYS = [
    DataWay("slow", "a", "b", 9.0, 1.0), DataWay("first", "a", "c", 2.0, 1.0),
    DataWay("second", "c", "b", 3.0, 1.0), DataWay("away", "b", "d", 1.0, 1.0),
    DataWay("twin", "a", "c", 2.0, 1.0),
]  # fmt: skip


def test_data_take_the_fastest_route_and_not_the_shortest() -> None:
    """Two links of 2 and 3 ms beat one of 9; of twins the first; nothing leads back."""
    routes = fastest_routes(WAYS, "a")
    assert routes["b"] == (5.0, (1, 2)) and routes["d"] == (6.0, (1, 2, 3))
    assert routes["a"] == (0.0, ()) and set(fastest_routes(WAYS, "d")) == {"d"}


def test_jobs_of_a_file_have_homes_too(tmp_path: Path) -> None:
    """An empty cell is no home, no data, any distance."""
    (tmp_path / "more.csv").write_text(
        "job,power [kW],duration [h],release,deadline,home,data [MB],latency [s]\n"
        "far,1,1,2023-01-16T00:00Z,2023-01-16T01:00Z,town,500,\n"
        "near,1,1,2023-01-16T00:00Z,2023-01-16T01:00Z,town,,0.001\n"
        "free,1,1,2023-01-16T00:00Z,2023-01-16T01:00Z,,,\n", encoding="utf-8"
    )  # fmt: skip
    path = variant("data_link", tmp_path, ("    jobs:\n", "    file: more.csv\n    jobs:\n"))
    units = cg.prepare(cg.load(path)).units["job_pool"]
    names = list(units.parameters["job"].values)
    rows = [names.index(name) for name in ("far", "near", "free")]
    assert units["job_data"][rows] == pytest.approx([0.5, 0, 0])
    assert units["job_allowed"][rows].tolist() == [[True, True], [True, False], [True, True]]
    assert solve(path).verdict.ok


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("from: town, to: port", "from: town, to: town", 'leads from "town" to itself'),
        ("from: town, to: port", "from: town, to: sea", "unknown node"),
        ("capacity: 40 GB/h", "capacity: 40 GB", "is not a data rate"),
        ("capacity: 40 GB/h", "capacity: 0 Gbit/s", "greater than 0"),
        ("latency: 2 ms", "latency: 2 km", "is not a latency"),
        ("home: hall, data: 10 GB", "home: moon, data: 10 GB", "neither a node nor a component"),
        ("home: hall, data: 10 GB", "data: 10 GB", "has data or a latency, but no home"),
        ("home: hall, data: 10 GB", "home: hall, data: -1 GB", "must be at least 0"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert reason in str(refusal("data_link", tmp_path, (old, new)))


def test_a_gigabit_is_an_eighth_of_a_gigabyte(tmp_path: Path) -> None:
    """1 Gbit/s are 450 GB/h."""
    fast = variant("data_link", tmp_path, ("capacity: 40 GB/h", "capacity: 1 Gbit/s"))
    case = cg.prepare(cg.load(fast))
    assert case.units["data_link"]["capacity"][0] == pytest.approx([450])
