"""The digest of a plan: the same for the same dispatch of the same case, whenever it was made.

A plan file cannot be compared by its bytes: it states when backends were asked, how long they took,
and by which version. What a plan *is* are its flows, its ledger and its cost, for one case, by one
route and seed.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from citygrid.plan.content import Content
    from citygrid.plan.plan import Plan

#: Heads of variables that are no flows: what limits were worth and prices are worked out beside a
#: plan and may be one of several right answers; imposed rules are an input.
BESIDE = ("worth.", "price.", "imposed.")


def digest(plan: Plan) -> str:
    """SHA-256 over the case's hash, route, seed, objective, every flow and the ledger.

    Numbers enter with all their bits (−0 as 0), each array with its name, unit and labels, in the
    order of their names. Times, telemetry, bounds, versions, prices and the names of files do not
    enter; of a route ``answer:FILE`` only its kind does.
    """
    content = plan.content
    route = "answer" if plan.route.startswith("answer:") else plan.route
    seed = content.attributes.get("seed")
    frame = [plan.case.hash, route, None if seed is None else int(seed), plan.objective.hex()]
    found = hashlib.sha256(json.dumps(frame).encode())
    for name in sorted(content.variables):
        if not name.startswith(BESIDE):
            _feed(found, name, content)
    return found.hexdigest()


def _feed(found: Any, name: str, content: Content) -> None:
    """One array with all that says what its numbers mean."""
    dims, values, said = content.variables[name]
    labels = {dim: _plain(content.labels[dim]) for dim in dims if dim in content.labels}
    frame = [name, str(said.get("units", "")), list(dims), list(values.shape), labels]
    found.update(json.dumps(frame, sort_keys=True).encode())
    if values.dtype.kind in "fiub":
        found.update(np.ascontiguousarray(values.astype("<f8") + 0.0).tobytes())
    else:
        found.update(json.dumps(_plain(values)).encode())


def _plain(values: Any) -> list[Any]:
    """Labels as JSON holds them; stamps as seconds since 1970."""
    if values.dtype.kind == "M":
        values = values.astype("datetime64[s]").astype(np.int64)
    if values.dtype.kind in "iu":
        return [int(value) for value in values.ravel()]
    return [str(value) for value in values.ravel()]
