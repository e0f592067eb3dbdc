"""Samplers by name: the package's own, and anything with dimod's ``sample(bqm)``.

``groups`` is the package's own annealer (:mod:`citygrid.routes.hybrid.annealer`), which takes no
binary quadratic model and is no class here. Of dimod's there are ``neal`` (simulated annealing),
``tabu``, ``greedy`` (steepest descent), ``exact`` (enumeration, for about twenty variables),
``random``, and any class by import path, ``module:Class``, for people with hardware. An import path
runs code: it is taken from the command line, never from a file.
"""

from __future__ import annotations

import importlib
from typing import Any

import dimod

from citygrid.errors import Fault, InputError
from citygrid.model.form import Floats
from citygrid.routes.contract import Positions

#: The annealer of this package, which keeps groups by construction and takes tables.
OWN = "groups"
#: name → (module, class)
_KNOWN = {
    "neal": ("neal", "SimulatedAnnealingSampler"),
    "tabu": ("dwave.samplers", "TabuSampler"),
    "greedy": ("dwave.samplers", "SteepestDescentSampler"),
    "random": ("dwave.samplers", "RandomSampler"),
    "exact": ("dimod", "ExactSolver"),
}
#: Variables up to which enumeration ends in reasonable time and memory.
EXACT_MAX = 22


def names() -> list[str]:
    """The samplers that have a name here."""
    return [OWN, *_KNOWN]


def get(name: str) -> Any:
    """The sampler (a ``dimod.Sampler``) of a name or import path; ``None`` for the package's own.

    Raises :class:`InputError` for an unknown name, a module that does not import, or a class that
    is no sampler.
    """
    if name == OWN:
        return None
    module, _, attribute = name.partition(":")
    if not attribute:
        if name not in _KNOWN:
            raise _refused(name, "no such sampler")
        module, attribute = _KNOWN[name]
    try:
        sampler = getattr(importlib.import_module(module), attribute)()
    except (ImportError, AttributeError, TypeError, ValueError) as failure:
        raise _refused(name, f"the sampler cannot be made: {failure}") from failure
    if not callable(getattr(sampler, "sample", None)):
        raise _refused(name, "the class has no sample(bqm)")
    return sampler


def model(
    linear: Floats, couplings: tuple[Positions, Positions, Floats], offset: float
) -> dimod.BinaryQuadraticModel:
    """A binary quadratic model of variables 0, 1, … from its arrays.

    ``linear`` (n), ``couplings`` as row, column and value with every pair once.
    """
    return dimod.BinaryQuadraticModel.from_numpy_vectors(
        linear, couplings, offset, dimod.BINARY, variable_order=range(len(linear))
    )


def sample(sampler: Any, bqm: dimod.BinaryQuadraticModel, **wishes: Any) -> Any:
    """Sample with those of the wishes (reads, sweeps, seed, …) that the sampler has parameters for.

    Returns dimod's ``SampleSet``.
    """
    if isinstance(sampler, dimod.ExactSolver) and bqm.num_variables > EXACT_MAX:
        raise InputError(Fault(
            "sampler", "too many variables to enumerate", bqm.num_variables,
            f"choose another sampler, or a problem of at most {EXACT_MAX} variables",
        ))  # fmt: skip
    parameters = getattr(sampler, "parameters", {}) or {}
    known = {name: value for name, value in wishes.items() if name in parameters}
    found = sampler.sample(bqm, **known)
    if not isinstance(found, dimod.SampleSet) or not len(found) or (
        set(found.variables) != set(bqm.variables)
    ):  # fmt: skip
        raise InputError(Fault(
            "sampler", "gave no sample of the problem's variables", type(sampler).__name__,
            "choose another; a sampler's sample(bqm) returns a dimod.SampleSet",
        ))  # fmt: skip
    return found


def _refused(name: str, reason: str) -> InputError:
    repair = f"choose one of {', '.join(names())}, or module:Class"
    return InputError(Fault("sampler", reason, name, repair))
