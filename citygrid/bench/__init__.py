"""Benchmarks: speed and memory as ratios, measured side by side in one run.

Each benchmark is one module with ``run(columns, say) -> dict``. Every measured step runs in a child
process of its own, so that peaks of memory do not mix and nothing is warm by accident.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from typing import Any

from citygrid.errors import Fault, InputError

Say = Callable[[str], None]


def benchmark_names() -> list[str]:
    """All benchmarks, by module name."""
    return [
        module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")
    ]


def run_benchmarks(names: Sequence[str], columns: int, say: Say) -> dict[str, Any]:
    """Run the named benchmarks (all of them if none is named) and give their figures."""
    known = benchmark_names()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(Fault("bench", "unknown benchmark", ", ".join(unknown),
                               f"use one of {', '.join(known)}"))  # fmt: skip
    return {
        name: importlib.import_module(f"citygrid.bench.{name}").run(columns, say)
        for name in names or known
    }
