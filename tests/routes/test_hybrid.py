"""The annealer's energy: what it claims about groups, limits, tables and parabolas."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from citygrid import routes
from citygrid.model.groups import find_groups
from citygrid.model.limits import tighten
from citygrid.model.reductions import fix
from citygrid.routes import milp, samplers
from citygrid.routes.contract import Clock, Journal, Options
from citygrid.routes.hybrid.annealer import anneal, descend, draw
from citygrid.routes.hybrid.assignment import (
    beyond_cheapest,
    candidates,
    find_coupling,
    meeting,
    priced_cost,
)
from citygrid.routes.hybrid.blocks import entered, find_blocks
from citygrid.routes.hybrid.chains import find_chains
from citygrid.routes.hybrid.choosers import LESSONS, Chooser
from citygrid.routes.hybrid.energy import energy, limits
from citygrid.routes.hybrid.heat_bath import energies
from citygrid.routes.hybrid.quadratic import penalise
from citygrid.routes.hybrid.responses import DEAR, Responder
from citygrid.routes.hybrid.walk import Walk
from citygrid.routes.pyomo import build


@pytest.fixture(scope="module")
def case(district_maker):
    """A district with its groups, coupling, blocks, prices and the energy of all options."""
    form = district_maker(jobs=3, sites=2, steps=3, seed=5, start_cost=0.4)
    groups = find_groups(form)
    coupling = find_coupling(form, groups)
    relaxed, prices, _ = milp.relaxation(form, Options())
    blocks = find_blocks(form, groups, coupling)
    loads = np.asarray(coupling.weights @ relaxed.x[groups.columns])
    chains, ends = find_chains(form, blocks), limits(coupling, loads)
    answers = Responder(form, blocks, chains, coupling).respond(prices, *ends)
    total = meeting(form, coupling, blocks.receiver, entered(form, blocks))
    options = np.lexsort((np.arange(len(groups.columns)), groups.owner))
    model = energy(coupling, groups, options, priced_cost(form, groups, prices, coupling.rows),
                   prices, loads, chains, answers, ends, total)  # fmt: skip
    return form, groups, coupling, blocks, prices, model


def choices(model):
    members = [np.flatnonzero(model.owner == group) for group in range(model.groups)]
    return [np.array(choice) for choice in itertools.product(*members)]


def test_groups_are_the_rows_that_say_exactly_one(case, make):
    form, groups, *_ = case
    assert np.array_equal(groups.rows, form.rows["pool.once"].index.ravel())
    lookalikes = make([1] * 3, [[1, 1, 0], [1, 2, 0], [1, 0, 1], [0, 1, 1]], [1, 1, 1, 0],
                      [1, 1, 1, 1], [0] * 3, [1, 1, 5], [1] * 3)  # fmt: skip
    assert find_groups(lookalikes).rows.tolist() == [0]


def test_limit_of_a_sites_load_is_found_behind_the_balance(district_maker):
    """The load has no bound of its own; the centre that feeds it can give 30 kW."""
    form = district_maker(jobs=5, sites=2, steps=3, capacity=30.0)
    coupling = find_coupling(form, find_groups(form))
    assert coupling.least == pytest.approx(np.full(6, -30.0))


def test_implied_bounds_cut_off_no_feasible_point(district_maker):
    form = district_maker(jobs=5, sites=2, steps=4, seed=9)
    x = milp.solve(form, Options()).x
    lower, upper = tighten(form)
    assert (x >= lower - 1e-6).all() and (x <= upper + 1e-6).all()
    assert (lower >= form.lower).all() and (upper <= form.upper).all()


def test_every_site_and_hour_is_a_block_of_its_own(case):
    form, _, coupling, blocks, *_ = case
    assert sorted(blocks.receiver.tolist()) == list(range(len(coupling.rows)))
    assert blocks.cut[form.rows["power.balance"].span].all()
    assert not blocks.cut[form.rows["compute.balance"].span].any()


@pytest.mark.parametrize("part", [0.0, 0.07, 0.33, 0.5, 0.81, 1.0])
def test_response_of_all_chains_is_the_least_priced_cost_with_the_loads_put_in(case, part):
    """Settings, starts and all: against a MILP over the blocks' rows and the links of hours."""
    form, groups, coupling, blocks, prices, model = case
    chains = model.chains
    cut = np.where(blocks.cut & ~chains.linked, prices, 0.0)
    cost = form.cost - form.matrix.T @ cut
    # Columns of the links' own, what a start costs, are paid for with the chains.
    own = np.unique(form.matrix[np.flatnonzero(chains.linked)].indices)
    idle = np.setdiff1d(np.arange(len(cost)), np.union1d(blocks.columns, own))
    cost[idle] = 0.0
    kept = np.sort(np.concatenate([blocks.rows, np.flatnonzero(chains.linked)]))
    lower, upper = tighten(form)
    local = replace(form, lower=lower, upper=upper, cost=cost, constant=0.0,
                    matrix=sp.csr_array(form.matrix[kept]), row_lower=form.row_lower[kept],
                    row_upper=form.row_upper[kept], rows={})  # fmt: skip
    local = fix(local, groups.columns, np.zeros(len(groups.columns))).form
    # Every hour at a load of its own, so that settings have a reason to change.
    share = np.abs(part - np.linspace(0.0, 1.0, len(coupling.rows)))
    load = model.first + share * (model.last - model.first)
    low, high = local.row_lower.copy(), local.row_upper.copy()
    at = np.searchsorted(kept, coupling.rows)
    low[at] -= load
    high[at] -= load
    shifted = replace(local, row_lower=low, row_upper=high)
    found = milp.solve(shifted, Options(gap=0.0))
    placed = np.zeros((1, chains.count))
    placed[0, chains.at] = load
    settings = np.zeros(placed.shape, dtype=np.int64)
    answers = model.responses
    energy_of = energies((0,) * chains.settings, placed, chains.first, chains.change, chains.entry,
                         answers.first, answers.height, answers.slope, settings)  # fmt: skip
    assert energy_of[0] == pytest.approx(found.objective, abs=1e-5)
    # The settings that it names are a best choice of the binaries.
    held = chains.block >= 0
    setting = np.zeros(blocks.count, dtype=np.int64)
    setting[chains.block[held]] = settings[0, held]
    bits = np.flatnonzero(blocks.bit >= 0)
    values = (setting[blocks.of_column[bits]] >> blocks.bit[bits]) & 1
    best = milp.solve(fix(shifted, blocks.columns[bits], values).form, Options(gap=0.0))
    assert best.objective == pytest.approx(found.objective, abs=1e-5)


@pytest.mark.parametrize("known", [True, False])
def test_prices_at_which_something_earns_without_end_leave_responses_finite(
    case, known, monkeypatch
):
    """Infinite heights made options that are no number, and a move to none wrote anywhere."""
    form, groups, coupling, blocks, prices, _ = case
    relaxed, *_ = milp.relaxation(form, Options())
    ends = limits(coupling, np.asarray(coupling.weights @ relaxed.x[groups.columns]))
    responder = Responder(form, blocks, find_chains(form, blocks), coupling)
    before = responder.respond(prices, *ends) if known else None
    monkeypatch.setattr("citygrid.routes.highs.Repeated.solve", lambda self: None)
    after = responder.respond(2.0 * prices, *ends)
    assert np.isfinite(after.height).all() and np.isfinite(after.slope).all()
    assert (np.diff(after.first) > 0).all()
    if before is not None:
        assert np.isin(before.height, after.height).mean() > 0.5  # those within the ends stayed


def test_starts_join_the_hours_of_a_site_to_a_chain(case):
    form, _, coupling, _, _, model = case
    chains = model.chains
    # What was before the first hour is known, so that its row spans no hours: part of the block.
    assert chains.linked[form.rows["pump.starting"].index].tolist() == [[False, True, True]] * 2
    assert np.diff(chains.first).tolist() == [3, 3] and chains.settings == 2
    assert chains.row[chains.at].tolist() == list(range(len(coupling.rows)))
    # Only from off to on: row "was off", column "is on".
    assert chains.change[:, 0, 1].tolist() == [0.0, 0.4, 0.4, 0.0, 0.4, 0.4]
    assert not chains.change[:, 1].any() and not chains.change[:, 0, 0].any()
    assert not chains.entry[np.isfinite(chains.entry)].any()


def test_a_decision_that_is_taken_leaves_its_settings(case, district_maker):
    """A pump that stands still for an hour has no setting in which it runs there."""
    form = case[0]
    before = case[-1].chains
    free = np.argwhere(np.isfinite(before.entry[:, 1]).reshape(2, 3))[0]
    upper = form.upper.copy()
    upper[form.columns["pump.on"].index[tuple(free)]] = 0.0
    still = replace(form, upper=upper)
    groups = find_groups(still)
    blocks = find_blocks(still, groups, find_coupling(still, groups))
    chains = find_chains(still, blocks)
    newly = np.isinf(chains.entry) & np.isfinite(before.entry)
    assert newly[:, 1].reshape(2, 3)[tuple(free)] and not newly[:, 0].any()


def test_heat_pump_response_is_not_convex(case):
    """Below the minimum load heat is worth nothing: a relaxation would draw a straight line."""
    *_, model = case
    grid = model.first[:, None] + (model.last - model.first)[:, None] * np.linspace(0, 1, 16)
    rows, count = grid.shape
    state = model.chains.at[:, None] * 2 + np.zeros((rows, count), dtype=np.int64)
    least = np.minimum(model.responses.at(state, grid), model.responses.at(state + 1, grid))
    assert (np.diff(least, n=2, axis=1) < -1e-6).any()


def test_loads_beyond_the_limit_are_dearer_than_anything_else(case):
    *_, model = case
    state = model.chains.at * 2
    inside, beyond = (model.responses.at(state, model.last + more) for more in (0.0, 1.0))
    assert (beyond - inside > 0.5 * DEAR * np.abs(model.responses.slope).min()).all()
    assert (beyond - inside > 10.0 * np.ptp(model.priced)).all()


def test_bqm_of_valid_choices_is_the_energy_with_parabolas(case):
    """Also once the penalties have learnt: valid groups cost nothing, bent rows what they say."""
    *_, model = case
    first = penalise(model, np.ones(len(model.owner)), 0.1)
    everything = np.ones((1, len(model.owner)), dtype=np.int8)
    crowd = np.array([model.owner.searchsorted(group) for group in range(model.groups)])
    narrow = replace(model, last=model.first + 1e-3)  # any load is an overrun
    taught = replace(first, energy=narrow).learn(everything, [crowd])
    assert (taught.penalty > first.penalty).all() and (taught.lift < 0.0).all()
    assert taught.bend.any()
    target = model.weights @ first.usual
    for penalised in (first, taught):
        bqm = samplers.model(*penalised.arrays)
        for choice in choices(model)[::37]:
            x = np.zeros(len(model.owner))
            x[choice] = 1.0
            load = model.weights @ x
            met = model.total >= 0
            totals = np.bincount(model.total[met], load[met], minlength=len(model.target))
            expected = (
                model.priced[choice].sum() + model.slope @ load + 0.5 * model.curve @ load**2
                + 0.5 * model.stiffness @ (totals - model.target) ** 2
                + 0.5 * penalised.bend @ (load - target) ** 2
            )  # fmt: skip
            assert bqm.energy(dict(enumerate(x))) == pytest.approx(expected, abs=1e-9)


def test_penalties_learn_until_the_best_sample_is_valid_and_within_limits(case):
    """From penalties that are next to nothing, by enumeration of all samples."""
    *_, model = case
    penalised = penalise(model, np.ones(len(model.owner)), 1e-3)
    penalised = replace(penalised, penalty=np.full(model.groups, 0.02))
    for _ in range(30):
        best = samplers.get("exact").sample(samplers.model(*penalised.arrays)).first.sample
        on = np.array([[best[i] for i in range(len(model.owner))]], dtype=np.int8)
        choice, wrong = penalised.decode(on[0])
        before, penalised = penalised, penalised.learn(on, [choice])
        if penalised is before:
            break
    assert (penalised.penalty > 0.02).any() and wrong == 0
    assert not model.overrun(choice).any()


def test_invalid_samples_are_repaired_and_counted(case):
    *_, model = case
    penalised = penalise(model, np.ones(len(model.owner)), 0.1)
    for sample, wrong in ((np.zeros(18), 3), (np.ones(18), 3)):
        choice, repaired = penalised.decode(sample)
        assert repaired == wrong
        assert model.owner[choice].tolist() == [0, 1, 2]
    assert penalised.count(np.ones((2, 18))).tolist() == [[6, 6, 6]] * 2


def test_annealers_books_agree_with_the_energy(case):
    """Loads, totals and responses that it keeps up to date, against the energy from scratch."""
    *_, model = case
    walk = Walk(model, 5, seed=2)
    for beta in (1e-3, 0.1, 10.0):
        assert walk.sweep(np.full(5, beta), 3) or beta > 1.0
        assert walk.energy == pytest.approx([model.of(c) for c in walk.state], abs=1e-9)
        assert walk.least == pytest.approx([model.of(c) for c in walk.best], abs=1e-9)
        assert (walk.least <= walk.energy + 1e-12).all()


def test_a_walk_begun_anew_is_a_new_walk(case):
    *_, model = case
    used, fresh = Walk(model, 3, seed=1), Walk(model, 5, seed=2)
    used.sweep(np.full(3, 0.1), 7)
    used.begin(5, seed=2)
    for walk in (used, fresh):
        walk.sweep(np.full(5, 0.1), 4)
    assert np.array_equal(used.state, fresh.state) and np.array_equal(used.least, fresh.least)


@pytest.mark.parametrize("height", [np.inf, np.nan])
def test_a_walk_where_no_option_is_better_than_another_stays_among_its_options(case, height):
    *_, model = case
    lines = replace(model.responses, height=np.full_like(model.responses.height, height))
    walk = Walk(replace(model, responses=lines), 3, seed=1)
    walk.sweep(np.full(3, 1.0), 5)
    assert (model.owner[walk.state] == np.arange(model.groups)).all()


def test_annealers_answer_does_not_depend_on_its_threads(case):
    *_, model = case
    one, two = (anneal(model, 5, 40, (0.5, 1e4), seed=3, threads=count) for count in (1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one.choices, two.choices, strict=True))


def test_heat_bath_draws_options_as_often_as_their_energies_say(case):
    """Visits of every choice in a long walk at one temperature, against Boltzmann's weights."""
    *_, model = case
    every = np.array(choices(model))
    energies = model.of_each(every.T)
    beta = 3.0 / float(np.ptp(energies))
    expected = np.exp(-beta * (energies - energies.min()))
    expected /= expected.sum()
    place = {choice.tobytes(): i for i, choice in enumerate(every)}
    seen = np.zeros(len(every))
    walk = Walk(model, 40, seed=5)
    for _ in range(1500):
        walk.sweep(np.full(40, beta))
        for state in walk.state:
            seen[place[state.tobytes()]] += 1
    seen /= seen.sum()
    assert np.abs(seen - expected).sum() < 0.1


def test_annealer_finds_the_lowest_energy_of_all_choices(case):
    *_, model = case
    least = min(model.of(choice) for choice in choices(model))
    found = anneal(model, 8, 60, (0.5, 1e4), seed=3)
    assert min(model.of(choice) for choice in found.choices) == pytest.approx(least, abs=1e-9)
    again = anneal(model, 8, 60, (0.5, 1e4), seed=3)
    assert found.visits == again.visits
    assert all(np.array_equal(a, b) for a, b in zip(found.choices, again.choices, strict=True))


def test_energies_of_many_choices_are_those_of_each(case):
    """Against the terms written out: priced options, chains, and totals near their targets."""
    *_, model = case
    some = np.array(choices(model)[::41]).T
    expected = []
    for choice in some.T:
        load = np.asarray(model.weights[:, choice].sum(axis=1)).ravel()
        met = model.total >= 0
        totals = np.bincount(model.total[met], load[met], minlength=len(model.target))
        chains, answered = model.chains, 0.0
        for begin, end in itertools.pairwise(chains.first):
            # Every way through the settings of a chain, written out.
            ways = []
            for way in itertools.product(range(chains.settings), repeat=int(end - begin)):
                cost = 0.0
                for q, setting in zip(range(begin, end), way, strict=True):
                    state = np.array([q * chains.settings + setting])
                    there = load[chains.row[q]] if chains.row[q] >= 0 else 0.0
                    cost += chains.entry[q, setting]
                    cost += float(model.responses.at(state, np.array([there]))[0])
                    if q > begin:
                        cost += chains.change[q, way[q - begin - 1], setting]
                ways.append(cost)
            answered += min(ways)
        pull = 0.5 * model.stiffness @ (totals - model.target) ** 2
        expected.append(model.priced[choice].sum() + answered + pull)
    assert model.of_each(some) == pytest.approx(expected, abs=1e-9)


def test_greedy_control_makes_as_many_visits_and_ends_where_no_move_helps(case):
    """The annealer may freeze before its sweeps are over; the control then begins anew."""
    *_, model = case
    annealed = anneal(model, 4, 50, (0.5, 1e4), seed=1)
    greedy = descend(model, 4, 50, 1e4, seed=1)
    assert greedy.visits == 50 * 4 * model.groups >= annealed.visits
    best = greedy.choices[0]
    for group in range(model.groups):
        others = np.tile(best[:, None], (1, int((model.owner == group).sum())))
        others[group] = np.flatnonzero(model.owner == group)
        assert model.of_each(others).min() >= model.of(best) - 1e-9
    assert len({choice.tobytes() for choice in greedy.choices}) == len(greedy.choices) > 1


def test_random_control_keeps_the_best_of_its_draws_and_draws_every_option(case):
    *_, model = case
    found = draw(model, 5, 2000, seed=4)
    assert found.visits == 2000 * model.groups
    values = [model.of(choice) for choice in found.choices]
    assert values == sorted(values)
    # 216 choices in all: of 2000 draws hardly one is missing.
    assert values[0] == pytest.approx(min(model.of(c) for c in choices(model)), abs=1e-9)
    short = draw(model, 5, 10**9, seed=4, spent=lambda: 1.0)
    assert 0 < short.visits < 10**6


def test_controls_of_a_dimod_sampler_descend_until_they_have_taken_as_many_steps(case):
    *_, model = case
    journal = Journal()
    greedy = Chooser.named("greedy", "neal", 4, 100, 0.01)
    annealer = Chooser.named("anneal", "neal", 4, 100, 0.01)
    used = np.ones(len(model.owner))
    for chooser in (greedy, annealer):
        assert chooser.choose(model, used, 5, None, journal, Clock(None))
    assert journal.counts["descents"] > 4 * (1 + LESSONS)


def test_raw_samples_are_taken_as_they_are_or_not_at_all(case, district_maker):
    """A sampler of single bits leaves groups empty; without repair such samples are lost."""
    *_, model = case
    used, journal = np.ones(len(model.owner)), Journal()
    raw = Chooser("raw", samplers.get("random"), 4, 1, 0.01)
    assert raw.choose(model, used, 5, None, journal, Clock(None)) == []
    assert replace(raw, kind="anneal").choose(model, used, 5, None, Journal(), Clock(None))
    form = district_maker(jobs=5, sites=2, steps=3, capacity=30.0)
    outcome = routes.solve(form, "hybrid:raw", Options(sampler="random"))
    assert (outcome.status, outcome.x) == ("no_plan", None)
    assert "as it was" in outcome.telemetry["message"]
    assert not {"repair_milps", "released_groups"} & set(outcome.telemetry["counts"])


def test_candidates_keep_what_the_relaxation_uses_and_two_of_every_group(case):
    _, groups, *_ = case
    priced = np.arange(len(groups.columns), dtype=float)
    used = np.zeros(len(priced))
    used[-1] = 0.5
    kept = candidates(groups, priced, used, 7, np.ones(len(priced), dtype=bool))
    assert len(kept) == 7 and len(priced) - 1 in kept
    assert np.bincount(groups.owner[kept]).min() >= 2
    close = beyond_cheapest(groups, priced) <= 0.5
    near = candidates(groups, priced, np.zeros(len(priced)), 18, close)
    assert np.bincount(groups.owner[near]).tolist() == [1, 1, 1]


def test_a_window_is_the_whole_model_with_everything_else_held(case):
    """Every state of the window has the energy that it has in the whole, to rounding."""
    *_, model = case
    whole = penalise(model, np.full(len(model.owner), 0.3), 1e-3)
    linear, (row, column, value), offset = whole.arrays
    random = np.random.default_rng(4)
    windows = whole.windows(7)
    assert sorted(np.concatenate(windows).tolist()) == list(range(len(linear)))
    assert all(len(np.unique(model.owner[window])) == 1 or len(window) <= 7 for window in windows)
    for window in windows:
        state = random.integers(0, 2, len(linear)).astype(np.int8)
        felt, (first, second, pair), constant = whole.within(window, state)
        for _ in range(20):
            state[window] = random.integers(0, 2, len(window))
            here, bits = state.astype(float), state[window].astype(float)
            told = constant + felt @ bits + pair @ (bits[first] * bits[second])
            assert told == pytest.approx(
                offset + linear @ here + value @ (here[row] * here[column])
            )


def test_windows_follow_each_other_in_time(district_maker):
    form = district_maker(jobs=6, sites=2, steps=6)
    assert set(find_coupling(form, find_groups(form)).steps.tolist()) == set(range(6))


@pytest.mark.parametrize("sampler", ["neal", "greedy", "onehot,neal"])
def test_choices_in_windows_lead_to_a_plan_near_the_whole_ones(small_district, sampler):
    found = {
        window: routes.solve(small_district, "hybrid", Options(
            sampler=sampler, extras={"rounds": "2", "window": str(window)}, seed=3,
        )) for window in (12, 10**6)
    }  # fmt: skip
    best = milp.solve(small_district, Options(gap=0.0)).objective
    assert found[12].telemetry["windows"] > 1 and "windows" not in found[10**6].telemetry
    assert found[12].telemetry["bqm"]["variables"] <= 12
    # Parabolas say little of so small a district, whole or in parts.
    assert best - 1e-6 <= found[12].objective <= 1.02 * found[10**6].objective


def test_pyomo_model_is_named_and_indexed_like_the_form(case):
    form, *_ = case
    model = build(form)
    assert model.boiler_heat["net", "2023-01-16T01:00Z"].lb == 0.0
    assert len(model.pool_once) == 3
    assert model.component("pool_load") is not None
    assert model.component("pool_load_row") is not None
