"""The sampler ``onehot``: an annealer that keeps one-hot groups by construction.

A ``dimod.Sampler`` for binary quadratic models of both kinds of variables, with groups of which
exactly one variable is on (``groups=``), and for constrained models whose discrete constraints are
such groups and whose other constraints are linear limits over binaries.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from typing import Any, Literal

import dimod
import numpy as np
import scipy.sparse as sp
from dimod.core.initialized import Initialized
from dimod.core.sampler import Sampler

from citygrid.routes.samplers import runs
from citygrid.routes.samplers.answers import sample_set
from citygrid.routes.samplers.problem import Groups, Limits, Quadratic, betas

#: What is left out.
READS, SWEEPS = 8, 1000

Generator = Literal["none", "tile", "random"]


class OneHotAnnealer(Sampler, Initialized):
    """Anneals by single flips of free variables and by heat baths over whole groups.

    Returned are the best states seen, not the last; ``info["timing"]`` holds nanoseconds.
    """

    # Abstract in dimod, set by every instance.
    parameters: Any = None
    properties: Any = None

    def __init__(self) -> None:
        self.parameters = {name: [] for name in (
            "num_reads", "num_sweeps", "beta_range", "seed", "groups", "initial_states",
            "initial_states_generator", "time_limit", "threads",
        )}  # fmt: skip
        self.properties = {"vartypes": ["BINARY", "SPIN"], "constrained": "binaries, linear limits"}

    def sample(
        self, bqm: dimod.BinaryQuadraticModel, *, num_reads: int | None = None,
        num_sweeps: int = SWEEPS, beta_range: Sequence[float] | None = None,
        seed: int | None = None, groups: Sequence[Sequence[Hashable]] | None = None,
        initial_states: Any = None, initial_states_generator: Generator = "random",
        time_limit: float | None = None, threads: int | None = None, **_: Any,
    ) -> dimod.SampleSet:  # fmt: skip
        """``num_reads`` samples of a binary quadratic model, best first.

        ``num_sweeps`` visits of every variable or group per read; ``beta_range`` inverse
        temperatures to begin and to end with (from the model when left out); ``groups`` lists of
        variables of which exactly one is 1 (or +1); ``initial_states`` as dimod takes them, put
        right where groups need it; ``time_limit`` [s] cools faster and ends; ``threads`` all cores
        when left out, and of no influence on the answer. Raises ``ValueError``.
        """
        begun = time.perf_counter_ns()
        seed = _checked(num_reads, num_sweeps, beta_range, time_limit, seed)
        variables = list(bqm.variables)
        if initial_states is None:
            states = np.random.default_rng(seed).integers(
                0, 2, (num_reads or READS, len(variables)), dtype=np.int8
            )
            states = states if bqm.vartype is dimod.BINARY else 2 * states - 1
        else:
            parsed = self.parse_initial_states(
                bqm, initial_states=initial_states, num_reads=num_reads, seed=seed % 2**32,
                initial_states_generator=initial_states_generator,
            ).initial_states  # fmt: skip
            place = {label: at for at, label in enumerate(parsed.variables)}
            states = parsed.record.sample[:, [place[label] for label in variables]]
        model = Quadratic.of(bqm)
        if not groups or not variables:
            ising = model if bqm.vartype is dimod.SPIN else model.in_spins()
            given = _pair(beta_range) or betas(ising, None, seed)
            ready = time.perf_counter_ns()
            found = runs.anneal(
                ising, states if bqm.vartype is dimod.SPIN else 2 * states - 1, num_sweeps, given,
                seed, runs.Deadline(time_limit), threads,
            )  # fmt: skip
            ones = found.states > 0
        else:
            choices = model if bqm.vartype is dimod.BINARY else model.in_choices()
            parts = Groups.of(groups, variables)
            choices = parts.without_couplings_inside(choices)
            given = _pair(beta_range) or betas(choices, parts, seed)
            limits = Limits.none(len(variables))
            starting = _ladder(states > 0, seed)
            ready = time.perf_counter_ns()
            found = runs.temper(choices, parts, limits, starting, num_sweeps, given, seed,
                                runs.Deadline(time_limit), threads)  # fmt: skip
            ones = found.states > 0
        done = time.perf_counter_ns()
        order = np.argsort(found.energy, kind="stable")[: len(states)]
        values = np.where(ones[order], 1, min(bqm.vartype.value)).astype(np.int8)
        return sample_set((values, variables), bqm, _info(found, given, begun, ready, done))

    def sample_cqm(
        self, cqm: dimod.ConstrainedQuadraticModel, *, num_reads: int | None = None,
        num_sweeps: int = SWEEPS, beta_range: Sequence[float] | None = None,
        seed: int | None = None, time_limit: float | None = None, threads: int | None = None,
        feasibility: float = 1e-6,
    ) -> dimod.SampleSet:  # fmt: skip
        """``num_reads`` samples of a constrained model of binaries, feasible ones first.

        Rows are in that order, but dimod's ``first`` is the lowest energy of all, feasible or not:
        ``found.filter(lambda datum: datum.is_feasible).first`` is the best that can be used.

        Discrete constraints, and sums of binaries that equal one and share no variable, are groups
        and always hold. Other linear constraints are limits: their loads are kept with the moves,
        their prices adapt; soft ones with linear penalty cost what they say. Raises ``ValueError``
        for reals, integers, spins and constraints of second degree.
        """
        begun = time.perf_counter_ns()
        seed = _checked(num_reads, num_sweeps, beta_range, time_limit, seed)
        variables = list(cqm.variables)
        model, groups, rows = _read(cqm, variables)
        choices = groups.without_couplings_inside(model)
        given = _pair(beta_range) or betas(choices, groups, seed)
        limits = _limits(rows, len(variables), choices, given[0])
        wanted = num_reads or READS
        starts = np.random.default_rng(seed).integers(0, 2, (wanted, len(variables)))
        ready = time.perf_counter_ns()
        found = runs.temper(choices, groups, limits, _ladder(starts, seed), num_sweeps, given, seed,
                            runs.Deadline(time_limit), threads)  # fmt: skip
        done = time.perf_counter_ns()
        order = np.lexsort((found.energy, found.broken))[:wanted]
        made: dimod.SampleSet = dimod.SampleSet.from_samples_cqm(  # type: ignore[no-untyped-call]
            (found.states[order].astype(np.int8), variables), cqm, atol=feasibility
        )
        made.info.update(_info(found, given, begun, ready, done))
        return made


def _checked(
    num_reads: int | None, num_sweeps: int, beta_range: Any, time_limit: float | None,
    seed: int | None,
) -> int:  # fmt: skip
    """The seed, drawn if none is given. Raises ``ValueError``."""
    if num_reads is not None and (not _whole(num_reads) or num_reads < 1):
        raise ValueError("num_reads must be a whole number of at least 1")
    if not _whole(num_sweeps) or num_sweeps < 1:
        raise ValueError("num_sweeps must be a whole number of at least 1")
    if time_limit is not None and not time_limit > 0:
        raise ValueError("time_limit must be more than 0 s")
    if beta_range is not None:
        _pair(beta_range)
    if seed is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint32)[0])
    if not _whole(seed) or seed < 0:
        raise ValueError("seed must be a whole number of at least 0")
    return int(seed)


def _whole(number: Any) -> bool:
    return isinstance(number, (int, np.integer)) and not isinstance(number, bool)


def _pair(beta_range: Any) -> tuple[float, float] | None:
    if beta_range is None:
        return None
    hot, cold = (float(beta) for beta in beta_range)
    if not (0.0 < hot < np.inf and 0.0 < cold < np.inf):
        raise ValueError("beta_range must hold two positive numbers")
    return hot, cold


def _ladder(states: Any, seed: int) -> Any:
    """At least a short ladder of replicas: further ones begin at random."""
    missing = max(runs.SHORTEST - len(states), 0)
    more = np.random.default_rng([seed, 2]).integers(0, 2, (missing, states.shape[1]))
    return np.concatenate([np.asarray(states, dtype=np.int8), more.astype(np.int8)])


def _info(found: runs.Found, given: Any, begun: int, ready: int, done: int) -> dict[str, Any]:
    return {
        "beta_range": [float(beta) for beta in given],
        "moves": found.flips,
        "sweeps": found.sweeps,
        "timing": {
            "preprocessing_ns": ready - begun,
            "sampling_ns": done - ready,
            "postprocessing_ns": time.perf_counter_ns() - done,
        },
    }


Rows = list[tuple[dict[int, float], float, float, float | None]]


def _read(
    cqm: dimod.ConstrainedQuadraticModel, variables: list[Hashable]
) -> tuple[Quadratic, Groups, Rows]:
    """Objective, groups, and limits as (weights by variable, low, high, price of soft ones)."""
    place = {label: at for at, label in enumerate(variables)}
    for label in variables:
        if cqm.vartype(label) is not dimod.BINARY:
            raise ValueError(
                f"variable {label!r} is {cqm.vartype(label).name}; only BINARY is taken"
            )
    linear = np.zeros(len(variables))
    for label, bias in cqm.objective.linear.items():
        linear[place[label]] = bias
    quadratic = cqm.objective.quadratic.items()
    couplings = [(place[u], place[v], bias) for (u, v), bias in quadratic]
    pairs = np.array(couplings, dtype=float).reshape(-1, 3)
    model = Quadratic.from_pairs(linear, (pairs[:, 0].astype(int), pairs[:, 1].astype(int),
                                          pairs[:, 2]), float(cqm.objective.offset))  # fmt: skip
    taken: set[Hashable] = set()
    groups: list[list[Hashable]] = []
    rows: Rows = []
    order = sorted(cqm.constraints.items(), key=lambda item: item[0] not in cqm.discrete)
    for name, said in order:
        if not said.lhs.is_linear():
            raise ValueError(f"constraint {name!r} is of second degree; only linear ones are taken")
        sense, limit = said.sense.value, float(said.rhs) - float(said.lhs.offset)
        weights = {label: float(bias) for label, bias in said.lhs.linear.items() if bias}
        soft = _soft_price(said, name)
        one = sense == "==" and limit == 1.0 and set(weights.values()) == {1.0} and soft is None
        if one and taken.isdisjoint(weights):
            groups.append(list(weights))
            taken.update(weights)
            continue
        low = -np.inf if sense == "<=" else limit
        high = np.inf if sense == ">=" else limit
        rows.append(({place[label]: bias for label, bias in weights.items()}, low, high, soft))
    return model, Groups.of(groups, variables), rows


def _soft_price(said: Any, name: Hashable) -> float | None:
    if not said.lhs.is_soft():
        return None
    if said.lhs.penalty() != "linear":
        raise ValueError(f"constraint {name!r} is soft with a {said.lhs.penalty()} penalty; only "
                         "linear ones are taken")  # fmt: skip
    return float(said.lhs.weight())


def _limits(rows: Rows, size: int, model: Quadratic, hot: float) -> Limits:
    at = [(r, i, w) for r, (weights, *_) in enumerate(rows) for i, w in weights.items()]
    entries = np.array(at, dtype=float).reshape(-1, 3)
    places = (entries[:, 0].astype(int), entries[:, 1].astype(int))
    matrix = sp.csr_array((entries[:, 2], places), shape=(len(rows), size))
    soft = [row[3] for row in rows]
    first = runs.price_of(model, matrix, hot)
    price = np.array([p if s is None else s for p, s in zip(first, soft, strict=True)], dtype=float)
    return Limits(matrix, np.array([row[1] for row in rows], dtype=float),
                  np.array([row[2] for row in rows], dtype=float), price,
                  np.array([s is not None for s in soft], dtype=bool))  # fmt: skip
