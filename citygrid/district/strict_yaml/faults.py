"""The faults of a file, gathered while it is read and raised at once."""

from __future__ import annotations

from typing import Any

import yaml

from citygrid.district.strict_yaml.places import show, tell_place
from citygrid.district.strict_yaml.syntax import explain
from citygrid.errors import Fault, InputError

MAX_FAULTS = 1000  # told one by one; of more, the number


class Faults:
    """The faults met so far, by line and column."""

    def __init__(self, text: str, name: str) -> None:
        self.text, self.name = text, name
        self._found: list[tuple[int, int, Fault]] = []
        self._untold = 0

    def add(
        self, at: Any, reason: str, value: object, repair: str, path: tuple[str | int, ...] = ()
    ) -> None:
        """Note a fault at a node or event; ``path`` is where it stands in the file."""
        if len(self._found) >= MAX_FAULTS:
            self._untold += 1
            return
        line, column = at.start_mark.line + 1, at.start_mark.column + 1
        place = tell_place(self.name, line, path)
        self._found.append((line, column, Fault(place, reason, value, repair)))

    def add_syntax(self, error: yaml.MarkedYAMLError) -> None:
        """Note what stopped the parser, in words for the person who wrote the file."""
        problem = f"{error.context or ''} {error.problem or ''}"
        reason, repair = explain(problem)
        mark, start = error.problem_mark, error.context_mark
        if mark is None or (start is not None and "simple key" in problem):
            mark = start  # the line that lacks its colon, and not the one after it
        lines = self.text.rstrip().split("\n")
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        if line > len(lines):  # the end of the file
            line, column = len(lines), len(lines[-1]) + 1
        if start is not None and start.line + 1 < line:
            reason += f"; it starts on line {start.line + 1}"
        place = f"{self.name}:{line}:{column}"
        self._found.append((line, column, Fault(place, reason, show(lines[line - 1]), repair)))

    def throw(self) -> None:
        """Raise all faults at once, in the order of lines; do nothing where there is none."""
        faults = [fault for _, _, fault in sorted(self._found, key=lambda found: found[:2])]
        if self._untold:
            repair = "repair these first; many of one kind often have one cause"
            faults.append(Fault(self.name, f"has {self._untold} more faults", None, repair))
        if faults:
            raise InputError(faults)
