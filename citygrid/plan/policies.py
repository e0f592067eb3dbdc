"""The rules that policies imposed on a plan, stored with it as numbers and checked from these.

A policy is Python, so it cannot travel with a plan and cannot be replayed as physics: what travels
are the rows that it became, ``lower ≤ Σ weight · flow ≤ upper`` over named flows, and what is
checked is that the stored flows keep them. Whether the rows say what the policy's author meant is
between him and his file, whose name, function and SHA-256 stand beside them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citygrid.components.log import Breach
from citygrid.plan.plan import Plan

#: Flows of a plan that a policy declared itself.
PREFIX = "policy."
_ROW = ("label", "block", "unit", "lower", "upper", "whole")
_ENTRY = ("row", "flow", "place", "weight")


@dataclass(frozen=True)
class Rules:
    """Rows (k) ``lower ≤ Σ weight · flow ≤ upper`` with entries (e), as plain arrays.

    ``label``, ``block``, ``unit`` (k) texts, ``whole`` (k) whether the sum must be a whole number;
    ``row`` (e), ``flow`` (e) a position in ``flows``, ``place`` (e) in that flow's flattened array,
    ``weight`` (e).
    """

    flows: tuple[str, ...]
    arrays: Mapping[str, NDArray[Any]]

    def stored(self) -> dict[str, tuple[str, NDArray[Any]]]:
        """Variables of a plan's dataset, each with its dimension."""
        return {
            f"imposed.{name}": (f"imposed_{kind}", self.arrays[name])
            for kind, names in (("row", _ROW), ("entry", _ENTRY)) for name in names
        }  # fmt: skip

    @classmethod
    def of(cls, plan: Plan) -> Rules | None:
        """The rules of a plan; ``None`` where no policy imposed any.

        Raises ``KeyError`` or ``ValueError`` where they are not whole.
        """
        held = plan.content
        if "policies" not in held.attributes and not any(map(_is_rule, held.variables)):
            return None
        flows = json.loads(str(held.attributes["imposed_flows"]))
        arrays = {name: held.variables[f"imposed.{name}"].values for name in (*_ROW, *_ENTRY)}
        return cls(tuple(map(str, flows)), arrays)

    @property
    def digest(self) -> str:
        """SHA-256 of the rules, which a plan states so that they cannot change by accident."""
        digest = hashlib.sha256(json.dumps(self.flows).encode())
        for name in (*_ROW, *_ENTRY):
            array = self.arrays[name]
            text = array.dtype.kind in "OUST"
            digest.update(json.dumps([str(v) for v in array]).encode() if text
                          else np.asarray(array, dtype=float).tobytes())  # fmt: skip
        return digest.hexdigest()


def policies(plan: Plan) -> list[dict[str, Any]]:
    """Which policies imposed rows on a plan: file, function, SHA-256 and names of rows."""
    stored: list[dict[str, Any]] = json.loads(str(plan.attributes.get("policies", "[]")))
    return stored


def imposed(plan: Plan) -> list[Breach]:
    """What the flows break of the rules that policies imposed, and whether these are whole."""
    try:
        rules = Rules.of(plan)
        if rules is None:
            return _stray(plan, set())
        listed = {name for policy in policies(plan) for name in policy["rows"]}
        found = set(map(str, rules.arrays["block"]))
        if listed != found:
            return [_broken(f"names rows that are not stored, or stores others: "
                            f"{', '.join(sorted(listed ^ found))}")]  # fmt: skip
        if rules.digest != plan.attributes.get("imposed_hash"):
            return [_broken("the rules that policies imposed were changed")]
        return [*_kept(plan, rules), *_stray(plan, set(rules.flows))]
    except (KeyError, IndexError, ValueError, TypeError) as error:
        return [_broken(f"the rules that policies imposed are not whole: {error}")]


def _kept(plan: Plan, rules: Rules) -> list[Breach]:
    array = rules.arrays
    row, flow, place = (array[name].astype(np.int64) for name in ("row", "flow", "place"))
    values = np.zeros(len(row))
    for number, name in enumerate(rules.flows):
        at = flow == number
        values[at] = plan.flow(name).ravel()[place[at]]
    count = len(array["label"])
    part = array["weight"].astype(float) * values
    activity = np.bincount(row, part, count)
    lower, upper = (array[name].astype(float) for name in ("lower", "upper"))
    size = np.maximum(np.maximum(lower - activity, activity - upper), 0.0)
    whole = array["whole"].astype(bool)
    size[whole] = np.maximum(size, np.abs(activity - np.round(activity)))[whole]
    scale = np.ones(count)
    np.maximum.at(scale, row, np.abs(part))
    for limit in (lower, upper):
        scale = np.maximum(scale, np.where(np.isfinite(limit), np.abs(limit), 0.0))
    # One breach per block and unit, so that each says its worst row in its own unit.
    blocks = array["block"].astype(str)
    return [
        Breach("policy", f"{block} is kept", array["label"][at], size[at], scale[at],
               str(array["unit"][at][0]))
        for block in dict.fromkeys(blocks) for at in [np.flatnonzero(blocks == block)]
    ]  # fmt: skip


def _stray(plan: Plan, used: set[str]) -> list[Breach]:
    """Flows of a policy that no rule of it mentions: they would be checked by nobody."""
    own = [name for name in plan.content.variables if name.startswith(PREFIX)]
    return [_broken(f"no rule mentions the flow {name}") for name in own if name not in used]


def _is_rule(name: str) -> bool:
    return name.startswith("imposed.")


def _broken(rule: str) -> Breach:
    return Breach("policy", rule, np.array(["policies"]), np.array([np.inf]), np.ones(1), "1")
