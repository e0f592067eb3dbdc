"""From what a study varies to its scenarios: which values each of them sets, and its name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from citygrid.district.paths import read_path, write_path
from citygrid.district.sound import Path_
from citygrid.errors import Fault, InputError
from citygrid.study.scenarios.sample import points
from citygrid.study.scenarios.spec import MOST_SCENARIOS, PartSpec, StudySpec

#: Scenarios of a study that varies nothing.
BASE = "base"
#: Characters of a value in a scenario's name.
SHOWN = 40


@dataclass(frozen=True)
class Setting:
    """One value that a scenario sets: where in the district, and where the study file says so."""

    path: Path_
    value: Any
    origin: Path_


@dataclass(frozen=True)
class Scenario:
    """A named set of values."""

    name: str
    settings: tuple[Setting, ...]

    @property
    def varied(self) -> dict[str, Any]:
        """Path as it is written → value."""
        return {write_path(setting.path): setting.value for setting in self.settings}


#: A scenario while it is put together: words of its name, and settings.
Draft = tuple[tuple[str, ...], tuple[Setting, ...]]


class Expansion:
    """Reads parts; faults of paths and ranges are gathered with their place in the study file."""

    def __init__(self, base: Any, place: Any) -> None:
        self._base = base
        self._place = place
        self.faults: list[Fault] = []
        self._paths: dict[str, Path_ | None] = {}

    def path(self, text: str, origin: Path_, removes: bool = False) -> Path_ | None:
        """Where a written path leads in the base; ``None`` and a fault where nowhere."""
        key = f"{text} removed" if removes else text
        if key not in self._paths:
            try:
                self._paths[key] = read_path(text, self._base, self._place(origin), removes)
            except InputError as refused:
                self.faults += refused.faults
                self._paths[key] = None
        return self._paths[key]

    def setting(self, text: str, value: Any, key: Path_, origin: Path_) -> tuple[Setting, ...]:
        """One setting; none where its path is at fault. ``key`` is where the path is written."""
        path = self.path(text, key, value is None)
        return () if path is None else (Setting(path, value, origin),)

    def part(self, part: PartSpec, at: Path_) -> list[Draft]:
        """All drafts of one part."""
        if part.grid is not None:
            at = (*at, "grid")
            axes = [
                [self.setting(text, value, (*at, text), (*at, text, i))
                 for i, value in enumerate(values)]
                for text, values in part.grid.items()
            ]  # fmt: skip
            self._count(prod(len(axis) for axis in axes), at)
            return [((), sum(chosen, ())) for chosen in product(*axes)]
        if part.list_ is not None:
            at = (*at, "list")
            columns = [
                [self.setting(text, value, (*at, text), (*at, text, i))
                 for i, value in enumerate(values)]
                for text, values in part.list_.items()
            ]  # fmt: skip
            return [((), sum(chosen, ())) for chosen in zip(*columns, strict=True)]
        if part.scenarios is not None:
            at = (*at, "scenarios")
            return [
                ((name,), sum((self.setting(text, value, (*at, name, text), (*at, name, text))
                               for text, value in sets.items()), ()))
                for name, sets in part.scenarios.items()
            ]  # fmt: skip
        if part.sample is not None:
            at = (*at, "sample")
            names = list(part.sample.ranges)
            rows = points(part.sample, lambda name: self._place((*at, "ranges", name)),
                          self.faults)  # fmt: skip
            width = len(str(part.sample.count))
            return [
                ((f"sample {i:0{width}d}",), sum((
                    self.setting(name, value, (*at, "ranges", name), (*at, "ranges", name))
                    for name, value in zip(names, row, strict=True)), ()))
                for i, row in enumerate(rows, 1)
            ]  # fmt: skip
        assert part.either is not None
        return [
            draft for i, parts in enumerate(part.either)
            for draft in self.parts(parts, (*at, "either", i))
        ]  # fmt: skip

    def parts(self, parts: Sequence[PartSpec], at: Path_) -> list[Draft]:
        """Every draft of each part with every one of the others."""
        found: list[list[Draft]] = [self.part(part, (*at, i)) for i, part in enumerate(parts)]
        self._count(prod(len(drafts) for drafts in found), at)
        drafts = []
        for chosen in product(*found):
            settings = sum((settings for _, settings in chosen), ())
            self._check_twice(settings)
            drafts.append((sum((words for words, _ in chosen), ()), settings))
        return drafts

    def _count(self, number: int, at: Path_) -> None:
        if number > MOST_SCENARIOS:
            raise InputError([*self.faults, Fault(
                self._place(at), "means more scenarios than anybody reads", f"{number:,}",
                "sample the ranges instead of combining all values",
            )])  # fmt: skip

    def _check_twice(self, settings: Iterable[Setting]) -> None:
        """A value within a value that another part sets would depend on the order of parts."""
        paths: dict[Path_, Setting] = {}
        for setting in settings:
            for end in range(1, len(setting.path) + 1):
                other = paths.get(setting.path[:end])
                if other is not None:
                    self._add(setting, other)
            for path, other in paths.items():
                if path[: len(setting.path)] == setting.path and path != setting.path:
                    self._add(setting, other)
            paths[setting.path] = setting

    def _add(self, setting: Setting, other: Setting) -> None:
        fault = Fault(self._place(setting.origin), "two parts set this in one scenario",
                      write_path(setting.path), f"the other is at {self._place(other.origin)}; "
                      "put both into one part, or into alternatives of `either`")  # fmt: skip
        if fault not in self.faults[-20:]:
            self.faults.append(fault)


def expand(spec: StudySpec, base: Any, place: Any) -> list[Scenario]:
    """All scenarios of a study, in the order of its file.

    base
        The tree of the base district, in which every path must be.
    place
        Says where a path of the study file stands.

    Raises :class:`InputError` with all faults of paths, values and ranges.
    """
    reading = Expansion(base, place)
    drafts = reading.parts(spec.vary, ("vary",))
    if reading.faults:
        raise InputError(dict.fromkeys(reading.faults))
    return list(_named(drafts))


def _named(drafts: list[Draft]) -> Iterator[Scenario]:
    """Names: the words of samples and scenarios, else what is set; none stands twice."""
    short = _short_names({setting.path for _, settings in drafts for setting in settings})
    taken: Counter[str] = Counter()
    for words, settings in drafts:
        texts = list(words) or ([] if settings else [BASE])
        spoken = {s.origin[: s.origin.index("scenarios") + 2] for s in settings
                  if "scenarios" in s.origin}  # fmt: skip
        texts += [
            f"{short[s.path]}={_shown(s.value)}" for s in settings
            if "ranges" not in s.origin and not any(s.origin[: len(o)] == o for o in spoken)
        ]  # fmt: skip
        name = ", ".join(texts)
        taken[name] += 1
        if taken[name] > 1:
            name = f"{name} ({taken[name]})"
        yield Scenario(name, settings)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _short_names(paths: set[Path_]) -> dict[Path_, str]:
    """The shortest ends of paths that tell them apart; of a component at least its name."""
    short = {}
    for path in paths:
        length = 1
        while length < len(path) and (
            any(other[-length:] == path[-length:] for other in paths if other != path)
            or (path[0] == "components" and length < len(path) - 1)
        ):
            length += 1
        short[path] = write_path(path[-length:])
    return short
