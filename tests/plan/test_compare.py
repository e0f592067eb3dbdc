"""Who is better, by how much and when: words that follow from the numbers."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from citygrid.plan.compare import Try, beside_hybrid, best_of, compare, decide, percent, try_of


def tried(route, *costs, used=2.0, bound=99.0, trace=()):
    """A route over seeds 0, 1, …, that cost so much each."""
    return [Try(route, seed, cost, bound, used, None, None, list(trace))
            for seed, cost in enumerate(costs)]  # fmt: skip


def plans(*entries):
    return [{"seconds": at, "objective": cost, "bound": 99.0} for at, cost in entries]


@pytest.mark.parametrize(
    ("cost", "says"),
    [(100.0, "greedy ties"), (100.0 - 0.9e-4, "greedy ties"), (99.98, "greedy is better by 0.02 %"),
     (100.5, "greedy is worse by 0.5 %"), (113.0, "greedy is worse by 13 %"),
     (None, "greedy found no plan")],
)  # fmt: skip
def test_a_control_that_ties_or_wins_is_said_to(cost, says):
    found = compare([*tried("hybrid", 100.0), *tried("hybrid:greedy", cost)])
    assert [each.says for each in found.standings] == [None, says]


def test_a_control_beside_a_hybrid_without_plan():
    found = compare([*tried("hybrid", None), *tried("hybrid:raw", 100.0),
                     *tried("hybrid:random", None)])  # fmt: skip
    assert [each.says for each in found.standings[1:]] == [
        "raw is better: hybrid found no plan", "random found no plan, nor did hybrid",
    ]  # fmt: skip


def test_standings_are_medians_over_seeds_and_pairs_are_counted():
    found = compare([
        *tried("hybrid", 100.0, 104.0, 102.0), *tried("hybrid:greedy", 101.0, 103.0, None),
        *tried("milp", 99.5, None, None, bound=99.4),
    ])  # fmt: skip
    hybrid, greedy, milp = found.standings
    assert (hybrid.objective, hybrid.seeds, hybrid.plans) == (102.0, 3, 3)
    assert (greedy.objective, greedy.plans) == (103.0, 2)
    assert greedy.says == "greedy is worse by 0.98 % (seed by seed: better 1, ties 0, worse 2)"
    # The best bound of all is milp's, and everybody's gap is to it; own gaps are to one's own.
    assert (found.bound, found.proven_by) == (99.4, "milp")
    assert hybrid.gap == pytest.approx(2.6 / 102.0)
    assert hybrid.own_gap == pytest.approx(3.0 / 102.0)
    # Two of three seeds without a plan: the median is none.
    assert milp.objective is None and milp.plans == 1 and milp.gap is None


def test_a_control_named_without_hybrid_stands_for_itself():
    assert [each.says for each in compare(tried("hybrid:greedy", 1.0)).standings] == [None]


def test_milp_that_is_ahead_early_and_late_is_the_choice():
    milp = tried("milp", 99.5, used=30.0, trace=plans((1.0, 100.0), (20.0, 99.5)))
    hybrid = tried("hybrid", 101.0, used=5.0, trace=plans((2.0, 103.0), (4.0, 101.0)))
    said = decide(milp, hybrid)
    assert said == (
        "Here milp is the better choice: its plan costs 0.99 % less after 5.0 s, when the first of "
        "the two had ended, and in the end (30.0 s) costs 1.5 % less; the gap that it proves "
        "itself is 0.5 %."
    )


def test_hybrid_that_is_early_and_milp_that_is_late_is_a_matter_of_time():
    milp = tried("milp", 99.5, used=30.0, trace=plans((12.0, 100.5), (20.0, 99.5)))
    hybrid = tried("hybrid", 101.0, used=5.0, trace=plans((2.0, 101.0)))
    said = decide(milp, hybrid)
    assert said.startswith("Here it depends on the time: hybrid is the better choice for an early")
    assert "its plan is the only one after 5.0 s" in said
    assert "milp with more time, from 12.0 s on (its plan in the end (30.0 s) costs 1.5 %" in said


def test_hybrid_that_is_ahead_at_both_ends_is_the_choice():
    milp = tried("milp", 105.0, used=60.0, trace=plans((12.0, 110.0)))
    hybrid = tried("hybrid", 101.0, used=5.0, trace=plans((2.0, 101.0)))
    assert decide(milp, hybrid).startswith("Here hybrid is the better choice: its plan is the only")


def test_a_tie_is_milps():
    assert "Here milp is" in decide(tried("milp", 100.0), tried("hybrid", 100.0))


def test_nothing_is_decided_for_who_did_not_run_or_has_no_plan():
    assert decide([], tried("hybrid", 100.0)) is None
    assert decide(tried("milp", None), tried("hybrid", None)).startswith("Neither")


def test_most_seeds_decide_and_are_counted():
    said = decide(tried("milp", 100.0, 100.0, 103.0), tried("hybrid", 101.0, 102.0, 101.0))
    assert said.startswith("Here milp is") and "on 2 of 3 seeds" in said
    assert "costs 1.5 % less" in said  # the median of 0.99 and 1.96 %


def test_a_try_takes_the_routes_own_time_and_else_that_of_the_solve():
    told = {"seconds": {"total": 1.5}, "feasibility_rate": 0.25, "trace": plans((1.0, 5.0))}
    assert try_of("hybrid", 3, 5.0, 4.0, told, 9.0, 2.0).used == 1.5
    old = try_of("hybrid", 3, 5.0, 4.0, {"incumbents": [{"seconds": 0.5, "objective": 6.0}]})
    assert old.trace == [{"seconds": 0.5, "objective": 6.0, "bound": None}]
    other = try_of("hybrid", 3, 5.0, 4.0, {}, 9.0, 2.0)
    assert (other.used, other.feasible, other.trace) == (2.0, None, [])


@pytest.mark.parametrize(("part", "text"), [(2e-4, "0.02 %"), (-0.013, "1.3 %"), (0.5, "50 %")])
def test_shares_have_two_digits_that_tell_something(part, text):
    assert percent(part) == text


def test_what_differs_by_less_than_was_asked_for_ties_and_says_by_how_much():
    hybrid, greedy = (
        replace(each, asked=1e-3)
        for each in (*tried("hybrid", 100.0), *tried("hybrid:greedy", 100.05))
    )
    found = compare([hybrid, greedy])
    assert found.standings[1].says == "greedy ties (0.05 % dearer, within the 0.1 % asked for)"
    milp = replace(tried("milp", 100.02, used=0.5)[0], asked=1e-3)
    said = decide([milp], [replace(hybrid, used=2.0)])
    assert said.startswith("Here milp is the better choice")
    assert "costs 0.02 % more, which is within the 0.1 % asked for" in said


def test_a_tie_in_the_end_is_whose_plan_came_early():
    milp = tried("milp", 100.0, used=300.0, trace=plans((200.0, 100.0)))
    hybrid = tried("hybrid", 100.0, used=30.0, trace=plans((20.0, 100.0)))
    assert decide(milp, hybrid).startswith("Here hybrid is the better choice: its plan is the only")


def test_plans_of_highs_are_no_merit_of_who_searched():
    telemetry = {"found_by": "tree", "gap_asked": 1e-3}
    control = try_of("hybrid:random", 0, 100.0, 99.0, telemetry, solve=1.0)
    hybrid = try_of("hybrid", 0, 100.0, 99.0, telemetry, solve=1.0)
    assert beside_hybrid([control], [hybrid]) == "random ties, with a plan of HiGHS"
    two = [control, replace(control, seed=1, helped=False)]
    assert beside_hybrid(two, [hybrid, replace(hybrid, seed=1)]).endswith(
        "; 1 of 2 plans are HiGHS')"
    )
    dear = try_of("milp", 0, 110.0, 99.0, {"gap_asked": 1e-3}, solve=9.0)
    assert "found by the tree of HiGHS" in decide([dear], [hybrid])
    assert not try_of("milp", 0, 1.0, 1.0, {"found_by": "tree"}).helped


def verified(cost, ok=True):
    return SimpleNamespace(plan=SimpleNamespace(objective=cost), verdict=SimpleNamespace(ok=ok))


def test_the_best_plan_is_the_cheapest_that_holds():
    cheap, dear, broken = verified(2.0), verified(3.0), verified(1.0, ok=False)
    assert best_of([broken, dear, cheap]) is cheap
    twin = verified(2.0)
    assert best_of([twin, cheap]) is twin and best_of([cheap, twin]) is cheap
    assert best_of([verified(4.0, ok=False), broken]) is broken


def test_a_bound_of_nothing_is_a_bound():
    """Of two seeds the better bound counts, also where it is 0 EUR and the other is below."""
    tries = [Try("milp", seed, 5.0, bound, 1.0) for seed, bound in ((0, 0.0), (1, -5.0))]
    assert compare(tries).bound == 0.0
