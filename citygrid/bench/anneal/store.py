"""Rows of finished runs on disk: one JSON line each, written whole, found again by a later run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import citygrid
from citygrid.errors import Fault, InputError
from citygrid.files import whole
from citygrid.plan.traces import readable
from citygrid.registry.machine import versions

#: What makes two runs the same: the form, the route and its program, its conditions, the machine.
KEY = ("form_hash", "route", "seed", "given", "gap_asked", "threads", "code", "machine")


def code(route: str) -> str:
    """Hash of the programs that a route runs and of the versions of solvers and samplers below it.

    So one that is changed, or built on another HiGHS, is measured anew.
    """
    room = Path(citygrid.__file__).parent / "routes"
    kind = route.partition(":")[0]
    # What hybrid builds on does not know it: a change of hybrid leaves HiGHS's figures as they are.
    own = {"milp": "bounds/duals.py", "pyomo": "pyomo/*.py"}.get(kind, "**/*.py")
    files = {*room.glob("*.py"), *room.glob(own), *room.parent.glob("model/*.py")}
    digest = hashlib.sha256(json.dumps(versions(), sort_keys=True).encode())
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


class Store:
    """The rows of a folder; of several for the same run the last one counts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows: dict[tuple[Any, ...], dict[str, Any]] = {}
        if path.is_file():
            for number, raw in enumerate(path.read_bytes().splitlines(), 1):
                line = raw.decode("utf-8", "replace")
                try:
                    row = json.loads(line, parse_constant=_no_number)
                    self._rows[_checked(row)] = row
                except (ValueError, KeyError, TypeError) as failure:
                    raise InputError(Fault(f"{path}:{number}", "is no row of this benchmark",
                                           line[:60], "name another --out folder, or remove the "
                                           "line")) from failure  # fmt: skip

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, asked: Mapping[str, Any]) -> dict[str, Any] | None:
        """The row of a run under the same conditions, if there is one."""
        return self._rows.get(_key(asked))

    def add(self, row: dict[str, Any]) -> None:
        """Keep a row; the file holds it, or what it held before, whatever happens."""
        self._rows[_key(row)] = row
        with whole(self.path) as temporary:
            temporary.write_text(
                "".join(json.dumps(each, allow_nan=False) + "\n" for each in self._rows.values()),
                encoding="utf-8",
            )


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in KEY)


def _checked(row: Any) -> tuple[Any, ...]:
    """The key of a row whose figures are figures. Raises ``ValueError`` and its like."""
    for name in ("objective", "bound", "used"):
        if row[name] is not None and not isinstance(row[name], (int, float)):
            raise ValueError(f"{name} is no number")
    if row["trace"] != readable(row["trace"]):
        raise ValueError("its trace is none")
    return _key(row)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")
