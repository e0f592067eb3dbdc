"""Plans from samples of a form in bits.

Every distinct choice of integers among the samples is completed; where none allows a plan, the one
of lowest energy is repaired.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from citygrid.arrays import Floats
from citygrid.errors import Fault, InputError
from citygrid.model.encoding import choose_grid
from citygrid.model.form import Form
from citygrid.model.qubo import Encoding, in_bits
from citygrid.model.simplify import simplify
from citygrid.routes.qubo.completion import Found, Shop, complete, repair
from citygrid.routes.qubo.sampling import rounds
from citygrid.routes.qubo.settings import Settings


def search(form: Form, shop: Shop) -> Found:
    """Plans of a form from samples of it in bits."""
    journal, found = shop.journal, Found()
    encoding = encode(form, shop)
    tried: dict[bytes, float | None] = {}
    nearest: tuple[float, Floats] | None = None
    for sampled in rounds(encoding, shop.settings, shop.options, journal, shop.clock,
                          shop.tolerance):  # fmt: skip
        size = journal.figures["qubo"]
        size["couplings"] = max(len(sampled.qubo.couplings[0]), size.get("couplings", 0))
        journal.count("samples", len(sampled.bits))
        journal.count("samples_raw", int(sampled.raw.sum()))
        points = sampled.qubo.reduction.T @ sampled.bits.T + sampled.qubo.reduction.t[:, None]
        whole = np.round(points[form.integer]).T
        choices, first, member = np.unique(whole, axis=0, return_index=True, return_inverse=True)
        count = np.bincount(member.ravel(), minlength=len(choices))
        best = np.full(len(choices), np.inf)
        np.minimum.at(best, member.ravel(), sampled.energy)
        order = np.argsort(best, kind="stable")
        if nearest is None or best[order[0]] < nearest[0]:
            nearest = float(best[order[0]]), points[:, first[order[0]]]
        for choice in order[: shop.settings.plans]:
            if shop.clock.over and tried:
                break
            key = choices[choice].tobytes()
            if key not in tried:
                tried[key] = complete(form, points[:, first[choice]], shop, found)
            journal.count("samples_completed", int(count[choice]))
            if tried[key] is not None:
                journal.count("samples_feasible", int(count[choice]))
    journal.count("choices", len(tried))
    found.plans.sort(key=lambda plan: plan[0])
    if found.plans:
        found.status = "feasible"
        if shop.whole:
            # The best plan that samples gave by themselves, before any repair.
            journal.figures["sampled_objective"] = found.plans[0][0]
        return found
    if nearest is not None:
        repair(form, nearest[1], shop, found)
    elif shop.clock.over:
        found.status = "time_limit"
    return found


def encode(form: Form, shop: Shop) -> Encoding:
    """The form in bits. Raises :class:`InputError` where these are too many."""
    settings, journal = shop.settings, shop.journal
    free = int((form.integer & (form.lower < form.upper)).sum())
    if free > 10 * settings.variables:
        raise _too_large(free, settings)
    with journal.stage("encoding"):
        simple = simplify(form)
        grid = choose_grid(simple.form, settings.bits)
        needed = int(np.ceil(np.log2(grid.steps + 1.0)).sum())
        if needed > settings.variables:
            raise _too_large(needed, settings)
        encoding = in_bits(form, settings.encoding, settings.bits, settings.slack)
    width = len(encoding.reduction.form.cost)
    if width > settings.variables:
        raise _too_large(width, settings)
    rows = encoding.rows
    blocks = [block for block in encoding.reduction.form.rows.values()
              if (rows.smallest[block.span] > 0.0).any()]  # fmt: skip
    floors = {block.name: float(rows.floor[block.span].max()) for block in blocks}
    size: dict[str, Any] = {
        "bits": width, "slack_bits": width - len(encoding.plain.cost),
        "columns": len(simple.form.cost), "pairs": len(encoding.conflicts.row),
    }  # fmt: skip
    # Of windows the largest counts.
    known = journal.figures.setdefault("qubo", {})
    known.update({name: max(value, known.get(name, 0)) for name, value in size.items()})
    kept = journal.figures.setdefault("residual_floor", {})
    for name, value in floors.items():
        kept[name] = max(value, kept.get(name, 0.0))
    return encoding


def _too_large(bits: int, settings: Settings) -> InputError:
    return InputError(Fault(
        "qubo", f"the form needs more bits than the {settings.variables:,} of one problem", bits,
        "cut the horizon with --set qubo.window='6 h', or allow more with --set qubo.variables",
    ))  # fmt: skip
