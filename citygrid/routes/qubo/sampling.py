"""Samples of a form in bits, and penalties that rise only where samples break rows.

A first guess of the penalties comes from the objective, per block of rows. Where most samples
break rows of a block, its penalty is raised tenfold, and those of the others stay: large penalties
make every other difference small, so no block gets a larger one than it needs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from citygrid.arrays import Flags, Floats
from citygrid.errors import NoPlanError
from citygrid.model.groups import find_groups
from citygrid.model.qubo import ORDER, Encoding, Qubo, penalise
from citygrid.routes import samplers
from citygrid.routes.contract import Clock, Journal, Options
from citygrid.routes.qubo.settings import Settings

#: Times that a penalty rises, and the part of the samples that must break a block for it.
RISE, BREAK = 10.0, 0.5
#: Random states from which the size of a typical flip is read.
STATES = 64
#: Reads of one call of a sampler, and under a time limit: between two calls the clock is seen.
BATCH, HURRIED = 64, 8
#: Part of a time limit after which nobody samples any more.
SAMPLING = 0.6


@dataclass(frozen=True)
class Sampled:
    """Samples (s × n) of one round with their energies (s), which are ``raw`` and of what QUBO.

    ``raw`` (s): the sample keeps every row as it is, within the grid.
    """

    qubo: Qubo
    bits: Floats
    energy: Floats
    raw: Flags


def rounds(
    encoding: Encoding, settings: Settings, options: Options, journal: Journal, clock: Clock,
    tolerance: float,
) -> Iterator[Sampled]:  # fmt: skip
    """Samples under penalties that rise, for as many rounds as blocks are broken by most samples.

    ``tolerance`` is the cost that no longer matters, in EUR.
    """
    if clock.over:
        journal.figures["message"] = "no time was left to sample"
        return
    with journal.stage("model"):
        model = penalise(encoding)
    for number in range(settings.rounds):
        seed = options.seed * 1009 + number * 101
        try:
            bits = draw(model, settings, options, journal, clock, tolerance, seed)
        except NoPlanError as unanswered:
            if number == 0:
                raise
            journal.figures["sampler_failed"] = str(unanswered)
            return
        energy = model.energy(bits)
        met, order = encoding.met(bits), encoding.in_order(bits)
        raw = met.all(axis=1) & order
        yield Sampled(model, bits, energy, raw)
        broken = {
            block.name: float((~met[:, block.span].all(axis=1)).mean())
            for block in encoding.reduction.form.rows.values() if block.name in model.penalties
        }  # fmt: skip
        broken[ORDER] = float((~order).mean())
        journal.figures.setdefault("penalty_rounds", []).append({
            "penalties": dict(model.penalties), "raw_rate": float(raw.mean()),
            "broken": {name: part for name, part in broken.items() if part > 0.0},
        })  # fmt: skip
        dearer = {
            name: RISE * model.penalties[name] for name, part in broken.items() if part > BREAK
        }
        if not dearer or clock.spent > SAMPLING:
            return
        with journal.stage("model"):
            model = penalise(encoding, {**model.penalties, **dearer})


def draw(
    model: Qubo, settings: Settings, options: Options, journal: Journal, clock: Clock,
    tolerance: float, seed: int,
) -> Floats:  # fmt: skip
    """Samples (s × n) of a QUBO by the sampler of the options."""
    chain = samplers.chain(options.sampler, options.extras)
    with journal.stage("model"):
        bqm = samplers.model(model.linear, model.couplings, model.offset)
    wishes: dict[str, Any] = {
        "num_sweeps": settings.sweeps, "beta_range": betas(model, tolerance),
    }  # fmt: skip
    groups = one_hot(model)
    if groups:
        wishes["groups"] = groups
    found: list[Floats] = []
    left = settings.reads
    batch = BATCH if clock.left is None else HURRIED
    while left > 0 and not (found and clock.spent > SAMPLING):
        wishes.update(num_reads=min(left, batch), seed=(seed + len(found)) % (2**31 - 1))
        if clock.left is not None:
            wishes["time_limit"] = clock.share(0.2)
        try:
            with journal.call(samplers.title(chain), "sampling"):
                sampled = samplers.sample(chain, bqm, journal, clock.left, **wishes)
        except NoPlanError as unanswered:
            # What was sampled is not lost; without any, what became of the sampler is the answer.
            if not found:
                raise
            journal.figures["sampler_failed"] = str(unanswered)
            break
        order = np.argsort(np.array(list(sampled.variables)))
        # Equal samples come as one, and count as often as they came.
        times = np.minimum(sampled.record.num_occurrences, wishes["num_reads"])
        found.append(np.repeat(sampled.record.sample[:, order], times, axis=0).astype(float))
        left -= wishes["num_reads"]
        if len(found[-1]) != wishes["num_reads"]:
            break  # a sampler that counts for itself, such as enumeration
    return np.concatenate(found)


def one_hot(model: Qubo) -> list[list[int]]:
    """Bits of which exactly one is on: options of a job, values of a column in one-hot bits.

    For samplers that keep such groups by construction; for others penalties do it.
    """
    groups = find_groups(model.reduction.form)
    taken = np.zeros(len(model.linear), dtype=bool)
    taken[groups.columns] = True
    found = [groups.columns[groups.owner == number] for number in range(len(groups))]
    for number in range(int(model.groups.max(initial=-1)) + 1):
        members = np.flatnonzero(model.groups == number)
        if not taken[members].any():
            found.append(members)
    return [members.tolist() for members in found]


def betas(model: Qubo, tolerance: float) -> tuple[float, float]:
    """From where a typical flip is as likely as not, to the cost that no longer matters.

    A sampler's own range reaches from the largest field to the smallest bias, so that large
    penalties would waste most of its sweeps.
    """
    states = np.random.default_rng(0).integers(0, 2, (STATES, len(model.linear))).astype(float)
    both = model.matrix + model.matrix.T
    field = model.linear + np.asarray((both @ states.T).T)
    flip = float(np.median(np.abs(field))) if field.size else 1.0
    hot, cold = math.log(2.0) / max(flip, 1e-9), math.log(100.0) / max(tolerance, 1e-9)
    return hot, max(cold, 20.0 * hot)
