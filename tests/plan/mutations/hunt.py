"""Draw mutants of honest plans, ask ``verify`` of each, and count what it finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import cycle

import numpy as np

import citygrid as cg
from tests.plan.mutations.laws import TOLERANCE, Site
from tests.plan.mutations.operators import OPERATORS, Mutant

#: How far beyond the tolerance a mutant must be, in the form's scales, to be asked for: scales of
#: the verdict are those of what flows at a place and differ from a row's by a small factor.
CLEAR = 3.0
#: Sites at which an operator looks for something to change.
TRIES = 20


@dataclass
class Count:
    """What became of the mutants of operators and kinds."""

    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    harmless: Counter[str] = field(default_factory=Counter)
    below: Counter[str] = field(default_factory=Counter)
    strict: Counter[str] = field(default_factory=Counter)
    strict_rules: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)

    def table(self) -> str:
        """Operators by rows: found of asked, and mutants that break nothing."""
        lines = [f"{'operator':34}{'found':>7}{'of':>7}{'harmless':>10}{'tiny':>6}{'stricter':>10}"]
        for name in OPERATORS:
            asked = sum(n for (op, _), n in self.asked.items() if op == name)
            found = sum(n for (op, _), n in self.found.items() if op == name)
            lines.append(f"{name:34}{found:7}{asked:7}{self.harmless[name]:10}"
                         f"{self.below[name]:6}{self.strict[name]:10}")  # fmt: skip
        lines.append(
            f"{'all':34}{self.found.total():7}{self.asked.total():7}"
            f"{self.harmless.total():10}{self.below.total():6}{self.strict.total():10}"
        )
        lines += ["", f"{'kind':34}{'found':>7}{'of':>7}"]
        for kind in sorted({kind for _, kind in self.asked}):
            asked = sum(n for (_, k), n in self.asked.items() if k == kind)
            found = sum(n for (_, k), n in self.found.items() if k == kind)
            lines.append(f"{kind:34}{found:7}{asked:7}")
        return "\n".join(lines)


def judge(site: Site, operator: str, mutant: Mutant, count: Count) -> bool:
    """Count a mutant; whether it was one that breaks something."""
    verdict = cg.verify(mutant.plan.case, mutant.plan)
    site = mutant.site or site
    if not mutant.certain:
        size, where = site.broken(site.point(mutant.plan.dataset))
        size, where = max((size, where), (site.books(mutant.plan.dataset), "the books"))
        if size <= CLEAR * TOLERANCE:
            # The formulation knows of nothing that is broken: the proof that it is harmless.
            if not verdict.ok:
                count.strict[operator] += 1
                count.strict_rules[f"{operator}: {verdict.violations[0].rule}"] += 1
            elif size > TOLERANCE / 1000.0:
                count.below[operator] += 1
            elif site.completes(site.point(mutant.plan.dataset)):
                count.harmless[operator] += 1
            else:
                size, where = np.inf, "the guards of a balance"
            if np.isfinite(size):
                return False
    else:
        size, where = np.inf, OPERATORS[operator][0]
    key = (operator, mutant.kind)
    count.asked[key] += 1
    if verdict.ok:
        count.missed.append(f"{site.name}, {operator}: {mutant.what} ({where}, {size:.3g})")
    else:
        count.found[key] += 1
    return True


def hunt(
    sites: Sequence[Site], wanted: int, seed: int, operators: Iterable[str] = tuple(OPERATORS)
) -> Count:
    """Draw until ``wanted`` mutants broke something: operators in turn, each where it can."""
    rng, count = np.random.default_rng(seed), Count()
    idle = 0
    for name in cycle(operators):
        if count.asked.total() >= wanted:
            return count
        for _ in range(TRIES):
            site = sites[rng.integers(len(sites))]
            mutant = OPERATORS[name][1](site, rng)
            if mutant is not None:
                idle = -1
                judge(site, name, mutant, count)
                break
        idle += 1
        assert idle < 10 * len(OPERATORS), "the operators find nothing to change"
    raise AssertionError("there are no operators")
