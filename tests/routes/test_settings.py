"""Whole numbers that users set: what is none is told and never a traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from citygrid.errors import InputError
from citygrid.routes import answer, qubo
from citygrid.routes.contract import Options
from citygrid.routes.exchange import bits
from citygrid.routes.exchange.coo import read_coo
from citygrid.routes.hybrid import search
from citygrid.routes.settings import whole_number

#: No numbers: Python itself fails at thousands of digits, and at some digits of other alphabets.
NONE = ["", "0", "-1", "1.5", "1e3", "²", "٣", "9" * 5000, "13"]


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_whole_number_up_to_twelve_is_none(text: str) -> None:
    assert whole_number(text, 12) is None


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("12", 12), ("0" * 5000 + "7", 7), (3, 3)])
def test_whole_numbers_are_read(text: object, number: int) -> None:
    assert whole_number(text, 12) == number
    assert whole_number("0", 12, least=0) == 0


CHECKS: dict[str, Callable[[str], object]] = {
    "hybrid": lambda text: search.check(Options(extras={"reads": text})),
    "qubo": lambda text: qubo.check(Options(extras={"bits": text})),
    "window": lambda text: qubo.check(Options(extras={"window": text})),
    "answer": lambda text: answer.check(Options(extras={"plans": text}), "none.json"),
    "bits": lambda text: bits.check({"bits": text}),
}


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
@pytest.mark.parametrize("text", [text for text in NONE if text != "13"])
def test_every_route_tells_what_is_no_whole_number(
    check: Callable[[str], object], text: str
) -> None:
    with pytest.raises(InputError) as caught:
        check(text)
    fault = caught.value.faults[0]
    assert fault.place.startswith("--set ") and fault.value == text and fault.repair


def test_a_variable_beyond_all_numbers_is_told(tmp_path: Path) -> None:
    path = tmp_path / "bits.coo"
    path.write_text(f"0 {'9' * 30} -2.5\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"bits\.coo:1: expected `row column value`"):
        read_coo(path)


@pytest.mark.parametrize("size", ["²", "9" * 5000, "1"])
def test_a_size_that_is_none_is_told(tmp_path: Path, size: str) -> None:
    path = tmp_path / "bits.coo"
    path.write_text(f"# vartype=BINARY\n# variables={size}\n0 1 -2.5\n", encoding="utf-8")
    with pytest.raises(InputError, match="another size"):
        read_coo(path)
