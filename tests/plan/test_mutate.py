"""``scripts/mutate``: which mutants it makes of a function, and that they come alive."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

SAMPLE = '''
"""A module."""

def told(*texts):
    return texts

class Purse:
    """Holds coins."""

    def __init__(self, coins):
        self.coins = coins

    @property
    def rich(self):
        """A docstring is left alone."""
        return self.coins > 9

def pay(purse: Purse, price: float = 2.0, *, tip=0.5) -> float:
    """Annotations and defaults, too."""
    told("paid", price)
    due: float = price + tip
    due *= 3
    if not purse.rich and price == 2.0:
        return -due
    return due if purse.rich else f"{due} owed"
'''


@pytest.fixture
def sample(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script's module, and a source of it whose functions may be changed."""
    monkeypatch.syspath_prepend(repository / "scripts" / "mutate")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("mutants", "sample_of_mutate"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "sample_of_mutate.py").write_text(SAMPLE, encoding="utf-8")
    import mutants

    source = mutants.Source(tmp_path / "sample_of_mutate.py", "sample_of_mutate")
    yield mutants, source
    for name in ("mutants", "sample_of_mutate"):
        sys.modules.pop(name, None)


def test_every_operator_makes_its_mutants(sample: Any) -> None:
    mutants, source = sample
    made = {str(mutant).partition(" pay: ")[2] for mutant in mutants.mutants(source, "pay")}
    assert made == {
        "told('paid', price)  →  pass", "told('paid', price)  →  told(None, price)",
        "told('paid', price)  →  told(price)", "told('paid', price)  →  told('paid', None)",
        "told('paid', price)  →  told('paid')", "'paid'  →  'XXpaidXX'",
        "due: float = price + tip  →  due: float = None", "price + tip  →  price - tip",
        "due *= 3  →  due /= 3", "due *= 3  →  due = 3", "3  →  4",
        "not purse.rich and price == 2.0  →  not purse.rich or price == 2.0",
        "not purse.rich  →  purse.rich", "price == 2.0  →  price != 2.0", "2.0  →  3.0",
        "return -due  →  return None", "-due  →  +due",
        "return due if purse.rich else f'{due} owed'  →  return None",
        "due if purse.rich else f'{due} owed'  →  due",
        "due if purse.rich else f'{due} owed'  →  f'{due} owed'", "' owed'  →  'XX owedXX'",
    }  # fmt: skip


def test_a_mutant_is_what_the_program_then_calls(sample: Any) -> None:
    mutants, source = sample
    module = source.module
    poor = module.Purse(9)
    assert not poor.rich and module.pay(poor) == -7.5
    (border,) = (m for m in mutants.mutants(source, "Purse.rich") if ">=" in str(m))
    border.install()
    assert poor.rich and module.pay(poor) == 7.5
    assert list(source.functions()) == ["told", "Purse.__init__", "Purse.rich", "pay"]
