"""OpenJij's simulated annealing as a sampler of dimod's, with its parameters told.

OpenJij (https://openjij.github.io/OpenJij/, Apache-2.0) is an extra: ``pip install
"citygrid[openjij]"``. It takes dimod's models; only the names of what it may be asked differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import dimod
from dimod.core.sampler import Sampler


class OpenJij(Sampler):
    """OpenJij's ``SASampler``; ``ImportError`` where it is not installed."""

    # Abstract in dimod, set by every instance.
    parameters: Any = None
    properties: Any = None

    def __init__(self) -> None:
        import openjij  # type: ignore[import-not-found,unused-ignore]

        self._child = openjij.SASampler()
        self.parameters = {name: [] for name in ("num_reads", "num_sweeps", "beta_range", "seed")}
        self.properties = {"version": version("openjij")}

    def sample(
        self, bqm: dimod.BinaryQuadraticModel, *, num_reads: int = 1, num_sweeps: int = 1000,
        beta_range: Sequence[float] | None = None, seed: int | None = None, **_: Any,
    ) -> dimod.SampleSet:  # fmt: skip
        """Samples as OpenJij gives them, its temperatures from the model where none are given."""
        low, high = (None, None) if beta_range is None else (float(beta) for beta in beta_range)
        if not bqm.num_variables:
            return dimod.SampleSet.from_samples_bqm([{}] * num_reads, bqm)  # type: ignore[no-untyped-call,no-any-return]
        # It puts labels in order, which labels of several kinds have none of.
        numbered, labels = bqm.relabel_variables_as_integers(  # type: ignore[no-untyped-call]
            inplace=False
        )
        found: dimod.SampleSet = self._child.sample(
            numbered, num_reads=num_reads, num_sweeps=num_sweeps, beta_min=low, beta_max=high,
            seed=seed,
        )  # fmt: skip
        return found.relabel_variables(labels, inplace=False)  # type: ignore[no-untyped-call,no-any-return]
