"""A district that is read from another tool's file: nodes, components, series, and what is missing.

What the file does not say is assumed and said so; what cannot be mapped is listed with the reason.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from shapely.geometry import LineString

from citygrid.arrays import Floats
from citygrid.errors import Fault, InputError
from citygrid.files import together, whole, write_text
from citygrid.imports.drawn import draw_courses
from citygrid.imports.network import Backdrop
from citygrid.imports.projection import USUAL_PLACE, degrees_of
from citygrid.imports.text import another, as_written, comment, line, reference, word

#: Steps beyond which a horizon is not taken whole unless it is asked for: a week of hours.
STEPS_MOST = 168
SECOND = np.timedelta64(1, "s")


@dataclass(frozen=True)
class Trace:
    """Values that each hold for one step [h] from ``start`` (UTC) on."""

    start: np.datetime64
    step: float
    values: Floats

    @property
    def seconds(self) -> int:
        """The step in seconds."""
        return round(3600 * self.step)

    @property
    def end(self) -> np.datetime64:
        """The end of the last step."""
        return self.start + len(self.values) * self.seconds * SECOND


@dataclass(frozen=True)
class Prices:
    """What is paid where a file names no price [EUR/MWh], carbon of fuel [kg/MWh]."""

    power: float = 250.0
    fuel: float = 60.0
    carbon: float = 201.0


@dataclass(frozen=True)
class Frame:
    """What surrounds the components: temperatures [degC], weather, horizon."""

    supply: float = 80.0
    back: float = 50.0
    ground: float | None = 10.0
    weather: Path | None = None
    start: str | None = None
    length: str | None = None


@dataclass
class Draft:
    """A district on its way to its file.

    ``components`` hold their fields as they will be written; ``assumed`` says what the file does
    not say, ``left_out`` what of it is not here, each with the reason.
    """

    origin: Path
    nodes: dict[str, tuple[float, float] | None] = field(default_factory=dict)
    components: dict[str, dict[str, str]] = field(default_factory=dict)
    traces: dict[str, tuple[Trace, str]] = field(default_factory=dict)
    assumed: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    crs: str | None = None
    #: Component → its course, where it is no straight line.
    courses: dict[str, LineString] = field(default_factory=dict)
    #: Buildings around it, for its map.
    backdrop: Backdrop | None = None
    #: Further files that were read and must not be written over.
    inputs: tuple[Path, ...] = ()

    @property
    def drawn(self) -> bool:
        """Whether there is a map to write beside it."""
        return bool(self.courses) or self.backdrop is not None

    def add_node(self, name: str, at: tuple[float, float] | None) -> str:
        """A node, by a name that no other has."""
        name = self._free(name)
        self.nodes[name] = at
        return name

    def add(self, name: str, kind: str, **fields: str) -> str:
        """A component, by a name that no other has; a trailing ``_`` of a field is none."""
        name = self._free(name)
        self.components[name] = {
            "kind": kind, **{key.rstrip("_"): value for key, value in fields.items()}
        }  # fmt: skip
        return name

    def _free(self, name: str) -> str:
        return another(name.strip() or "unnamed", {*self.nodes, *self.components})

    def series(self, name: str, trace: Trace, unit: str = "kW") -> str:
        """A reference to values that go into the district's table."""
        plain = re.sub(r"[^\w .-]", "_", name).strip(" ._-") or "series"
        known = {each.casefold() for each in self.traces}
        column, count = plain, 1
        while column.casefold() in known or column.casefold() == "time":
            count += 1
            column = f"{plain} {count}"
        self.traces[column] = (trace, unit)
        return f"{{series: {word(column)}}}"

    def course(self, name: str, points: Sequence[tuple[float, float] | None]) -> None:
        """Where a line runs between its nodes; a straight one needs no drawing."""
        known = [at for at in points if at is not None]
        if len(known) > 2 and len(known) == len(points):
            self.courses[name] = LineString(known)

    def drop(self, thing: str, reason: str) -> None:
        """Say of a thing of the file that it is not in the district."""
        self.left_out.append(f"{thing}: {reason}")


def write_draft(draft: Draft, path: Path, frame: Frame, command: str) -> int:
    """Write the district (YAML), its series (CSV), and the courses of its lines (GeoPackage).

    All have one name; nothing is written unless the district can be checked and prepared. Returns
    the number of its steps. Raises :class:`InputError` with every fault.
    """
    table, drawing = path.with_suffix(".csv"), path.with_suffix(".gpkg")
    if path.suffix not in (".yaml", ".yml"):
        raise InputError(Fault("--out", "is no name of a district file", str(path),
                               "end it in .yaml"))  # fmt: skip
    read = {draft.origin.resolve(), *(file.resolve() for file in draft.inputs)}
    if draft.backdrop is not None:
        read.add(draft.backdrop.file)
    for target in (path, table, drawing):
        if target.resolve() in read:
            raise InputError(Fault("--out", "would be written over an input", str(target),
                                   "choose another name"))  # fmt: skip
    if not draft.components:
        raise InputError(Fault(str(draft.origin), "nothing in it can be mapped",
                               "; ".join(draft.left_out[:3]) or None,
                               "see the help for what is"))  # fmt: skip
    clock = _Clock.of(draft, frame)
    if frame.weather is not None and (draft.crs is None or not any(draft.nodes.values())):
        draft.assumed.append("place: 50 N 9 E, for the file has no positions")
    with TemporaryDirectory() as folder:
        trial = Path(folder) / path.name
        trial.write_text(_text(draft, trial, frame, clock, command), "utf-8")
        _write_table(draft, clock, trial.with_suffix(".csv"))
        if draft.drawn:
            draw_courses(draft.courses, draft.crs, trial.with_suffix(".gpkg"), draft.backdrop)
        try:
            _prepared(trial)
        except InputError as error:
            given = (frame.weather, *draft.inputs)
            raise InputError(as_written(error.faults, trial, path, given)) from error
    with together():  # the district last: while it is missing, nobody reads half of it
        if draft.traces:
            with whole(table) as temporary:
                _write_table(draft, clock, temporary)
        if draft.drawn:
            with whole(drawing) as temporary:
                draw_courses(draft.courses, draft.crs, temporary, draft.backdrop)
        write_text(_text(draft, path, frame, clock, command), path)
    return clock.planned


def _prepared(path: Path) -> None:
    from citygrid.district.load import load
    from citygrid.district.prepare import prepare

    prepare(load(path))


@dataclass(frozen=True)
class _Clock:
    """The grid of the table (from ``start``, ``count`` steps of ``seconds``), and the horizon."""

    start: np.datetime64
    seconds: int
    count: int
    begin: str
    length: str
    planned: int

    @classmethod
    def of(cls, draft: Draft, frame: Frame) -> _Clock:
        """The steps that all series cover, in the shortest step that any has."""
        traces = [trace for trace, _ in draft.traces.values()]
        if not traces:
            begin = frame.start or "2023-01-16T00:00+01:00"
            return cls(np.datetime64("2023-01-16"), 3600, 0, begin, frame.length or "1 h", 1)
        seconds = min(trace.seconds for trace in traces)
        start, end = max(t.start for t in traces), min(t.end for t in traces)
        count = int((end - start) / (seconds * SECOND))
        faults = [
            Fault(f"{draft.origin}: {name}", "has a step that does not fit the others'",
                  f"{trace.step:g} h", "give all profiles one grid of time")
            for name, (trace, _) in draft.traces.items()
            if trace.seconds % seconds or (start - trace.start) % (seconds * SECOND)
        ]  # fmt: skip
        if count < 1:
            faults = [Fault(str(draft.origin), "its profiles have no time in common",
                            f"from {start} until {end}", "give them one period")]  # fmt: skip
        if faults:
            raise InputError(faults)
        planned = count
        if frame.start is None and frame.length is None and count > STEPS_MOST:
            planned = STEPS_MOST
            draft.assumed.append(f"horizon: the first {planned} of {count} steps; change `horizon`,"
                                 " or use --start and --length")  # fmt: skip
        length = frame.length or f"{planned * seconds / 3600:.9g} h"
        begin = frame.start or f"{start.astype('datetime64[s]')}Z"
        return cls(start, seconds, count, begin, length, planned)

    def stamps(self) -> list[str]:
        """The start of every step of the table."""
        stamps = self.start + np.arange(self.count) * self.seconds * SECOND
        return [f"{stamp}Z" for stamp in stamps.astype("datetime64[s]")]

    def on(self, trace: Trace) -> Floats:
        """A trace on the table's grid; longer steps hold."""
        first = int((self.start - trace.start) / (self.seconds * SECOND))
        parts = np.repeat(trace.values, trace.seconds // self.seconds)
        return parts[first : first + self.count]


def _write_table(draft: Draft, clock: _Clock, path: Path) -> None:
    if not draft.traces:
        return
    header = ["time", *(f"{name} [{unit}]" for name, (_, unit) in draft.traces.items())]
    columns = [[f"{value:.10g}" for value in clock.on(t)] for t, _ in draft.traces.values()]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(zip(clock.stamps(), *columns, strict=True))


# text --------------------------------------------------------------------------------------------


def _text(draft: Draft, path: Path, frame: Frame, clock: _Clock, command: str) -> str:
    step = "" if clock.seconds == 3600 else f", step: {clock.seconds / 60:.9g} min"
    head = [
        comment(command),
        "#",
        f"# Imported from {comment(draft.origin.name)[2:]}.",
        *_listed("Assumed, and to be corrected where it is known better:", draft.assumed),
        *_listed("Not in this district:", draft.left_out),
        "",
        f"name: {word(path.stem)}",
        *([f"crs: {word(draft.crs)}"] if draft.crs else []),
        f"horizon: {{start: {clock.begin}, length: {clock.length}{step}}}",
        *_surroundings(draft, path, frame),
        *([f"geometry: {word(path.with_suffix('.gpkg').name)}"] if draft.drawn else []),
    ]
    table = word(path.with_suffix(".csv").name)
    parts = {
        "series": {name: {"file": table, "column": word(name)} for name in draft.traces},
        "nodes": {
            name: {} if at is None else {"at": f"[{at[0]:.2f}, {at[1]:.2f}]"}
            for name, at in _met(draft).items()
        },
        "components": draft.components,
    }
    return "\n".join(head) + "\n" + "".join(
        f"\n{part}:\n" + "".join(line(name, fields) for name, fields in entries.items())
        for part, entries in parts.items() if entries
    )  # fmt: skip


def _met(draft: Draft) -> Mapping[str, tuple[float, float] | None]:
    """The nodes at which there is something."""
    named = {value for fields in draft.components.values() for value in fields.values()}
    return {name: at for name, at in draft.nodes.items() if word(name) in named}


def _listed(title: str, entries: Sequence[str]) -> list[str]:
    return [f"# {title}", *(f"#   {comment(entry)[2:]}" for entry in entries)] if entries else []


def _surroundings(draft: Draft, path: Path, frame: Frame) -> list[str]:
    found = []
    if frame.weather is not None:
        latitude, longitude = degrees_of(draft.nodes.values(), draft.crs) or USUAL_PLACE
        found.append(f"weather: {{file: {reference(frame.weather, path)}, "
                     f"latitude: {latitude:.3f}, longitude: {longitude:.3f}}}")  # fmt: skip
    kinds = {fields["kind"] for fields in draft.components.values()}
    if any("heat" in kind or kind == "solar_thermal" for kind in kinds):
        ground = "" if frame.ground is None else f", ground: {frame.ground:g} degC"
        found.append(f"heat_network: {{supply: [{{air: 0 degC, water: {frame.supply:g} degC}}], "
                     f"return: {frame.back:g} degC{ground}}}")  # fmt: skip
    return found
