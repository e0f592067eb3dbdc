"""What holds for every kind: it is tested, its plans replay, survive storage, and cannot lie."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

import citygrid as cg
from citygrid.components.contract import kinds
from citygrid.ledger import COLUMNS
from citygrid.model.form import Form
from citygrid.plan.plan import Plan
from tests.helpers import DISTRICTS, Solved, solved

HERE = Path(__file__).parent
KINDS = sorted(kinds())

every_kind = pytest.mark.parametrize("kind", KINDS)


# completeness -------------------------------------------------------------------------------------


@every_kind
def test_a_kind_has_a_district_a_golden_text_and_a_hand_solved_case(kind: str) -> None:
    needed = {
        DISTRICTS / f"{kind}.yaml": "a district of two to four steps that can be solved by hand",
        HERE / "golden" / f"{kind}.txt": "its mathematics; see conftest.py for how it is written",
        HERE / f"test_{kind}.py": "the hand-solved case: docstring, flows and cost",
    }
    lacking = [f"add {path.relative_to(HERE)}: {what}" for path, what in needed.items()
               if not path.exists()]  # fmt: skip
    assert not lacking, "\n".join(lacking)
    text = (HERE / f"test_{kind}.py").read_text(encoding="utf-8")
    assert f'solved("{kind}")' in text and "objective" in text, (
        f"test_{kind}.py must work out flows and objective of districts/{kind}.yaml"
    )


@every_kind
def test_a_kind_says_what_the_past_decides(kind: str) -> None:
    """Without this, a kind with a state would begin every window of a horizon anew."""
    says = kinds()[kind].spec.memoryless
    assert (kinds()[kind].carry is not None) != says, (
        f"{kind} needs `carry(units, flows, step)`, or `memoryless = True` in its spec, not both"
    )


@every_kind
def test_a_memoryless_kind_relates_no_two_steps(kind: str) -> None:
    """No row of its own holds columns of two steps; a flag alone would be easily said."""
    if not kinds()[kind].spec.memoryless:
        return
    form = solved(kind).form
    for name, block in form.rows.items():
        if name.split(".")[0] != kind:
            continue
        for row in block.index.ravel():
            columns = form.matrix[[int(row)]].indices
            assert len({label_time(form, int(column)) for column in columns}) <= 1, name


def label_time(form: Form, column: int) -> object:
    """The step of a column."""
    block = next(b for b in form.columns.values() if b.start <= column < b.start + b.size)
    at = np.unravel_index(column - block.start, block.shape)
    return block.coords["time"][at[block.dims.index("time")]] if "time" in block.dims else None


def test_nothing_is_left_behind_for_a_kind_that_is_gone() -> None:
    known = set(KINDS)
    assert {path.stem for path in DISTRICTS.glob("*.yaml")} == known
    assert {path.stem for path in (HERE / "golden").glob("*.txt")} == known


@every_kind
def test_every_kind_moves_something_in_its_district(kind: str) -> None:
    """Without this, the tests below would pass on a plan in which the kind stands still."""
    flows = own_flows(kind, solved(kind))
    assert any(np.abs(flow.values).max(initial=0.0) > 1.0 for flow in flows.values())


# golden texts -------------------------------------------------------------------------------------


@every_kind
def test_golden_text(kind: str, rewriting: bool) -> None:
    """Each row and bound can be read; a change of the mathematics shows in review."""
    path, text = HERE / "golden" / f"{kind}.txt", mathematics(kind, solved(kind).form.text())
    if rewriting:
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), (
        f"the mathematics of {kind} changed; if that is wanted, rewrite golden/{kind}.txt "
        "as conftest.py says, and read the difference"
    )


def mathematics(kind: str, text: str) -> str:
    """A form's text: what the kind costs, its rows and columns, the balances it takes part in."""
    lines = text.replace("2023-01-16T", "").splitlines()
    terms = re.split(r" (?=[+-]\d)", lines[1].strip().rpartition(" + ")[0])
    costs = [f"  {term}" for term in terms if f" {kind}." in term]
    kept = ["minimise", *costs] if costs else []
    block: list[str] = []
    for line in [*lines[2:], ""]:
        if line.startswith("  "):
            block.append(line)
            continue
        name = block[0].split(" ")[0] if block else ""
        if name.startswith(f"{kind}."):
            kept += block
        elif name.endswith(".balance"):
            rows = [row for row in block[1:] if f" {kind}." in row]
            kept += [block[0], *rows] if rows else []
        block = [line]
    return "\n".join(kept) + "\n"


# replay -------------------------------------------------------------------------------------------


@every_kind
def test_the_optimum_replays_without_violation(kind: str) -> None:
    verdict = solved(kind).verdict
    assert verdict.ok and verdict.largest <= 1e-6, "\n".join(map(str, verdict.violations))
    assert verdict.cost == pytest.approx(solved(kind).plan.objective, abs=1e-6)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The plan file of a kind's district, written once."""
    folder = tmp_path_factory.mktemp("plans")

    def path_of(kind: str) -> Path:
        path = folder / f"{kind}.nc"
        if not path.exists():
            solved(kind).plan.save(path)
        return path

    return path_of


@every_kind
def test_a_stored_plan_is_the_plan_and_its_case_the_case(
    kind: str, stored: Callable[[str], Path]
) -> None:
    """Without this, a plan file could be verified against another case than it was made for."""
    case, form, plan, verdict = solved(kind)
    again = Plan.load(stored(kind))
    assert again.dataset.identical(plan.dataset)
    assert again.case.hash == case.hash
    assert again.case.assets == case.assets
    checked = cg.verify(again.case, again)
    assert checked.ok and checked.kpis == verdict.kpis
    assert cg.formulate(again.case).hash == cg.formulate(case).hash == form.hash


# lies ---------------------------------------------------------------------------------------------


def own_flows(kind: str, result: Solved) -> dict[str, xr.DataArray]:
    return {str(name): flow for name, flow in result.plan.dataset.data_vars.items()
            if str(name).startswith(f"{kind}.")}  # fmt: skip


def with_flow(plan: Plan, name: str, values: np.ndarray) -> Plan:
    dataset = plan.dataset.copy(deep=True)
    dataset[name] = dataset[name].copy(data=values)
    return Plan(plan.case, dataset)


@every_kind
def test_one_percent_more_of_any_flow_is_found(kind: str) -> None:
    """Each nonzero number of the kind is tied to physics; a free one could be reported at will."""
    result = solved(kind)
    for name, flow in own_flows(kind, result).items():
        for place in np.argwhere(np.abs(flow.values) > 1e-6):
            values = flow.values.copy()
            values[tuple(place)] *= 1.01
            lie = with_flow(result.plan, name, values)
            assert not cg.verify(result.case, lie).ok, f"{name} at {place} may say anything"


@every_kind
def test_a_flow_beyond_its_bounds_is_told_by_its_kind(kind: str) -> None:
    """Not by the balance alone, which other flows could be made to close."""
    result = solved(kind)
    for name, flow in own_flows(kind, result).items():
        span = result.form.columns[name].span
        lower, upper = (bound[span].reshape(flow.shape)
                        for bound in (result.form.lower, result.form.upper))  # fmt: skip
        for place in map(tuple, np.argwhere(np.ones(flow.shape, dtype=bool))):
            for beyond in (lower[place] - 1.0, upper[place] + 1.0):
                values = flow.values.copy()
                values[place] = beyond
                if np.isfinite(beyond):
                    verdict = cg.verify(result.case, with_flow(result.plan, name, values))
                    tellers = {violation.where.split(" ")[0] for violation in verdict.violations}
                    assert kind in tellers, f"{name} = {beyond:g} at {place} is in order"


@every_kind
def test_one_percent_more_of_a_flow_is_found_in_a_stored_plan(
    kind: str, tmp_path: Path, stored: Callable[[str], Path]
) -> None:
    """The file is changed behind the program's back."""
    flows = own_flows(kind, solved(kind))
    name = max(flows, key=lambda name: float(np.abs(flows[name].values).max(initial=0.0)))
    path = shutil.copy(stored(kind), tmp_path / "lie.nc")
    with netCDF4.Dataset(path, "r+") as file:
        file[name][:] = file[name][:] * 1.01
    lie = Plan.load(path)
    verdict = cg.verify(lie.case, lie)
    assert not verdict.ok and verdict.violations, f"{name} × 1.01 is not found"
    assert verdict.largest > 1e-3


@every_kind
def test_a_flow_that_is_left_out_is_found(kind: str) -> None:
    result = solved(kind)
    for name, flow in own_flows(kind, result).items():
        if np.abs(flow.values).max(initial=0.0) > 1e-6:
            lie = Plan(result.case, result.plan.dataset.drop_vars(name))
            assert not cg.verify(result.case, lie).ok, f"a plan without {name} passes"


@every_kind
def test_a_value_that_is_no_number_is_found(kind: str) -> None:
    result = solved(kind)
    for name, flow in own_flows(kind, result).items():
        for value in (np.nan, np.inf):
            values = np.full(flow.shape, value)
            if values.size:
                assert not cg.verify(result.case, with_flow(result.plan, name, values)).ok


@every_kind
def test_a_cent_or_kilogram_more_in_the_ledger_is_found(kind: str) -> None:
    """Without this, a plan could claim to be cheaper than its flows are."""
    result = solved(kind)
    items = result.plan.dataset["ledger.item"].values
    for line in np.flatnonzero([str(item).startswith(f"{kind}.") for item in items]):
        for column in (f"ledger.{name}" for name in COLUMNS):
            values = result.plan.dataset[column].values.copy()
            values[line] += 0.01
            assert not cg.verify(result.case, with_flow(result.plan, column, values)).ok
