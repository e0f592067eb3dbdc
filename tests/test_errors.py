"""What is said of a name that nobody knows: names like it, then what there is."""

from __future__ import annotations

import pytest

from citygrid.errors import LISTED, Fault, choice, near, unknown


def test_near_names_come_first_and_then_all() -> None:
    assert choice("gird", ["battery", "grid"]) == 'did you mean "grid"? use one of battery, grid'
    assert choice("xyzzy", ["battery", "grid"]) == "use one of battery, grid"
    assert near("pump", ["pump a", "pump b", "boiler"]) == 'did you mean "pump b" or "pump a"?'
    assert near("xyzzy", ["grid"]) == ""


def test_where_nothing_is_known_nothing_is_advised() -> None:
    assert choice("grid", []) == ""
    assert str(Fault("kind", "is unknown", "grid", choice("grid", []))).endswith('(got "grid")')


@pytest.mark.parametrize(("count", "cut"), [(LISTED, False), (LISTED + 1, True)])
def test_long_lists_are_cut_and_say_so(count: int, cut: bool) -> None:
    told = choice("x", [f"consumer {i}" for i in range(count)])
    assert told.count("consumer") == LISTED and told.endswith(", …") == cut


def test_an_unknown_name_is_one_fault_with_place_value_and_repair() -> None:
    assert str(unknown("kind", "gird", ["grid"], "this dataset")) == (
        'kind: is not in this dataset (got "gird"); did you mean "grid"? use one of grid'
    )
    assert unknown("store", 7, ["grid"]).value == 7
