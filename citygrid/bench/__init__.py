"""Benchmarks: speed and memory as ratios, measured side by side in one run.

Each benchmark is one module with ``run(wish, say) -> dict``. Of those of speed and memory every
measured step runs in a child process of its own, so that peaks of memory do not mix and nothing is
warm by accident. ``anneal`` takes hours, so it runs only where it is named.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citygrid.errors import Fault, InputError

Say = Callable[[str], None]

#: The benchmark of routes against time.
ANNEAL = "anneal"


@dataclass(frozen=True)
class Wish:
    """What shall be measured; a benchmark reads what concerns it.

    ``columns`` of the form that ``build`` writes; ``scenarios`` of ``study``; ``seeds`` of
    ``anneal`` and ``qubo``, and the folder ``out`` in which they write (:meth:`folder`); all else
    is for ``anneal``: groups of districts, limits [s], routes, the relative gap at which a route
    stops, and threads.
    """

    columns: int = 1_000_000
    classes: Sequence[str] = ("S", "M")
    sizes: Sequence[str] = ()
    scale: bool = False
    seeds: Sequence[int] = (11, 12, 13)
    time: float = 60.0
    milp_time: float | None = None
    routes: Sequence[str] = ()
    gap: float = 1e-4
    threads: int | None = None
    out: Path | None = None
    scenarios: int = 100

    def folder(self, name: str) -> Path:
        """Where the benchmark of that name writes."""
        return self.out or Path("out") / name


def benchmark_names() -> list[str]:
    """All benchmarks, by module name."""
    return [
        module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")
    ]


def run_benchmarks(names: Sequence[str], wish: Wish, say: Say) -> dict[str, Any]:
    """Run the named benchmarks (all but ``anneal`` if none is named); give their figures."""
    known = benchmark_names()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(Fault("bench", "unknown benchmark", ", ".join(unknown),
                               f"use one of {', '.join(known)}"))  # fmt: skip
    asked = dict.fromkeys(names or [each for each in known if each != ANNEAL])
    return {
        name: importlib.import_module(f"citygrid.bench.{name}").run(wish, say) for name in asked
    }
