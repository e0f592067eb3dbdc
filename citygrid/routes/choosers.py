"""Who chooses: an annealer, any dimod sampler, or a control in its place.

All get the same energy and the same number of reads; what differs is only how they search.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from citygrid.model.form import Floats
from citygrid.routes import samplers
from citygrid.routes.annealer import anneal
from citygrid.routes.assignment import Positions
from citygrid.routes.contract import Clock, Journal
from citygrid.routes.energy import Energy

#: The annealer of this package, which keeps groups by construction and takes tables.
OWN = "groups"


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
            found = self._sampled(model, seed, incumbent, journal)
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
        self, model: Energy, seed: int, incumbent: Positions | None, journal: Journal
    ) -> list[Positions]:
        with journal.stage("model"):
            bqm = model.model()
        journal.figures["bqm"] = {
            "variables": bqm.num_variables, "couplings": bqm.num_interactions,
        }  # fmt: skip
        wishes: dict[str, Any] = {
            "num_reads": self.reads, "num_sweeps": self.sweeps, "seed": seed,
            "beta_range": self._betas(model, warm=incumbent is not None),
        }  # fmt: skip
        if incumbent is not None:
            state = np.zeros(bqm.num_variables, dtype=np.int8)
            state[incumbent] = 1
            wishes.update(initial_states=(state, list(bqm.variables)),
                          initial_states_generator="tile")  # fmt: skip
        with journal.call(type(self.sampler).__name__, "sampling"):
            sampled = samplers.sample(self.sampler, bqm, **wishes)
        with journal.stage("decoding"):
            order = np.argsort(np.array(list(sampled.variables)))
            states = sampled.record.sample[np.argsort(sampled.record.energy, kind="stable")]
            decoded = [model.decode(state) for state in states[: self.reads, order]]
        journal.count("samples", len(decoded))
        journal.count("samples_valid", sum(wrong == 0 for _, wrong in decoded))
        journal.count("groups_repaired", sum(wrong for _, wrong in decoded))
        journal.count("groups_decoded", len(decoded) * model.groups)
        return [choice for choice, _ in decoded]

    def _betas(self, model: Energy, warm: bool) -> tuple[float, float]:
        """From the median one-flip energy down to the cost that no longer matters."""
        hot = math.log(2.0) / max(float(np.median(model.penalty)), 1e-9)
        cold = math.log(100.0) / self.tolerance
        return (min(20.0 * hot, 0.1 * cold) if warm else hot), max(cold, 20.0 * hot)


def _random(model: Energy, reads: int, seed: int) -> list[Positions]:
    generator = np.random.default_rng(seed)
    draws = generator.random((reads, len(model.owner)))
    starts = np.arange(len(model.penalty))
    found: list[Positions] = []
    for draw in draws:
        order = np.lexsort((draw, model.owner))
        found.append(order[np.searchsorted(model.owner[order], starts)])
    return found
