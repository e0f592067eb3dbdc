"""What every route takes and gives, whatever solves the form behind it.

A route is ``solve(form, options) -> Outcome``. The outcome says what was found, what was proven,
and when which backend was asked, started and finished, so that queue time is always a figure.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from citygrid.gap import relative_gap as relative_gap

Floats = NDArray[np.float64]
Positions = NDArray[np.integer[Any]]
Status = Literal[
    "optimal", "feasible", "infeasible", "unbounded", "time_limit", "no_plan", "relaxed", "error"
]
Progress = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Options:
    """What a user may ask of any route.

    ``gap`` is the relative gap at which a plan counts as optimal; ``time_limit`` in s (a hard one:
    the solver is stopped and its best plan returned); ``threads`` for solvers that use several;
    ``sampler`` names the annealer of the routes that have one (``onehot`` is the package's own;
    several by commas: each where those before it fail); ``extras`` are further options of the route
    or its solver as text, for one kind of route alone where the name begins with it
    (``hybrid.rounds``), for samplers where it begins ``sampler.``; ``progress`` is called with
    ``seconds``, ``objective`` and ``bound`` while a solver works; ``start`` is a point (n) whose
    integers a route may begin with, which may break limits. Without a time limit the same seed
    gives the same plan.
    """

    gap: float = 1e-3
    time_limit: float | None = None
    seed: int = 0
    threads: int | None = None
    verbose: bool = False
    sampler: str = "onehot"
    extras: Mapping[str, str] = field(default_factory=dict)
    progress: Progress | None = None
    start: Floats | None = None

    @property
    def quiet(self) -> Options:
        """The same without progress: bounds of a part of a form are no bounds of the form."""
        return replace(self, progress=None)


@dataclass(frozen=True)
class Outcome:
    """What a route found: the point ``x``, its ``objective`` [EUR] and a proven lower ``bound``.

    ``bound`` is ``None`` where nothing was proven. ``status`` ``time_limit`` comes with the best
    plan found, if there was one; ``relaxed`` with a point that keeps every row and not its whole
    numbers, which is no plan and has no objective. ``pool`` holds further plans, best first, as
    ``(objective, x)``.
    """

    status: Status
    x: Floats | None = None
    objective: float | None = None
    bound: float | None = None
    pool: list[tuple[float, Floats]] = field(default_factory=list)
    telemetry: dict[str, Any] = field(default_factory=dict)

    @property
    def gap(self) -> float | None:
        """``(objective − bound) / |objective|``; ``None`` where either is missing."""
        return relative_gap(self.objective, self.bound)


def proven(objective: float, bound: float | None) -> float | None:
    """A bound that does not exceed the objective by rounding alone.

    Solvers prove within tolerances, so a bound may lie above an objective by their size. A bound
    that lies above it by more is wrong and is dropped: no bound is better than a false one.
    """
    if bound is None or not math.isfinite(bound):
        return None
    if bound <= objective:
        return bound
    return objective if bound - objective <= 1e-5 * max(1.0, abs(objective)) else None


def now() -> str:
    """The present instant, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


@dataclass
class Call:
    """One call of a backend: when it was asked, when it began and ended."""

    backend: str
    purpose: str
    queued_at: str
    started_at: str = ""
    finished_at: str = ""
    notes: dict[str, Any] = field(default_factory=dict)


class Journal:
    """Collects the telemetry of a route: backend calls, seconds per stage, counts, figures.

    ``progress`` hears of every better plan and bound that :meth:`trace` is told.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        self.calls: list[Call] = []
        self.seconds: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self.figures: dict[str, Any] = {}
        self._trace: list[dict[str, float | None]] = []
        self._progress = progress
        self._begun = time.perf_counter()

    @property
    def elapsed(self) -> float:
        """Seconds since the route began."""
        return time.perf_counter() - self._begun

    @contextmanager
    def call(self, backend: str, purpose: str) -> Iterator[Call]:
        """Record one backend call; a backend that starts later overwrites ``started_at``."""
        call = Call(backend, purpose, queued_at=now())
        call.started_at = call.queued_at
        self.calls.append(call)
        begun = time.perf_counter()
        try:
            yield call
        finally:
            call.finished_at = now()
            self._spend(purpose, time.perf_counter() - begun)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of a piece of our own work to a stage."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self._spend(name, time.perf_counter() - begun)

    def _spend(self, name: str, seconds: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def count(self, name: str, number: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + number

    def trace(self, objective: float | None = None, bound: float | None = None) -> None:
        """Note a plan of the whole form and a proven bound of it [EUR], if one is the best so far.

        What is worse than what is known, missing or no number changes nothing, so that along the
        trace objectives only fall and bounds only rise.
        """
        self._note(self.elapsed, objective, bound)

    def follow(self, trace: Iterable[Mapping[str, Any]], begun: float) -> None:
        """Take over the bounds of a trace that began when ``begun`` seconds had passed here."""
        for news in trace:
            self._note(begun + news["seconds"], None, news["bound"])

    def _note(self, seconds: float, objective: float | None, bound: float | None) -> None:
        last = self._trace[-1] if self._trace else {"objective": None, "bound": None}
        best, proved = last["objective"], last["bound"]
        if objective is not None and math.isfinite(objective):
            best = objective if best is None else min(best, objective)
        if bound is not None and math.isfinite(bound):
            proved = bound if proved is None else max(proved, bound)
        if best == last["objective"] and proved == last["bound"]:
            return
        news = {"seconds": seconds, "objective": best, "bound": proved}
        self._trace.append(news)
        if self._progress is not None:
            self._progress(dict(news))

    def telemetry(self) -> dict[str, Any]:
        """Everything recorded, as plain values that can be written as JSON.

        ``milps`` are the searches that HiGHS did, whole or in part. A route that left the whole
        form to it says why in ``fell_back``. ``trace`` is the best plan and the best proven bound
        after so many seconds since the route began, an entry per improvement.
        """
        calls = [
            {"backend": c.backend, "purpose": c.purpose, "queued_at": c.queued_at,
             "started_at": c.started_at, "finished_at": c.finished_at, **c.notes}
            for c in self.calls
        ]  # fmt: skip
        return {
            "queued_at": calls[0]["queued_at"] if calls else None,
            "started_at": calls[0]["started_at"] if calls else None,
            "finished_at": calls[-1]["finished_at"] if calls else None,
            "queue": sum(_between(c.queued_at, c.started_at) for c in self.calls),
            "calls": calls,
            "seconds": {**self.seconds, "total": self.elapsed},
            "counts": dict(self.counts),
            "milps": self.counts.get("milps", 0),
            "trace": [dict(news) for news in self._trace],
            **self.figures,
        }


def _between(first: str, second: str) -> float:
    """Seconds between instants, which may be of two processes; 0 where the clock was put back."""
    passed = datetime.fromisoformat(second) - datetime.fromisoformat(first)
    return max(passed.total_seconds(), 0.0)


#: Plans that a route hands out, the best one included.
POOL = 5
#: Seconds that a last linear programme may take, if need be beyond the limit.
LAST = 5.0


class Clock:
    """Seconds left of a time limit; without one there is always time."""

    def __init__(self, limit: float | None) -> None:
        self._limit = limit
        self._end = None if limit is None else time.perf_counter() + limit

    @property
    def left(self) -> float | None:
        return None if self._end is None else max(self._end - time.perf_counter(), 0.0)

    @property
    def spent(self) -> float:
        """Part of the limit that is gone; 0 without one."""
        if self._end is None or self._limit is None:
            return 0.0
        return 1.0 - (self.left or 0.0) / self._limit

    @property
    def over(self) -> bool:
        return self._end is not None and time.perf_counter() >= self._end

    @property
    def last(self) -> float | None:
        """Seconds for a last linear programme, without which there is no plan; none without end."""
        return None if self.left is None else max(self.left, LAST)

    def share(self, part: float, at_least: float = 0.0) -> float | None:
        """A part of the seconds left, but never more than all and not less than ``at_least``."""
        left = self.left
        return None if left is None else min(max(part * left, at_least), max(left, 0.1))
