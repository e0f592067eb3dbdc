"""Who chooses: an annealer, any dimod sampler, or a control in its place.

All get the same energy, the same seeds and as many choices to hand on; what differs is only how
they search. They also get the same effort, so that no control loses for lack of time:

* ``greedy`` makes the annealer's own moves, always cold, and begins anew until it has made as many
  sweeps; in place of a dimod sampler, steepest descents until they have taken as many steps;
* ``random`` draws :data:`DRAWS` choices for every sweep of every replica, which takes as long.

These are counts and not seconds, so that the same seed gives the same plan; under a time limit all
end with the same share of the clock. ``raw`` is the annealer itself, and whatever it samples is
taken as it is or not at all. ``rounding`` has nothing to search.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from citygrid.model.form import Floats
from citygrid.model.groups import first_of_each
from citygrid.routes import samplers
from citygrid.routes.contract import Clock, Journal, Positions
from citygrid.routes.hybrid.annealer import anneal, descend, draw
from citygrid.routes.hybrid.energy import Energy
from citygrid.routes.hybrid.quadratic import Arrays, Penalised, penalise

#: Short calls of a dimod sampler, at most, from which penalties are learnt before the full one.
LESSONS = 7
#: Random choices that are drawn and valued in the time of one sweep of one replica.
DRAWS = 4
#: What may choose, and how many sweeps it gets where the user says nothing: the own annealer's
#: moves see a whole group, those of dimod's samplers one bit.
SWEEPS, BIT_SWEEPS = 600, 3000
#: First inverse temperature, in spreads of a typical group's options, and the last one, in first
#: ones. Below, everything moves as it likes; above, nothing that matters moves any more.
HOT, COLD = 1.0, 25.0


class Part(NamedTuple):
    """A part of a course from hot (0) to cold (1), with its share of the course's sweeps."""

    begin: float = 0.0
    end: float = 1.0
    share: float = 1.0


#: A course in one go.
WHOLE = Part()


@dataclass(frozen=True)
class Chooser:
    """Who chooses (``anneal``, ``raw``, ``greedy``, ``random``, ``rounding``), with what effort.

    ``sampler`` is dimod's, or a chain of them, or ``None`` for the annealer of this package;
    ``window`` the most variables of one of its models, ``None`` for all at once.
    """

    kind: str
    sampler: Any
    reads: int
    sweeps: int
    tolerance: float
    threads: int | None = None
    window: int | None = None

    @property
    def patient(self) -> bool:
        """Whether a course can be made in parts; each call of a dimod sampler learns anew."""
        return self.sampler is None and self.kind != "rounding"

    @classmethod
    def named(
        cls, kind: str, sampler: str, reads: int, sweeps: int | None, tolerance: float,
        threads: int | None = None, extras: Mapping[str, str] | None = None,
        window: int | None = None,
    ) -> Chooser:  # fmt: skip
        """A chooser with the samplers of a name, which controls replace by their like.

        ``extras`` may hold what the user set for them, see :func:`citygrid.routes.samplers.chain`.
        """
        own = sampler == samplers.OWN or kind in ("random", "rounding")
        greedy = kind == "greedy"
        made = None if own else samplers.chain(*(("greedy",) if greedy else (sampler, extras)))
        sweeps = sweeps or (SWEEPS if own else BIT_SWEEPS)
        return cls(kind, made, reads, sweeps, tolerance, threads, window)

    def choose(
        self, model: Energy, used: Floats, seed: int, incumbent: Positions | None,
        journal: Journal, clock: Clock, longer: int = 1, part: Part = WHOLE,
    ) -> list[Positions]:  # fmt: skip
        """Distinct choices (g candidates each) of the energy, best first.

        incumbent
            The choice to begin with, which need not be within limits.
        clock
            How long the search may take; a dimod sampler gets a share of it and may be waited for
            as long as it lasts.
        longer
            How many times the usual sweeps the package's own annealer and its controls make.
        part
            The part of a course that they make of it, from ``incumbent`` on.
        """
        if self.kind == "rounding":
            return [first_of_each(model.owner, -used, model.groups)]
        if self.sampler is None:
            found = self._searched(model, seed, incumbent, journal, clock, longer, part)
        else:
            found = self._sampled(model, used, seed, incumbent, journal, clock)
        unique = {choice.tobytes(): choice for choice in found}
        return sorted(unique.values(), key=model.of)

    def _searched(
        self, model: Energy, seed: int, incumbent: Positions | None, journal: Journal,
        limit: Clock, longer: int, part: Part,
    ) -> list[Positions]:  # fmt: skip
        """Choices of the own annealer, or of the control that makes its moves without it."""
        sweeps = max(round(self.sweeps * longer * part.share), 1)
        hot = HOT / max(model.spread, 1e-9)
        cold = COLD * hot
        name = samplers.OWN if self.kind in ("anneal", "raw") else self.kind
        with journal.call(name, "sampling"):
            if self.kind == "random":
                draws = DRAWS * self.reads * sweeps
                found = draw(model, 2 * self.reads, draws, seed, lambda: limit.spent)
            elif self.kind == "greedy":
                found = descend(model, self.reads, sweeps, cold, seed, incumbent,
                                lambda: limit.spent, self.threads)  # fmt: skip
            else:
                betas = hot * COLD**part.begin, hot * COLD**part.end
                found = anneal(model, self.reads, sweeps, betas, seed, incumbent,
                               lambda: limit.spent, self.threads)  # fmt: skip
        journal.count("visits", found.visits)
        journal.count("samples", len(found.choices))
        journal.count("samples_valid", len(found.choices))
        return found.choices

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
            states = self._reads(
                penalised, *effort, seed + lesson, incumbent, journal, limit, clock
            )
            choices = self._decoded(penalised, states, journal, "lessons")
            found += choices
            before, penalised = penalised, penalised.learn(states, choices)
            if penalised is before or limit.spent > 0.6:
                break
        penalised = penalised.firm()
        effort = self.reads, self.sweeps
        states = self._reads(penalised, *effort, seed + LESSONS, incumbent, journal, limit, clock)
        return found + self._decoded(penalised, states, journal, "samples")

    def _reads(
        self, penalised: Penalised, reads: int, sweeps: int, seed: int,
        incumbent: Positions | None, journal: Journal, limit: Clock, clock: Clock,
    ) -> NDArray[np.int8]:  # fmt: skip
        """The best samples (s × c), of the whole model or window by window.

        In windows every group is sampled once, all others held at the best that is known of them; a
        sample is then the best of every window, or the second best, and so on.
        """
        energy = penalised.energy
        width = len(energy.owner)
        warm = incumbent is not None
        betas = penalised.betas(self.tolerance, warm)
        state = np.zeros(width, dtype=np.int8)
        if incumbent is not None:
            state[incumbent] = 1
        if self.window is None or self.window >= width:
            known = state if warm else None
            return self._asked(penalised.arrays, betas, reads, sweeps, seed, known, journal, limit,
                               clock)  # fmt: skip
        if incumbent is None:
            state[penalised.cheapest] = 1
        windows = penalised.windows(self.window)
        journal.figures["windows"] = len(windows)
        found = np.repeat(state[None, :], reads, axis=0)
        for number, window in enumerate(windows):
            part = self._asked(
                penalised.within(window, state), betas, reads, sweeps, seed + 104_729 * number,
                state[window], journal, Clock(limit.share(1.0 / (len(windows) - number), 0.1)),
                clock,
            )  # fmt: skip
            found[:, window] = part[np.minimum(np.arange(reads), len(part) - 1)]
            state = np.zeros_like(state)
            state[penalised.decode(found[0])[0]] = 1
            if limit.over:
                break
        return found

    def _asked(
        self, arrays: Arrays, betas: tuple[float, float], reads: int, sweeps: int, seed: int,
        known: NDArray[np.int8] | None, journal: Journal, limit: Clock, clock: Clock,
    ) -> NDArray[np.int8]:  # fmt: skip
        """The best samples (s × c) of one call, or of as many as greed needs for its steps."""
        with journal.stage("model"):
            bqm = samplers.model(*arrays)
        size = {"variables": bqm.num_variables, "couplings": bqm.num_interactions}
        largest = journal.figures.setdefault("bqm", size)
        largest.update({name: max(largest[name], value) for name, value in size.items()})
        wishes: dict[str, Any] = {
            "num_reads": reads, "num_sweeps": sweeps, "seed": seed % (2**31 - 1),
            "beta_range": betas,
        }  # fmt: skip
        if limit.left is not None:
            wishes["time_limit"] = max(limit.left, 0.1)
        if known is not None:
            wishes.update(initial_states=(known, list(bqm.variables)),
                          initial_states_generator="tile")  # fmt: skip
        parts: list[tuple[Floats, NDArray[np.int8]]] = []
        steps = 0
        with journal.call(samplers.title(self.sampler), "sampling"):
            while not parts or (self.kind == "greedy" and steps < reads * sweeps
                                and limit.spent < 1.0):  # fmt: skip
                sampled = samplers.sample(self.sampler, bqm, journal, clock.left, **wishes)
                order = np.argsort(np.array(list(sampled.variables)))
                # Equal samples come as one; learning counts them as often as they came.
                times = np.minimum(sampled.record.num_occurrences, reads)
                energies, states = sampled.record.energy, sampled.record.sample[:, order]
                parts.append((np.repeat(energies, times), np.repeat(states, times, axis=0)))
                # A descent looks at all bits before each of its steps, as a sweep does.
                taken = getattr(sampled.record, "num_steps", None)
                steps += reads * sweeps if taken is None else int((taken + 1) @ times)
                wishes = {"num_reads": reads, "seed": (seed + 7919 * len(parts)) % (2**31 - 1)}
        if self.kind == "greedy":
            journal.count("descents", sum(len(energy) for energy, _ in parts))
        energy, states = (np.concatenate(piece) for piece in zip(*parts, strict=True))
        return np.asarray(states[np.argsort(energy, kind="stable")[:reads]])

    def _decoded(
        self, penalised: Penalised, states: NDArray[np.int8], journal: Journal, kind: str
    ) -> list[Positions]:
        """The choices of samples; counted apart are those from which penalties are learnt.

        ``raw`` takes only samples that were valid before any group was decoded.
        """
        with journal.stage("decoding"):
            decoded = [penalised.decode(state) for state in states]
        journal.count(kind, len(decoded))
        journal.count(f"{kind}_valid", sum(wrong == 0 for _, wrong in decoded))
        if kind == "samples":
            journal.count("groups_repaired", sum(wrong for _, wrong in decoded))
            journal.count("groups_decoded", len(decoded) * penalised.energy.groups)
        return [choice for choice, wrong in decoded if wrong == 0 or self.kind != "raw"]
