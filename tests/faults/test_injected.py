"""A fault at every call by which a command changes a disk: the message is one, no file is half.

A disk that is full, one that refuses, a kill, and an interrupted call, each at one system call of a
command, whichever library makes it. Afterwards every file under its name is whole, the same command
undisturbed ends well with the same result, and nothing of the fault is left. A few of the calls are
tried always, all of them with ``--all``.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pyarrow.parquet as pq
import pyogrio
import pytest

from citygrid.plan.plan import Plan
from citygrid.registry import Registry
from citygrid.registry.check import check
from tests.faults.injecting import (
    BY_PATH,
    FAULTS,
    KILLED,
    ROOT,
    Call,
    Ran,
    Stage,
    injected,
    is_stray,
    staged,
    tree,
    why_not,
)

REASON = why_not()
pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))

STUDY = """\
name: prices
district: models/mapped.yaml
routes: [lp]
vary:
  - grid: {carbon_price: [0 EUR/kg, 0.10 EUR/kg]}
outputs: {plans: true}
"""
#: Of the calls of one kind on one file, how many of the first are tried where not all are.
FIRST = 1
#: What SQLite keeps beside a database that was not closed; whoever opens it puts it in order.
BESIDE_DATABASES = ("-wal", "-shm", "-journal")
#: Python asks again for these where they were interrupted, and is who writes files of these sorts.
#: Others (SQLite, GDAL, HDF5) and calls by path end with a message, as on a full disk.
AGAIN, BY_PYTHON = ("write", "fsync"), (".html", ".json", ".yaml", ".svg", ".csv", ".log")
#: How old a stray must be for the next writer to take it away [s].
DAYS = 172_800


class Command(NamedTuple):
    """A command to disturb: what is run before it, once, and what its files are called.

    ``gives`` are the folders and files that are its own; whatever else it changes is a fault.
    ``timed`` are those that say how long it took, so that two runs have two of them; ``kept`` is a
    folder of what an interrupted run goes on from, which the next one puts away. ``at_once``: all
    its files are of one run, unless it is killed while it gives them their names.
    """

    words: tuple[str, ...]
    gives: tuple[str, ...]
    before: tuple[tuple[str, ...], ...] = ()
    timed: tuple[str, ...] = ()
    kept: str | None = None
    at_once: bool = True


PLAN = ("plan", "models/mapped.yaml", "--out", "out")
FORMATS = "gpkg,geojson,geoparquet,flatgeobuf,kml,cityjson,csv,parquet,nc"
COMMANDS = {
    "plan": Command(PLAN, ("out",)),
    "study": Command(("study", "study.yaml", "--out", "out", "--workers", "0"), ("out",),
                     at_once=False),
    "export": Command(("export", "out/plan.nc", "--to", FORMATS, "--out", "gis"), ("gis",),
                      (PLAN,)),
    "plan over another": Command(PLAN, ("out",), ((*PLAN, "--seed", "7"),)),
    "compare": Command(("compare", "models/mapped.yaml", "--routes", "milp,hybrid:rounding",
                        "--out", "out"), ("out",)),
    "report": Command(("report", "out/plan.nc", "--out", "page.html"), ("page.html",), (PLAN,)),
    "qubo": Command(("qubo", "models/mapped.yaml", "--to", "cqm,lp,npz", "--out", "out"), ("out",)),
    "synth": Command(("synth", "--class", "S", "--hours", "6", "--jobs", "4", "--sites", "2",
                      "--out", "out/district.yaml"), ("out",)),
    "rolling": Command((*PLAN, "--window", "2h", "--overlap", "1h"), ("out",),
                       kept="out/windows/"),
    "outages": Command(("outages", "models/mapped.yaml", "--for", "2h", "--out", "out"), ("out",),
                       timed=("out/outages.html",)),
    "front": Command(("front", "models/mapped.yaml", "--points", "3", "--out", "out"), ("out",),
                     timed=("out/front.html",)),
    "aggregate": Command(("aggregate", "models/jobless.yaml", "--periods", "2",
                          "--hours-per-period", "1", "--out", "out"), ("out",)),
    "runs export": Command(("runs", "export", "last", "--out", "runs.zip"), ("runs.zip",), (PLAN,)),
    "runs gc": Command(("runs", "gc", "--keep", "1", "--apply"), (), (PLAN, PLAN)),
}  # fmt: skip
#: The others are tried with `--all`.
ALWAYS = ("plan",)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("stage")) as made:
        yield made


class Theatre:
    """A command, the folder in which it begins, and what an undisturbed run makes of it."""

    def __init__(self, stage: Stage, command: Command, scratch: Path) -> None:
        self.stage, self.command = stage, command
        self.begin, self.folder = scratch / "begin", scratch / "folder"
        self.begin.mkdir(parents=True)
        shutil.copytree(ROOT / "data" / "tiny", self.begin / "data" / "tiny")
        (self.begin / "models").mkdir()
        text = (ROOT / "models" / "tiny.yaml").read_text(encoding="utf-8")
        (self.begin / "models" / "mapped.yaml").write_text(with_places(text), encoding="utf-8")
        jobless = text[: text.index("  jobs:\n")]  # work is due once, and so in no typical period
        (self.begin / "models" / "jobless.yaml").write_text(jobless, encoding="utf-8")
        (self.begin / "study.yaml").write_text(STUDY, encoding="utf-8")
        for words in command.before:
            assert self.stage.run(words, self.begin).code == 0
        self.fresh()
        first = stage.run(command.words, self.folder)
        assert first.code == 0, first.err
        self.files = {name: path.read_bytes() for name, path in self.own().items()}
        self.sizes = {name: len(data) for name, data in self.files.items()}
        self.plans = plans_of(self.own())
        self.fresh()
        # The first one has imported, and so opened, what the later ones find loaded.
        self.whole_run = stage.run(command.words, self.folder)
        assert self.whole_run.code == 0, self.whole_run.err
        again = self.own()
        assert again.keys() == self.files.keys()
        #: Names of files whose every byte is the same in each run.
        self.fixed = {name for name, path in again.items()
                      if path.read_bytes() == self.files[name]} - {*command.timed}  # fmt: skip

    def fresh(self) -> None:
        """Lay the folder anew."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.begin, self.folder, symlinks=True)

    def own(self) -> dict[str, Path]:
        """The files that are the command's own."""
        return {name: path for name, path in tree(self.folder).items()
                if Path(name).parts[0] in self.command.gives}  # fmt: skip

    def calls(self) -> list[Call]:
        """The calls of an undisturbed run that change files."""
        return list(self.whole_run.calls)

    def disturb(self, fault: str, call: Call) -> str:
        """One fault at one call, and what of it is not as it should be; empty where all is."""
        self.fresh()
        before = {name: path.read_bytes() for name, path in tree(self.folder).items()}
        run = self.stage.run(self.command.words, self.folder, injected(fault, call))
        if run.code == 0 and not run.disturbed and (moved := same_call(run.calls, call)):
            # Another run opens other files before it, so that the call has another number there.
            self.fresh()
            run = self.stage.run(self.command.words, self.folder, injected(fault, moved))
        found = [*self.of_the_run(fault, call, run), *self.of_the_files(fault, call, before)]
        age(self.folder)
        after = self.stage.run(self.command.words, self.folder)
        found += self.of_the_next(after)
        return "; ".join(found)

    def of_the_run(self, fault: str, call: Call, run: Ran) -> Iterator[str]:
        """What the command said, and where it wrote."""
        if fault == "killed":
            if run.code != KILLED:
                yield f"was not killed, but ended with {run.code}"
        elif not run.disturbed:
            yield "the call did not fail: another run makes other calls"
        elif run.code not in (0, 2) or "Traceback" in run.err:
            yield f"exit {run.code}: {run.err[-300:]}"
        elif run.code == 2 and run.err.count("error: ") != 1:
            yield f"not one message: {run.err}"
        elif fault == "interrupted" and run.code and is_asked_again(call):
            yield f"an interrupted call ended it: {run.err}"
        roots = (str(self.folder), *self.stage.environment.values())
        yield from (
            f"wrote outside: {file}" for each in run.calls for file in each.files
            if os.path.isabs(file) and not file.startswith(roots)
        )  # fmt: skip

    def of_the_files(self, fault: str, call: Call, before: Mapping[str, bytes]) -> Iterator[str]:
        """What lies in the folder."""
        now = tree(self.folder)
        for name, path in now.items():
            if is_stray(name):
                # What was to be taken away and could not be is taken away by the next.
                if fault != "killed" and not call.name.startswith("unlink"):
                    yield f"left {name}"
            elif Path(name).parts[0] == ".citygrid" or name.endswith(BESIDE_DATABASES):
                continue
            elif name not in self.files:
                ours = self.command.kept is not None and name.startswith(self.command.kept)
                if not ours and before.get(name) != path.read_bytes():
                    yield f"made {name}"
            elif before.get(name) == path.read_bytes():
                continue
            elif fault_of := not_whole(path, self.sizes[name]):
                yield f"{name} is not whole: {fault_of}"
        if self.command.at_once and fault != "killed":
            new = [name for name in self.files
                   if name in now and now[name].read_bytes() != before.get(name)]  # fmt: skip
            same = [name for name in self.files.keys() - new
                    if before.get(name) != self.files[name]]  # fmt: skip
            if new and same:
                yield f"new are {new}, and {same} are not"
        yield from (f"lost {name}" for name in before.keys() - now.keys() - {".citygrid"}
                    if not name.startswith(".citygrid"))  # fmt: skip
        registry = self.folder / ".citygrid"
        if (registry / "runs.db").is_file() and has_tables(registry / "runs.db"):
            with Registry(registry) as opened:
                yield from map(str, check(opened).faults)
            if (registry / ".gitignore").read_text() != "*\n":
                yield "the registry's .gitignore is half"

    def of_the_next(self, run: Ran) -> Iterator[str]:
        """The command once more, undisturbed, after some days."""
        if run.code != 0 or "Traceback" in run.err or "warning" in run.err:
            yield f"the next run: exit {run.code}: {run.err[-300:]}"
            return
        now = self.own()
        if now.keys() != self.files.keys():
            yield f"the next run has other files: {sorted(now.keys() ^ self.files.keys())}"
        yield from (f"the next run has another {name}" for name in self.fixed & now.keys()
                    if now[name].read_bytes() != self.files[name])  # fmt: skip
        if plans_of(now) != self.plans:
            yield "the next run has another plan"
        strays = [name for name in tree(self.folder) if is_stray(name)]
        if strays:
            yield f"the next run leaves {strays}"


def same_call(calls: Sequence[Call], call: Call) -> Call | None:
    """The first call of the same name on the same file, whatever its draft is called."""

    def meant(each: Call) -> tuple[str, list[str]]:
        return each.name, [file.rpartition("-")[0] or file for file in each.files]

    return next((each for each in calls if meant(each) == meant(call)), None)


def with_places(text: str) -> str:
    """A district's text with a place for every node, so that it can be drawn on a map."""
    lines, number, inside = ["crs: EPSG:25832"], 0, False
    for line in text.splitlines():
        if not line.startswith((" ", "#")) and line:
            inside = line.startswith("nodes:")
        elif inside and line.strip().endswith("{}"):
            number += 1
            line = line.replace("{}", f"{{at: [{560000 + 100 * number}, 5568900]}}")
        lines.append(line)
    return "\n".join(lines) + "\n"


def plans_of(files: Mapping[str, Path]) -> dict[str, str]:
    """The digest of every plan."""
    return {name: Plan.load(path).digest for name, path in files.items() if path.suffix == ".nc"}


def not_whole(path: Path, size: int) -> str:
    """Why a file is not whole; empty where it is.

    It opens, and it is as long as the one of an undisturbed run, give or take figures of time.
    """
    try:
        if path.suffix == ".nc":
            assert Plan.load(path).digest
        elif path.suffix in (".gpkg", ".sqlite"):
            with closing(sqlite3.connect(path)) as database:
                assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            return ""  # a database that goes on being filled has no length of its own
        elif path.suffix == ".parquet":
            pq.read_table(path)  # it says at its end where all of it is
            return ""  # what is not done yet is shorter: a study that was stopped has open rows
        elif path.suffix in (".json", ".geojson"):
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".fgb":
            pyogrio.read_dataframe(path)
        elif path.suffix in (".zip", ".npz", ".cqm"):
            assert not zipfile.is_zipfile(path) or zipfile.ZipFile(path).testzip() is None
        elif path.suffix in (".kml", ".svg", ".esdl"):
            ElementTree.fromstring(path.read_bytes())
        elif path.suffix == ".html":
            assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
        elif path.suffix in (".lock", ".log"):
            return ""
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    length = path.stat().st_size
    return "" if abs(length - size) <= 0.05 * size + 64 else f"{length} bytes of {size}"


def is_asked_again(call: Call) -> bool:
    """Whether who makes the call makes it once more where it was interrupted."""
    return call.name in AGAIN and call.files[-1].endswith(BY_PYTHON)


def has_tables(path: Path) -> bool:
    """Whether a database has got as far as to have tables."""
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,)


def age(folder: Path) -> None:
    """Let days pass: whoever wrote the strays is gone."""
    then = time.time() - DAYS
    for path in folder.rglob("*"):
        if is_stray(path.name) or path.name == ".swept":
            os.utime(path, (then, then))


def some(calls: list[Call]) -> Iterator[tuple[str, Call]]:
    """The first call of its kind on each file, with one fault each, the faults in turn."""
    seen: dict[tuple[str, str], int] = {}
    for call in calls:
        file = call.files[-1].rpartition("/")[2].partition("-")[2].rpartition("-")[0]
        kind = call.name, file or call.files[-1]
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= FIRST:
            yield FAULTS[len(seen) % len(FAULTS)], call


def trials(calls: list[Call]) -> Iterator[tuple[str, Call]]:
    """Every fault at every call."""
    return ((fault, call) for call in calls for fault in FAULTS)


def run_trials(
    theatre: Theatre, chosen: Iterator[tuple[str, Call]], most: int | None = None
) -> list[str]:
    """What went wrong in each of them, in words; how many there were is printed."""
    asked = list(chosen)
    if most is not None:
        asked = asked[:: -(-len(asked) // most)]
    failures = [f"{fault} at {call}: {found}" for fault, call in asked
                if (found := theatre.disturb(fault, call))]  # fmt: skip
    print(f"{len(theatre.calls())} calls, {len(asked)} faults, {len(failures)} half states")
    return failures


@pytest.mark.parametrize("name", ALWAYS)
def test_a_fault_at_some_calls_leaves_no_half_state(stage: Stage, name: str, tmp_path: Path):
    theatre = Theatre(stage, COMMANDS[name], tmp_path)
    calls = theatre.calls()
    assert {call.name for call in calls} >= {"openat", "write", "fsync", "rename"}, calls
    assert any(call.name in BY_PATH for call in calls)
    assert run_trials(theatre, some(calls), most=3) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_a_fault_at_any_call_leaves_no_half_state(stage: Stage, name: str, tmp_path: Path):
    """At so many calls as there is time for: `CITYGRID_FAULTS=all` takes hours."""
    theatre = Theatre(stage, COMMANDS[name], tmp_path)
    wish = os.environ.get("CITYGRID_FAULTS", "8")
    most = None if wish == "all" else int(wish)
    assert run_trials(theatre, trials(theatre.calls()), most) == []
