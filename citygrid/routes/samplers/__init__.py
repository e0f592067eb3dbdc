"""Samplers: the package's own annealer, everybody else's by name, and one call that survives them.

:mod:`.adapters` knows samplers by name, :mod:`.chain` reads what a user says of them, :mod:`.ask`
is the call: retries, time-outs, fall-back, and answers that are checked (:mod:`.answers`,
:mod:`.timing`). :mod:`.onehot` is the annealer of this package (:mod:`.problem`, :mod:`.runs`, and
the compiled :mod:`.spins` and :mod:`.moves`); :mod:`.noise` disturbs any sampler as hardware would.
This folder is the only importer of dimod, neal and dwave.
"""

from __future__ import annotations

from typing import Any

import dimod

from citygrid.model.form import Floats
from citygrid.routes.contract import Journal, Positions
from citygrid.routes.samplers.adapters import EXACT_MAX, OWN, get, names
from citygrid.routes.samplers.ask import ask
from citygrid.routes.samplers.chain import PREFIX, Chain, Patience, chain

__all__ = [
    "EXACT_MAX", "OWN", "PREFIX", "Chain", "Patience", "ask", "chain", "get", "model", "names",
    "sample", "title",
]  # fmt: skip


def model(
    linear: Floats, couplings: tuple[Positions, Positions, Floats], offset: float,
    spins: bool = False,
) -> dimod.BinaryQuadraticModel:  # fmt: skip
    """A binary quadratic model of variables 0, 1, … from its arrays.

    ``linear`` (n), ``couplings`` as row, column and value with every pair once; variables are 0 or
    1, or with ``spins`` −1 or 1.
    """
    return dimod.BinaryQuadraticModel.from_numpy_vectors(
        linear, couplings, offset, dimod.SPIN if spins else dimod.BINARY,
        variable_order=range(len(linear)),
    )  # fmt: skip


def sample(
    sampler: Any, bqm: dimod.BinaryQuadraticModel, journal: Journal | None = None,
    limit: float | None = None, **wishes: Any,
) -> dimod.SampleSet:  # fmt: skip
    """:func:`ask` a chain, or a single sampler, with wishes (reads, sweeps, seed, …) by name."""
    asked = sampler if isinstance(sampler, Chain) else Chain.of(sampler)
    return ask(asked, bqm, wishes, journal, limit)


def title(sampler: Any) -> str:
    """The name under which telemetry lists calls of a chain or a sampler."""
    return sampler.name if isinstance(sampler, Chain) else type(sampler).__name__
