"""The route ``answer:FILE``: what somebody else's machine found for the exported problem.

The file is a dimod ``SampleSet`` as JSON. It is read with suspicion
(:mod:`citygrid.routes.exchange.samples`), its variables must be those of the exported problem, and
its energies are computed anew. Then, as in any route here,

1. the integers of the best samples are held and one LP over all rows gives the rest: the plan is
   theirs wherever one of them allows any;
2. where none does, the best are repaired: one option per group where the form has groups
   (:mod:`citygrid.routes.hybrid.commitment`), otherwise the plan that turns the fewest binaries
   over; the telemetry counts these searches and says that the plan is a repaired one;
3. the LP relaxation bounds the cost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from citygrid.arrays import Floats, Positions
from citygrid.errors import Fault, InputError
from citygrid.model.form import Form
from citygrid.model.groups import find_groups
from citygrid.routes import highs, milp
from citygrid.routes.contract import (
    POOL,
    Clock,
    Journal,
    Options,
    Outcome,
    Status,
    proven,
    relative_gap,
)
from citygrid.routes.exchange.bits import encoded
from citygrid.routes.exchange.decode import CLOSE, Decoded, decode
from citygrid.routes.exchange.key import read_map
from citygrid.routes.exchange.samples import Samples, read_samples
from citygrid.routes.hybrid.assignment import find_coupling
from citygrid.routes.hybrid.commitment import NODES, Workshop
from citygrid.routes.settings import no_whole, whole_number

#: Distinct choices of integers that are worked out, best first, unless ``plans`` says otherwise.
PLANS, MOST = 10, 1_000_000
#: Choices that are repaired where none allows a plan as it is.
REPAIRS = 3


def check(options: Options, file: str) -> int:
    """How many choices to work out. Raises :class:`InputError` for a bad file or option."""
    plans, faults = PLANS, []
    for name, text in options.extras.items():
        if name != "plans":
            faults.append(Fault(f"--set {name}", "answer has no such option", text, "choose plans"))
        elif (number := whole_number(text, MOST)) is None:
            faults.append(no_whole(name, text, MOST))
        else:
            plans = number
    try:
        read_samples(Path(file))
        read_map(Path(file).parent)
    except InputError as refused:
        faults += refused.faults
    if faults:
        raise InputError(faults)
    return plans


def solve(form: Form, options: Options, file: str, exported: Form | None = None) -> Outcome:
    """The plan that belongs to somebody's samples.

    exported
        The form that was exported, where ``form`` is it with further rows (tangents of curves).

    Raises :class:`InputError` for a file that does not answer it.
    """
    plans = check(options, file)
    journal, clock = Journal(options.progress), Clock(options.time_limit)
    with journal.stage("reading"):
        samples = read_samples(Path(file))
        told = decode(form if exported is None else exported, samples,
                      read_map(Path(file).parent), encoded)  # fmt: skip
    method = milp.method(form)
    relaxed, _, _ = milp.relaxation(
        form, options, journal, method, clock.share(0.5), method != "ipm"
    )
    if relaxed.status in ("infeasible", "unbounded"):
        return Outcome(relaxed.status, telemetry=journal.telemetry())
    journal.trace(bound=relaxed.bound)
    work = _Answer(form, options, journal, clock)
    integers, order, found = work.choices(told, samples.counts)
    work.complete(integers[order[:plans]], found[:plans])
    if not work.pool:
        work.repair(told.points[order[:REPAIRS]], integers[order[:REPAIRS]])
    journal.figures.update(_figures(samples, told, len(order)))
    return work.outcome(relaxed.bound)


def _figures(samples: Samples, told: Decoded, distinct: int) -> dict[str, Any]:
    """What was read, and what it was worth as it stood."""
    counts = samples.counts
    best = int(np.lexsort((told.energies, ~told.raw))[0])
    figures: dict[str, Any] = {
        "answers": told.problem, "answer_sha256": samples.digest,
        "samples": int(counts.sum()), "samples_distinct": distinct,
        "samples_raw": int(counts[told.raw].sum()),
        "best_energy_stated": None if samples.energies is None else float(samples.energies.min()),
        "best_energy_recomputed": float(told.energies.min()),
        "best_raw_recomputed": float(told.energies[best]) if told.raw[best] else None,
        "energies_wrong": told.wrong_energies,
    }  # fmt: skip
    if told.wrong_energies:
        figures["note"] = (
            f"{told.wrong_energies} of {len(counts)} stated energies are not those of the exported "
            "problem; they were computed anew"
        )
    return figures


@dataclass
class _Answer:
    """The form, and the plans that the samples have led to, best first."""

    form: Form
    options: Options
    journal: Journal
    clock: Clock

    def __post_init__(self) -> None:
        self.pool: list[tuple[float, Floats]] = []

    def choices(self, told: Decoded, counts: Floats) -> tuple[Floats, Positions, Floats]:
        """Integers (s × i), whole and within bounds; which samples to take, best first; how often.

        Samples that keep every limit as they are come first, of equal integers the best alone.
        """
        form, stated = self.form, told.points[:, self.form.integer]
        low, high = form.lower[form.integer], form.upper[form.integer]
        integers = np.clip(np.round(stated), np.ceil(low - CLOSE), np.floor(high + CLOSE)) + 0.0
        moved = (np.abs(integers - stated) > CLOSE).any(axis=1)
        self.journal.count("samples_rounded", int(moved.sum()))
        first: dict[bytes, int] = {}
        found: dict[bytes, float] = {}
        for at in np.lexsort((told.energies, ~told.raw)).tolist():
            choice = integers[at].tobytes()
            first.setdefault(choice, at)
            found[choice] = found.get(choice, 0.0) + float(counts[at])
        order = np.array(list(first.values()), dtype=np.int64)
        return integers, order, np.array(list(found.values()))

    def complete(self, choices: Floats, found: Floats) -> None:
        """One LP for each choice of integers (k × i), which so many samples (k) have taken."""
        for integers, count in zip(choices, found.tolist(), strict=True):
            if self.clock.over and self.pool:
                break
            self.journal.count("samples_completed", int(count))
            if self._completed(integers):
                self.journal.count("samples_feasible", int(count))

    def _completed(self, integers: Floats) -> bool:
        point = np.zeros(len(self.form.cost))
        point[self.form.integer] = integers
        self.journal.count("choices_valued")
        plan, _ = milp.complete(self.form, point, self.journal, self.options, self.clock.last)
        if plan is None:
            return False
        self._keep(plan)
        return True

    def _keep(self, plan: Floats) -> None:
        objective = self.form.objective(plan)
        self.journal.trace(objective)
        self.pool = sorted([*self.pool, (objective, plan)], key=lambda entry: entry[0])[:POOL]

    def repair(self, points: Floats, choices: Floats) -> None:
        """Plans near samples that allow none: one option per group, else the fewest changes."""
        if not self.form.integer.any():
            return
        groups = find_groups(self.form)
        shop = None
        if len(groups):
            shop = Workshop(self.form, groups, find_coupling(self.form, groups), self.options,
                            self.journal, self.clock)  # fmt: skip
        for point, integers in zip(points, choices, strict=True):
            if self.clock.over and self.pool:
                break
            repaired = shop is not None and self._placed(shop, point, integers)
            if repaired or self._nearest(integers):
                self.journal.count("samples_repaired")

    def _placed(self, shop: Workshop, point: Floats, integers: Floats) -> bool:
        """One option per group, the others' binaries as sampled, else decided by HiGHS."""
        chosen = shop.read(point)
        whole = np.zeros(len(self.form.cost))
        whole[self.form.integer] = integers
        whole[shop.groups.columns] = 0.0
        whole[shop.groups.columns[chosen]] = 1.0
        snapped = whole[self.form.integer]
        if (snapped != integers).any() and self._completed(snapped):
            return True
        value, _ = shop.value(chosen)
        if value is None:
            placed = shop.repair(chosen)
            if placed is None:
                return False
            chosen = placed
        plan, _ = shop.commit(chosen)
        if plan is None:
            return False
        self._keep(plan)
        return True

    def _nearest(self, integers: Floats) -> bool:
        """The plan that turns the fewest binaries over: ``min Σ|x − x̄|`` over binaries."""
        form = self.form
        whole = np.zeros(len(form.cost))
        whole[form.integer] = integers
        binary = form.integer & (form.lower >= 0.0) & (form.upper <= 1.0)
        distance = np.where(binary, 1.0 - 2.0 * whole, 0.0)
        near = replace(form, cost=distance, constant=float(whole[binary].sum()), accounts={},
                       curves=())  # fmt: skip
        task = highs.Task.of(
            self.options, "repair", 0.0, self.clock.share(0.5, 2.0),
            nodes=NODES if self.clock.left is None else None,
        )  # fmt: skip
        self.journal.count("repair_milps")
        quiet = self.options.quiet
        found = milp.call(near, task, self.journal, quiet)
        if found.x is None:
            return False
        return self._completed(np.round(found.x[form.integer]))

    def outcome(self, lower: float | None) -> Outcome:
        """The best plan with its bound, or word that there is none."""
        figures, counts = self.journal.figures, self.journal.counts
        figures["repaired"] = counts.get("samples_repaired", 0) > 0
        if counts.get("samples_completed"):
            # As in other routes: samples whose integers allowed a plan, before any repair.
            figures["feasibility_rate"] = (
                counts.get("samples_feasible", 0) / counts["samples_completed"]
            )
        if not self.pool:
            figures["message"] = "no sample allowed a plan, nor did any that is near one"
            return Outcome("no_plan", bound=lower, telemetry=self.journal.telemetry())
        objective, x = self.pool[0]
        bound = proven(objective, lower)
        gap = relative_gap(objective, bound)
        status: Status = "feasible"
        if gap is not None and gap <= self.options.gap:
            status = "optimal"
        return Outcome(status, x, objective, bound, self.pool, self.journal.telemetry())
