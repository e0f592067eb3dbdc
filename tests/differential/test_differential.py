"""Random districts cost the same whoever solves them, and have a plan for all or for nobody."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

import citygrid as cg
from citygrid.components.contract import kinds
from citygrid.errors import CitygridError, InfeasibleError, NoPlanError
from citygrid.model.form import Form
from citygrid.plan.plan import Plan
from citygrid.routes import Options
from tests.differential.references import INFEASIBLE, Programme, brute_force
from tests.differential.table import compared, formulated
from tests.random_districts import PLAIN, Maker, district, kinds_in

SOME, MANY = range(16), range(100)


def test_the_generator_knows_every_kind_and_draws_each() -> None:
    drawn = [district(seed).text for seed in range(150)]
    lacking = {kind for kind in kinds() if not hasattr(Maker, kind)}
    assert not lacking, f"say in tests/random_districts/parts.py how to draw {lacking}"
    assert set().union(*(kinds_in(text, kinds()) for text in drawn)) == set(kinds())
    steps = {step for text in drawn for step in ("5 min", "15 min", "1 h", "6 h")
             if f"step: {step}}}" in text}  # fmt: skip
    assert len(steps) == 4
    assert district(7) == district(7) != district(8)
    for seed in range(20):
        assert kinds_in(district(seed, plain=True).text, kinds()) <= set(PLAIN)


@pytest.mark.parametrize("seeds", [
    pytest.param(SOME, id="some"), pytest.param(MANY, id="many", marks=pytest.mark.slow),
])  # fmt: skip
def test_every_route_and_every_reference_find_the_same_cost(
    seeds: range, capsys: pytest.CaptureFixture[str]
) -> None:
    table = compared(seeds)
    if len(seeds) > len(SOME):
        with capsys.disabled():
            print(f"\n{table}")
    assert not table.odd and not table.refused, str(table)
    for name in ("milp", "pyomo:highs"):
        assert table.counts[name]["not applicable"] == 0, str(table)
    # A test in which nothing is compared, or nothing is infeasible, would say nothing.
    for name in ("milp", "brute force", "LP file"):
        assert table.counts[name]["equal"] >= len(seeds) / 8, str(table)
    assert 1 <= table.counts["milp"]["both infeasible"] <= len(seeds) / 2, str(table)


def test_brute_force_proves_what_it_says() -> None:
    """By hand: 2 x + 3 y ≥ 6 at least x + 2 y, y whole in 0 … 2, x ≤ 2: y 1, x 1.5, cost 3.5."""
    form = _tiny(row_lower=6.0)
    assert brute_force(form).cost == pytest.approx(3.5)
    assert brute_force(_tiny(row_lower=11.0)) == INFEASIBLE
    rest = Programme(form).least(np.array([0.0, 0.0]), np.array([2.0, 0.0]))
    assert rest == INFEASIBLE


def _tiny(row_lower: float) -> Form:
    return Form(
        np.array([1.0, 2.0]), 0.0, sp.csr_array([[2.0, 3.0]]), np.array([row_lower]),
        np.array([np.inf]), np.zeros(2), np.array([2.0, 2.0]), np.array([False, True]), {}, {},
    )  # fmt: skip


@pytest.mark.parametrize("seeds", [
    pytest.param(range(100, 104), id="some"),
    pytest.param(range(100, 130), id="many", marks=pytest.mark.slow),
])  # fmt: skip
@pytest.mark.parametrize("route", ["milp", "pyomo:highs", "hybrid"])
def test_plans_of_random_districts_are_verified_and_stay_what_they_are(
    seeds: range, route: str, tmp_path: Path
) -> None:
    """Solve, verify, store, read, verify: the same numbers and the same verdict."""
    planned, told = 0, []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            case = cg.prepare(cg.load(district(seed).write(Path(folder))))
        try:
            plan = cg.solve(cg.formulate(case), route, Options(gap=1e-4, time_limit=20))
        except (InfeasibleError, NoPlanError) as none:
            told += [fault.place for fault in none.faults]
            continue
        verdict = cg.verify(case, plan)
        assert verdict.ok, (seed, verdict.violations[:3])
        path = tmp_path / f"{seed}.nc"
        plan.save(path)
        stored = Plan.load(path)
        assert stored.dataset.identical(plan.dataset) or _same(stored, plan)
        assert stored.case.hash == case.hash
        again = cg.verify(stored.case, stored)
        assert again.as_dict() == verdict.as_dict() and again.cost == verdict.cost
        planned += 1
    assert all(told) and planned >= len(seeds) / 4


def _same(one: Plan, other: Plan) -> bool:
    """Equal flow by flow, to the last bit."""
    assert set(one.dataset.data_vars) == set(other.dataset.data_vars)
    for name, array in other.dataset.data_vars.items():
        np.testing.assert_array_equal(one.dataset[name].values, array.values, str(name))
    return True


def test_a_refused_district_says_where(tmp_path: Path) -> None:
    """A field that is not known, in a district that is otherwise right."""
    drawn = district(3)
    path = drawn.write(tmp_path)
    path.write_text(drawn.text.replace("{kind: ", "{colour: red, kind: ", 1))
    with pytest.raises(CitygridError) as refused:
        formulated(type(drawn)(3, path.read_text(), drawn.table))
    assert any("colour" in str(fault) for fault in refused.value.faults)
