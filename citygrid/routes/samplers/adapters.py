"""Samplers by name: the package's own, and anything with dimod's ``sample(bqm)``.

``onehot`` is the package's own annealer (:mod:`.onehot`). Of dimod's and D-Wave's there are
``neal`` (simulated annealing), ``tabu``, ``greedy`` (steepest descent), ``exact`` (enumeration, for
about twenty variables), ``tree`` (exact by tree decomposition), ``random``; ``openjij`` where it is
installed; and any class by import path, ``module:Class``, for people with hardware. ``noisy:``
before any of them makes it behave like hardware (:mod:`.noise`). An import path runs code: it is
taken from the command line, never from a file.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import dimod

from citygrid.errors import Fault, InputError

#: The annealer of this package, which keeps groups by construction.
OWN = "onehot"
#: Before the name of a sampler that is to be made to behave like hardware.
NOISY = "noisy"
#: name → (module, class)
KNOWN = {
    OWN: ("citygrid.routes.samplers.onehot", "OneHotAnnealer"),
    "neal": ("neal", "SimulatedAnnealingSampler"),
    "tabu": ("dwave.samplers", "TabuSampler"),
    "greedy": ("dwave.samplers", "SteepestDescentSampler"),
    "exact": ("dimod", "ExactSolver"),
    "tree": ("dwave.samplers", "TreeDecompositionSolver"),
    "random": ("dwave.samplers", "RandomSampler"),
    "openjij": ("citygrid.routes.samplers.jij", "OpenJij"),
}
#: What pip installs where a sampler is not part of the package.
OPTIONAL = {"openjij": "openjij"}
#: Variables up to which enumeration ends in reasonable time and memory.
EXACT_MAX = 22


def names() -> list[str]:
    """The samplers that have a name here."""
    return list(KNOWN)


def _imported(name: str) -> Any:
    """A module by name, also one that lies in the folder in which citygrid was called."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as missing:
        here = Path.cwd()
        own = here / name.partition(".")[0]
        if missing.name != own.name or not (own.is_dir() or own.with_suffix(".py").is_file()):
            raise
    sys.path.insert(0, str(here))
    importlib.invalidate_caches()
    return importlib.import_module(name)


def get(name: str) -> Any:
    """The sampler (a ``dimod.Sampler``) of a name or import path.

    Raises :class:`InputError` for an unknown name, a module that does not import, or a class that
    is no sampler.
    """
    module, colon, attribute = name.partition(":")
    if module == NOISY:
        from citygrid.routes.samplers.noise import NoisySampler

        if not attribute:
            raise refused(name, "noisy: needs the sampler to disturb, such as noisy:neal")
        return NoisySampler(get(attribute))
    if not attribute:
        if colon or name not in KNOWN:
            raise refused(name, "no such sampler")
        module, attribute = KNOWN[name]
    try:
        sampler = getattr(_imported(module), attribute)()
    except ImportError as failure:
        if name in OPTIONAL:
            raise InputError(Fault(
                "sampler", "is not installed", name, f"pip install {OPTIONAL[name]}"
            )) from failure  # fmt: skip
        raise refused(name, f"the sampler cannot be made: {failure}") from failure
    except InputError:
        raise
    except Exception as failure:  # a stranger's class may raise anything
        raise refused(name, f"the sampler cannot be made: {failure}") from failure
    if not callable(getattr(sampler, "sample", None)):
        raise refused(name, "the class has no sample(bqm)")
    return sampler


def parameters(sampler: Any) -> dict[str, Any]:
    """What a sampler takes beside the model; nothing where it does not say."""
    known = getattr(sampler, "parameters", None)
    return dict(known) if known else {}


def fits(sampler: Any, bqm: dimod.BinaryQuadraticModel) -> str | None:
    """Why a sampler cannot take a model for its size, or ``None``."""
    inner = getattr(sampler, "child", sampler)
    if isinstance(inner, dimod.ExactSolver) and bqm.num_variables > EXACT_MAX:
        return f"too many variables to enumerate, more than {EXACT_MAX}"
    return None


def refused(name: str, reason: str) -> InputError:
    """What is said of a name that is no sampler."""
    repair = f"choose one of {', '.join(names())}, noisy:… before one, or module:Class"
    return InputError(Fault("sampler", reason, name, repair))
