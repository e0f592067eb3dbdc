"""Paths into a district as people write them, and what a path that leads nowhere is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import citygrid as cg
from citygrid.district.changed import changed
from citygrid.district.paths import change, read_path, value_at, write_path
from citygrid.errors import InputError

TREE: dict[str, Any] = {
    "carbon_price": "0 EUR/kg", "weather": None,
    "components": {"boiler 1": {"heat": "1 kW"}, "boiler 1.2": {"heat": "2 kW"},
                   "jobs": {"jobs": [{"power": "1 kW"}]}},
}  # fmt: skip


@pytest.mark.parametrize(("text", "path"), [
    ("carbon_price", ("carbon_price",)),
    ("components.boiler 1.heat", ("components", "boiler 1", "heat")),
    ("components.boiler 1.2.heat", ("components", "boiler 1.2", "heat")),
    ('components."boiler 1.2".heat', ("components", "boiler 1.2", "heat")),
    ("components.jobs.jobs.0.power", ("components", "jobs", "jobs", 0, "power")),
    ('components."second 2.0"', ("components", "second 2.0")),
])  # fmt: skip
def test_a_path_leads_where_it_says(text: str, path: tuple[str | int, ...]) -> None:
    assert read_path(text, TREE) == path
    assert read_path(write_path(path), TREE) == path


names = st.text("ab. ", min_size=1, max_size=4)


@given(st.lists(names, min_size=1, max_size=3), names)
def test_a_path_that_was_written_is_read_again(keys: list[str], last: str) -> None:
    """Of whatever names, as long as there is no second way to read them."""
    tree: dict[str, Any] = {}
    for key in reversed(keys):
        tree = {key: tree}
    path = (*keys, last)
    assert read_path(write_path(path), tree) == path


@pytest.mark.parametrize(("text", "said"), [
    ("", "is no path"), (".", "is no path"), ("components.", "is no path"),
    ("components..heat", "is no path"), ('components."boiler', "is no path"),
    ('components."boiler 1"heat', "is no path"),
    ("components.boilr 1.heat", 'did you mean "boiler 1"'),
    ("components.jobs.jobs.²", "list of 1 item, and ² is none"),
    ("components.jobs.jobs.1.power", "list of 1 item, and 1 is none"),
    ("carbon_price.more", "carbon_price is a single value; vary carbon_price as a whole"),
    ("weather.file", "weather is a single value; write the section"),
])  # fmt: skip
def test_a_path_that_leads_nowhere_is_one_message(text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        read_path(text, TREE)
    (fault,) = refused.value.faults
    assert said in str(fault)
    with pytest.raises(InputError) as placed:
        read_path(text, TREE, "study.yaml:7")
    assert str(placed.value.faults[0]).startswith("study.yaml:7")


def test_what_shall_be_removed_must_be_there() -> None:
    assert read_path("components.jobs", TREE, removes=True) == ("components", "jobs")
    with pytest.raises(InputError, match="nothing there to remove"):
        read_path("components.job", TREE, removes=True)
    assert value_at(TREE, read_path("components.job", TREE)) is None
    made = change(TREE, ("components", "jobs", "jobs", 0), None)
    assert made["components"]["jobs"]["jobs"] == []
    assert TREE["components"]["jobs"]["jobs"] == [{"power": "1 kW"}]


def test_what_a_change_leaves_alone_keeps_its_spec() -> None:
    district = cg.load(Path(__file__).parents[2] / "models" / "tiny.yaml")
    other = changed(district, {"components.heat pump.heat": "50 kW"})
    assert other.components["heat pump"] is not district.components["heat pump"]
    rest = set(district.components) - {"heat pump"}
    assert rest and all(other.components[name] is district.components[name] for name in rest)
