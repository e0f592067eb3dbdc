"""Who writes over and over while others read: plans, a registry, a study."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path


def rounds(seconds: float) -> Iterator[int]:
    """Numbers, until so many seconds are over; at least two."""
    end = time.monotonic() + seconds
    for number in count():
        if number >= 2 and time.monotonic() > end:
            print(number)
            return
        yield number


def plans(folder: str, one: str, other: str, seconds: float) -> None:
    """The files of two runs, in turn, into one folder."""
    from citygrid.export.runs import Stored, write_runs

    made = [Stored.load(Path(one)), Stored.load(Path(other))]
    for number in rounds(seconds):
        write_runs([made[number % 2]], Path(folder))


def registry(folder: str, seconds: float) -> None:
    """Runs that begin and end, each with a content of its own."""
    from citygrid.registry import Registry, new_record

    for number in rounds(seconds):
        with Registry(Path(folder), write=True) as opened:
            digest = opened.blobs.put(f"content {number}".encode())
            kept = [{"role": "data", "name": "a.csv", "sha256": digest, "kept": True}]
            record = new_record("plan", f"run-{number:06d}", inputs=kept)
            opened.begin(record)
            opened.add([record])


def study(folder: str, seconds: float) -> None:
    """A study that asks and knows something else each time: one route at 1 EUR, three at 3 EUR."""
    from citygrid.study.scenarios.spec import RouteSpec
    from citygrid.study.store import Store
    from citygrid.study.table import land

    with Store.conducting(Path(folder)) as store:
        for number in rounds(seconds):
            routes = ["lp", "milp", "hybrid"][: 1 + 2 * (number % 2)]
            named = [{**RouteSpec(route=route).model_dump(), "label": route} for route in routes]
            keys = [f"{route} of {len(routes)}" for route in routes]
            said = {"name": "a study", "routes": json.dumps(named)}
            empty = dict.fromkeys(("description", "file", "district", "version", "function"), "")
            store.ask(said | empty, [("base", {})],
                      [(0, place, key) for place, key in enumerate(keys)])  # fmt: skip
            for key in keys:
                store.note(key, 1, {"status": "optimal", "objective_eur": float(len(routes)),
                                    "verified": True})  # fmt: skip
            store.commit()
            land(store)
