"""Any sampler, disturbed as an analog machine would be: noise, few bits, wrong readings, a queue.

The machine does not get the model that is meant. Its biases are off by noise and rounded to few
steps, its answer is read with errors, jobs get lost, and others stand before us in the queue. The
energies of what comes back are those of the model that was meant.
"""

from __future__ import annotations

import time
from typing import Any

import dimod
import numpy as np
from dimod.core.composite import ComposedSampler

from citygrid.model.form import Floats
from citygrid.routes.samplers.adapters import parameters
from citygrid.routes.samplers.answers import sample_set
from citygrid.routes.samplers.waiting import Queue

#: What the disturbance takes, with the value that disturbs nothing.
QUIET: dict[str, Any] = {
    "coefficient_noise": 0.0, "precision_bits": None, "bit_flip": 0.0, "lost_jobs": 0.0,
    "partial_jobs": 0.0, "arrival_rate": None, "service_rate": None, "really_wait": False,
}  # fmt: skip


class LostJobError(RuntimeError):
    """The machine took a job and never gave an answer."""


class NoisySampler(ComposedSampler):
    """A sampler behind noise and a queue; every word below is a parameter of ``sample``, too.

    ``coefficient_noise`` is the standard deviation of a bias as programmed, as a part of the
    largest bias of its kind (linear or quadratic); ``precision_bits`` rounds biases to
    ``2^bits − 1`` steps from minus to plus the largest of their kind; ``bit_flip`` is the chance
    that a value is read wrong; ``lost_jobs`` that a job is lost, ``partial_jobs`` that only half of
    its samples come back. With ``arrival_rate`` and ``service_rate`` [1/s] jobs wait in a
    :class:`.Queue`, whose seconds stand in ``info["timing"]`` and pass only where ``really_wait``
    says so. The same seed disturbs a sequence of calls alike; a call's own ``seed`` makes that call
    alone repeatable.
    """

    # Abstract in dimod, set by every instance.
    children: Any = None
    parameters: Any = None
    properties: Any = None

    def __init__(
        self, child: Any, *, seed: int = 0, queue: Queue | None = None, **noise: Any
    ) -> None:
        _check(noise)
        self.children = [child]
        self.parameters = {**parameters(child), "seed": [], **{name: [] for name in QUIET}}
        self.properties = {"child_properties": dict(getattr(child, "properties", None) or {})}
        self._noise = {**QUIET, **noise}
        self._seed, self._queue = seed, queue
        self._random = np.random.default_rng(seed)

    def sample(self, bqm: dimod.BinaryQuadraticModel, **given: Any) -> dimod.SampleSet:
        """Samples of the disturbed model with the energies of the true one.

        Raises :class:`LostJobError` for a lost job and ``ValueError`` for noise that cannot be.
        """
        noise = {**self._noise, **{name: given.pop(name) for name in QUIET if name in given}}
        _check(noise)
        seed = given.get("seed")
        random = self._random if seed is None else np.random.default_rng([self._seed, int(seed)])
        if "seed" not in parameters(self.child):
            given.pop("seed", None)
        waited = self._waited(noise)
        if random.random() < noise["lost_jobs"]:
            raise LostJobError("the job was lost")
        answer = self.child.sample(disturbed(bqm, noise, random), **given)
        record, variables = answer.record, list(answer.variables)
        states, times = record.sample, record.num_occurrences
        if random.random() < noise["partial_jobs"]:
            kept = max(len(states) // 2, 1)
            states, times = states[:kept], times[:kept]
        # Every reading has errors of its own, so equal samples are told apart again.
        states = np.repeat(states, np.maximum(times, 1), axis=0)
        states = misread(states, bqm.vartype, noise["bit_flip"], random)
        info = dict(answer.info)
        if waited is not None:
            info["timing"] = {**info.get("timing", {}), "queue_ns": round(waited * 1e9)}
        return sample_set((states, variables), bqm, info)

    def _waited(self, noise: dict[str, Any]) -> float | None:
        """Seconds in the queue, if there is one."""
        arrival, service = noise["arrival_rate"], noise["service_rate"]
        if arrival is not None and (
            self._queue is None
            or (self._queue.arrival_rate, self._queue.service_rate) != (arrival, service)
        ):
            self._queue = Queue(arrival, service, self._seed)
        if self._queue is None:
            return None
        waited = self._queue.wait()
        if noise["really_wait"]:
            time.sleep(waited)
        return waited


def disturbed(
    bqm: dimod.BinaryQuadraticModel, noise: dict[str, Any], random: np.random.Generator
) -> dimod.BinaryQuadraticModel:
    """The model as the machine gets it: an Ising model with biases that are rounded and off."""
    if not noise["coefficient_noise"] and noise["precision_bits"] is None:
        return bqm
    spins = bqm.spin
    labels = list(bqm.variables)
    vectors = spins.to_numpy_vectors(variable_order=labels)
    row, column, values = vectors.quadratic
    linear = _programmed(np.asarray(vectors.linear_biases, dtype=float), noise, random)
    coupled = _programmed(np.asarray(values, dtype=float), noise, random)
    made = dimod.BinaryQuadraticModel.from_numpy_vectors(
        linear, (row, column, coupled), float(vectors.offset), dimod.SPIN, variable_order=labels
    )
    return made.change_vartype(bqm.vartype, inplace=True)


def _programmed(biases: Floats, noise: dict[str, Any], random: np.random.Generator) -> Floats:
    largest = float(np.abs(biases).max(initial=0.0))
    if largest == 0.0:
        return biases
    bits = noise["precision_bits"]
    if bits is not None:
        steps = 2 ** (int(bits) - 1) - 1 or 1
        biases = np.rint(biases / largest * steps) / steps * largest
    return np.asarray(biases + random.normal(0.0, 1.0, len(biases)) * (
        noise["coefficient_noise"] * largest
    ))  # fmt: skip


def misread(states: Any, vartype: Any, chance: float, random: np.random.Generator) -> Any:
    """States (r × n) of which every value is the other one with a chance."""
    if not chance:
        return states
    wrong = random.random(states.shape) < chance
    other = 1 - states if vartype is dimod.BINARY else -states
    return np.where(wrong, other, states).astype(states.dtype)


def _check(noise: dict[str, Any]) -> None:
    """Raises ``ValueError`` for what cannot be."""
    unknown = set(noise) - set(QUIET)
    if unknown:
        raise ValueError(f"no such noise: {', '.join(sorted(unknown))}; known: {', '.join(QUIET)}")
    for name in ("bit_flip", "lost_jobs", "partial_jobs"):
        if not 0.0 <= noise.get(name, 0.0) <= 1.0:
            raise ValueError(f"{name} is a chance; write a number of 0 to 1")
    if not 0.0 <= noise.get("coefficient_noise", 0.0) < float("inf"):
        raise ValueError("coefficient_noise must be a number of at least 0")
    bits = noise.get("precision_bits")
    if bits is not None and not (isinstance(bits, (int, np.integer)) and 1 <= bits <= 52):
        raise ValueError("precision_bits must be a whole number of 1 to 52")
    if (noise.get("arrival_rate") is None) != (noise.get("service_rate") is None):
        raise ValueError("a queue needs both arrival_rate and service_rate")
