"""The page on what `verify` proves lists, for every kind, the laws that its replay really checks.

After a wanted change of a replay, rewrite the table and read its difference::

    CITYGRID_GOLDEN=write pytest tests/plan/test_verification_page.py
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from citygrid.components.contract import kinds
from citygrid.components.log import Log
from tests.plan.mutations.honest import of_kind

PAGE = Path(__file__).resolve().parents[2] / "docs" / "verification.md"
KINDS = sorted(kinds())
BEGIN, END = "<!-- laws: begin -->", "<!-- laws: end -->"


def laws(kind: str) -> str:
    """A row of the table: what a kind's replay checked, moved and paid in its own district."""
    site = of_kind(kind)
    units = site.case.units[kind]
    log = Log(kind, units.names)
    kinds()[kind].replay(units, site.plan.flows(units), log)
    rules = dict.fromkeys(
        breach.rule for breach in log.breaches if not breach.rule.endswith("flow is not negative")
    )
    moves = sorted({f"{move.carrier} {'+' if move.sign > 0 else '−'}" for move in log.movements})
    paid = list(log.spent)
    return f"| `{kind}` | {'; '.join(rules)} | {', '.join(moves)} | {', '.join(paid) or '–'} |"


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_lists_the_laws_of_the_kind(kind: str) -> None:
    text, row = PAGE.read_text(encoding="utf-8"), laws(kind)
    if os.environ.get("CITYGRID_GOLDEN") == "write":
        old = re.compile(rf"^\| `{kind}` \|.*\n", re.MULTILINE)
        text = old.sub("", text).replace(END, f"{row}\n{END}")
        PAGE.write_text(text, encoding="utf-8")
    assert row in text.splitlines(), f"docs/verification.md does not say of {kind}:\n{row}"


def test_the_page_lists_no_kind_that_is_gone() -> None:
    table = PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == KINDS
