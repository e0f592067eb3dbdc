"""Conduct a study: what is not yet acknowledged is computed, written down, and told."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import citygrid
from citygrid.errors import Fault, InputError
from citygrid.registry.canonical import now
from citygrid.study.execution.contract import FAILED, WITHOUT_PLAN, Executor, Limits, Plain, Setup
from citygrid.study.scenarios.reading import Study
from citygrid.study.store import SentLog, Store, not_begun
from citygrid.study.table import digest, labels, land, records

#: Told as a study goes on: tasks acknowledged, tasks in all, and how many of each status.
Heard = Callable[[int, int, Mapping[str, int]], None]


@dataclass(frozen=True)
class Conducted:
    """What became of a study.

    ``counts`` are rows (scenario × route) by status; ``computed`` are tasks that this run computed,
    ``known`` those that were acknowledged before; ``seconds`` of this run.
    """

    folder: Path
    digest: str
    rows: list[dict[str, Any]]
    counts: Mapping[str, int]
    tasks: int
    computed: int
    known: int
    seconds: float

    @property
    def failed(self) -> list[dict[str, Any]]:
        """Rows that have no result because something went wrong, or whose plan is broken."""
        return [row for row in self.rows if is_failure(row)]


def is_failure(row: Mapping[str, Any]) -> bool:
    """Whether a row failed: something went wrong, a plan is broken, or none was found in time.

    A district that allows no plan is a result and no failure, and so is a relaxation.
    """
    without = row["status"] in WITHOUT_PLAN and row["objective_eur"] is None
    return row["status"] in FAILED or row["verified"] is False or without


def conduct(
    study: Study, folder: Path, executor: Executor, heard: Heard = lambda *news: None,
    resume: bool = False, retry_failed: bool = False,
) -> Conducted:  # fmt: skip
    """Run a study in a folder, or go on with it.

    Tasks are told apart by what they depend on, so a folder may be asked again, also by a changed
    study: what is acknowledged is not computed again. With ``resume`` the folder must hold a study
    all of which this one asks, too; with ``retry_failed`` failures are forgotten first. An
    interrupt loses nothing that was acknowledged, and results are landed as far as they are.

    Raises :class:`InputError` for a folder that cannot be used and an executor that cannot compute,
    before anything runs or is written.
    """
    began = time.perf_counter()
    if resume:
        Store.open(folder).close()
    limits = Limits(study.spec.limits.time, study.spec.limits.memory, study.spec.limits.retries)
    executor.refuse(limits)
    with Store.conducting(folder) as store:
        if resume:
            _refuse_another(study, store)
        routes = [route.model_dump() for route in study.routes]
        named = [{**r, "label": label} for r, label in zip(routes, labels(routes), strict=True)]
        numbers = {scenario.name: i for i, scenario in enumerate(study.scenarios)}
        store.ask(
            {"name": study.spec.name, "description": study.spec.description,
             "file": study.path.name, "district": study.spec.district,
             "routes": json.dumps(named), "version": citygrid.__version__,
             "function": study.function or ""},
            [(scenario.name, scenario.varied) for scenario in study.scenarios],
            [(numbers[name], route, key) for (name, route), key in study.keys.items()],
        )  # fmt: skip
        known = {key: row for key, row in store.acknowledged().items() if key in study.tasks}
        if retry_failed:
            again = {key for key, row in known.items() if is_failure(row)}
            store.forget(again)
            known = {key: row for key, row in known.items() if key not in again}
        pending = [key for key in study.tasks if key not in known]
        counts = Counter(row["status"] for row in known.values())
        heard(len(known), len(study.tasks), counts)
        log = SentLog(folder)
        queued_at, sent_at = now(), dict[str, str]()

        def sent(key: str) -> None:
            sent_at[key] = now()
            log(key)

        answers = executor.run(setup_of(study, folder), _plain(study, pending), limits, sent)
        done = len(known)
        try:
            for answer in answers:
                if answer is not None:
                    # Of a process that is gone, we know when it was asked and when it was missed.
                    times = {"started_at": sent_at.get(answer.key), "finished_at": now()}
                    row = {**times, **answer.row, "queued_at": queued_at}
                    store.note(answer.key, answer.attempts, row)
                    counts[answer.row["status"]] += 1
                    done += 1
                store.commit_if_due()
                heard(done, len(study.tasks), counts)
        finally:
            _close(answers)
            log.close()
            store.commit()
            land(store)
        found = records(store)
        return Conducted(
            folder, digest(store), found, Counter(row["status"] for row in found),
            len(study.tasks), done - len(known), len(known), time.perf_counter() - began,
        )  # fmt: skip


def _refuse_another(study: Study, store: Store) -> None:
    """Refuse to go on with a study that asked what this one does not ask."""
    rows = records(store)
    gone = [row for row in rows if row["key"] not in study.tasks]
    if not gone:
        return
    version = store.about("version")
    if version != citygrid.__version__:
        raise InputError(Fault(
            "--resume", f"{store.folder} holds a study of citygrid {version}, whose results are "
            f"none of {citygrid.__version__}", None,
            "leave --resume out to compute all of it anew, or go on with that version",
        ))  # fmt: skip
    first = gone[0]
    raise InputError(Fault(
        "--resume", f"{store.folder} holds another study, “{store.about('name')}” of "
        f"{store.about('file')}: {len(gone):,} of the {len(rows):,} plans that it asks for are not "
        f"asked for here, the first is “{first['scenario']}” by {first['route']}",
        study.path.name, "name the file, data and options of that study, with more scenarios if "
        "you like; name another folder; or leave --resume out to ask this one something else",
    ))  # fmt: skip


def _close(answers: Iterator[Any]) -> None:
    """End an executor's processes now, and not when somebody collects the garbage."""
    close = getattr(answers, "close", None)
    if close is not None:
        close()


def setup_of(study: Study, folder: Path) -> Setup:
    """What all tasks of a study share; paths are absolute, for workers stand elsewhere."""
    outputs = study.spec.outputs
    return Setup(
        str(study.base.resolve()), study.tree, str(folder.resolve()), outputs.plans,
        tuple(outputs.tables), tuple(route.model_dump() for route in study.routes),
        citygrid.__version__,
    )  # fmt: skip


def _plain(study: Study, keys: list[str]) -> Iterator[Plain]:
    for key in keys:
        task = study.tasks[key]
        yield {"key": key, "patch": task.patch, "digest": task.digest, "files": task.files,
               "route": task.route.model_dump()}  # fmt: skip


def stored(folder: Path) -> tuple[dict[str, str], list[dict[str, Any]], str]:
    """Facts, rows and digest of the study in a folder.

    Raises :class:`InputError` where there is none, or none of it is asked yet.
    """
    store = Store.open(folder)
    try:
        names = ("name", "description", "file", "district", "routes", "version", "function")
        with store.at_once():
            facts = {name: store.about(name) or "" for name in names}
            rows = records(store)
            if not rows:
                raise not_begun(folder)
            return facts, rows, digest(store)
    finally:
        store.close()
