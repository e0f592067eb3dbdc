"""What a study costs beside its solves, and what a second worker saves.

The Frankfurt day is varied in two prices and planned by the route ``lp``: twice with one worker,
to have the scale of chance, and once with two. The overhead is all that is not one scenario's own
sentence of prepare, formulate, solve and verify: reading and hashing the study, handing over,
writing down, landing.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from citygrid.bench import Say, Wish
from citygrid.errors import Fault, InputError

MODEL = Path(__file__).resolve().parents[2] / "models" / "frankfurt_day.yaml"
#: The stages that a scenario planned alone would have, too.
SENTENCE = ("prepare", "formulate", "solve", "plan", "verify")

TEXT = """
name: bench
district: {district}
routes: [lp]
vary:
  - sample:
      method: sobol
      count: {count}
      seed: 1
      ranges:
        carbon_price: [0 EUR/t, 200 EUR/t]
        components.grid.import.price.plus: [80 EUR/MWh, 200 EUR/MWh]
"""


def _conducted(path: Path, folder: Path, workers: int) -> dict[str, Any]:
    """Seconds of a study, of reading it, and of its scenarios' sentences and solves."""
    from citygrid.study.conduct import conduct
    from citygrid.study.execution.local import Processes
    from citygrid.study.scenarios.reading import read_study

    began = time.perf_counter()
    study = read_study(path)
    read = time.perf_counter() - began
    marks: list[tuple[int, float]] = []

    def heard(done: int, number: int, counts: object) -> None:
        # From the first answers on, when every worker has imported and read what it needs.
        if done >= 2 * workers and (not marks or done > marks[-1][0]):
            marks.append((done, time.perf_counter()))

    done = conduct(study, folder, Processes(workers), heard)
    whole = time.perf_counter() - began
    rows = [row["seconds"] for row in done.rows]
    solve = statistics.fmean(row["solve"] for row in rows)
    sentence = statistics.fmean(sum(row[stage] or 0.0 for stage in SENTENCE) for row in rows)
    (some, then), (all_, finished) = marks[0], marks[-1]
    steady = (finished - then) / (all_ - some)
    return {
        "seconds": whole, "read": read, "steady": steady, "solve": solve, "sentence": sentence,
        "digest": done.digest,
        "stages": {stage: statistics.fmean(row[stage] or 0.0 for row in rows) for stage in rows[0]},
    }  # fmt: skip


def run(wish: Wish, say: Say) -> dict[str, Any]:
    """Overhead per scenario over its solve and its sentence, and the speed-up by a second worker.

    ``overhead`` is what a scenario takes with one worker, once it has started, beyond its sentence,
    with its part of reading the study; ``overhead_of_all`` counts starting and ending, too.
    """
    from citygrid.study.scenarios.reading import read_study

    if not MODEL.is_file():
        raise InputError(Fault(str(MODEL), "is not there", None, "run from a checkout of citygrid"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.yaml"
        path.write_text(TEXT.format(district=MODEL, count=wish.scenarios), encoding="utf-8")
        read_study(path)  # imports are paid for once, however many scenarios there are
        runs = {}
        for name, workers in (("one", 1), ("two", 2)):
            say(f"{wish.scenarios:,} scenarios with {name} worker{'s' * (workers > 1)}")
            runs[name] = _conducted(path, Path(folder) / name, workers)
    one, two = runs["one"], runs["two"]
    overhead = one["steady"] - one["sentence"] + one["read"] / wish.scenarios
    whole = one["seconds"] / wish.scenarios - one["sentence"]
    return {
        "scenarios": wish.scenarios, "cores": os.cpu_count(), "load": list(os.getloadavg()),
        "runs": runs,
        "overhead_seconds": overhead, "overhead_of_solve": overhead / one["solve"],
        "overhead_of_sentence": overhead / one["sentence"],
        "overhead_of_all_of_solve": whole / one["solve"],
        "speed_up": one["seconds"] / two["seconds"],
        "speed_up_steady": one["steady"] / two["steady"],
        "equal": one["digest"] == two["digest"],
    }  # fmt: skip
