"""The verdict: every plan is replayed as physics by code that has never seen the formulation.

Each kind replays its components from the plan's flows and the case's parameters. What they moved
must balance for every carrier at every place and step; what they cost must be what the ledger and
the objective say. What policies imposed is no physics: its stored rows are checked as numbers
(:mod:`citygrid.plan.policies`). A solver's word counts for nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from citygrid.arrays import Floats, stamped
from citygrid.cards import card, counted, line
from citygrid.components.contract import kinds
from citygrid.components.log import Breach, Log
from citygrid.district.case import Case
from citygrid.errors import Fault, VerificationError
from citygrid.ledger import Line, total, weights
from citygrid.plan import said
from citygrid.plan.burning import working_against
from citygrid.plan.kpis import key_figures
from citygrid.plan.plan import Plan
from citygrid.plan.policies import imposed
from citygrid.units import carrier_unit

#: Largest violation relative to its scale at which a plan still counts as right.
TOLERANCE = 1e-6
#: What a replay meets in a plan, or in a case, that somebody has changed.
MISSHAPEN = (KeyError, IndexError, ValueError, TypeError, AttributeError, ArithmeticError)


class Violation(NamedTuple):
    """One broken rule at its worst place and time, in physical units."""

    rule: str
    where: str
    time: str | None
    size: float
    unit: str
    relative: float

    def __str__(self) -> str:
        when = f" at {self.time}" if self.time else ""
        return f"{self.where}{when}: {self.rule}, off by {self.size:.6g} {self.unit}"


@dataclass(frozen=True)
class Verdict:
    """What the replay found: ``ok`` when no relative violation exceeds the tolerance.

    ``violations`` has one entry per broken rule and component, worst first; ``largest`` is the
    largest relative violation, broken or not.
    """

    ok: bool
    largest: float
    violations: tuple[Violation, ...]
    kpis: dict[str, float | None]
    cost: float
    carbon: float
    ledger: dict[tuple[str, str], Line]

    def require(self) -> None:
        """Raise :class:`VerificationError`, one fault per violation, unless the plan is right."""
        if not self.ok:
            raise VerificationError([
                Fault(" at ".join(filter(None, (v.where, v.time))),
                      f"{v.rule}, off by {v.size:.6g} {v.unit}")
                for v in self.violations
            ])  # fmt: skip

    def __repr__(self) -> str:
        return line("Verdict", self._word, [
            f"largest violation {self.largest:.1e} (relative)", self._worst,
            f"{self.cost:,.2f} EUR", f"{self.carbon:,.1f} kg CO2",
        ])  # fmt: skip

    def _repr_html_(self) -> str:
        figures = {
            name.replace("_", " "): f"{value:,.6g}" for name, value in self.kpis.items()
            if value is not None and name not in ("cost_eur", "co2_kg")
        }  # fmt: skip
        return card("Verdict", self._word, {
            "largest violation": f"{self.largest:.1e} (relative)",
            "cost": f"{self.cost:,.2f} EUR", "CO2": f"{self.carbon:,.1f} kg",
            **{f"broken rule {i}": str(v) for i, v in enumerate(self.violations[:5], 1)},
            "further broken rules": f"{len(self.violations) - 5:,}" if (
                len(self.violations) > 5) else None,
            **figures,
        })  # fmt: skip

    @property
    def _word(self) -> str:
        return "verified" if self.ok else "BROKEN"

    @property
    def _worst(self) -> str | None:
        if not self.violations:
            return None
        return f"{counted(len(self.violations), 'broken rule')}, worst: {self.violations[0]}"

    def broken(self, most: int) -> list[str]:
        """The worst broken rules as lines; where there are more than ``most``, how many."""
        further = len(self.violations) - most
        told = [str(violation) for violation in self.violations[:most]]
        return told + ([f"and {further:,} more"] if further > 0 else [])

    def as_dict(self) -> dict[str, Any]:
        """The verdict as it stands in the JSON document."""
        return {
            "ok": self.ok,
            "largest_violation": self.largest if np.isfinite(self.largest) else None,
            "violations": [
                {**v._asdict(), "size": _finite(v.size), "relative": _finite(v.relative)}
                for v in self.violations[:50]
            ],
        }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def verify(case: Case, plan: Plan) -> Verdict:
    """Replay a plan against a case and say what it breaks, where, when and by how much."""
    logs: list[Log] = []
    breaches = said.shape(case, plan)
    if not breaches:
        for kind, units in case.units.items():
            log = Log(kind, units.names)
            try:
                flows = plan.flows(units)
                kinds()[kind].replay(units, flows, log)
            except MISSHAPEN as error:
                breaches.append(said.missing(kind, f"the plan lacks or misshapes {error}"))
            else:
                breaches += [said.missing(kind, f"{kind} has no flow called {name}")
                             for name in flows.unread]  # fmt: skip
                breaches += said.units(kind, plan, flows)
            logs.append(log)
        breaches += [breach for log in logs for breach in log.breaches]
        breaches += _balances(logs, len(case.time))
        breaches += _withheld(case, logs)
        breaches += imposed(plan)
    undone = working_against(logs, len(case.time))
    breaches += undone.breaches
    ledger = _spent(logs)
    spent = total(ledger.values())
    cost = _objective(case, spent)
    if logs:
        breaches += said.accounts(case, plan, ledger, cost)
    breaches += said.claims(case, plan)
    violations = sorted(_violations(case, breaches), key=lambda v: -v.relative)
    largest = max((_worst(breach) for breach in breaches), default=0.0)
    figures = key_figures(case, logs, cost, spent, undone.hours)
    return Verdict(
        largest <= TOLERANCE, largest, tuple(violations), figures, cost, spent.carbon, ledger
    )


def _objective(case: Case, spent: Line) -> float:
    """What a plan is judged by: money, and what the district prices."""
    parts = (price * getattr(spent, name) for name, price in weights(case.prices).items())
    return float(sum(parts))


def replayed(plan: Plan) -> Verdict:
    """The verdict on a plan against its own case, for those who draw or tabulate it.

    A broken plan is shown with what it breaks; one that cannot even be replayed, because flows or
    parameters are missing or misshapen, raises :class:`VerificationError`.
    """
    verdict = verify(plan.case, plan)
    if not np.isfinite(verdict.largest):
        raise VerificationError([
            Fault(violation.where, violation.rule, None, "plan the district anew")
            for violation in verdict.violations if not np.isfinite(violation.size)
        ])  # fmt: skip
    return verdict


def _relative(breach: Breach) -> Floats:
    """Size over scale; what is not a number breaks its rule as far as can be."""
    relative: Floats = breach.size / breach.scale
    return np.where(np.isnan(relative), np.inf, relative)


def _worst(breach: Breach) -> float:
    return float(_relative(breach).max(initial=0.0))


def _balances(logs: list[Log], hours: int) -> list[Breach]:
    """All that is fed at a place is drawn there, for every carrier and step."""
    moved: dict[str, list[Any]] = {}
    for log in logs:
        for movement in log.movements:
            moved.setdefault(movement.carrier, []).append(movement)
    broken = []
    for carrier, movements in moved.items():
        places = np.unique(np.concatenate([m.places.astype(str) for m in movements]))
        net, largest = np.zeros((len(places), hours)), np.ones((len(places), hours))
        for movement in movements:
            at = np.searchsorted(places, movement.places.astype(str))
            np.add.at(net, at, movement.sign * movement.flow)
            np.maximum.at(largest, at, np.abs(movement.flow))
        broken.append(Breach(carrier, f"{carrier} is balanced", places, np.abs(net), largest,
                             carrier_unit(carrier)))  # fmt: skip
    return broken


def _withheld(case: Case, logs: list[Log]) -> list[Breach]:
    """What has failed moves nothing while it is out of service."""
    if not case.out:
        return []
    step = np.arange(len(case.time))
    broken = []
    for log in logs:
        for movement in log.movements:
            spans = [case.out.get(str(owner), (0, 0)) for owner in movement.owners]
            first, last = np.array(spans, dtype=np.int64).reshape(-1, 2).T
            out = (step >= first[:, None]) & (step < last[:, None])
            if out.any():
                size = np.where(out, np.abs(movement.flow), 0.0)
                broken.append(Breach(log.kind, f"no {movement.carrier} while out of service",
                                     movement.owners, size, np.ones_like(size),
                                     carrier_unit(movement.carrier)))  # fmt: skip
    return broken


def _spent(logs: list[Log]) -> dict[tuple[str, str], Line]:
    """(component, kind.item) → its line, as the replays count it."""
    return {
        (name, f"{log.kind}.{item}"): line
        for log in logs for item in log.spent
        for name, line in zip(log.names, log.lines(item), strict=True)
    }  # fmt: skip


def _violations(case: Case, breaches: Iterable[Breach]) -> list[Violation]:
    """The worst step of every rule and component that is broken."""
    found = []
    for breach in breaches:
        relative = _relative(breach)
        if not (relative > TOLERANCE).any():
            continue
        rows = relative.reshape(relative.shape[0], -1)
        for row in np.flatnonzero(rows.max(axis=1) > TOLERANCE):
            step = int(rows[row].argmax())
            size = breach.size.reshape(rows.shape)[row, step]
            hourly = rows.shape[1] == len(case.time) and rows.shape[1] > 1
            when = stamped(case.time[step]) if hourly else None
            found.append(Violation(breach.rule, f"{breach.kind} {breach.labels[row]}", when,
                                   float(size), breach.unit, float(rows[row, step])))  # fmt: skip
    return found
