"""What a run leaves behind: every route's plan in a place of its own."""

from __future__ import annotations

from pathlib import Path

from citygrid.export.report.wording import power_of_ten
from citygrid.export.runs import _places

FOLDER = Path("out")


def test_a_single_route_has_the_folder_and_several_have_one_each() -> None:
    assert _places(FOLDER, ["milp"]) == _places(FOLDER, ["milp", "milp"]) == {"milp": FOLDER}
    assert _places(FOLDER, ["milp", "hybrid:raw"]) == {
        "milp": FOLDER / "milp", "hybrid:raw": FOLDER / "hybrid-raw",
    }  # fmt: skip


def test_routes_whose_names_become_one_do_not_write_over_each_other() -> None:
    """Also where a file system takes capitals for small letters."""
    routes = ["answer:a/b.json", "answer:a-b.json", "answer:A.b.json", "milp"]
    names = [place.name for place in _places(FOLDER, routes).values()]
    assert names == ["answer-a-b-json", "answer-a-b-json-2", "answer-A-b-json-3", "milp"]


def test_a_violation_is_said_in_few_digits() -> None:
    assert [power_of_ten(value) for value in (0.0, 3e-9, 0.0125, 123.4, 1234.0)] == [
        "0", "3.0 × 10⁻⁹", "0.0125", "123", "1.2 × 10³",
    ]  # fmt: skip
