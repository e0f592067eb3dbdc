"""Measures a front beside cold solves of its own limits, by the same route to the same gap:

    .venv/bin/python scripts/measure_front.py models/frankfurt.yaml --points 15 --sample 5

Cold means from nothing: no start, no bound, no other limit's plan, as `citygrid plan` would solve
the district with that limit, to the gap that was asked for or, where the front ended above it, to
the one that it reached there. Of the limits so many are sampled, evenly, and the rest is reckoned
by their mean. Seconds of the processor, children included, stand beside those of the clock, for a
machine that others use.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import sys
import time
from dataclasses import replace

import numpy as np

import citygrid as cg
from citygrid.routes import solve
from citygrid.routes.contract import Options
from citygrid.study.fronts import front
from citygrid.study.fronts.measures import limited, measure_of


def processor_seconds() -> float:
    """Seconds of the processor that this process and its ended children have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--of", default="cost,carbon")
    parser.add_argument("--points", type=int, default=15)
    parser.add_argument("--gap", type=float, default=1e-3)
    parser.add_argument("--sample", type=int, default=5)
    parser.add_argument("--time-limit", type=float, help="seconds of every search, warm and cold")
    asked = parser.parse_args()

    def say(text: str) -> None:
        print(f"{processor_seconds():8.1f} s  {text}", file=sys.stderr, flush=True)

    case = cg.prepare(cg.load(asked.model))
    options = Options(gap=asked.gap, time_limit=asked.time_limit)
    clock, processor = time.perf_counter(), processor_seconds()
    found = front(case, asked.of, asked.points, options=options, say=say)
    warm = {"seconds": time.perf_counter() - clock, "processor": processor_seconds() - processor}
    for point in found.points:
        say(f"{point.measured:,.1f} {found.measure.unit}: {point.cost:,.2f} EUR, gap {point.gap}")
    row = limited(cg.formulate(case), measure_of(asked.of))
    chosen = np.unique(np.linspace(0, len(found.points) - 1, asked.sample).round().astype(int))
    cold = []
    for number in chosen:
        point = found.points[number]
        say(f"cold: point {number + 1} of {len(found.points)}")
        form = row.form if point.limit is None else row.at(point.limit)
        reached = replace(options, gap=max(options.gap, point.gap or 0.0))
        clock, processor = time.perf_counter(), processor_seconds()
        outcome = solve(form, "milp", reached)
        cold.append({
            "limit": point.limit, "seconds": time.perf_counter() - clock,
            "processor": processor_seconds() - processor, "cost": outcome.objective,
            "gap": outcome.gap, "front_cost": point.cost, "front_gap": point.gap,
        })  # fmt: skip
    whole = {
        name: len(found.points) * float(np.mean([each[name] for each in cold]))
        for name in ("seconds", "processor")
    }
    sign = found.measure.sign
    monotone = all(
        sign * (tight.measured - loose.measured) < 0.0 < tight.cost - loose.cost
        for tight, loose in itertools.pairwise(found.points)
    )
    print(json.dumps({
        "model": found.model, "of": asked.of, "points": len(found.points), "warm": warm,
        "cold_sampled": cold, "cold_reckoned": whole,
        "share": {name: warm[name] / whole[name] for name in whole},
        "monotone": monotone, "verified": all(point.verdict.ok for point in found.points),
        "searches": found.searches, "dropped": len(found.dropped),
        "gaps": [point.gap for point in found.points], "best_proven": found.best,
    }, indent=1))  # fmt: skip


if __name__ == "__main__":
    main()
