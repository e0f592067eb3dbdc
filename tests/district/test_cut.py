"""A part of a horizon, begun where a plan left off: what the plan goes on to do is a plan of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import citygrid as cg
from citygrid.components.contract import kinds
from citygrid.district.case import Case
from citygrid.district.cut import State, cut, state_of
from citygrid.errors import InputError
from citygrid.plan.plan import Plan
from citygrid.plan.state import state_at
from citygrid.routes import Options
from tests.components.test_mixed_fleets import fleet
from tests.conftest import REPOSITORY
from tests.helpers import Solved, part_of, solve, solved, variant
from tests.test_laws import District, districts, planned

KINDS = sorted(kinds())
#: Kinds whose small district leaves no state that matters: they run through, or never start.
STEADY = {"chiller", "data_center", "electric_boiler", "generator"}
REMEMBERING = sorted(kind for kind in KINDS if kinds()[kind].carry is not None)


def parts(plan: Plan, step: int) -> tuple[Plan, Plan | None]:
    """What a plan does from ``step`` on, and before it, as plans of the parts of its case."""
    case, count = plan.case, len(plan.case.time)
    rest = part_of(plan, cut(case, step, count, state_at(plan, step)), step)
    if step == 0:
        return rest, None
    return rest, part_of(plan, cut(case, 0, step, state_at(plan, 0)), 0)


def holds(result: Solved, step: int) -> None:
    """The law: both parts are feasible, and together they cost what the whole does."""
    rest, head = parts(result.plan, step)
    cost = 0.0
    for part in (rest, head):
        if part is not None:
            verdict = cg.verify(part.case, part)
            assert verdict.ok, (step, [str(v) for v in verdict.violations[:5]])
            cost += verdict.cost
    turnover = sum(abs(line.money) for line in result.verdict.ledger.values())
    assert cost == pytest.approx(result.verdict.cost, abs=1e-6 * max(turnover, 1.0))


@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_can_be_cut_at_every_step(kind: str) -> None:
    result = solved(kind)
    for step in range(len(result.case.time)):
        holds(result, step)


@pytest.mark.parametrize("kind", REMEMBERING)
def test_what_remains_of_an_optimum_is_an_optimum(kind: str) -> None:
    """Bellman's principle: a state that says too little would let the rest be done for less.

    Where heat on its way or in pipes goes round, the end of a part is free, and it may be cheaper.
    """
    result = solved(kind)
    circle = kind == "heat_pipe"
    for step in range(1, len(result.case.time)):
        rest, _ = parts(result.plan, step)
        best = cg.solve(cg.formulate(rest.case), options=Options(gap=0.0)).objective
        tolerance = 1e-6 * max(abs(rest.objective), 1.0)
        assert best <= rest.objective + tolerance
        assert circle or best >= rest.objective - tolerance


@pytest.mark.parametrize("kind", sorted({*REMEMBERING} - STEADY))
def test_a_state_that_is_forgotten_shows(kind: str) -> None:
    """The rest, begun as the whole does, is another problem than the rest begun where it is."""
    result, differs = solved(kind), False
    for step in range(1, len(result.case.time)):
        state = state_at(result.plan, step)
        forgotten = State(step, {k: p for k, p in state.parameters.items() if k != kind})
        count = len(result.case.time)
        forms = [cg.formulate(cut(result.case, step, count, s)) for s in (state, forgotten)]
        differs |= forms[0].hash != forms[1].hash
    assert differs


def test_the_whole_is_the_case_itself() -> None:
    case = solved("job_pool").case
    whole = cut(case, 0, len(case.time))
    assert whole.hash == case.hash
    assert cg.formulate(whole).hash == cg.formulate(case).hash


def test_hourly_numbers_are_views() -> None:
    """A window of a year must not copy the year."""
    case = solved("boiler").case
    part = cut(case, 1, 2, state_at(solved("boiler").plan, 1))
    load = case.units["heat_demand"].parameters["load"].values
    assert np.shares_memory(load, part.units["heat_demand"].parameters["load"].values)


@settings(max_examples=12)
@given(districts(), st.integers(0, 2), st.booleans())
def test_the_law_on_districts_drawn_at_random(numbers: District, step: int, capped: bool) -> None:
    result = planned(numbers)
    if capped:
        result = planned(numbers | {"cap": 1.0 + result.verdict.carbon})
    holds(result, step)


@cache
def mixed(seed: int) -> Solved:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        text, table = fleet(seed)
        (Path(name) / "fleet.yaml").write_text(text, encoding="utf-8")
        (Path(name) / "fleet.csv").write_text(table, encoding="utf-8")
        return solve(Path(name) / "fleet.yaml", Options(gap=0.05))


@pytest.mark.slow
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 3), st.integers(0, 3))
def test_the_law_on_mixed_fleets(seed: int, step: int) -> None:
    holds(mixed(seed), step)


@cache
def shipped(name: str) -> Solved:
    return solve(REPOSITORY / "models" / f"{name}.yaml", Options(gap=0.02, time_limit=60))


@pytest.mark.parametrize("step", [0, 1, 9, 13, 23])
def test_the_law_on_a_day_in_frankfurt(step: int) -> None:
    holds(shipped("frankfurt_day"), step)


@pytest.mark.parametrize("name", ["tiny", "kazarlis10"])
def test_the_law_on_small_models(name: str) -> None:
    count = len(shipped(name).case.time)
    for step in sorted({0, 1, count // 2, count - 1}):
        holds(shipped(name), step)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["island", "frankfurt", "flensburg"])
def test_the_law_on_large_models(name: str) -> None:
    count = len(shipped(name).case.time)
    for step in (1, count // 3, count - 2):
        holds(shipped(name), step)


# by hand ------------------------------------------------------------------------------------------


def part(result: Solved, first: int, last: int) -> Case:
    return cut(result.case, first, last, state_at(result.plan, first))


def test_jobs_in_flight_go_on_where_they_run(tmp_path: Path) -> None:
    """A job of 2.5 h that began in the first hour has 1.5 h to run after it, at its site alone."""
    result = solve(variant("job_pool", tmp_path))
    pool, flows = result.case.units["job_pool"], result.plan.dataset
    chosen = np.flatnonzero(flows["job_pool.start"].values > 0.5)
    owner, begin = pool["start_job"][chosen], pool["start_step"][chosen]
    ends = begin * result.case.step + pool["job_duration"][owner]
    for step in range(1, len(result.case.time)):
        rest = part(result, step, len(result.case.time)).units["job_pool"]
        for job, start, end in zip(owner, begin, ends, strict=True):
            label = pool["job"][job]
            if end <= step * result.case.step + 1e-9:
                assert label not in rest["job"]
                continue
            at = list(rest["job"]).index(label)
            mine = rest["start_job"] == at
            if start < step:
                assert rest["job_duration"][at] == pytest.approx(end - step * result.case.step)
                assert list(rest["start_step"][mine]) == [0]
            else:
                assert rest["job_duration"][at] == pool["job_duration"][job]


def test_jobs_of_later_hours_are_left_out_and_others_may_wait() -> None:
    """Until six in the evening: what is released later is gone; what may wait is no must."""
    case = shipped("frankfurt_day").case
    head = part(shipped("frankfurt_day"), 0, 18)
    before, after = case.units["job_pool"], head.units["job_pool"]
    assert 0 < len(after["job"]) < len(before["job"])
    assert (after["job_release"] < 18).all()
    waiting = after["start_step"] >= 18
    assert waiting.any()
    # A job that must be done by six has no start beyond it.
    due = after["job_deadline"] <= 18
    assert due.any() and not due[after["start_job"][waiting]].any()


def test_only_what_exceeds_the_peak_so_far_costs(tmp_path: Path) -> None:
    result = solved("grid")
    charged = result.case.units["grid"]["peak_charge"].ravel() > 0
    monthly = result.case.units["grid"]["monthly"].ravel()
    assert (charged & ~monthly).any()
    bought = result.flow("grid.import")
    for step in range(1, bought.shape[1]):
        before = part(result, step, bought.shape[1]).units["grid"]["peak_before"].ravel()
        whole = charged & ~monthly
        assert before[whole] == pytest.approx(bought[whole, :step].max(axis=1))
        assert (before[~charged] == 0).all()


def test_a_cyclic_store_comes_back_to_where_it_began() -> None:
    result = solved("heat_store")
    units = result.case.units["heat_store"]
    count, capacity = len(result.case.time), units["capacity"].ravel()
    rest = part(result, 1, count).units["heat_store"]
    level = result.flow("heat_store.level")
    assert rest["initial_level"].ravel() * capacity == pytest.approx(level[:, 0])
    cyclic = units["cyclic"].ravel()
    wanted = np.where(cyclic, level[:, -1], units["final_level"].ravel() * capacity)
    assert rest["final_level"].ravel() * capacity == pytest.approx(wanted)
    assert not part(result, 1, 2).units["heat_store"]["final_level"].any()


def test_a_cap_holds_what_is_left_of_it() -> None:
    from dataclasses import replace

    result = solved("grid")
    case = replace(result.case, caps={"carbon": 1e4})
    plan = Plan(case, result.plan.dataset)
    count = len(case.time)
    left = cut(case, count - 1, count, state_at(plan, count - 1)).caps["carbon"]
    _, head = parts(result.plan, count - 1)
    assert head is not None
    assert left == pytest.approx(1e4 - cg.verify(head.case, head).carbon)
    assert cg.verify(head.case, head).carbon > 1.0


# refusals -----------------------------------------------------------------------------------------


def refused(first: int, last: int, state: State | None = None) -> str:
    with pytest.raises(InputError) as error:
        cut(solved("boiler").case, first, last, state)
    (fault,) = error.value.faults
    return str(fault)


def test_wrong_parts_are_refused_in_one_sentence() -> None:
    assert "is no part of a horizon" in refused(2, 1)
    assert "is no part of a horizon" in refused(0, 99)
    assert "needs the state there" in refused(1, 2)
    assert "needs the state there" in refused(1, 2, State(0))


def test_what_is_spent_of_a_cap_must_be_said() -> None:
    from dataclasses import replace

    case = replace(solved("grid").case, caps={"carbon": 1e4})
    with pytest.raises(InputError, match="cap of carbon: nobody says what of it is spent"):
        state_of(case, 1)


def test_a_state_without_its_flows_is_refused() -> None:
    """A cyclic store begins where it ends: without a plan nobody knows where."""
    with pytest.raises(InputError, match="flow 'level'"):
        state_of(solved("battery").case, 0)
    with pytest.raises(InputError, match="is not one of the horizon"):
        state_of(solved("battery").case, 99)
    assert state_of(solved("boiler").case, 0).step == 0
