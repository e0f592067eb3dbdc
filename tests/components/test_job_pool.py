"""Job pool: one start per job, exact energy, windows, sites, and one place at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import citygrid as cg
from citygrid.district.case import Case
from citygrid.plan.plan import Plan
from tests.helpers import EXACT, Solved, faults_of, refusal, solve, solved, variant


def test_three_jobs_at_two_sites_by_hand() -> None:
    """Proves starts, fractions of steps and sites; see below what each fault would cost.

    Power costs 0.3, 0.2, 0.1, 0.4 EUR/kWh; a kWh of IT costs 1.03 (fans) of it ``near``, and
    1.1 · 1.03 ``far``. ``whole`` (20 kW, 1.5 h) costs 20 · (p_t + p_{t+1} / 2): 8, 5 or 6 EUR, so
    it starts in hour 2. ``pinned`` (10 kW, 1 h, only far) goes to hour 3, 1 EUR. ``split`` (30 kW,
    45 kWh) may run from 01:00 to 02:30: hour 3 is cheap but only half open, 15 kWh, so 30 stay in
    hour 2: 7.5 EUR. (5 + 7.5) · 1.03 + 1 · 1.133 = 14.008 EUR.
    A last half hour counted as a whole one would cost 1.03 EUR more; a ``split`` that ran at two
    sites in the half hour would cost 12.6175 EUR.
    """
    result = solved("job_pool")
    load = result.flow("job_pool.load")
    assert load[0] == pytest.approx([0, 20 + 30, 10 + 15, 0], abs=1e-6)
    assert load[1] == pytest.approx([0, 0, 10, 0], abs=1e-6)
    assert result.flow("data_center.compute") == pytest.approx(load)
    assert started(result) == {"whole @ near + 1 h", "pinned @ far + 2 h"}
    assert result.plan.objective == pytest.approx(12.5 * 1.03 + 1.133, abs=1e-6)
    assert result.verdict.kpis["jobs_late"] == 0.0


def started(result: Solved) -> set[str]:
    starts = result.plan.dataset["job_pool.start"]
    return set(starts["job_start"].values[starts.values > 0.5])


def test_energy_of_jobs_is_exact() -> None:
    """20 · 1.5 + 10 · 1 + 30 · 1.5 kWh, whatever the steps."""
    assert solved("job_pool").flow("job_pool.load").sum() == pytest.approx(85.0)


def test_one_job_does_not_run_at_two_sites_at_once() -> None:
    """Each site alone is within the job's power; both together are not."""
    result = solved("job_pool")
    lie = result.plan.dataset.copy(deep=True)
    slots = list(lie["job_slot"].values)
    for slot, power in {"split @ near + 1 h": 15.0, "split @ far + 2 h": 15.0}.items():
        lie["job_pool.run"][slots.index(slot)] = power
    for step, near, far in ((1, 35.0, 0.0), (2, 25.0, 25.0)):
        for flow in ("job_pool.load", "data_center.compute"):
            lie[flow][:, step] = [near, far]
    verdict = cg.verify(result.case, replace(result.plan, dataset=lie))
    found = [violation for violation in verdict.violations if "job split" in str(violation).lower()
             or violation.rule == "job within its power and window"]  # fmt: skip
    assert len(found) == 1 and found[0].size == pytest.approx(15.0)
    assert found[0].time == "2023-01-16T02:00Z"


@pytest.mark.parametrize(
    ("table", "job", "value", "rule"),
    [
        ("job_deadline", "whole", 2.0, "job keeps its window"),
        ("job_release", "whole", 1.5, "job keeps its window"),
        ("job_deadline", "pinned", 2.5, "job keeps its window"),
        ("job_deadline", "split", 2.25, "job within its power and window"),
        ("job_duration", "split", 2.0, "job is finished"),
        ("job_power", "whole", 25.0, "load is that of the jobs"),
    ],
)
def test_the_clock_is_read_from_the_jobs_and_not_from_the_candidates(
    table: str, job: str, value: float, rule: str
) -> None:
    """A plan is replayed against other jobs than it was made for: the replay must notice."""
    case, _, plan, _ = solved("job_pool")
    values = case.units["job_pool"].parameters[table].values.copy()
    values[list(case.units["job_pool"].parameters["job"].values).index(job)] = value
    other = with_table(case, table, values)
    dataset = plan.dataset.assign_attrs(case_hash=other.hash)
    verdict = cg.verify(other, Plan(other, dataset))
    broken = [(violation.rule, violation.where) for violation in verdict.violations]
    place = "near" if rule.startswith("load") else job
    assert broken[0] == (rule, f"job_pool {place}")
    assert verdict.kpis["jobs_late"] == (0.0 if rule.startswith("load") else 1.0)


def with_table(case: Case, table: str, values: np.ndarray) -> Case:
    """The case with other numbers in one of the pool's tables."""
    units = case.units["job_pool"]
    changed = {**units.parameters, table: units.parameters[table]._replace(values=values)}
    return replace(case, units={**case.units, "job_pool": replace(units, parameters=changed)})


@pytest.mark.parametrize(
    ("job", "kind_of_row", "energy"), [("pinned", "start", 10.0), ("split", "slot", 45.0)]
)
def test_a_candidate_where_the_data_may_not_go_is_told(
    tmp_path: Path, job: str, kind_of_row: str, energy: float
) -> None:
    """``pinned`` is offered near, ``split`` far: plans that are right but for the data's place."""
    only_near = ("preemptible: true}", "preemptible: true, sites: [near]}")
    case = cg.prepare(cg.load(variant("job_pool", tmp_path, only_near)))
    tables = case.units["job_pool"].parameters
    assert tables["job_allowed"].values.tolist() == [[True, True], [False, True], [True, False]]
    row = list(tables["job"].values).index(job)
    at = tables[f"{kind_of_row}_site"].values
    moved = np.where(tables[f"{kind_of_row}_job"].values == row, 1 - at, at)
    other = with_table(case, f"{kind_of_row}_site", moved)
    verdict = cg.verify(other, cg.solve(cg.formulate(other), "milp", EXACT))
    (told,) = verdict.violations
    assert told.rule == "job runs where its data may go" and told.where == f"job_pool {job}"
    assert told.size == pytest.approx(energy)


def test_jobs_that_are_not_done_in_time_are_late() -> None:
    """``split`` undone, ``split`` before its window, ``pinned`` never started."""
    result = solved("job_pool")
    for rows, late in (
        ({"job_pool.run": {"split @ near + 1 h": 0.0}}, 1.0),
        ({"job_pool.run": {"split @ near + 2 h": 20.0}}, 1.0),
        ({"job_pool.run": {"split @ near + 1 h": 40.0}}, 0.0),  # too fast, but in time
        ({"job_pool.start": {"pinned @ far + 2 h": 0.0}}, 1.0),
    ):
        lie = result.plan.dataset.copy(deep=True)
        for flow, values in rows.items():
            labels = list(lie[lie[flow].dims[0]].values)
            for label, value in values.items():
                lie[flow][labels.index(label)] = value
        verdict = cg.verify(result.case, replace(result.plan, dataset=lie))
        assert not verdict.ok and verdict.kpis["jobs_late"] == late, rows


def test_a_job_started_twice_or_in_halves_is_told() -> None:
    result = solved("job_pool")
    for share, rules in ((1.0, {"every job starts once"}),
                         (0.5, {"every job starts once", "start is 0 or 1"})):  # fmt: skip
        lie = result.plan.dataset.copy(deep=True)
        lie["job_pool.start"][0] = share
        verdict = cg.verify(result.case, replace(result.plan, dataset=lie))
        assert rules <= {violation.rule for violation in verdict.violations}


def test_jobs_wait_when_the_centre_is_full(tmp_path: Path) -> None:
    """45 kW hold ``split`` or ``whole`` and 15 more, so they do not overlap as they would like."""
    small = solve(variant("job_pool", tmp_path, ("capacity: 60 kW", "capacity: 45 kW")))
    assert small.verdict.ok and (small.flow("job_pool.load")[0] <= 45 + 1e-6).all()
    assert small.plan.objective > solved("job_pool").plan.objective


def test_jobs_in_half_hour_steps_use_the_half_hour(tmp_path: Path) -> None:
    """The window until 02:30 then ends with a step, and 1.5 h are three of them."""
    fine = solve(variant("job_pool", tmp_path, ("step: 1 h", "step: 30 min")))
    assert fine.verdict.ok
    # whole: 20 · (0.5 · 0.2 + 0.1) from 01:30; split and pinned as before.
    assert fine.plan.objective == pytest.approx((4 + 7.5) * 1.03 + 1.133, abs=1e-6)
    assert started(fine) >= {"whole @ near + 1.5 h"}


def test_two_pools_keep_their_jobs_apart(tmp_path: Path) -> None:
    """Both may call a job ``whole``; names of one pool stay as written."""
    second = """  night:
    kind: job_pool
    sites: [far]
    jobs:
      - {job: whole, power: 5 kW, duration: 1 h, release: 2023-01-16T00:00Z,
          deadline: 2023-01-16T02:00Z}
"""
    path = variant("job_pool", tmp_path)
    path.write_text(path.read_text(encoding="utf-8") + second, encoding="utf-8")
    result = solve(path)
    assert result.verdict.ok
    assert started(result) == {"pool: whole @ pool: near + 1 h", "pool: pinned @ pool: far + 2 h",
                               "night: whole @ night: far + 1 h"}  # fmt: skip


JOBS = "job,power [kW],duration [h],release,deadline\n"


def test_jobs_from_a_file_join_those_written_here(tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text(
        JOBS + "extra,8,1,2023-01-16T00:00Z,2023-01-16T04:00Z\n", encoding="utf-8"
    )
    with_file = ("sites: [near, far]\n", "sites: [near, far]\n    file: more.csv\n")
    path = variant("job_pool", tmp_path, with_file)
    result = solve(path)
    assert "extra @ near + 2 h" in started(result)
    assert result.plan.objective == pytest.approx(14.008 + 0.8 * 1.03, abs=1e-6)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("deadline: 2023-01-16T02:30Z", "deadline: 2023-01-16T00:30Z", "deadline is not after"),
        ("release: 2023-01-16T01:00Z", "release: 2023-01-16T01:30Z", "longer than its window"),
        ("deadline: 2023-01-16T02:30Z", "deadline: 2023-01-17T02:30Z", "window leaves the horizon"),
        ("release: 2023-01-16T01:00Z", "release: 2023-01-15T23:00Z", "window leaves the horizon"),
        ("sites: [far]", "sites: [farther]", "names a site that is not one of the pool"),
        ("sites: [near, far]", "sites: [near, far, far]", "names a site twice"),
        ("sites: [near, far]", "sites: [near, chiller]", "gives no compute"),
        ("duration: 1 h", "duration: 0 h", "greater than 0"),
        ("job: pinned", "job: whole", "a job of this name is there already"),
    ],
)
def test_faults(tmp_path: Path, old: str, new: str, reason: str) -> None:
    path = variant("job_pool", tmp_path, (old, new))
    faults = faults_of(path)
    assert any(reason in fault.reason for fault in faults), faults
    assert all("job_pool.yaml:" in fault.place for fault in faults)


def test_a_job_starts_with_a_step(tmp_path: Path) -> None:
    """90 minutes from 01:00 fit until 02:30; from 00:59 until 02:29 no start of a step does."""
    whole = (", preemptible: true", "")
    assert solve(variant("job_pool", tmp_path, whole)).verdict.ok
    (tmp_path / "early").mkdir()
    early = [("release: 2023-01-16T01:00Z", "release: 2023-01-16T00:59Z"),
             ("deadline: 2023-01-16T02:30Z", "deadline: 2023-01-16T02:29Z")]  # fmt: skip
    fault = refusal("job_pool", tmp_path / "early", whole, *early)
    assert "no whole step of the horizon fits its window" in fault.reason


def test_a_pool_needs_jobs(tmp_path: Path) -> None:
    path = variant("job_pool", tmp_path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("    jobs:")], encoding="utf-8")
    (fault,) = faults_of(path)
    assert "needs a `file` of jobs or a list of `jobs`" in fault.reason
    (tmp_path / "none.csv").write_text(JOBS, encoding="utf-8")
    path.write_text(text[: text.index("    jobs:")] + "    file: none.csv\n", encoding="utf-8")
    (fault,) = faults_of(path)
    assert "jobs" in fault.reason or "rows" in fault.reason, str(fault)


def test_power_of_jobs_falls_where_they_run() -> None:
    """Replay by hand of the profile: 1.5 h from hour 2 on are a whole and a half step."""
    load = solved("job_pool").flow("job_pool.load")[0]
    split = np.array([0, 30, 15, 0])
    assert load - split == pytest.approx([0, 20, 10, 0], abs=1e-6)
