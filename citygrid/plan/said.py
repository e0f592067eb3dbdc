"""What a plan says of itself, held against its case and against what its replay counted.

Its hours, labels and units; its ledger, its objective, the caps; what it is for and how good it can
be at most. Whoever reads numbers by position must know that they stand where he thinks, and whoever
reads a kilowatt that it is one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from citygrid.components.contract import Flows
from citygrid.components.log import Breach
from citygrid.district.case import Case
from citygrid.ledger import COLUMNS, Line, total
from citygrid.plan.content import Content
from citygrid.plan.plan import LEDGER, PRICE, WORTH, Plan

LEDGER_UNITS = {f"ledger.{name}": unit for name, unit in LEDGER if unit}
#: Variables of a plan that are texts.
NAMED = {f"ledger.{name}" for name, unit in LEDGER if not unit}


def missing(kind: str, rule: str) -> Breach:
    """A rule that is broken as far as can be, with nothing to measure."""
    return Breach(kind, rule, np.array([kind]), np.array([np.inf]), np.ones(1), "1")


# hours, labels, units -----------------------------------------------------------------------------


def shape(case: Case, plan: Plan) -> list[Breach]:
    """The plan must speak of the same hours and components as the case, in numbers."""
    broken = []
    content = plan.content
    time = content.labels.get("time", np.zeros(0, dtype="datetime64[s]"))
    if not np.array_equal(time.astype("datetime64[s]"), case.time.astype("datetime64[s]")):
        broken.append(missing("plan", "its hours are not those of the case"))
    for kind, units in case.units.items():
        for dim, labels in units.coords.items():
            stated = content.labels.get(dim)
            if stated is not None and list(stated.astype(str)) != list(labels.astype(str)):
                what = "components" if dim == kind else dim.replace("_", " ") + "s"
                broken.append(missing(kind, f"its {what} are not those of the case"))
    axes = _Axes(case, content)
    for name, (dims, values, told) in content.variables.items():
        head = name.split(".")[0]
        if head == "imposed":
            continue  # rules, which say for themselves whether they are whole
        if head in (WORTH, PRICE):
            continue  # what a limit was worth is no claim on which the plan rests
        if head not in {*case.units, "ledger", "policy"}:
            broken.append(missing(name, "is not a flow of any kind of the case"))
        elif head != "ledger" and not set(dims) <= set(content.labels):
            broken.append(missing(name, "has a dimension without labels"))
        elif told.get("units") != LEDGER_UNITS.get(name, told.get("units")):
            broken.append(missing(name, f"is not in {LEDGER_UNITS[name]}"))
        elif values.dtype.kind not in "fiub" and name not in NAMED:
            broken.append(missing(name, "holds what is no number"))
        elif values.dtype.kind == "f" and not np.isfinite(values).all():
            broken.append(missing(name, "holds values that are not finite"))
        elif head in case.units and (fault := axes.misplaced(head, dims)):
            broken.append(missing(name, fault))
    return broken


class _Axes:
    """What is wrong with the axes of flows, whose numbers are read by their position.

    A flow stands over what its kind has, or some of it, and then over the hours, or some of them.
    Flows share their axes, so each axis is asked once.
    """

    def __init__(self, case: Case, content: Content) -> None:
        self._case, self._content = case, content
        self._said: dict[tuple[str, str, int], str | None] = {}

    def misplaced(self, kind: str, dims: tuple[str, ...]) -> str | None:
        """The first fault of the axes of a kind's flow."""
        for place, dim in enumerate(dims):
            axis = kind, dim, place
            if axis not in self._said:
                self._said[axis] = self._fault(*axis)
            if (said := self._said[axis]) is not None:
                return said
        return None

    def _fault(self, kind: str, dim: str, place: int) -> str | None:
        labels = self._content.labels[dim]
        hours = labels.dtype.kind == "M"
        if hours != (place == 1) or place > 1:
            return "does not stand over its components first and its hours last"
        if dim == "time":
            return None  # of which the plan as a whole has been asked
        if len(set(labels.tolist())) < len(labels):
            return f"has a label of {dim} twice"
        if hours:
            steps = np.diff(labels.astype("datetime64[s]")).astype(int)
            if not np.isin(labels, self._case.time).all() or (steps < 0).any():
                return "has hours that are not those of the case, in their order"
            return None
        own = self._case.units[kind].coords.values()
        if not {str(label) for label in labels} <= {str(each) for axis in own for each in axis}:
            return f"has a label of {dim} that is none of its kind"
        return None


def came_from(case: Case) -> dict[str, Any]:
    """What a plan says of the files that its case was made from, and of its steps.

    It is written into every plan, and a plan that says otherwise is of another case.
    """
    source = case.provenance
    return {
        "model": Path(str(source.get("model", ""))).name,
        **({"model_hash": str(source["model_hash"])} if "model_hash" in source else {}),
        "file_hashes": json.dumps(source.get("files", {})),
        "step_h": case.step,
    }


def _sorted(text: str) -> str:
    """The same JSON with its names in order; what is none stays as it is."""
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except ValueError:
        return text


def units(kind: str, plan: Plan, flows: Flows) -> list[Breach]:
    """Each flow must be in the unit in which its replay read it, or in a multiple of it."""
    return [
        missing(kind, f"{kind}.{name} is in {stated}, not in {unit}")
        for name, unit in flows.asked.items()
        if name in flows and (stated := plan.unit(f"{kind}.{name}")) != unit
    ]


# what it is for -----------------------------------------------------------------------------------


def claims(case: Case, plan: Plan) -> list[Breach]:
    """What the plan says of itself: which case it is for, and how good it can be at most."""
    broken = []
    attributes = plan.attributes
    if attributes.get("case_hash") != case.hash:
        broken.append(missing("plan", "it was made for another case, or its case was changed"))
    told = {name: str(attributes[name]) for name in ("model", "model_hash", "file_hashes", "step_h")
            if name in attributes}  # fmt: skip
    broken += [
        missing("plan", f"its {name} is not that of the case")
        for name, value in came_from(case).items()
        if _sorted(told.get(name, str(value))) != _sorted(str(value))
    ]
    if plan.bound is not None:
        over = np.maximum(np.array([plan.bound - plan.objective]), 0.0)  # keeps NaN
        scale = np.array([max(abs(plan.objective), 1.0)])
        broken.append(Breach("plan", "the bound is not above the cost", np.array(["bound"]), over,
                             scale, "EUR"))  # fmt: skip
    return broken


# accounts -----------------------------------------------------------------------------------------


def accounts(
    case: Case, plan: Plan, found: Mapping[tuple[str, str], Line], cost: float
) -> list[Breach]:
    """Ledger, objective and caps must be what the replay recomputes: ``found`` and its ``cost``."""
    stated: dict[tuple[str, str], Line] = {}
    for component, item, *amounts in zip(
        *(plan.content.variables[f"ledger.{n}"].values for n in ("component", "item", *COLUMNS)),
        strict=True,
    ):
        # A line that stands twice is paid twice.
        key = (str(component), str(item))
        stated[key] = total([stated.get(key, Line()), Line(*amounts)])
    strange = np.array([f"{component}, {item}" for component, item in sorted({*stated} - {*found})])
    once = np.ones(len(strange))
    broken = [Breach("ledger", "no component has such a line", strange, once, once, "1")]
    turnover = sum(abs(line.money) for line in found.values())
    keys = sorted({*stated, *found})
    for column, unit in COLUMNS.items():
        claimed = np.array([getattr(stated.get(key, Line()), column) for key in keys])
        counted = np.array([getattr(found.get(key, Line()), column) for key in keys])
        labels = np.array([f"{component}, {item}" for component, item in keys])
        scale = np.maximum(np.maximum(np.abs(claimed), np.abs(counted)), 1.0)
        broken.append(Breach("ledger", "the ledger states what was spent", labels,
                             np.abs(claimed - counted), scale, unit))  # fmt: skip
    spent = total(found.values())
    for column, cap in case.caps.items():
        over = np.array([max(getattr(spent, column) - cap, 0.0)])
        broken.append(Breach("ledger", f"{column} within its cap", np.array(["district"]), over,
                             np.array([max(cap, 1.0)]), COLUMNS[column]))  # fmt: skip
    broken.append(Breach("plan", "the objective is the sum of the ledger", np.array(["objective"]),
                         np.array([abs(plan.objective - cost)]),
                         np.array([max(turnover, 1.0)]), "EUR"))  # fmt: skip
    return broken
