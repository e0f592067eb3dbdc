"""Who chooses: an annealer, any dimod sampler, or a control in its place.

All get the same energy and the same number of reads; what differs is only how they search.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citygrid.model.form import Floats
from citygrid.routes import samplers
from citygrid.routes.contract import Clock, Journal, Positions
from citygrid.routes.hybrid.annealer import anneal
from citygrid.routes.hybrid.energy import Energy
from citygrid.routes.hybrid.quadratic import Penalised, penalise

#: The annealer of this package, which keeps groups by construction and takes tables.
OWN = "groups"
#: Short calls of a dimod sampler, at most, from which penalties are learnt before the full one.
LESSONS = 7


@dataclass(frozen=True)
class Chooser:
    """Who chooses (``anneal``, ``greedy``, ``random``, ``rounding``), with what effort.

    ``sampler`` is dimod's, or ``None`` for the annealer of this package.
    """

    kind: str
    sampler: Any
    reads: int
    sweeps: int
    tolerance: float

    def choose(
        self, model: Energy, used: Floats, seed: int, incumbent: Positions | None,
        journal: Journal, clock: Clock,
    ) -> list[Positions]:  # fmt: skip
        """Distinct choices (g candidates each) of the energy, best first."""
        if self.kind == "rounding":
            order = np.lexsort((-used, model.owner))
            return [order[np.searchsorted(model.owner[order], np.arange(model.groups))]]
        if self.kind == "random":
            found = _random(model, self.reads, seed)
        elif self.sampler is None:
            found = self._annealed(model, seed, incumbent, journal, clock)
        else:
            found = self._sampled(model, used, seed, incumbent, journal, clock)
        unique = {choice.tobytes(): choice for choice in found}
        return sorted(unique.values(), key=model.of)

    def _annealed(
        self, model: Energy, seed: int, incumbent: Positions | None, journal: Journal, clock: Clock
    ) -> list[Positions]:
        limit = Clock(clock.share(0.35, 0.5))
        hot = 1.0 / max(model.spread, 1e-9)
        cold = max(5.0 / self.tolerance, 10.0 * hot)
        betas = (cold, cold) if self.kind == "greedy" else (
            (math.sqrt(hot * cold) if incumbent is not None else hot), cold
        )  # fmt: skip
        with journal.call("groups", "sampling"):
            found = anneal(model, self.reads, self.sweeps, betas, seed, incumbent,
                           lambda: limit.spent)  # fmt: skip
        journal.count("samples", len(found))
        journal.count("samples_valid", len(found))
        return found

    def _sampled(
        self, model: Energy, used: Floats, seed: int, incumbent: Positions | None,
        journal: Journal, clock: Clock,
    ) -> list[Positions]:  # fmt: skip
        """Choices of a dimod sampler, which learns the price of groups and limits on the way."""
        limit = Clock(clock.share(0.35, 0.5))
        penalised = penalise(model, used, self.tolerance)
        found: list[Positions] = []
        for lesson in range(LESSONS):
            effort = max(self.reads // 2, 1), max(self.sweeps // 6, 1)
            states = self._reads(penalised, *effort, seed + lesson, incumbent, journal)
            choices = self._decoded(penalised, states, journal, "lessons")
            found += choices
            before, penalised = penalised, penalised.learn(states, choices)
            if penalised is before or limit.spent > 0.6:
                break
        penalised = penalised.firm()
        effort = self.reads, self.sweeps
        states = self._reads(penalised, *effort, seed + LESSONS, incumbent, journal)
        return found + self._decoded(penalised, states, journal, "samples")

    def _reads(
        self, penalised: Penalised, reads: int, sweeps: int, seed: int,
        incumbent: Positions | None, journal: Journal,
    ) -> NDArray[np.int8]:  # fmt: skip
        """The best samples (s × c) of one call."""
        with journal.stage("model"):
            bqm = samplers.model(*penalised.arrays)
        size = {"variables": bqm.num_variables, "couplings": bqm.num_interactions}
        journal.figures["bqm"] = size
        wishes: dict[str, Any] = {
            "num_reads": reads, "num_sweeps": sweeps, "seed": seed % (2**31 - 1),
            "beta_range": penalised.betas(self.tolerance, warm=incumbent is not None),
        }  # fmt: skip
        if incumbent is not None:
            state = np.zeros(bqm.num_variables, dtype=np.int8)
            state[incumbent] = 1
            wishes.update(initial_states=(state, list(bqm.variables)),
                          initial_states_generator="tile")  # fmt: skip
        with journal.call(type(self.sampler).__name__, "sampling"):
            sampled = samplers.sample(self.sampler, bqm, **wishes)
        order = np.argsort(np.array(list(sampled.variables)))
        best = np.argsort(sampled.record.energy, kind="stable")[:reads]
        return np.asarray(sampled.record.sample[best][:, order])

    def _decoded(
        self, penalised: Penalised, states: NDArray[np.int8], journal: Journal, kind: str
    ) -> list[Positions]:
        """The choices of samples; counted apart are those from which penalties are learnt."""
        with journal.stage("decoding"):
            decoded = [penalised.decode(state) for state in states]
        journal.count(kind, len(decoded))
        journal.count(f"{kind}_valid", sum(wrong == 0 for _, wrong in decoded))
        if kind == "samples":
            journal.count("groups_repaired", sum(wrong for _, wrong in decoded))
            journal.count("groups_decoded", len(decoded) * penalised.energy.groups)
        return [choice for choice, _ in decoded]


def _random(model: Energy, reads: int, seed: int) -> list[Positions]:
    generator = np.random.default_rng(seed)
    draws = generator.random((reads, len(model.owner)))
    starts = np.arange(model.groups)
    found: list[Positions] = []
    for draw in draws:
        order = np.lexsort((draw, model.owner))
        found.append(order[np.searchsorted(model.owner[order], starts)])
    return found
