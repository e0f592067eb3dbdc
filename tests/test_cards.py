"""How things introduce themselves at a prompt and in a notebook; nothing in it is live."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

import citygrid as cg
from citygrid import cards
from citygrid.plan.plan import Plan
from citygrid.plan.verify import Violation
from citygrid.units import parse
from tests.helpers import DISTRICTS, solved, variant

HOSTILE = ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "a\nb\x1b[31mred",
           "x" * 300, "\u202egnp.exe", "😀 & <b>", "'; DROP TABLE plans; --"]  # fmt: skip


def things(path: Path) -> list[object]:
    """All that a path of the sentence shows, with a plan's verdict."""
    district = cg.load(path)
    case = cg.prepare(district)
    form = cg.formulate(case)
    plan = cg.solve(form)
    return [district, case, form, plan, cg.verify(case, plan)]


def parsed(thing: object) -> ET.Element:
    """The table of a notebook, which must be well-formed."""
    return ET.fromstring(thing._repr_html_())  # type: ignore[attr-defined]


def rows(thing: object) -> dict[str, str]:
    """Heading → cell of the table."""
    return {"".join(row[0].itertext()): "".join(row[1].itertext())
            for row in parsed(thing).iter("tr")}  # fmt: skip


def test_everything_says_what_it_is_in_one_line() -> None:
    shown = [repr(thing) for thing in things(DISTRICTS / "battery.yaml")]
    case, form, plan, verdict = solved("battery")
    size = form.size
    assert shown[0].startswith("<District ") and "battery.yaml, 3 components of 3 kinds" in shown[0]
    hours = f"{len(case.time)} steps of 1 h from 2023-01-16T"
    assert shown[1].startswith(f'<Case "{case.name}": 3 components') and hours in shown[1]
    assert shown[2].startswith("<Form ") and f"{size['rows']} rows" in shown[2]
    assert f"milp, seed 0, {plan.objective:,.2f} EUR, gap" in shown[3] and hours in shown[3]
    assert shown[4].startswith('<Verdict "verified"') and f"{verdict.cost:,.2f} EUR" in shown[4]
    assert all("\n" not in text for text in shown)


def test_notebooks_show_size_cost_gap_and_verdict() -> None:
    case, form, plan, verdict = solved("battery")
    assert rows(plan)["cost"] == f"{plan.objective:,.2f} EUR"
    assert rows(plan)["gap"] == f"{plan.gap:.3%}" and rows(plan)["horizon"] == rows(case)["horizon"]
    assert rows(form)["rows"] == f"{form.size['rows']:,}"
    assert "verified" in "".join(parsed(verdict).itertext())
    assert rows(verdict)["cost"] == f"{verdict.cost:,.2f} EUR"
    assert "battery" in rows(case)["kinds"]


def test_a_plan_without_a_bound_says_that_nothing_is_proven() -> None:
    plan = solved("battery").plan
    dataset = plan.dataset.copy()
    dataset.attrs = {key: value for key, value in dataset.attrs.items() if key != "bound"}
    unproven = Plan(plan.case, dataset)
    assert "no bound" in repr(unproven) and rows(unproven)["gap"] == "nothing is proven"
    assert "bound" not in rows(unproven)


def test_a_broken_plan_is_called_broken_with_its_worst_rule() -> None:
    verdict = solved("battery").verdict
    worst = Violation("heat is balanced", "heat <b>", "2023-01-16T00:00Z", 12.0, "kW", 0.5)
    broken = replace(verdict, ok=False, largest=0.5, violations=(worst,) * 7)
    assert repr(broken).startswith('<Verdict "BROKEN"') and "7 broken rules, worst" in repr(broken)
    told = rows(broken)
    assert "off by 12 kW" in told["broken rule 1"] and told["further broken rules"] == "2"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_inert_and_short(name: str) -> None:
    case, form, plan, _ = solved("battery")
    named = replace(case, name=name, crs=name, timezone=name)
    for thing in (named, replace(form, source=named), Plan(named, plan.dataset)):
        told = parsed(thing)
        assert {element.tag for element in told.iter()} <= {
            "table", "caption", "strong", "tbody", "tr", "th", "td"
        }  # fmt: skip
        assert all(set(element.attrib) <= {"style"} for element in told.iter())
        assert cards.short(name) in "".join(told.itertext())
        shown = repr(thing)
        assert shown.isprintable() and len(shown) < 400


def test_a_district_with_a_hostile_name_stays_inert(tmp_path: Path) -> None:
    text = (DISTRICTS / "battery.yaml").read_text(encoding="utf-8")
    first = next(line for line in text.splitlines() if line.startswith("name:"))
    path = variant("battery", tmp_path, (first, 'name: "<script>alert(1)</script>"'))
    district = cg.load(path)
    assert "<script" not in district._repr_html_() and "<script>" in repr(district)


@pytest.mark.parametrize(("hours", "said"), [
    (1.0, "1 h"), (0.5, "0.5 h"), (8760.0, "8760 h"), (1 / 12, "5 min"), (7 / 12, "35 min"),
    (13 / 12, "65 min"), (1 / 240, "0.25 min"), (1 / 360, "10 s"), (0.0, "0 h"),
])  # fmt: skip
def test_a_length_is_said_as_it_can_be_typed(hours: float, said: str) -> None:
    assert cards.lasting(hours) == said
    assert parse(said, "h") == pytest.approx(hours, rel=1e-9)
