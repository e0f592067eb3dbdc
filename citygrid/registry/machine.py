"""On what a run was made: the machine, the versions, and whether its process still lives."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import citygrid

#: Distributions that a plan depends on, by the name that is shown.
SOLVERS = {
    "highs": "highspy", "pyomo": "pyomo", "dimod": "dimod", "dwave-samplers": "dwave-samplers",
    "openjij": "openjij", "numpy": "numpy", "scipy": "scipy", "numba": "numba", "pvlib": "pvlib",
}  # fmt: skip


@cache
def versions() -> dict[str, str]:
    """Versions of citygrid, Python, and of the solvers and samplers that are installed."""
    found = {"citygrid": citygrid.__version__, "python": platform.python_version()}
    for name, distribution in SOLVERS.items():
        with suppress(PackageNotFoundError):
            found[name] = version(distribution)
    return found


@cache
def machine() -> dict[str, Any]:
    """Host, system, processor, usable cores and memory [bytes]; unknown is ``None``."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = None
    with suppress(ValueError, OSError, AttributeError):
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "host": platform.node(), "system": f"{platform.system()} {platform.release()}",
        "cpu": _processor(), "cores": cores, "memory_bytes": memory,
    }  # fmt: skip


def _processor() -> str | None:
    with suppress(OSError), Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith(("model name", "Hardware")):
                return line.partition(":")[2].strip() or None
    return platform.processor() or platform.machine() or None


def process() -> dict[str, Any]:
    """What tells this process from all others: host, boot, number, and when it started."""
    pid = os.getpid()
    return {"host": platform.node(), "boot": _boot(), "pid": pid, "started": _started(pid)}


def fate(told: Mapping[str, Any]) -> Literal["running", "killed", "unfinished"]:
    """What became of a process that began a run and has not ended it.

    ``unfinished`` where it ran on another machine, of which nobody here can know.
    """
    if told.get("host") != platform.node():
        return "unfinished"
    if told.get("boot") != _boot():
        return "killed"
    pid = told.get("pid")
    if not isinstance(pid, int) or pid <= 0:
        return "unfinished"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "killed"
    except (PermissionError, OverflowError):
        return "unfinished"
    # A number is given again to later processes; the instant at which they started is not.
    return "running" if told.get("started") == _started(pid) else "killed"


def _boot() -> str | None:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return None


def _started(pid: int) -> str | None:
    """Clock ticks since boot at which a process started, where the system says so."""
    with suppress(OSError, IndexError):
        state = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        fields = state.rpartition(")")[2].split()
        return None if fields[0] == "Z" else fields[19]
    return None
