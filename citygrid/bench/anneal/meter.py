"""What a run cost the machine: processor time, memory, and energy where it can be read."""

from __future__ import annotations

import os
import platform
import resource
import sys
from pathlib import Path

#: Where Linux shows the energy counters of processor packages.
RAPL = Path("/sys/class/powercap")


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine() -> str:
    """Processor and number of usable cores, in words."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor() or platform.machine()}, {cores()} cores"


def _packages(root: Path) -> dict[Path, int]:
    """Counters of the processor packages [µJ]; none where they are missing or not readable."""
    found = {}
    for folder in sorted(root.glob("intel-rapl:*")):
        try:
            # Parts of a package and the whole platform are left out: they would count twice.
            if (folder / "name").read_text().startswith("package"):
                found[folder] = int((folder / "energy_uj").read_text())
        except (OSError, ValueError):
            return {}
    return found


class Meter:
    """Readings from its making on: of this process and its ended children, and of the machine."""

    def __init__(self, root: Path = RAPL) -> None:
        self._root = root
        self._before = _packages(root)
        self._cpu = _processor_seconds()

    def joules(self) -> float | None:
        """Energy of all processor packages [J], whoever used it; ``None`` where nobody can say."""
        after = _packages(self._root)
        if not self._before or set(after) != set(self._before):
            return None
        total = 0
        for folder, count in after.items():
            spent = count - self._before[folder]
            if spent < 0:  # the counter began anew
                spent += int((folder / "max_energy_range_uj").read_text())
            total += spent
        return total / 1e6

    def cpu_seconds(self) -> float:
        """Processor time of this process and of its ended children [s]."""
        return _processor_seconds() - self._cpu


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def peak_mb() -> float:
    """Most memory that this process, or one of its ended children, has held [MB]."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return max(each.ru_maxrss for each in used) / (1e6 if sys.platform == "darwin" else 1e3)
