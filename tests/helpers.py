"""The districts of the component tests, solved once each, and changed copies of them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import citygrid as cg
from citygrid.district.case import Case
from citygrid.errors import CitygridError, Fault
from citygrid.ledger import Line
from citygrid.model.form import Form
from citygrid.plan.plan import Plan, assemble
from citygrid.plan.verify import Verdict
from citygrid.routes import Options

DISTRICTS = Path(__file__).parent / "components" / "districts"

#: Tests compare with numbers worked out by hand, so no gap is left open.
EXACT = Options(gap=0.0)


class Solved(NamedTuple):
    """A district along the whole line: numbers, programme, plan, verdict."""

    case: Case
    form: Form
    plan: Plan
    verdict: Verdict

    def flow(self, name: str, component: str | None = None) -> NDArray[np.float64]:
        """A flow of the plan by name, ``"battery.level"``, of one component or of all."""
        array = self.plan.dataset[name]
        return np.asarray(
            array.values if component is None else array.sel({array.dims[0]: component})
        )

    def paid(self, component: str, item: str) -> float:
        """What a component pays for an item [EUR], as the replay recomputes it."""
        return self.verdict.ledger[component, item][0]


def solve(path: Path, options: Options = EXACT, route: str = "milp") -> Solved:
    """A district file through the public verbs, to the optimum unless a gap is allowed."""
    case = cg.prepare(cg.load(path))
    form = cg.formulate(case)
    plan = cg.solve(form, route, options)
    return Solved(case, form, plan, cg.verify(case, plan))


@cache
def solved(kind: str) -> Solved:
    """The district of a kind, ``districts/<kind>.yaml``; its plan must not be changed."""
    return solve(DISTRICTS / f"{kind}.yaml")


def variant(kind: str, folder: Path, *changes: tuple[str, str]) -> Path:
    """The district of a kind with texts replaced, beside copies of its tables."""
    text = (DISTRICTS / f"{kind}.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {kind}.yaml"
        text = text.replace(old, new)
    for table in DISTRICTS.glob("*.csv"):
        shutil.copy(table, folder)
    path = folder / f"{kind}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def faults_of(path: Path) -> tuple[Fault, ...]:
    """All that is refused when a district file is loaded and prepared."""
    try:
        cg.prepare(cg.load(path))
    except CitygridError as error:
        return error.faults
    raise AssertionError(f"{path.name} was accepted")


def the_fault(path: Path) -> Fault:
    """The one thing that is wrong with a district file."""
    (fault,) = faults_of(path)
    return fault


def refusal(kind: str, folder: Path, *changes: tuple[str, str]) -> Fault:
    """The one thing that is wrong with a changed copy of the district of a kind."""
    return the_fault(variant(kind, folder, *changes))


def told(result: Solved, changes: Mapping[tuple[str, str, int], float]) -> set[str]:
    """The rules that a plan breaks after flows were changed: (flow, component, step) → value."""
    dataset = result.plan.dataset.copy(deep=True)
    for (name, component, step), value in changes.items():
        array = dataset[name]
        row = array.dims[0]
        array[{row: list(array[row].values).index(component), "time": step}] = value
    verdict = cg.verify(result.case, Plan(result.case, dataset))
    return {violation.rule for violation in verdict.violations}


def part_of(plan: Plan, case: Case, first: int) -> Plan:
    """What ``plan`` does in the steps of ``case``, a cut of its own case that begins at ``first``.

    Flows by label, the highest imports of the part by hand, the ledger as the replay counts it.
    """
    form, length = cg.formulate(case), len(case.time)
    values, blocks = {}, {}
    for name, block in form.columns.items():
        if name.split(".")[0] not in case.units:
            continue  # labels and orders of a carrier's guards
        labels = [block.coords[dim] for dim in block.dims]
        array = plan.dataset[name]
        values[name] = array.sel(dict(zip(array.dims, labels, strict=True))).values
        if name in ("grid.peak", "grid.month_peak"):
            bought = plan.dataset["grid.import"].sel({"grid": labels[0]}).values
            begin = np.searchsorted(case.time, labels[1]) if len(labels) > 1 else np.zeros(1, int)
            most = np.maximum.reduceat(bought[:, first : first + length], begin, axis=1)
            values[name] = np.maximum(most.reshape(block.shape), form.lower[block.span].reshape(
                block.shape))  # fmt: skip
        blocks[name] = (block.dims, block.coords, block.unit, block.about)
    bare = assemble(case, blocks, values, {}, {"route": "part", "objective": 0.0})
    verdict = cg.verify(case, bare)
    ledger: dict[str, tuple[list[str], list[Line]]] = {}
    for (component, item), line in verdict.ledger.items():
        ledger.setdefault(item, ([], []))[0].append(component)
        ledger[item][1].append(line)
    return assemble(case, blocks, values, ledger, {"route": "part", "objective": verdict.cost})
