"""What the rest of a form answers to a choice, and units that are committed near it."""

from __future__ import annotations

import numpy as np
import pytest

from citygrid.model.groups import find_groups
from citygrid.model.reductions import fix, relax
from citygrid.routes import milp
from citygrid.routes.contract import Clock, Journal, Options
from citygrid.routes.hybrid.assignment import find_coupling
from citygrid.routes.hybrid.blocks import entered, find_blocks
from citygrid.routes.hybrid.chains import find_chains
from citygrid.routes.hybrid.commitment import Workshop
from citygrid.routes.hybrid.recourse import Recourse


@pytest.fixture
def form(district_maker):
    return district_maker(jobs=5, sites=2, steps=5, seed=4, start_cost=0.4, engine=25.0)


@pytest.fixture
def asked(form):
    """A recourse, a choice with the settings of a plan, and the relaxation's prices."""
    groups = find_groups(form)
    coupling = find_coupling(form, groups)
    shop = Workshop(form, groups, coupling, Options(), Journal(), Clock(None))
    blocks = find_blocks(form, groups, coupling)
    recourse = Recourse(shop, blocks, find_chains(form, blocks), entered(form, blocks))
    plan = milp.solve(form, Options(gap=0.02, time_limit=60.0)).x
    prices = milp.relaxation(form, Options())[1]
    settings = np.setdiff1d(
        np.flatnonzero(form.integer), np.concatenate([groups.columns, recourse.others])
    )
    return recourse, shop.read(plan), (settings, np.round(plan[settings])), prices, plan


def test_settings_options_and_other_units_are_all_the_integers(asked, form):
    recourse, _, (settings, _), *_ = asked
    assert recourse.others.tolist() == form.columns["engine.on"].index.ravel().tolist()
    assert settings.tolist() == form.columns["pump.on"].index.ravel().tolist()


def test_answer_is_the_relaxation_with_the_choice_held(asked, form):
    recourse, chosen, settings, prices, plan = asked
    cost, point, duals = recourse.answer(chosen, settings, prices)
    held = fix(recourse._shop.hold(chosen), *settings).form
    found = milp.relaxation(held, Options())[0]
    assert cost == pytest.approx(found.objective)
    assert cost <= form.objective(plan) + 1e-6
    assert form.residual(point) <= 1e-6
    assert duals.shape == form.row_lower.shape


def test_committed_units_keep_whole_schedules_near_the_choice(asked, form):
    """Held, they allow a plan in which shared balances are off by a little at most."""
    recourse, chosen, settings, prices, _ = asked
    learnt = recourse.commit(chosen, settings, prices)
    units = recourse.units
    assert learnt is not None and np.isfinite(learnt).all()
    assert np.isin(units, (0.0, 1.0)).all()
    alone = fix(relax(form).form, recourse.others, units).form
    assert milp.relaxation(alone, Options())[0].status == "optimal"
    cost, point, _ = recourse.answer(chosen, settings, learnt)
    assert point[recourse.others] == pytest.approx(units)
    assert cost >= milp.relaxation(form, Options())[0].objective - 1e-6


def test_units_that_leave_no_plan_have_their_price(asked, form):
    """All off: what is missing in shared balances is paid for, and prices say where."""
    recourse, chosen, settings, prices, _ = asked
    free = recourse.answer(chosen, settings, prices)
    recourse.units = np.zeros(len(recourse.others))
    held = recourse.answer(chosen, settings, prices)
    assert held is not None and held[0] > free[0]
    heat = form.rows["heat.balance"].index.ravel()
    assert held[2][heat].mean() > free[2][heat].mean()
