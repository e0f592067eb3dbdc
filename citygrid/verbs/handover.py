"""From a route's answer on a form to a plan that knows neither form nor route."""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

import citygrid
from citygrid.ledger import COLUMNS, Line
from citygrid.plan.plan import assemble
from citygrid.plan.policies import Rules
from citygrid.plan.said import came_from
from citygrid.verbs.sensitivity import Sensitivity, sensitivity

if TYPE_CHECKING:
    from citygrid.arrays import Floats
    from citygrid.district.case import Case
    from citygrid.model.form import Account, Form
    from citygrid.plan.plan import Plan
    from citygrid.routes.contract import Options, Outcome


def plan_of(
    case: Case, form: Form, route: str, options: Options, outcome: Outcome, sense: bool = True
) -> Plan:
    """The plan of a case from a route's answer: flows by name, ledger, provenance, policies.

    Without ``sense`` nobody asks what limits and balances were worth, and no time is spent on it;
    of relaxed flows nobody can say.
    """
    x = outcome.x
    assert x is not None
    # Labels and orders of a carrier's guards belong to nobody: they serve the form, not the plan.
    guards = {name.removesuffix(".balance") for name in form.rows if name.endswith(".balance")}
    guards -= set(case.units)
    blocks = {
        name: (block.dims, block.coords, block.unit, block.about)
        for name, block in form.columns.items() if name.split(".")[0] not in guards
    }  # fmt: skip
    # After the route's own clock, so that no limit of time is spent on it.
    wished = sense and outcome.status != "relaxed"
    sensed = sensitivity(case, form, x, options) if wished else Sensitivity("not asked for")
    ledger = {
        name: (list(account.labels), _lines(account, x)) for name, account in form.accounts.items()
    }
    attributes = {
        "route": route,
        "seed": options.seed,
        "time_limit": options.time_limit,
        "status": outcome.status,
        "objective": form.objective(x),
        "bound": outcome.bound,
        "form_hash": form.hash,
        "form_size": json.dumps(form.size),
        **came_from(case),
        "citygrid_version": citygrid.__version__,
        "python_version": platform.python_version(),
        "telemetry": json.dumps(outcome.telemetry, default=str),
        "sensitivity": sensed.about,
    }
    rules = _rules(form)
    if rules is not None:
        attributes |= {
            "policies": json.dumps([
                {"file": p.file, "function": p.function, "sha256": p.digest,
                 "rows": [*p.rows, *p.columns]} for p in form.policies
            ]),
            "imposed_flows": json.dumps(rules.flows), "imposed_hash": rules.digest,
        }  # fmt: skip
    return assemble(
        case, blocks | sensed.blocks, form.unpack(x) | sensed.values, ledger, attributes,
        None if rules is None else rules.stored(),
    )  # fmt: skip


def _rules(form: Form) -> Rules | None:
    """The rows that policies imposed, and the bounds of their own variables, for a plan to keep."""
    if not form.policies:
        return None
    rows = [form.rows[name] for policy in form.policies for name in policy.rows]
    own = [form.columns[name] for policy in form.policies for name in policy.columns]
    at = np.concatenate([block.index.ravel() for block in rows])
    to = np.concatenate([np.zeros(0, dtype=np.int64), *(block.index.ravel() for block in own)])
    held = sp.csr_array((np.ones(len(to)), (np.arange(len(to)), to)),
                        shape=(len(to), len(form.cost)))  # fmt: skip
    entries = sp.coo_array(sp.vstack([form.matrix[at], held]))
    used = [b for b in form.columns.values() if np.isin(entries.col, b.index.ravel()).any()]
    flow = np.zeros(len(entries.col), dtype=np.int64)
    place = np.zeros(len(entries.col), dtype=np.int64)
    for number, block in enumerate(used):
        inside = (entries.col >= block.start) & (entries.col < block.start + block.size)
        flow[inside], place[inside] = number, entries.col[inside] - block.start
    blocks = [block for block in (*rows, *own) for _ in range(block.size)]
    labels = [form.row_label(int(row)) for row in at] + [form.column_label(int(c)) for c in to]
    return Rules(tuple(block.name for block in used), {
        "label": np.array([label.removeprefix("policy.") for label in labels], dtype=object),
        "block": np.array([block.name for block in blocks], dtype=object),
        "unit": np.array([block.unit for block in blocks], dtype=object),
        "lower": np.append(form.row_lower[at], form.lower[to]),
        "upper": np.append(form.row_upper[at], form.upper[to]),
        "whole": np.append(np.zeros(len(at), np.int8), form.integer[to].astype(np.int8)),
        "row": entries.row.astype(np.int64), "flow": flow, "place": place, "weight": entries.data,
    })  # fmt: skip


def _lines(account: Account, x: Floats) -> list[Line]:
    """An item's line per component, in every column of the ledger."""
    columns = {column: account.of(column) for column in COLUMNS}
    amounts = {name: lines.at(x) for name, lines in columns.items() if lines is not None}
    return [
        Line(**{name: float(values[i]) for name, values in amounts.items()})
        for i in range(len(account.labels))
    ]
