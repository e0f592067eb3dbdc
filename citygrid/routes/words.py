"""An explanation in words and as a document: who lacks what, when, and what stands against it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citygrid.arrays import stamped
from citygrid.errors import Fault
from citygrid.model.form import Block, Form
from citygrid.routes.conflict import Conflict
from citygrid.routes.explain import NEAR, Explanation, components_of

#: How many shortages, limits, and names within one of them are told; the document has them all.
SHOWN, NAMED = 12, 4
#: Flow [kW] below which somebody takes no part in a balance.
FLOW = 1e-6

PROOFS = {
    "relaxation": "no plan keeps every limit, not even if jobs were split and units ran in part",
    "integers": "no plan keeps every limit, because jobs, and units on or off, cannot be split",
    "none": "this is what the nearest flows found miss, and nearer ones may exist: the route calls "
            "the district infeasible, and why could not be proved in the time given",
}  # fmt: skip


def tell(
    form: Form, said: Explanation, name: str, step: float
) -> tuple[list[Fault], dict[str, Any]]:
    """Faults for people and a document for programs.

    name
        The district's, before what concerns all of it.
    step
        Length of a step [h], for energies.
    """
    shortages = [_shortage(form, said, row, amount) for row, amount in said.shortages]
    balances = all(entry["carrier"] is not None for entry in shortages)
    conflict = [] if said.conflict is None else list(_limits(form, said.conflict))
    document = {
        "proof": said.proof,
        "example": said.proof == "none",
        "missing_kwh": said.total * step if shortages and balances else None,
        "missing_at_least_kwh": said.least * step if shortages and balances else None,
        "shortages": shortages,
        "conflict": None if said.conflict is None else {
            "irreducible": said.conflict.irreducible, "whole": said.conflict.whole,
            "limits": conflict,
        },
    }  # fmt: skip
    return list(_faults(document, name)), document


def _faults(document: dict[str, Any], name: str) -> Iterator[Fault]:
    shortages, conflict = document["shortages"], document["conflict"]
    for entry in [] if document["example"] else shortages[:SHOWN]:
        place = ", ".join(part for part in (entry["place"], entry["time"]) if part)
        amount = f"{abs(entry['amount']):.6g} {entry['unit']}"
        if entry["carrier"] is None:
            about = f" ({entry['about']})" if entry["about"] else ""
            repair = "raise the cap, or give the district something that emits or takes less"
            yield Fault(f"{name}: {place}" if place else name,
                        f"{entry['limit']} is missed by {amount}{about}", None,
                        repair if entry["limit"].startswith("ledger.") else "")  # fmt: skip
            continue
        verb = "lacks" if entry["amount"] > 0 else "has a surplus of"
        carrier = entry["carrier"].replace("_", " ")
        yield Fault(f"{name}: {place}", f"{carrier} balance {verb} {amount}{_parties(entry)}", None,
                    _repair(entry))  # fmt: skip
    if shortages:
        yield Fault(name, _sum(document))
    if conflict is not None:
        how = "leave out any one and the others can be met" if conflict["irreducible"] else (
            "not all may be needed"
        )  # fmt: skip
        listed = "; ".join(entry["text"] for entry in conflict["limits"])
        yield Fault(name, f"these limits cannot hold together ({how}): {listed}")
    if not shortages and conflict is None:
        yield Fault(name, "the route calls the district infeasible, and the time was too short to "
                    "find out why", None, "plan a shorter horizon to see more")  # fmt: skip


def _repair(entry: dict[str, Any]) -> str:
    if entry["amount"] < 0:
        return "let the surplus be taken or curtailed there"
    if entry["inside"]:
        return "raise its capacity, or ask less of it"
    return "raise a supply or capacity there, or price unserved load"


def _sum(document: dict[str, Any]) -> str:
    """What is missed in all, and how far that is proved."""
    entries = document["shortages"]
    further = 0 if document["example"] else len(entries) - SHOWN
    text = f"{'and ' + str(further) + ' further shortages; ' if further > 0 else ''}"
    if document["missing_kwh"] is not None:
        total, least = document["missing_kwh"], document["missing_at_least_kwh"]
        text += f"in all {total:.6g} kWh"
        if document["proof"] == "none":
            text += f" at {len(entries)} balances"
        elif least < (1.0 - NEAR) * total:
            text += f" in this example, and at least {least:.6g} kWh in any plan"
        else:
            text += ", the least of any plan"
        text += "; "
    return text + PROOFS[document["proof"]]


def _parties(entry: dict[str, Any]) -> str:
    """Who draws and who feeds: ``(houses take 120; boiler gives 30 kW)``."""
    parts = []
    for verb, key in (("drawn by", "drawn"), ("fed by", "fed")):
        flows = sorted(entry[key].items(), key=lambda item: -item[1])
        named = [f"{who} {flow:.6g} kW" for who, flow in flows[:NAMED]]
        if len(flows) > NAMED:
            named.append(f"{len(flows) - NAMED} others")
        if named:
            parts.append(f"{verb} {', '.join(named)}")
    return f" ({'; '.join(parts)})" if parts else ""


def _shortage(form: Form, said: Explanation, row: int, amount: float) -> dict[str, Any]:
    block = _owner(form.rows, row)
    labels = _labels(block, row)
    carrier = block.name.removesuffix(".balance") if block.name.endswith(".balance") else None
    entry: dict[str, Any] = {
        "limit": block.name, "about": block.about, "carrier": carrier,
        "place": ", ".join(value for dim, value in labels.items() if dim != "time"),
        "inside": labels.get("place") in components_of(form),
        "time": labels.get("time"), "amount": amount, "unit": block.unit or "kW",
    }  # fmt: skip
    if carrier is not None and said.flows is not None:
        fed, drawn = _moved(form, said.flows, row)
        entry |= {"fed": fed, "drawn": drawn}
    else:
        entry |= {"fed": {}, "drawn": {}}
    return entry


def _moved(form: Form, flows: NDArray[Any], row: int) -> tuple[dict[str, float], dict[str, float]]:
    """Component → kW that it feeds into a balance, and those that draw; known loads together."""
    span = slice(form.matrix.indptr[row], form.matrix.indptr[row + 1])
    here = next(iter(_labels(_owner(form.rows, row), row).values()))
    fed: dict[str, float] = {}
    drawn: dict[str, float] = {}
    for column, weight in zip(form.matrix.indices[span], form.matrix.data[span], strict=True):
        block = _owner(form.columns, int(column))
        who = next(iter(_labels(block, int(column)).values()), block.name)
        if who == here:  # inside a component, both sides bear its name
            who = block.name.partition(".")[0].replace("_", " ")
        _add(fed, drawn, who, float(weight * flows[column]))
    known = float(form.row_lower[row])
    _add(fed, drawn, "known loads" if known > 0 else "known supply", -known)
    return fed, drawn


def _add(fed: dict[str, float], drawn: dict[str, float], who: str, flow: float) -> None:
    if abs(flow) > FLOW:
        side = fed if flow > 0 else drawn
        side[who] = side.get(who, 0.0) + abs(flow)


# limits in conflict -------------------------------------------------------------------------------


def _limits(form: Form, conflict: Conflict) -> Iterator[dict[str, Any]]:
    """The limits of a conflict, those of one block together; what is so by nature is left out.

    By nature a flow is not negative, and a decision is at most 1.
    """
    sides = conflict.sides
    for blocks, low, high, lows, highs, is_row in (
        (form.rows, sides.row_lower, sides.row_upper, form.row_lower, form.row_upper, True),
        (form.columns, sides.lower, sides.upper, form.lower, form.upper, False),
    ):
        for block in blocks.values():
            fixed = low[block.span] & high[block.span] & (lows == highs)[block.span]
            for flags, values, sense in (
                (low, lows, "at least"), (high, highs, "at most"), (low, lows, "of exactly")
            ):  # fmt: skip
                here = flags[block.span] & (fixed if sense == "of exactly" else ~fixed | is_row)
                bounds = values[block.span]
                if sense == "of exactly" and is_row:
                    continue
                if not is_row and sense != "of exactly":
                    here &= ~((bounds == 0.0) if sense == "at least" else
                              (form.integer[block.span] & (bounds == 1.0)))  # fmt: skip
                if sense == "at most" and is_row:
                    here &= ~low[block.span]  # an equation is told once
                if here.any():
                    yield _limit(block, np.flatnonzero(here), bounds, sense, is_row)


def _limit(
    block: Block, members: NDArray[np.int64], bounds: NDArray[Any], sense: str, is_row: bool
) -> dict[str, Any]:
    labels = [_labels(block, block.start + int(member)) for member in members]
    names = list(dict.fromkeys(
        next((value for dim, value in each.items() if dim != "time"), "") for each in labels
    ))  # fmt: skip
    times = sorted({each["time"] for each in labels if "time" in each})
    least, most = float(bounds[members].min()), float(bounds[members].max())
    amount = f"{least:.6g}" if least == most else f"{least:.6g} to {most:.6g}"
    shown = ", ".join(names[:NAMED])
    if len(names) > NAMED:
        shown += f" and {len(names) - NAMED} others"
    unit = "" if block.unit == "1" else f" {block.unit}"
    about = (block.about or block.name).replace("_", " ")
    if not is_row:
        about += f" {sense} {amount}{unit}"
    elif (least or most) and unit:
        about += f" ({amount}{unit})"
    when = "" if not times else f", {times[0]}" if len(times) == 1 else (
        f", {len(times)} steps from {times[0]} to {times[-1]}"
    )  # fmt: skip
    return {
        "limit": block.name, "of": names, "about": block.about,
        "sense": None if is_row else sense, "least": least, "most": most, "unit": block.unit,
        "times": times, "text": f"{shown}: {about}{when}",
    }  # fmt: skip


def _owner(blocks: Any, position: int) -> Block:
    found: Block = next(b for b in blocks.values() if b.start <= position < b.start + b.size)
    return found


def _labels(block: Block, position: int) -> dict[str, str]:
    """Dimension → label of a member of a block."""
    if not block.dims:
        return {}
    place = np.unravel_index(position - block.start, block.shape)
    return {dim: _text(block.coords[dim][i]) for dim, i in zip(block.dims, place, strict=True)}


def _text(label: Any) -> str:
    if isinstance(label, np.datetime64):
        return stamped(label)
    return str(label)
