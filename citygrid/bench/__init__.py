"""Benchmarks: speed and memory as ratios, measured side by side in one run.

Each benchmark is one module. Those of speed and memory have ``run(columns, say) -> dict``; every
measured step runs in a child process of its own, so that peaks of memory do not mix and nothing is
warm by accident. ``anneal`` takes hours, so it runs only where it is named, by a wish of its own.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from citygrid.errors import Fault, InputError

if TYPE_CHECKING:
    from citygrid.bench.anneal import Wish

Say = Callable[[str], None]

#: The benchmark of routes against time.
ANNEAL = "anneal"


def benchmark_names() -> list[str]:
    """All benchmarks, by module name."""
    return [
        module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")
    ]


def run_benchmarks(
    names: Sequence[str], columns: int, say: Say, wish: Wish | None = None
) -> dict[str, Any]:
    """Run the named benchmarks (all but ``anneal`` if none is named); give their figures."""
    known = benchmark_names()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(Fault("bench", "unknown benchmark", ", ".join(unknown),
                               f"use one of {', '.join(known)}"))  # fmt: skip
    found = {}
    for name in dict.fromkeys(names or [each for each in known if each != ANNEAL]):
        if name == ANNEAL:
            from citygrid.bench.anneal import Wish
            from citygrid.bench.anneal import run as race

            found[name] = race(wish or Wish(), say)
        else:
            found[name] = importlib.import_module(f"citygrid.bench.{name}").run(columns, say)
    return found
