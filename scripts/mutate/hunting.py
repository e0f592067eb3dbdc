"""Run the tests once as they are, and then for every mutant those that call what it changes.

Tests are collected once; each mutant is a fork of the process in which they ran, so that it costs
no imports, and no district is solved twice. What a plan's verdict is, is asked anew every time.
"""

from __future__ import annotations

import ast
import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from mutants import Mutant, Source

import citygrid as cg
from tests import helpers

#: A mutant that runs for so many seconds, and so many times as long as its tests, runs for ever.
PATIENCE, TIMES = 30.0, 10.0
SEEN = "_seen_by_mutate"


class Hunt:
    """A plugin of pytest that kills mutants instead of running tests."""

    def __init__(self, mutants: Sequence[Mutant], most: int) -> None:
        self.mutants, self.most = mutants, most
        self.asked: Counter[str] = Counter()
        self.survivors: list[Mutant] = []
        self.untested: list[str] = []
        self.error: str | None = None
        self._calls: dict[str, list[pytest.Item]] = {}
        self._seconds: dict[str, float] = {}
        self._kills: Counter[str] = Counter()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        helpers.solve = remembering()
        self._watch(session.items)
        if self.error is None:
            for mutant in self.mutants:
                self._hunt(mutant)
        return True

    def _watch(self, items: Sequence[pytest.Item]) -> None:
        """Run every test as it is, and note which of the functions it calls."""
        seen: set[str] = set()
        changed = {(id(m.source), m.function): m for m in self.mutants}
        for mutant in changed.values():
            source, function = mutant.source, mutant.function
            setattr(source.module, SEEN, seen)
            node = source.functions()[function]
            note = ast.parse(f"{SEEN}.add({_key(source, function)!r})").body
            node.body[:0] = note
            source.install(function)
            del node.body[0]
        for i, item in enumerate(items):
            seen.clear()
            begun = time.perf_counter()
            if not passes(item, items[i + 1] if i + 1 < len(items) else None):
                self.error = f"{item.nodeid} fails as it is"
                return
            self._seconds[item.nodeid] = time.perf_counter() - begun
            for key in seen:
                self._calls.setdefault(key, []).append(item)
        for mutant in changed.values():
            mutant.source.install(mutant.function)

    def _hunt(self, mutant: Mutant) -> None:
        self.asked[str(mutant.source.path)] += 1
        items = self._nearest(mutant)
        limit = PATIENCE + TIMES * sum(self._seconds[each.nodeid] for each in items)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(write, _killer(mutant, items, limit).encode())
            finally:
                os._exit(0)
        os.close(write)
        status = os.waitpid(child, 0)[1]
        with os.fdopen(read) as told:
            killer = told.read() if os.waitstatus_to_exitcode(status) == 0 else "time is over"
        if killer:
            self._kills[killer] += 1
        else:
            self.survivors.append(mutant)
            print(f"survives: {mutant}", flush=True)

    def _nearest(self, mutant: Mutant) -> list[pytest.Item]:
        """Tests that call the function: of its own kind first, then golden texts, then quick ones.

        Quick is by the mutants that a test has found so far, too.
        """
        key, own = _key(mutant.source, mutant.function), mutant.source.path.stem
        items = self._calls.get(key, [])
        if not items and key not in self.untested:
            self.untested.append(key)

        def order(item: pytest.Item) -> tuple[bool, bool, float]:
            name, found = item.nodeid, 1.0 + self._kills[item.nodeid]
            return own not in name, "golden" not in name, self._seconds[name] / found

        return sorted(items, key=order)[: self.most]


def _key(source: Source, function: str) -> str:
    return f"{source.name}.{function}"


def _killer(mutant: Mutant, items: Sequence[pytest.Item], limit: float) -> str:
    """The test that fails on the mutant, or nothing; in a process of its own."""
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    signal.alarm(int(limit) + 1)
    mutant.install()
    following = [*items[1:], None]
    for item, after in zip(items, following, strict=True):
        try:
            if not passes(item, after):
                return item.nodeid
        except BaseException:  # whatever a changed program does, it is found
            return item.nodeid
    return ""


def passes(item: pytest.Item, following: pytest.Item | None) -> bool:
    """Whether a test passes; it may have run before."""
    helpers.solved.cache_clear()
    item._initrequest()  # type: ignore[attr-defined]
    return not any(report.failed for report in runtestprotocol(item, nextitem=following, log=False))


def remembering() -> Any:
    """Like ``tests.helpers.solve``, but a district that was solved before is only verified."""
    known: dict[Any, tuple[Any, Any, Any]] = {}

    def solve(path: Path, options: Any = helpers.EXACT, route: str = "milp") -> helpers.Solved:
        tables = sorted(path.parent.glob("*.csv"))
        digest = sha256(b"\0".join(each.read_bytes() for each in [path, *tables])).digest()
        key = digest, repr(options), route
        if key not in known:
            case = cg.prepare(cg.load(path))
            form = cg.formulate(case)
            known[key] = case, form, cg.solve(form, route, options)
        case, form, plan = known[key]
        return helpers.Solved(case, form, plan, cg.verify(case, plan))

    return solve
