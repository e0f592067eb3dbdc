"""Every route and every reference on random districts: who agrees, in a table.

python -m tests.differential.table --count 500 --first 0 [--plain] [--told out/all.jsonl]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import citygrid as cg
from citygrid.errors import CitygridError
from citygrid.model.form import Form
from tests.differential.pypsa_apart import by_pypsa
from tests.differential.references import Answer, references
from tests.random_districts import RandomDistrict, district

#: Two least costs agree to this, relative to what passes through the objective.
CLOSE = 1e-6
#: What passes through an objective is at least so much [EUR]: less is rounding.
LEAST = 1e-6
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
            elif abs(answer.cost - base.cost) <= CLOSE * max(scale, LEAST):
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
            # Who never answered is not there: dashes, lest noughts look like a result.
            told = [str(count[column]) if set(count) != {"not applicable"} else "–"
                    for column in COLUMNS]  # fmt: skip
            lines.append(f"| {name} | {' | '.join(told)} | {why} |")
        return "\n".join([*lines, f"refused: {len(self.refused)}", *self.refused, *self.odd])


def formulated(drawn: RandomDistrict) -> Form:
    """The form of a random district. Raises what refuses it."""
    with tempfile.TemporaryDirectory() as folder:
        return cg.formulate(cg.prepare(cg.load(drawn.write(Path(folder)))))


#: Who may be asked, in the order of the table.
EVERYBODY = (*references(), "PyPSA")


def answered(drawn: RandomDistrict, who: Collection[str] = EVERYBODY) -> dict[str, Answer]:
    """What some say of a random district. Raises what refuses it."""
    with tempfile.TemporaryDirectory() as folder:
        loaded = cg.load(drawn.write(Path(folder)))
        case = cg.prepare(loaded)
    form, asked = cg.formulate(case), references()
    return {name: by_pypsa(loaded, case) if name == "PyPSA" else asked[name](form) for name in who}


def compared(
    seeds: Iterable[int], plain: bool = False, who: Collection[str] = EVERYBODY,
    told: Path | None = None,
) -> Table:  # fmt: skip
    """The table of those who are asked on the districts of some seeds.

    With a file ``told``, every district is printed and what is found is added to the file; what
    stands there is not asked for again.
    """
    table, known = Table(), _read(told)
    for seed in seeds:
        found = known.get((seed, plain), {"seed": seed, "plain": plain, "answers": {}})
        lacking = [name for name in who if name not in found["answers"]]
        if lacking and "refused" not in found:
            _ask(found, lacking)
            if told is not None:
                with told.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(found) + "\n")
        before = len(table.odd)
        if "refused" in found:
            table.refused.append(f"{seed} refused: {found['refused']}")
        else:
            table.add(seed, {name: Answer(**found["answers"][name]) for name in who})
        if told is not None:
            print(f"{seed}: {'; '.join(table.odd[before:]) or 'all that answer agree'}", flush=True)
    return table


def _ask(found: dict[str, Any], who: Collection[str]) -> None:
    """Add what some say of a district, or what refuses it."""
    try:
        answers = answered(district(found["seed"], found["plain"]), who)
    except CitygridError as refused:
        found["refused"] = str(refused)
        return
    found["answers"] |= {name: asdict(answer) for name, answer in answers.items()}


def _read(told: Path | None) -> dict[tuple[int, bool], dict[str, Any]]:
    """What stands in a file of answers, by seed and profile; the last line of a district counts."""
    if told is None or not told.exists():
        return {}
    lines = [json.loads(line) for line in told.read_text(encoding="utf-8").splitlines()]
    return {(line["seed"], line["plain"]): line for line in lines}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=25)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--plain", action="store_true",
                        help="districts of kinds alone that other tools know")  # fmt: skip
    parser.add_argument("--who", default=",".join(EVERYBODY),
                        help="who is asked, with commas; `milp` must be among them")  # fmt: skip
    parser.add_argument("--told", type=Path,
                        help="file of answers: printed as they come, and resumed from")  # fmt: skip
    wish = parser.parse_args()
    seeds = range(wish.first, wish.first + wish.count)
    print(compared(seeds, wish.plain, wish.who.split(","), wish.told))


if __name__ == "__main__":
    main()
