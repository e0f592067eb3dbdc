"""`--profile`: where a command's time goes, by what was at work and by function, on stderr."""

from __future__ import annotations

import contextlib
import re
import sys
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, TextIO

if TYPE_CHECKING:
    import pstats

#: Lines of each of the two tables.
LONGEST = 12
#: What the profiler calls the file of a builtin, and builtins that load modules.
BUILTIN, LOADING = "~", ("<built-in method marshal", "<built-in method _imp")
_PACKAGE = re.compile(r"site-packages/([^/]+)")
_ROOM = re.compile(r".*/citygrid/([^/]+?)(?:\.py)?(?:/|$)")
_HEAVY = re.compile(r"highspy|numpy|pandas|scipy|netCDF4|pyarrow|shapely|pyogrio")


class Cost(NamedTuple):
    """A function's calls, its own seconds and those of all that it called."""

    name: str
    calls: int
    own: float
    whole: float


@contextlib.contextmanager
def profiled(stream: TextIO | None = None) -> Iterator[None]:
    """Profile what runs inside and say on ``stream`` (stderr) where the time went.

    Profiling costs time of its own, most where small functions are called often. What runs in
    another process (HiGHS under a hard limit, the prover) counts as waiting for it.
    """
    import cProfile
    import pstats
    import resource
    import time

    profile = cProfile.Profile()
    wall, cpu = time.perf_counter(), time.process_time()
    profile.enable()
    try:
        yield
    finally:
        profile.disable()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"profile: {wall:.2f} s, {cpu:.2f} s of CPU in this process, at most {peak:,.0f} MiB",
              table(pstats.Stats(profile)), sep="\n", file=stream or sys.stderr)  # fmt: skip


def table(stats: pstats.Stats) -> str:
    """Own seconds by what was at work, and the dearest functions of the package."""
    shares: Counter[str] = Counter()
    costs = []
    for (file, line, name), (_, calls, own, whole, callers) in stats.stats.items():  # type: ignore[attr-defined]
        worker = at_work(file, name)
        if file == BUILTIN and worker == "Python":  # what a list or a dict does, its user does
            for (caller, _, called_by), (_, _, part, _) in callers.items():
                shares[at_work(caller, called_by)] += part
                own -= part
            shares[worker] += own
        else:
            shares[worker] += own
        if worker.startswith("citygrid"):
            costs.append(Cost(f"{file.rpartition('/citygrid/')[2]}:{line} {name}", calls, own,
                              whole))  # fmt: skip
    total = sum(shares.values()) or 1.0
    lines = [f"{'at work':<34} {'own s':>8} {'share':>6}"]
    lines += [f"{worker:<34} {own:>8.3f} {own / total:>6.0%}"
              for worker, own in shares.most_common(LONGEST)]  # fmt: skip
    lines += ["", f"{'function':<60} {'calls':>9} {'own s':>8} {'with all it calls':>18}"]
    dearest = sorted(costs, key=lambda cost: -cost.whole)[:LONGEST]
    lines += [f"{cost.name[-60:]:<60} {cost.calls:>9,} {cost.own:>8.3f} {cost.whole:>18.3f}"
              for cost in dearest]  # fmt: skip
    return "\n".join(lines)


def at_work(file: str, name: str) -> str:
    """Who a function belongs to: a room of the package, a library, the import of modules, Python.

    Builtins have no file; those of libraries are known by their names.
    """
    package = _PACKAGE.search(file)
    if package is not None:
        return package[1].removesuffix(".py")
    room = _ROOM.search(file)
    if room is not None:
        return f"citygrid {room[1]}"
    if "importlib" in file or name.startswith(
        ("<built-in method marshal", "<built-in method _imp")
    ):
        return "import of modules"
    heavy = _HEAVY.search(name)
    return heavy[0] if heavy is not None else "Python"
