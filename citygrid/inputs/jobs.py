"""Compute jobs: what may run when and where, read from tables or from a district file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from citygrid.arrays import Floats, hours
from citygrid.errors import Fault, InputError
from citygrid.inputs.tables import Column, Table, few, numbers, read_table
from citygrid.inputs.time import read_stamp, show
from citygrid.units import factor

#: Headers of a file of jobs; power and duration need a unit in brackets.
HEADERS = ("job", "power", "duration", "release", "deadline", "preemptible", "sites", "home",
           "data", "latency")  # fmt: skip
NEEDED = HEADERS[:5]
_UNITS = {"power": "kW", "duration": "h"}
#: What a job need not have: its unit, and what it is without.
_OPTIONAL = {"data": ("GB", 0.0), "latency": ("ms", np.inf)}
_YES, _NO = ("true", "yes", "1", "1.0"), ("false", "no", "0", "0.0", "")
#: A window may be shorter than the job by this much [h]: rounding of durations.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Jobs:
    """Compute jobs, one place of every array each.

    ``name`` (J), ``power`` (J) [kW] while it runs, ``duration`` (J) [h], ``release`` and
    ``deadline`` (J) datetime64[ns] UTC (earliest start, latest end), ``preemptible`` (J) whether it
    may be interrupted, ``sites`` the centres allowed (empty: all). ``home`` is where a job's data
    lie (empty: nowhere in particular), ``data`` (J) [GB] what of them it needs, ``latency`` (J)
    [ms] how far from home it may run (infinite: any distance).
    """

    name: NDArray[Any]
    power: Floats
    duration: Floats
    release: NDArray[np.datetime64]
    deadline: NDArray[np.datetime64]
    preemptible: NDArray[np.bool_]
    sites: tuple[tuple[str, ...], ...]
    home: tuple[str, ...]
    data: Floats
    latency: Floats

    def __len__(self) -> int:
        return len(self.name)

    @property
    def energy(self) -> Floats:
        """IT energy of each job (J) [kWh]."""
        return self.power * self.duration

    def only(self, rows: NDArray[np.int64]) -> Jobs:
        """Some of the jobs, by their positions."""
        return Jobs(
            self.name[rows], self.power[rows], self.duration[rows], self.release[rows],
            self.deadline[rows], self.preemptible[rows], tuple(self.sites[i] for i in rows),
            tuple(self.home[i] for i in rows), self.data[rows], self.latency[rows],
        )  # fmt: skip


def read_jobs(file: Path) -> Jobs:
    """Read a CSV or Parquet file of jobs.

    Columns ``job, power [kW], duration [h], release, deadline`` and optionally ``preemptible``
    (true or false; false when left out), ``sites`` (centres separated by ``|``; empty: all),
    ``home``, ``data [GB]`` and ``latency [ms]``. Amounts are converted from the unit in their
    header; stamps need their offset from UTC. Raises :class:`InputError` with the faults of all
    rows.
    """
    jobs, faults, _ = _from_file(Path(file))
    if faults:
        raise InputError(faults)
    return jobs


def collect_jobs(file: Path | None, listed: Sequence[Mapping[str, Any]]) -> Jobs:
    """Jobs of a file (if any) and those ``listed`` in a district file, checked together.

    A listed job has ``job``, ``power`` [kW], ``duration`` [h], ``release`` and ``deadline`` (texts
    with their offset) and may have ``preemptible`` and ``sites``.
    """
    parts: list[Jobs] = []
    faults: list[Fault] = []
    places: list[str] = []
    if file is not None:
        jobs, found, places = _from_file(Path(file))
        parts, faults = [jobs], list(found)
    inline, found = _from_list(listed)
    faults += found
    parts.append(inline)
    places += [_listed_place(i, job) for i, job in enumerate(listed)]
    merged = _joined(parts)
    if not faults:
        # Each part was checked by itself; together only names can still collide.
        faults = _repeated_names(merged, lambda i: places[i])
    if faults:
        raise InputError(faults)
    return merged


def check_jobs(jobs: Jobs, place_of_row: Callable[[int], str]) -> list[Fault]:
    """All that is wrong with jobs by themselves; ``place_of_row(i)`` says where job ``i`` stands.

    Power and duration positive and finite, deadline after release, the window as long as the job,
    no name twice, no site named twice by one job; data and latency not negative, and of a job with
    a home.
    """
    faults: list[Fault] = []
    for values, what, unit in ((jobs.data, "data", "GB"), (jobs.latency, "latency", "ms")):
        for i in np.flatnonzero(values < 0.0):
            faults.append(Fault(place_of_row(int(i)), f"the {what} is negative",
                                f"{values[i]:g} {unit}", "write zero or more"))  # fmt: skip
    needy = (jobs.data > 0.0) | np.isfinite(jobs.latency)
    for i in np.flatnonzero(needy & np.array([not home for home in jobs.home], dtype=bool)):
        faults.append(Fault(place_of_row(int(i)), "has data or a latency, but no home", None,
                            "add its `home`, a node or a centre"))  # fmt: skip
    window = hours(jobs.deadline - jobs.release)
    undated = np.isnat(jobs.release) | np.isnat(jobs.deadline)
    for values, what, unit in ((jobs.power, "power", "kW"), (jobs.duration, "duration", "h")):
        for i in np.flatnonzero(~(np.isfinite(values) & (values > 0.0))):
            reason, repair = f"the {what} is not a positive number", f"write a {what} above zero"
            faults.append(Fault(place_of_row(int(i)), reason, f"{values[i]:g} {unit}", repair))
    late = ~undated & (window <= 0.0)
    for i in np.flatnonzero(late):
        faults.append(Fault(
            place_of_row(int(i)), "the deadline is not after the release",
            f"{show(jobs.release[i])} to {show(jobs.deadline[i])}", "swap or correct the two",
        ))  # fmt: skip
    for i in np.flatnonzero(~undated & ~late & (jobs.duration > window + _ROUNDING)):
        faults.append(Fault(
            place_of_row(int(i)), "the job is longer than its window",
            f"{jobs.duration[i]:g} h in {window[i]:g} h", "shorten it or widen release to deadline",
        ))  # fmt: skip
    for number, sites in enumerate(jobs.sites):
        if len(set(sites)) < len(sites):
            faults.append(Fault(place_of_row(number), "a site is named twice", " | ".join(sites),
                                "name every site once"))  # fmt: skip
    for i in np.flatnonzero(undated):
        faults.append(Fault(place_of_row(int(i)), "release or deadline is missing", None,
                            "write both, with their offset from UTC"))  # fmt: skip
    return faults + _repeated_names(jobs, place_of_row)


def _repeated_names(jobs: Jobs, place_of_row: Callable[[int], str]) -> list[Fault]:
    faults: list[Fault] = []
    first: dict[str, int] = {}
    for i, name in enumerate(jobs.name):
        if not name:
            faults.append(Fault(place_of_row(i), "the job has no name", None, "name it"))
        elif name in first:
            repair = f"rename one; the other is {place_of_row(first[name])}"
            faults.append(
                Fault(place_of_row(i), "a job of this name is there already", name, repair)
            )
        else:
            first[name] = i
    return faults


def _joined(parts: Sequence[Jobs]) -> Jobs:
    return Jobs(
        np.concatenate([p.name for p in parts]),
        np.concatenate([p.power for p in parts]),
        np.concatenate([p.duration for p in parts]),
        np.concatenate([p.release for p in parts]),
        np.concatenate([p.deadline for p in parts]),
        np.concatenate([p.preemptible for p in parts]),
        tuple(sites for p in parts for sites in p.sites),
        tuple(home for p in parts for home in p.home),
        np.concatenate([p.data for p in parts]),
        np.concatenate([p.latency for p in parts]),
    )


# from a district file ---------------------------------------------------------------------------


def _listed_place(number: int, job: Mapping[str, Any]) -> str:
    return f'job {number + 1} "{job.get("job", "")}"'


def _from_list(listed: Sequence[Mapping[str, Any]]) -> tuple[Jobs, list[Fault]]:
    faults: list[Fault] = []
    stamps: dict[str, list[np.datetime64]] = {"release": [], "deadline": []}
    for i, job in enumerate(listed):
        for key, column in stamps.items():
            column.append(_stamp(job[key], f"{_listed_place(i, job)}, {key}", faults))
    jobs = Jobs(
        np.array([str(job["job"]) for job in listed], dtype=object),
        np.array([job["power"] for job in listed], dtype=np.float64),
        np.array([job["duration"] for job in listed], dtype=np.float64),
        np.array(stamps["release"], dtype="datetime64[ns]"),
        np.array(stamps["deadline"], dtype="datetime64[ns]"),
        np.array([bool(job.get("preemptible", False)) for job in listed], dtype=bool),
        tuple(tuple(job.get("sites") or ()) for job in listed),
        tuple(str(job.get("home") or "") for job in listed),
        *(np.array([without if job.get(name) is None else job[name] for job in listed],
                   dtype=np.float64) for name, (_, without) in _OPTIONAL.items()),
    )  # fmt: skip
    places = [_listed_place(i, job) for i, job in enumerate(listed)]
    return jobs, faults + _unless_told(jobs, places, faults)


def _stamp(value: Any, place: str, faults: list[Fault]) -> np.datetime64:
    try:
        return read_stamp(value.isoformat() if hasattr(value, "isoformat") else str(value))
    except ValueError as error:
        faults.append(Fault.of(error, place))
        return np.datetime64("NaT", "ns")


# from a table -----------------------------------------------------------------------------------


def _from_file(file: Path) -> tuple[Jobs, list[Fault], list[str]]:
    table = read_table(file)
    columns = {name: table.find(name) for name in HEADERS}
    faults = [
        Fault(str(file), f'there is no column "{name}"', None,
              f"columns are {table.names()}; needed are job, power [kW], duration [h], release "
              "and deadline")
        for name in NEEDED if columns[name] is None
    ]  # fmt: skip
    known = {id(column) for column in columns.values()}
    faults += [
        Fault(f"{file}, header", "unknown column", column.header,
              f"use {', '.join(HEADERS)}, or remove it")
        for column in table.columns if id(column) not in known and column.header
    ]  # fmt: skip
    if faults:
        raise InputError(faults)
    every = np.arange(len(table.rows))
    amounts = {
        name: _amount(table, columns[name], name, unit, every, faults)
        for name, unit in _UNITS.items()
    }
    for name, (unit, without) in _OPTIONAL.items():
        amounts[name] = np.full(len(every), without)
        cells = _cells(columns[name])
        written = np.array([i for i, cell in enumerate(cells) if not _blank(cell)], dtype=np.int64)
        if len(written):
            amounts[name][written] = _amount(table, columns[name], name, unit, written, faults)
    stamps = {name: _stamps(table, columns[name], name, faults) for name in ("release", "deadline")}
    flags = [_flag(cell, table, i, faults) for i, cell in enumerate(_cells(columns["preemptible"]))]
    sites = tuple(_sites(cell) for cell in _cells(columns["sites"]))
    jobs = Jobs(
        np.array([str(name) for name in _cells(columns["job"])], dtype=object),
        amounts["power"], amounts["duration"], stamps["release"], stamps["deadline"],
        np.array(flags or np.zeros(len(every)), dtype=bool), sites or ((),) * len(every),
        tuple("" if _blank(cell) else str(cell).strip() for cell in _cells(columns["home"]))
        or ("",) * len(every),
        amounts["data"], amounts["latency"],
    )  # fmt: skip
    places = [table.place(i) for i in range(len(every))]
    faults += _unless_told(jobs, places, faults)
    return jobs, few(faults, "wrong jobs"), places


def _unless_told(jobs: Jobs, places: list[str], faults: list[Fault]) -> list[Fault]:
    """Faults of the jobs whose cells could all be read; those of the others are told already."""
    told = {fault.place.rpartition(", ")[0] for fault in faults}
    whole = np.array([i for i, place in enumerate(places) if place not in told], dtype=np.int64)
    return check_jobs(jobs.only(whole), lambda i: places[whole[i]])


def _cells(column: Column | None) -> list[Any]:
    return [] if column is None else list(column.values)


def _amount(
    table: Table, column: Column | None, name: str, canonical: str, rows: NDArray[np.int64],
    faults: list[Fault],
) -> Floats:  # fmt: skip
    assert column is not None
    if column.unit is None:
        faults.append(Fault(f"{table.file}, header", f"the {name} has no unit", column.header,
                            f"write {name} [{canonical}]"))  # fmt: skip
        return np.ones(len(rows))
    try:
        scale, _ = factor(column.unit, canonical)
    except ValueError as error:
        faults.append(Fault.of(error, f"{table.file}, header", column.header))
        return np.ones(len(rows))
    values, wrong = numbers(table, column, rows)
    faults += wrong
    return values * scale


def _stamps(
    table: Table, column: Column | None, name: str, faults: list[Fault]
) -> NDArray[np.datetime64]:
    cells = _cells(column)
    if column is not None and column.values.dtype.kind == "M" and column.utc:
        return column.values.astype("datetime64[ns]")
    return np.array(
        [_stamp(cell, f"{table.place(i)}, {name}", faults) for i, cell in enumerate(cells)],
        dtype="datetime64[ns]",
    )


def _flag(cell: Any, table: Table, row: int, faults: list[Fault]) -> bool:
    text = str(cell).strip().casefold()
    if text not in (*_YES, *_NO):
        faults.append(Fault(f"{table.place(row)}, preemptible", "is neither true nor false",
                            str(cell), "write true or false"))  # fmt: skip
    return text in _YES


def _blank(cell: Any) -> bool:
    return cell is None or cell != cell or not str(cell).strip()


def _sites(cell: Any) -> tuple[str, ...]:
    if _blank(cell):
        return ()
    return tuple(site.strip() for site in str(cell).split("|") if site.strip())


# from traces ------------------------------------------------------------------------------------

#: Duration classes of a bundle [h]: a task belongs to the first that holds it.
DURATION_CLASSES = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)


def bundle_tasks(
    tasks: pd.DataFrame,
    watts_per_core: float = 12.0,
    duration_classes: Sequence[float] = DURATION_CLASSES,
) -> pd.DataFrame:
    """Bundle the tasks of a cluster's trace into jobs that a plan can place.

    Thousands of small tasks are beyond what a plan decides one by one, and beyond what the accuracy
    of the trace is worth. Tasks that are submitted in the same hour and belong to the same class of
    durations become one job. Its duration is the class's upper end, and its power is such that it
    has the energy of its tasks: ``power = sum(cores · duration · watts_per_core) / duration``.
    Tasks longer than the last class are cut there (they hold checkpoints).

    ``tasks`` has ``submission_time`` and ``duration`` [ms], ``cpu_count`` [1] and optionally
    ``deadline`` [ms], in milliseconds since 1970 UTC, as OpenDC writes them. ``watts_per_core`` is
    the IT power [W] that one busy core takes with its share of memory and board.

    Returns a frame with ``job``, ``power [kW]``, ``duration [h]``, ``release`` (the end of the hour
    of submission, so that every task is there), ``deadline`` (the earliest of the tasks, else 24 h
    after the release; never before release + duration) and ``tasks``, their number.
    """
    classes = np.asarray(sorted(duration_classes), dtype=np.float64)
    hour = 3_600_000
    hours = np.minimum(tasks["duration"].to_numpy(np.float64) / hour, classes[-1])
    frame = pd.DataFrame({
        "hour": tasks["submission_time"].to_numpy(np.int64) // hour,
        "duration": classes[np.searchsorted(classes, hours)],
        "energy": tasks["cpu_count"].to_numpy(np.float64) * hours * watts_per_core / 1000.0,
        "deadline": tasks["deadline"].to_numpy(np.int64) if "deadline" in tasks else 0,
    })  # fmt: skip
    groups = frame.groupby(["hour", "duration"], as_index=False).agg(
        energy=("energy", "sum"), deadline=("deadline", "min"), tasks=("energy", "size")
    )
    release = pd.to_datetime((groups["hour"] + 1) * hour, unit="ms", utc=True)
    length = pd.to_timedelta(groups["duration"], unit="h")
    deadline = release + pd.Timedelta(hours=24)
    if "deadline" in tasks:
        deadline = pd.to_datetime(groups["deadline"], unit="ms", utc=True)
    stamp = release.dt.strftime("%d-%H")
    numbers_ = groups["duration"].map(lambda h: re.sub(r"\.0$", "", f"{h:.1f}"))
    return pd.DataFrame({
        "job": "tasks " + stamp + " " + numbers_ + " h",
        "power [kW]": groups["energy"] / groups["duration"],
        "duration [h]": groups["duration"],
        "release": release,
        "deadline": deadline.where(deadline >= release + length, release + length),
        "tasks": groups["tasks"],
    })  # fmt: skip
