"""Every route and every reference on random districts: who agrees, in a table.

python -m tests.differential.table --count 500 --first 0
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import citygrid as cg
from citygrid.errors import CitygridError
from citygrid.model.form import Form
from tests.differential.references import Answer, references
from tests.random_districts import RandomDistrict, district

#: Two least costs agree to this, relative to what passes through the objective.
CLOSE = 1e-6
COLUMNS = ("equal", "both infeasible", "unequal", "not applicable")


@dataclass
class Table:
    """Counts by who was asked, and everything that does not agree."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)
    why: dict[str, Counter[str]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def add(self, seed: int, answers: Mapping[str, Answer]) -> None:
        """Compare all answers on one district with that of the route ``milp``."""
        base = answers["milp"]
        scale = max(answer.scale for answer in answers.values())
        for name, answer in answers.items():
            count = self.counts.setdefault(name, Counter())
            if answer.said == "none":
                count["not applicable"] += 1
                self.why.setdefault(name, Counter())[answer.why] += 1
            elif answer.said != base.said:
                count["unequal"] += 1
                self.odd.append(f"{seed}: {name} {answer.said} {answer.cost}, milp {base.said} "
                                f"{base.cost} {base.why}")  # fmt: skip
            elif answer.cost is None or base.cost is None:
                count["both infeasible"] += 1
            elif abs(answer.cost - base.cost) <= CLOSE * scale:
                count["equal"] += 1
            else:
                count["unequal"] += 1
                self.odd.append(f"{seed}: {name} {answer.cost!r}, milp {base.cost!r}, "
                                f"of {scale:g} EUR that pass")  # fmt: skip

    def __str__(self) -> str:
        lines = [
            "| asked | " + " | ".join(COLUMNS) + " | why not |",
            "|---|---:|---:|---:|---:|---|",
        ]
        for name, count in self.counts.items():
            why = "; ".join(
                f"{n} {text}" for text, n in self.why.get(name, Counter()).most_common(3)
            )
            lines.append(f"| {name} | {' | '.join(str(count[c]) for c in COLUMNS)} | {why} |")
        return "\n".join([*lines, f"refused: {len(self.refused)}", *self.refused, *self.odd])


def formulated(drawn: RandomDistrict) -> Form:
    """The form of a random district. Raises what refuses it."""
    with tempfile.TemporaryDirectory() as folder:
        return cg.formulate(cg.prepare(cg.load(drawn.write(Path(folder)))))


def forms(seeds: Iterable[int], table: Table) -> Iterator[tuple[int, Form]]:
    """The forms of random districts; those that are refused stand in the table."""
    for seed in seeds:
        try:
            yield seed, formulated(district(seed))
        except CitygridError as refused:
            table.refused.append(f"{seed} refused: {refused}")


def compared(seeds: Iterable[int]) -> Table:
    """The table of all who are asked on the districts of some seeds."""
    table, everybody = Table(), references()
    for seed, form in forms(seeds, table):
        table.add(seed, {name: ask(form) for name, ask in everybody.items()})
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=25)
    parser.add_argument("--first", type=int, default=0)
    wish = parser.parse_args()
    print(compared(range(wish.first, wish.first + wish.count)))


if __name__ == "__main__":
    main()
