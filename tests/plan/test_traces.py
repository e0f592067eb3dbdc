"""Times and gaps along a trace, against values by hand."""

from __future__ import annotations

import pytest

from citygrid.plan.traces import (
    best_bound,
    cost_at,
    ended,
    gap_at,
    gaps,
    median,
    quantile,
    readable,
    seconds_to,
    seconds_to_cost,
)


def news(seconds, objective, bound):
    return {"seconds": seconds, "objective": objective, "bound": bound}


#: Own gaps: –, 20 % (of 100), 10 % (of 100), 5 % (of 96: 4.8), then 96 − 95 over 96.
TRACE = [news(1.0, None, 70.0), news(2.0, 125.0, 80.0), news(3.0, 100.0, 80.0),
         news(5.0, 100.0, 90.0), news(8.0, 96.0, 91.2)]  # fmt: skip


def test_gap_is_to_the_bound_that_is_named_or_to_what_was_proven_by_then():
    times, own = zip(*gaps(TRACE), strict=True)
    assert times == (2.0, 3.0, 5.0, 8.0) and own == pytest.approx([0.36, 0.2, 0.1, 0.05])
    times, common = zip(*gaps(TRACE, 95.0), strict=True)
    assert times == (2.0, 3.0, 5.0, 8.0)
    assert common == pytest.approx([0.24, 0.05, 0.05, 1 / 96])


@pytest.mark.parametrize(
    ("gap", "bound", "seconds"),
    [(0.4, None, 2.0), (0.1, None, 5.0), (0.05, None, 8.0), (0.049, None, None),
     (0.05, 95.0, 3.0), (0.0104167, 95.0, 8.0), (0.01, 95.0, None)],
)  # fmt: skip
def test_time_to_a_gap_is_that_of_the_first_entry_within_it(gap, bound, seconds):
    assert seconds_to(TRACE, gap, bound) == seconds


def test_cost_and_gap_at_a_time_are_those_of_the_last_entry_before():
    assert [cost_at(TRACE, at) for at in (0.5, 1.0, 2.9, 3.0, 99.0)] == [None, None, 125, 100, 96]
    assert gap_at(TRACE, 1.5) is None and gap_at(TRACE, 4.0, 95.0) == pytest.approx(0.05)


def test_time_to_a_cost_counts_a_tie():
    assert seconds_to_cost(TRACE, 100.0) == 3.0
    assert seconds_to_cost(TRACE, 100.0 * (1 - 0.9e-6)) == 3.0
    assert seconds_to_cost(TRACE, 100.0 * (1 - 3e-6)) == 8.0
    assert seconds_to_cost(TRACE, 95.9) is None


def test_median_takes_what_was_not_reached_as_later_than_any():
    assert median([3.0, None, 1.0]) == 3.0
    assert median([3.0, None, None]) is None
    assert median([1.0, 3.0, None, None]) is None  # half way between 3 and never
    assert median([1.0, 2.0, 4.0, None]) == 3.0
    assert median([]) is None
    assert quantile([1.0, 2.0, 3.0, 4.0, None], 0.25) == 2.0
    assert quantile([1.0, 2.0, 3.0, 4.0, None], 0.75) == 4.0
    assert quantile([1.0, 2.0, None], 0.75) is None


def test_a_trace_ends_with_what_was_handed_out_and_nobody_had_a_better_plan():
    # A search's own point may cost less than the clean plan within its tolerances.
    course = ended([news(1.0, 120.0, 90.0), news(2.0, 99.9, 95.0), news(9.0, 1.0, 1.0)],
                   4.0, 100.0, 96.0)  # fmt: skip
    assert course == [news(1.0, 120.0, 90.0), news(2.0, 100.0, 95.0), news(4.0, 100.0, 96.0)]


def test_a_plan_that_was_not_handed_out_was_never_there():
    course = ended([news(1.0, 120.0, 90.0)], 4.0, None, 96.0)
    assert course == [news(1.0, None, 90.0), news(4.0, None, 96.0)]


def test_a_bound_that_a_plan_refutes_is_not_the_best_one():
    bounds = {"milp": 98.0, "liar": 101.0, "none": None}
    assert best_bound(bounds, [100.0, 103.0, None]) == (98.0, "milp")
    # Above the plan by rounding alone: the plan is optimal.
    assert best_bound({"milp": 100.0005}, [100.0]) == (100.0, "milp")
    assert best_bound({"milp": None}, [100.0]) == (None, None)
    assert best_bound({"milp": 98.0, "liar": 101.0}, [None]) == (101.0, "liar")


@pytest.mark.parametrize("told", [None, 5, "x", {}, [5], [{"objective": 1.0}], [news("1", 1, 1)]])
def test_a_stored_trace_that_is_none_is_empty(told):
    assert readable(told) == []


def test_entries_of_a_stored_trace_that_make_no_sense_are_left_out():
    told = [news(1.0, 9.0, None), news(2.0, float("nan"), 1.0), news(0.5, 8.0, 1.0),
            {"seconds": 3.0, "objective": 7.0}]  # fmt: skip
    assert readable(told) == [news(1.0, 9.0, None), news(3.0, 7.0, None)]
