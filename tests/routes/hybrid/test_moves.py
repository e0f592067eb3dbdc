"""Commitment by moves: random fleets with minimum times, against every schedule there is."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from citygrid.model.builder import Model
from citygrid.model.form import Form
from citygrid.model.formulate import Speaker
from citygrid.model.labelled import Axis, Data
from citygrid.model.reductions import fix
from citygrid.model.steps import stamps
from citygrid.routes import highs, milp
from citygrid.routes.contract import Clock, Journal, Options
from citygrid.routes.hybrid.moves import Effort, improve, search, start
from citygrid.routes.hybrid.moves.hours import Hours
from citygrid.routes.hybrid.moves.model import Valued, model
from citygrid.routes.hybrid.moves.proposals import (
    Stretch,
    compatible,
    label,
    make,
    propose,
    shifts,
    stretches,
)
from citygrid.routes.hybrid.moves.redispatch import Redispatch
from citygrid.routes.hybrid.moves.structure import Unit, find_units

SMALL = Effort(moves=60, tried=60, pairs=500, reads=8, sweeps=100, kicks=4, neighbourhoods=0)


def fleet(
    seed: int, units: int = 2, steps: int = 6, store: bool = False, slack: bool = True
) -> tuple[Form, list[tuple[int, int]]]:
    """Units with minimum load, start cost and minimum times, a demand and a dear supply.

    Gives the form and the minimum times (on, off) of the units, in steps. ``store`` links the
    steps; without ``slack`` nothing but the units meets the demand.
    """
    lot = np.random.default_rng(seed)
    hours = np.datetime64("2023-01-16T00:00", "ns") + np.arange(steps) * np.timedelta64(1, "h")
    m = Model(hours, 1.0)
    time = m.time
    plant = Axis("plant", np.array([f"u{i}" for i in range(units)], dtype=object))
    speaker = Speaker(m, "unit")

    def per(values: object, axes: tuple[Axis, ...], unit: str) -> Data:
        return Data(np.asarray(values, dtype=float), axes, unit)

    power = lot.choice([50.0, 80.0, 100.0], units)
    low = power * lot.choice([0.3, 0.6], units)
    heat = speaker.variable("heat", plant, time, about="heat")
    on = speaker.binary("on", plant, time, about="runs")
    begun = speaker.variable("start", plant, time, upper=1.0, unit="1", about="started")
    ended = speaker.variable("stop", plant, time, upper=1.0, unit="1", about="stopped")
    before = per(lot.integers(0, 2, units), (plant,), "1")
    speaker.constrain("most", heat <= per(power, (plant,), "kW") * on)
    speaker.constrain("least", heat >= per(low, (plant,), "kW") * on)
    speaker.constrain("switching", begun - ended == on - on.previous(before))
    times = [(int(up), int(down)) for up, down in lot.integers(1, 4, (units, 2))]
    for i, (up, down) in enumerate(times):
        one = plant.only(np.arange(units) == i, f"alone_{i}")
        for name, part, length in (("up", begun, up), ("down", ended, down)):
            cells = [(t, s) for t in range(steps) for s in range(max(t - length + 1, 0), t + 1)]
            rows, at = (np.array(k) for k in zip(*cells, strict=True))
            held = part.only(one).mapped((one, time), rows, at, np.ones(len(at)))
            if name == "up":
                speaker.constrain(f"up_{i}", held <= on.only(one))
            else:
                speaker.constrain(f"down_{i}", held + on.only(one) <= 1.0)
    net = Axis("net", np.array(["net"], dtype=object))
    speaker.feed("heat", ["net"] * units, heat)
    demand, other = Speaker(m, "demand"), Speaker(m, "other")
    demand.draw(
        "heat", ["net"], per(lot.uniform(20.0, 0.8 * power.sum(), (1, steps)), (net, time), "kW")
    )
    if slack:
        dear = other.variable("heat", net, time, about="dear heat")
        other.feed("heat", ["net"], dear)
        other.cost("dear", dear * per(0.5, (), "EUR/kWh") * m.step)
    wasted = other.variable("wasted", net, time, about="heat thrown away")
    other.draw("heat", ["net"], wasted)
    other.cost("waste", wasted * per(0.01, (), "EUR/kWh") * m.step)
    price = lot.uniform(0.03, 0.2, (units, steps))
    speaker.cost("fuel", heat * per(price, (plant, time), "EUR/kWh") * m.step)
    speaker.cost("start", begun * per(lot.choice([1.0, 3.0], units), (plant,), "EUR"))
    return m.form(), times


def rounded(form: Form, steps: int, times: list[tuple[int, int]]) -> list[list[tuple[int, ...]]]:
    """All schedules that each unit may have, by its minimum times in plain loops."""
    block = form.rows["unit.switching"]
    before = -form.row_lower[block.index[:, 0]]
    found = []
    for i, (up, down) in enumerate(times):
        ran = round(float(before[i]))
        legal = []
        for schedule in product((0, 1), repeat=steps):
            past = [ran, *schedule]
            switched = [t for t in range(1, steps + 1) if past[t] != past[t - 1]]
            kept = [set(past[t : t + (up if past[t] else down)]) == {past[t]} for t in switched]
            if all(kept):
                legal.append(schedule)
        found.append(legal)
    return found


def optimum(form: Form) -> float:
    """The least cost, by HiGHS to a gap of zero."""
    found = milp.solve(form, Options(gap=0.0))
    assert found.objective is not None
    return found.objective


def resolved(form: Form, decisions: np.ndarray) -> float | None:
    """The cost of decisions (n) by one linear programme over all rows; ``None`` without a plan."""
    whole = decisions[form.integer]
    if (whole < form.lower[form.integer]).any() or (whole > form.upper[form.integer]).any():
        return None
    found = highs.run(fix(form, form.integer, whole).form, highs.Task(), lambda *_: None)
    return found.objective


def first_plan(form: Form) -> np.ndarray:
    plan = start(form, None, None, Options(), Journal(), Clock(None))
    assert plan is not None
    return plan


def around(form: Form, plan: np.ndarray) -> tuple[Redispatch, list[Unit], list[np.ndarray]]:
    dispatch, units = Redispatch(form, plan), find_units(form)
    return dispatch, units, [dispatch.decisions[u.columns].astype(np.int8) for u in units]


# structure ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_legal_schedules_are_those_that_keep_minimum_times(seed: int) -> None:
    """Found by asking rows, against plain loops over the times the fleet was drawn with."""
    form, times = fleet(seed)
    every = np.array(list(product((0, 1), repeat=6)), dtype=np.int8)
    for unit, legal in zip(find_units(form), rounded(form, 6, times), strict=True):
        assert {tuple(s) for s in every[unit.legal(every)].tolist()} == set(legal)


@pytest.mark.parametrize("seed", range(8))
def test_the_cheapest_schedule_is_the_least_of_all_legal_ones(seed: int) -> None:
    form, _ = fleet(seed)
    price = np.random.default_rng(seed).normal(size=6)
    every = np.array(list(product((0, 1), repeat=6)), dtype=np.int8)
    for unit in find_units(form):
        found = unit.cheapest(price)
        assert found is not None and unit.legal(found[None])[0]
        assert price @ found == pytest.approx((every[unit.legal(every)] @ price).min())


def test_a_calendar_holds_a_schedule() -> None:
    form, _ = fleet(1)
    column = form.columns["unit.on"].index
    held = fix(form, [column[0, 2], column[1, 3]], [1.0, 0.0]).form
    integer = form.integer.copy()
    units = find_units(replace(held, integer=integer))
    for price in (np.full(6, 5.0), np.full(6, -5.0)):
        first, second = (unit.cheapest(price) for unit in units)
        assert first is not None and first[2] == 1
        assert second is not None and second[3] == 0


# moves --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_every_move_keeps_the_rows_of_its_unit(seed: int) -> None:
    """A dear supply is always there, so that what the rules allow has a plan."""
    form, _ = fleet(seed)
    plan = first_plan(form)
    dispatch, units, schedules = around(form, plan)
    price = dispatch.prices(100.0)
    proposals = propose(units, schedules, price, 6, None, 1000, dispatch.followed)
    assert proposals.moves
    for parts in proposals.moves:
        move = make(units, parts, dispatch.decisions)
        assert len(move.columns)
        after = dispatch.decisions.copy()
        after[move.columns] = move.values
        assert compatible(parts, units, schedules)
        for unit in units:
            assert unit.legal(after[unit.columns].astype(np.int8)[None])[0]
        assert resolved(form, after) is not None


def test_single_moves_are_all_changes_of_one_interval() -> None:
    """Against all pairs of legal schedules: those that differ by one interval set to one value."""
    form, _ = fleet(4)
    every = np.array(list(product((0, 1), repeat=6)), dtype=np.int8)
    for unit in find_units(form):
        legal = every[unit.legal(every)]
        for schedule in legal:
            *_, changed = stretches(unit, schedule, 6)
            expected = set()
            for other in legal:
                turned = np.flatnonzero(other != schedule)
                if len(turned):
                    between = other[turned[0] : turned[-1] + 1]
                    if (between == between[0]).all():
                        expected.add(tuple(other.tolist()))
            assert {tuple(s) for s in changed.tolist()} == expected


def test_a_shift_keeps_the_length_of_a_run() -> None:
    form, _ = fleet(2, units=1, steps=8)
    unit = find_units(form)[0]
    every = np.array(list(product((0, 1), repeat=8)), dtype=np.int8)
    seen = 0
    for schedule in every[unit.legal(every)]:
        pieces, changed = shifts(unit, schedule)
        assert len(pieces) == len(changed)
        for new in changed:
            seen += 1
            assert unit.legal(new[None])[0] and (new != schedule).any()
            assert new.sum() == schedule.sum()
    assert seen > 10


# the model ----------------------------------------------------------------------------------------


def priced(form: Form) -> tuple[Redispatch, list[Unit], list[np.ndarray], list[Valued]]:
    dispatch, units, schedules = around(form, first_plan(form))
    proposals = propose(units, schedules, dispatch.prices(100.0), 6, None, 12, dispatch.followed)
    valued = []
    for parts in proposals.moves:
        move = make(units, parts, dispatch.decisions)
        change = dispatch.change(move.columns, move.values)
        if change is not None and change.possible:
            valued.append(Valued(move, change))
    return dispatch, units, schedules, valued


@pytest.mark.parametrize("seed", range(5))
def test_terms_of_the_model_are_those_of_full_solves(seed: int) -> None:
    """Linear terms and couplings against linear programmes over all rows, pair by pair."""
    form, _ = fleet(seed, slack=seed % 2 == 0)
    dispatch, units, schedules, valued = priced(form)
    built = model(dispatch, units, schedules, valued, 10_000)
    base = resolved(form, dispatch.decisions)
    assert base is not None and built.offset == pytest.approx(base)
    coupling = np.zeros((len(built), len(built)))
    row, column, value = built.couplings
    coupling[row, column] = value
    pairs = 0
    for i, move in enumerate(built.moves):
        after = dispatch.decisions.copy()
        after[move.columns] = move.values
        assert built.offset + built.linear[i] == pytest.approx(resolved(form, after), abs=1e-5)
        for j in range(i + 1, len(built)):
            other = built.moves[j]
            if not compatible((*move.stretches, *other.stretches), units, schedules):
                assert coupling[i, j] >= 2.0 * np.abs(built.linear).max()
                continue
            both = after.copy()
            both[other.columns] = other.values
            full = resolved(form, both)
            total = built.offset + built.linear[i] + built.linear[j] + coupling[i, j]
            if full is None:
                assert total > built.offset
            else:
                pairs += 1
                assert total == pytest.approx(full, abs=1e-5)
    assert pairs > 10


def test_a_budget_leaves_pairs_out_and_says_so() -> None:
    form, _ = fleet(3)
    dispatch, units, schedules, valued = priced(form)
    none = model(dispatch, units, schedules, valued, 0)
    dispatch, units, schedules, valued = priced(form)
    every = model(dispatch, units, schedules, valued, 10_000)
    assert none.exact < every.exact
    assert every.exact + every.apart == len(every) * (len(every) - 1) // 2
    taken = np.zeros(len(every), dtype=np.int8)
    taken[0] = 1
    assert every.energy(taken) == pytest.approx(every.offset + every.linear[0])


def test_labels_say_what_a_move_does() -> None:
    form, _ = fleet(3)
    units = find_units(form)
    move = make(units, (Stretch(0, 1, 3, 1),), np.zeros(len(form.cost)))
    assert label(units, move, stamps(form)) == (
        "unit.on[u0] on 2023-01-16T01:00Z to 2023-01-16T02:00Z"
    )


# the search ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["anneal", "greedy"])
def test_most_random_fleets_are_planned_at_their_optimum(kind: str) -> None:
    """Thirteen of sixteen at least, and none below it: the sum would be wrong."""
    reached = 0
    for seed in range(16):
        form, _ = fleet(seed, units=3, steps=8, slack=seed % 3 > 0)
        options = Options(seed=seed)
        begun = start(form, None, None, options, Journal(), Clock(None))
        best = milp.solve(form, Options(gap=0.0)).objective
        if best is None:
            assert begun is None
            reached += 1
            continue
        assert begun is not None
        x = improve(form, begun, options, Journal(), Clock(None), kind=kind, effort=SMALL)
        cost = form.objective(x)
        assert form.residual(x) < 1e-6
        assert np.abs(x[form.integer] - np.round(x[form.integer])).max() == 0.0
        assert cost >= best - 1e-6 * abs(best)
        reached += cost <= best + 1e-6 * abs(best)
    assert reached >= 13


@pytest.mark.parametrize("seed", range(3))
def test_improving_is_never_worse_and_depends_on_nothing_but_the_seed(seed: int) -> None:
    form, _ = fleet(seed, units=3, steps=8)
    plan = first_plan(form)
    ends = [improve(form, plan, Options(seed=5), Journal(), Clock(None), effort=SMALL)
            for _ in range(2)]  # fmt: skip
    np.testing.assert_array_equal(*ends)
    assert form.objective(ends[0]) <= form.objective(plan)


def test_time_over_gives_the_plan_back() -> None:
    form, _ = fleet(0, units=3, steps=8)
    plan = first_plan(form)
    found = improve(form, plan, Options(), Journal(), Clock(0.0), effort=SMALL)
    assert form.objective(found) <= form.objective(plan)


def test_a_form_without_decisions_has_nothing_to_move() -> None:
    form, _ = fleet(0)
    on = form.integer
    plan = first_plan(form)
    held = fix(form, on, plan[on]).form
    assert improve(held, plan, Options(), Journal(), Clock(None)) is plan


def test_a_demand_that_nobody_meets_has_no_plan() -> None:
    form, _ = fleet(0, slack=False)
    row = form.rows["heat.balance"].index
    low, high = form.row_lower.copy(), form.row_upper.copy()
    low[row] = high[row] = 1e5
    impossible = replace(form, row_lower=low, row_upper=high)
    assert start(impossible, None, None, Options(), Journal(), Clock(None)) is None


def test_an_incumbent_with_other_tangents_is_where_a_search_begins() -> None:
    form, _ = fleet(7, units=3, steps=8)
    best = milp.solve(form, Options(gap=0.0)).x
    assert best is not None
    begun = start(form, None, None, Options(), Journal(), Clock(0.0), best)
    assert begun is not None and form.objective(begun) == pytest.approx(form.objective(best))


def test_highs_searches_a_part_as_a_last_resort_and_it_is_counted() -> None:
    form, _ = fleet(5, units=3, steps=8)
    journal = Journal()
    effort = Effort(kicks=1, neighbourhoods=1, reads=4, sweeps=50)
    improve(form, first_plan(form), Options(), journal, Clock(None), effort=effort)
    assert journal.counts["sub_milps"] >= 1


@pytest.mark.parametrize("kind", ["anneal", "greedy"])
def test_windows_with_the_rest_held_lead_to_plans_as_well(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for forms whose parts are too large to be dispatched whole for every move."""
    monkeypatch.setattr(search, "LARGE", 10)
    monkeypatch.setattr(search, "WINDOW", 6)
    monkeypatch.setattr(search, "MARGIN", 2)
    for seed in range(2):
        form, _ = fleet(seed, units=2, steps=12)
        plan = first_plan(form)
        found = improve(form, plan, Options(), Journal(), Clock(None), kind=kind, effort=SMALL)
        best = optimum(form)
        assert form.residual(found) < 1e-6
        assert best - 1e-6 <= form.objective(found) <= form.objective(plan)
        assert form.objective(found) <= 1.02 * best


def test_highs_searches_first_the_hours_furthest_above_the_relaxation() -> None:
    """Hour by hour the excess adds up to what the plan costs beyond the relaxation."""
    form, _ = fleet(5, units=3, steps=12)
    relaxed, duals, _ = milp.relaxation(form, Options())
    assert relaxed.x is not None and relaxed.objective is not None and duals is not None
    plan = first_plan(form)
    hours = Hours(form, 1, np.random.default_rng(0), (relaxed.x, duals))
    excess = hours.excess(plan)
    assert excess.min() > -1e-6
    assert excess.sum() == pytest.approx(form.objective(plan) - relaxed.objective, abs=1e-6)
    first, last = hours.next(plan)
    assert last - first == 6
    assert excess[first:last].sum() == max(excess[b : b + 6].sum() for b in range(0, 7, 2))
    assert hours.next(plan) != (first, last)
