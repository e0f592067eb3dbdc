"""The best plan of a search, and who found it."""

from __future__ import annotations

import pytest

from citygrid.routes import milp
from citygrid.routes.bounds.front import Relaxed
from citygrid.routes.contract import Clock, Journal, Options
from citygrid.routes.hybrid import incumbent as module
from citygrid.routes.hybrid import search
from citygrid.routes.hybrid.incumbent import Incumbent
from tests.helpers import solved


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


def test_few_integers_are_proven_at_once_and_by_nobody_beside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A search that knows the bound ends where it may; a child would tell it at the end only."""

    def nobody(*_: object) -> None:
        raise AssertionError("a prover was started")

    monkeypatch.setattr(module, "Prover", nobody)
    form = solved("generator").form
    assert 0 < form.integer.sum() <= module.FEW
    outcome = search.solve(form, Options(gap=1e-3))
    least = milp.solve(form, Options(gap=0.0)).objective
    assert outcome.objective is not None and least is not None
    assert outcome.telemetry["proved_by"] in ("root", "relaxation")
    assert outcome.status == "optimal" and outcome.objective <= least * (1 + 1e-3)
