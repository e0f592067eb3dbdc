"""What limits share: rows that hold under all of them, and searches begun from another's plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

import citygrid as cg
from citygrid.errors import InputError
from citygrid.gap import relative_gap
from citygrid.model.form import Form
from citygrid.routes import Options
from citygrid.study.fronts import alternatives, break_even, front, sensitivities
from citygrid.study.fronts.measures import MEASURES, Limited, limited
from citygrid.study.fronts.relaxing import Relaxation, Relaxed
from citygrid.study.fronts.solving import Solver
from tests.helpers import EXACT
from tests.study.fronts.districts import TINY, case_of, tiny_by_peak

LIMITS = (91.0, 98.0, 103.0, 109.0, 114.0, 119.0)


@pytest.fixture(scope="module")
def by_peak() -> Limited:
    """Tiny with its highest import limited."""
    return limited(cg.formulate(case_of(TINY)), MEASURES["peak"])


def paid_anyway(by_peak: Limited, constant: float) -> tuple[Form, Relaxed | None, float]:
    """Tiny under 109 kW where so much is paid anyway [EUR]: form, relaxation and least cost."""
    form = by_peak.at(109.0)
    form = replace(form, constant=form.constant + constant)
    return form, Relaxation(by_peak.form).under(form), tiny_by_peak(109.0) + constant


def test_rows_that_all_plans_keep_raise_the_bound_under_every_limit_and_never_above_the_truth(
    by_peak: Limited,
) -> None:
    """Found at one price of the measure, they hold under limits that it never saw."""
    plain, sharp = Relaxation(by_peak.form), Relaxation(by_peak.form)
    priced = by_peak.priced(0.6)
    line = sharp.sharpen(priced.cost, priced.constant, EXACT)
    assert sharp.cuts > 0 and line is not None
    gained = []
    for limit in LIMITS:
        form = by_peak.at(limit)
        before, after = plain.under(form), sharp.under(form)
        assert before is not None and after is not None
        assert before.bound is not None and after.bound is not None
        assert before.bound - 1e-6 <= after.bound <= tiny_by_peak(limit) + 1e-6
        assert line - 0.6 * limit <= tiny_by_peak(limit) + 1e-6
        gained.append(after.bound - before.bound)
    assert max(gained) > 0.5


def test_a_sharpened_relaxation_still_takes_other_costs(by_peak: Limited) -> None:
    """The peak itself is minimised after cuts were added for the cost."""
    relaxation = Relaxation(by_peak.form)
    relaxation.sharpen(by_peak.form.cost, by_peak.form.constant, EXACT)
    peak = relaxation.under(by_peak.aim)
    cost = relaxation.under(by_peak.at(100.0))
    assert peak is not None and peak.bound is not None and peak.bound <= 90.0 + 1e-6
    assert cost is not None and cost.bound is not None and cost.bound <= 62.0 + 1e-6


@pytest.mark.parametrize("constant", [0.0, 1000.0, -200.0])
def test_a_search_begun_from_a_dear_plan_finds_a_cheaper_one(
    by_peak: Limited, constant: float
) -> None:
    """A plan for 91 kW costs 68.30 EUR; under 109 kW 62 are enough, whatever is paid anyway."""
    dear = Solver("milp", EXACT).plan(by_peak.at(91.0), None, None, ()).x
    form, relaxed, truth = paid_anyway(by_peak, constant)
    gap = 1.0 / abs(truth)
    x, proof, _ = Solver("milp", Options(gap=gap)).search(form, dear, None, relaxed)
    assert x is not None and proof is not None
    cost = form.objective(x)
    assert truth - 1e-6 <= cost <= truth + 1.0 and proof <= truth + 1e-6
    found = relative_gap(cost, proof)
    assert found is not None and found <= gap + 1e-9


@pytest.mark.parametrize("constant", [0.0, 1000.0, -200.0])
def test_a_search_that_finds_nothing_cheaper_proves_the_gap_and_no_more(
    by_peak: Limited, constant: float
) -> None:
    best = Solver("milp", EXACT).plan(by_peak.at(109.0), None, None, ()).x
    form, relaxed, truth = paid_anyway(by_peak, constant)
    gap = 0.5 / abs(truth)
    _, proof, _ = Solver("milp", Options(gap=gap)).search(form, best, None, relaxed)
    assert proof == pytest.approx(truth - 0.5, abs=1e-4)


@pytest.mark.parametrize("route", ["lp", "answer:sample.json"])
@pytest.mark.parametrize("command", ["front", "alternatives", "sensitivity", "break-even"])
def test_routes_that_find_no_plans_are_refused_before_any_work(command: str, route: str) -> None:
    """A relaxation runs jobs in part: its first point ended as a plan that breaks a rule."""
    district = cg.load(TINY)
    case = cg.prepare(district)
    asked: dict[str, Callable[[], object]] = {
        "front": lambda: front(case, route=route),
        "alternatives": lambda: alternatives(case, route=route),
        "sensitivity": lambda: sensitivities(district, route=route),
        "break-even": lambda: break_even(district, "carbon_price", (0.0, 1.0), "EUR/kg",
                                         {"components.boiler": None}, route),
    }  # fmt: skip
    with pytest.raises(InputError, match="choose milp"):
        asked[command]()
