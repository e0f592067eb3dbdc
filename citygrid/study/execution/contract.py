"""What every executor takes and gives.

Before a study has a folder, ``refuse(limits)`` raises :class:`InputError` where the executor cannot
keep such limits or has nobody to compute. Then it is ``run(setup, tasks, limits, sent) ->
answers``: it draws tasks when somebody is free, says of each that it was ``sent``, and yields an
:class:`Answer` for every task, in the order in which they end, whatever became of it. Between
answers it yields ``None`` at least every ``TICK`` seconds, so that who listens can write down what
it has. Closed early, it ends what it began.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

#: Seconds after which a listener hears that nothing has happened.
TICK = 0.5
#: Ends that no plan follows from, and that a study counts as failed.
FAILED = frozenset({"refused", "failed", "crashed", "timed_out", "out_of_memory", "error"})
#: Words of routes that failed, too, where no plan comes with them.
WITHOUT_PLAN = frozenset({"time_limit", "no_plan", "unbounded", "feasible"})


@dataclass(frozen=True)
class Limits:
    """Of one task: seconds, bytes of the process, and further tries after a crash."""

    time: float | None = None
    memory: int | None = None
    retries: int = 2


@dataclass(frozen=True)
class Setup:
    """What all tasks of a study share: the base's tree and file, where outputs go, routes."""

    base: str
    tree: dict[str, Any]
    out: str
    plans: bool = False
    tables: tuple[str, ...] = ()
    routes: tuple[dict[str, Any], ...] = ()
    version: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"base": self.base, "tree": self.tree, "out": self.out, "plans": self.plans,
                "tables": list(self.tables), "routes": list(self.routes),
                "version": self.version}  # fmt: skip

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Setup:
        """The setup of :meth:`as_dict`."""
        lists = {name: tuple(plain[name]) for name in ("tables", "routes")}
        return cls(**{**plain, **lists})


@dataclass(frozen=True)
class Answer:
    """What became of a task: its row, as plain values, and how often it was tried."""

    key: str
    row: dict[str, Any] = field(default_factory=dict)
    attempts: int = 1


#: A task as plain values: ``key``, ``patch``, ``digest``, ``files``, ``route``.
Plain = dict[str, Any]
Sent = Callable[[str], None]


class Executor(Protocol):
    """Computes tasks one way or another."""

    def refuse(self, limits: Limits) -> None: ...

    def run(
        self, setup: Setup, tasks: Iterable[Plain], limits: Limits, sent: Sent
    ) -> Iterator[Answer | None]: ...


def row_without_plan(task: Plain, status: str, error: str) -> dict[str, Any]:
    """The row of a task that nobody could finish."""
    return {"key": task["key"], "status": status, "error": error, "seconds": {}}
