"""The second reader agrees with ``verify`` on honest plans and objects to mutated ones."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import citygrid as cg
from citygrid.components.contract import kinds
from citygrid.plan.plan import Plan
from tests.plan.mutations.honest import SHIPPED, of_kind, of_model
from tests.plan.mutations.laws import Site
from tests.plan.mutations.operators import OPERATORS

FOLDER = Path(__file__).resolve().parents[2] / "scripts" / "reread"
KINDS = sorted(kinds())

#: Operators whose mutants the second reader promises to find, whatever they change.
PROMISED = [
    "another_unit", "no_unit", "another_unit_in_the_ledger", "other_hours", "cut_short",
    "other_labels", "hours_first", "no_number", "another_objective", "a_bound_above_the_cost",
    "half_a_state",
]  # fmt: skip
#: Operators on numbers that only some laws know, which it has in part.
PARTLY = [
    "more_in_an_hour",
    "less_in_an_hour",
    "beyond_its_capacity",
    "silenced_for_an_hour",
    "two_hours_swapped",
    "level_from_nowhere",
    "a_job_elsewhere",
    "balanced_elsewhere",
]


@pytest.fixture(scope="module")
def reread() -> Callable[[Path], list[str]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        module = importlib.import_module("reader")
        yield lambda path: module.reread(str(path))
    for name in ("reader", "kinds"):
        sys.modules.pop(name, None)


def test_it_imports_nothing_but_numpy_and_netcdf4() -> None:
    """A second pair of eyes that looked through the first would see the same."""
    allowed = {"__future__", "collections", "json", "re", "sys", "typing", "netCDF4", "numpy",
               "kinds", "reader"}  # fmt: skip
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= allowed, path
            elif isinstance(node, ast.ImportFrom):
                assert str(node.module).split(".")[0] in allowed, path


def test_it_knows_every_kind() -> None:
    source = (FOLDER / "kinds.py").read_text(encoding="utf-8")
    assert not [kind for kind in KINDS if f'"{kind}"' not in source]


@pytest.mark.parametrize("kind", KINDS)
def test_a_verified_plan_is_right_for_the_second_reader(
    kind: str, tmp_path: Path, reread: Callable[[Path], list[str]]
) -> None:
    of_kind(kind).plan.save(tmp_path / "plan.nc")
    assert reread(tmp_path / "plan.nc") == []


@pytest.mark.parametrize(
    "model", ["tiny", *(pytest.param(m, marks=pytest.mark.slow) for m in SHIPPED if m != "tiny")]
)
def test_a_verified_plan_of_a_shipped_model_is_right_for_the_second_reader(
    model: str, tmp_path: Path, reread: Callable[[Path], list[str]]
) -> None:
    site = of_model(model)
    assert cg.verify(site.case, site.plan).ok
    site.plan.save(tmp_path / "plan.nc")
    assert reread(tmp_path / "plan.nc") == []


def objects(site: Site, plan: Plan, path: Path, reread: Callable[[Path], list[str]]) -> bool:
    """Whether the second reader finds anything; what it cannot read it does not call right."""
    Plan(site.case, plan.dataset).save(path)
    try:
        return bool(reread(path))
    except (KeyError, ValueError, IndexError, AttributeError, TypeError, OSError):
        return True


@pytest.mark.parametrize("operator", PROMISED)
def test_it_finds_what_it_promises(
    operator: str, tmp_path: Path, reread: Callable[[Path], list[str]]
) -> None:
    rng = np.random.default_rng(PROMISED.index(operator))
    seen = 0
    for kind in ("battery", "job_pool", "heat_pipe", "grid", "generator", "boiler"):
        mutant = OPERATORS[operator][1](of_kind(kind), rng)
        if mutant is not None:
            seen += 1
            found = objects(of_kind(kind), mutant.plan, tmp_path / f"{kind}.nc", reread)
            assert found, mutant.what
    assert seen >= 3


@pytest.mark.slow
def test_it_finds_most_mutants_that_verify_finds_and_no_others(
    tmp_path: Path, reread: Callable[[Path], list[str]]
) -> None:
    """Its laws are fewer: it may miss some, and may not object to what is right."""
    rng = np.random.default_rng(3)
    found = broken = 0
    for kind in KINDS[::4]:
        for operator in PARTLY:
            mutant = OPERATORS[operator][1](of_kind(kind), rng)
            if mutant is None:
                continue
            word = objects(of_kind(kind), mutant.plan, tmp_path / "plan.nc", reread)
            verdict = cg.verify(mutant.plan.case, mutant.plan)
            assert not (verdict.ok and word), mutant.what
            broken += not verdict.ok
            found += word
    assert broken >= 25 and found >= 0.85 * broken, f"{found} of {broken}"


def test_it_runs_from_the_command_line(tmp_path: Path) -> None:
    site = of_kind("pv")
    site.plan.save(tmp_path / "right.nc")
    lie = site.plan.dataset.copy()
    lie["pv.produced"] = lie["pv.produced"].copy(data=lie["pv.produced"].values + 1.0)
    Plan(site.case, lie).save(tmp_path / "lie.nc")
    (tmp_path / "noise.nc").write_bytes(b"no plan")

    def run(*names: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, str(FOLDER), *(str(tmp_path / n) for n in names)],
                              capture_output=True, text=True, check=False)  # fmt: skip

    right = run("right.nc")
    assert right.returncode == 0 and "keeps what is checked" in right.stdout
    wrong = run("right.nc", "lie.nc")
    assert wrong.returncode == 5 and "power is balanced" in wrong.stdout
    unread = run("noise.nc")
    assert unread.returncode == 2 and "is no plan that can be read" in unread.stderr
    assert run().returncode == 2
