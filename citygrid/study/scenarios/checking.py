"""Whether a study's scenarios can be planned: their districts, the files they name, their data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citygrid.district.paths import patched, write_path
from citygrid.district.sound import Path_
from citygrid.district.strict_yaml import Tree
from citygrid.errors import Fault, InputError
from citygrid.study.scenarios.expand import Scenario

if TYPE_CHECKING:
    from citygrid.district.load import District

#: What turns the base's tree into a scenario's; see :func:`citygrid.district.paths.difference`.
Patch = Sequence[tuple[Sequence[str], Any]]
#: Scenarios that a fault names one by one; of more, the number.
NAMED = 3


@dataclass(frozen=True)
class Changed(Tree):
    """A scenario's district: faults of what it sets stand where the study file says so."""

    scenario: Scenario | None = None
    study: Tree | None = None

    def place(self, path: Path_) -> str:
        if self.scenario is not None and self.study is not None:
            for setting in self.scenario.settings:
                shared = min(len(path), len(setting.path))
                if path and path[:shared] == setting.path[:shared]:
                    line = self.study.place(setting.origin).split(": ")[0]
                    return f"{line}: {write_path(path)}"
        return super().place(path)


class Checking:
    """Districts of scenarios against the spec; equal ones once, equal faults once."""

    def __init__(self, path: Path, base: Tree, study: Tree) -> None:
        from citygrid.district.load import checked

        self._path, self._base, self._study = path, base, study
        self._seen: dict[str, tuple[Scenario, Patch]] = {}
        self._places: set[tuple[str, ...]] = set()
        self._faults: dict[Fault, list[str]] = {}
        self._known: District | None = None
        with suppress(InputError):  # its faults are told of each scenario that does not mend them
            self._known = checked(path, base, "", further=False)

    def check(self, tree: dict[str, Any], patch: Patch, digest: str, scenario: Scenario) -> None:
        """Note what is wrong with one scenario's district, ``patch`` being what it changes."""
        from citygrid.district.frame import missing_files

        if digest in self._seen:
            return
        self._seen[digest] = (scenario, patch)
        try:
            district = self._district(tree, digest, scenario)
        except InputError as error:
            self._note(error.faults, scenario)
            return
        named = _named_files(tree)
        if named not in self._places:
            self._places.add(named)
            self._note(missing_files(district, ()), scenario)

    def throw(self) -> None:
        """Raise all faults, each with the scenarios that have it."""
        if not self._faults:
            self._look_into_data()
        if self._faults:
            raise InputError([_in_scenarios(*found) for found in self._faults.items()])

    def _look_into_data(self) -> None:
        """Note faults of series, weather and jobs where they leave no scenario to plan.

        Scenarios are prepared one after the other until one of them is sound, which is the first
        as a rule: a fault that single scenarios have is told in their rows, one that all of them
        have would make the whole study run for nothing.
        """
        from citygrid.district.memory import Memory
        from citygrid.district.prepare import prepare

        memory = Memory()
        for digest, (scenario, patch) in self._seen.items():
            tree = patched(self._base.value, patch)
            try:
                prepare(self._district(tree, digest, scenario), memory)
            except InputError as error:
                self._note(error.faults, scenario)
            else:
                self._faults.clear()
                return

    def _district(self, tree: dict[str, Any], digest: str, scenario: Scenario) -> District:
        from citygrid.district.load import checked

        changed = Changed(tree, self._base.lines, self._base.name, scenario, self._study)
        return checked(self._path, changed, digest, self._known, further=False)

    def _note(self, faults: Sequence[Fault], scenario: Scenario) -> None:
        for fault in faults:
            self._faults.setdefault(fault, []).append(scenario.name)


def _in_scenarios(fault: Fault, names: Sequence[str]) -> Fault:
    """A fault that also says which scenarios have it."""
    told = ", ".join(f"“{name}”" for name in names[:NAMED])
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    reason = f"{fault.reason} (in scenario {told}{more})"
    return Fault(fault.place, reason, fault.value, fault.repair)


def _named_files(tree: Mapping[str, Any]) -> tuple[str, ...]:
    """Files that a district names, to look for each set of them once."""
    parts: list[Any] = [*(tree.get("series") or {}).values(), tree.get("weather"),
                        *(tree.get("components") or {}).values()]  # fmt: skip
    return tuple(str(part.get("file")) for part in parts if isinstance(part, dict))
