"""The best plan of a search, and who found it."""

from __future__ import annotations

import pytest

from citygrid.routes import milp
from citygrid.routes.bounds.front import Relaxed
from citygrid.routes.contract import Clock, Journal, Options
from citygrid.routes.hybrid.incumbent import Incumbent


def test_a_plan_of_the_tree_is_cleaned_counted_and_said(small_district):
    form, journal = small_district, Journal()
    relaxed, duals, _ = milp.relaxation(form, Options())
    known = Relaxed(relaxed.x, duals, relaxed.bound)
    poor = milp.solve(form, Options(gap=0.5)).x
    best = milp.solve(form, Options(gap=1e-6)).x
    incumbent = Incumbent(form, Options(), journal, Clock(60.0), known)
    incumbent.take(poor)
    assert incumbent.found_by == "search"
    incumbent._meet(best)
    outcome = incumbent.outcome()
    assert outcome.objective == pytest.approx(form.objective(best))
    assert outcome.telemetry["found_by"] == "tree"
    assert outcome.telemetry["counts"]["tree_plans"] == 1
    assert "tree of HiGHS" in outcome.telemetry["fell_back"]
    incumbent._meet(poor)
    assert outcome.objective == incumbent.objective
