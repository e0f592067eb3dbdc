"""`citygrid study`: many scenarios of one district, and what came of them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citygrid.cli.frame import Frame, framed
from citygrid.cli.options import JSON
from citygrid.cli.recording import recorded
from citygrid.errors import Fault, InputError, NoPlanError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from citygrid.study.conduct import Conducted
    from citygrid.study.execution.contract import Executor

#: What `citygrid study` returns when it is finished and scenarios have failed.
FAILED_SCENARIOS = 6
#: The command that a group with none stands for.
DEFAULT = "run"
#: Rows that a terminal is shown; the rest is in the files.
SHOWN = 40
#: Processes beyond which a number is a slip.
MOST_WORKERS = 1024


class StudyCommands(click.Group):
    """A group whose first word may be a study file: then `run` is meant."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "--help", "-h"}:
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


@click.group(cls=StudyCommands)
def study() -> None:
    """Plan many scenarios of one district: `citygrid study STUDY.yaml`.

    The study file names a district and what varies: grids, lists, samples, named scenarios. What is
    finished is safe: a study that was interrupted goes on where it was when it is run again.
    `citygrid study run --help` has the options; `show` and `report` say what came out.
    """


@study.command(name=DEFAULT)
@click.argument("study_file", metavar="STUDY.yaml", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder of the study, on a disk of this machine [default: out/<study>].",
)
@click.option("--workers", type=click.IntRange(0, MOST_WORKERS),
              help="Processes side by side, one solve each; 0 solves in this process, without hard "
              "limits [default: all cores].")  # fmt: skip
@click.option("--scheduler", metavar="ADDRESS", help="A Dask scheduler, such as tcp://host:8786; "
              "its workers must see the study's folders under the same paths.")  # fmt: skip
@click.option("--resume", is_flag=True, help="Only go on with a study that the folder holds.")
@click.option("--retry-failed", is_flag=True, help="Compute failed scenarios again.")
@click.option("--function", metavar="MODULE:FUNCTION", help="A Python function (tree, scenario) -> "
              "tree that changes every scenario's district; it is run: name only code that you "
              "trust.")  # fmt: skip
@click.option(
    "--trust-code",
    is_flag=True,
    help="Let the study's routes name samplers by import path and solvers by program.",
)
@JSON
@framed
@recorded("study_file", role="study", name="study")
def run(
    frame: Frame, study_file: Path, out: Path | None, workers: int | None, scheduler: str | None,
    resume: bool, retry_failed: bool, function: str | None, trust_code: bool,
) -> None:  # fmt: skip
    """Run a study, or go on with it.

    Exit 6: finished, and scenarios have failed.
    """
    from citygrid.files import refuse_unwritable
    from citygrid.study.conduct import conduct, stored
    from citygrid.study.recorded import record_inputs, record_rows
    from citygrid.study.scenarios.reading import read_study
    from citygrid.study.store import DATABASE

    executor = _executor(workers, scheduler)
    folder = out or Path("out") / study_file.stem
    refuse_unwritable(folder / DATABASE)
    frame.say("reading the study")
    asked = read_study(study_file, function, trust_code)
    frame.say(f"{len(asked.scenarios):,} scenarios by {len(asked.routes)} "
              f"route{'s' * (len(asked.routes) > 1)}: {len(asked.tasks):,} to know")  # fmt: skip
    record_inputs(frame.recording, asked, function)
    try:
        done = conduct(asked, folder, executor, _Heard(frame), resume, retry_failed)
    except (KeyboardInterrupt, NoPlanError):
        # What was acknowledged until then is as good as that of a study that came to its end.
        if frame.recording.on:
            record_rows(frame.recording, folder, stored(folder)[1])
        raise
    record_rows(frame.recording, folder, done.rows, done.digest)
    frame.answer(_describe(done), _print(done))
    frame.exit_code = FAILED_SCENARIOS if done.failed else 0


class _Heard:
    """Says, at most once a second, how far a study is."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._said: float | None = None

    def __call__(self, done: int, number: int, counts: Mapping[str, int]) -> None:
        import time

        now = time.monotonic()
        if self._said is not None and now - self._said < 1.0 and done < number:
            return
        self._said = now
        told = ", ".join(f"{count:,} {status.replace('_', ' ')}"
                         for status, count in sorted(counts.items()))  # fmt: skip
        self._frame.progress.update(f"{done:,} of {number:,} known" + (f": {told}" if told else ""))


def _executor(workers: int | None, scheduler: str | None) -> Executor:
    """Who computes, by what the user asked for."""
    from citygrid.study.execution.local import Processes, Serial

    if scheduler is not None:
        from citygrid.study.execution.cluster import Cluster

        if workers is not None:
            raise InputError(Fault("--workers", "are those of the cluster where --scheduler names "
                                   "one", workers, "leave one of the two out"))  # fmt: skip
        return Cluster(scheduler)
    if workers == 0:
        return Serial()
    import os

    return Processes(workers or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity")
                     else workers or os.cpu_count() or 1)  # fmt: skip


def _describe(done: Conducted) -> dict[str, Any]:
    """The JSON document of a study; rows are in its Parquet files and in `study show --json`."""
    return {
        "folder": str(done.folder), "digest": done.digest, "rows": len(done.rows),
        "counts": dict(done.counts), "tasks": done.tasks, "computed": done.computed,
        "known_before": done.known, "seconds": done.seconds,
        "failed": [{"scenario": row["scenario"], "route": row["route"], "status": row["status"],
                    "error": row["error"]} for row in done.failed],
        "files": {"results": str(done.folder / "results"),
                  "database": str(done.folder / "study.sqlite")},
    }  # fmt: skip


def _print(done: Conducted) -> str:
    counts = ", ".join(f"{count:,} {status.replace('_', ' ')}"
                       for status, count in sorted(done.counts.items()))  # fmt: skip
    lines = [
        _rows(done.rows), "",
        f"{len(done.rows):,} rows: {counts}",
        f"{done.tasks:,} different, {done.known:,} known before, {done.computed:,} computed in "
        f"{done.seconds:.1f} s",
    ]  # fmt: skip
    lines += _failures(done.failed)
    lines += [
        f"digest {done.digest[:16]}",
        f"results: {done.folder / 'results'}",
        f"ask them: citygrid study show {shlex.quote(str(done.folder))} "
        '--query "select … from study"',
    ]
    return "\n".join(lines)


def _failures(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    shown = [f"failed: {row['scenario']} ({row['route']}): {row['status'].replace('_', ' ')}"
             f"{': ' + row['error'].splitlines()[0] if row['error'] else ''}"
             for row in rows[:10]]  # fmt: skip
    return shown + ([f"… and {len(rows) - 10:,} more"] if len(rows) > 10 else [])


def _figure(value: Any, pattern: str = "{:,.2f}") -> str:
    return "–" if value is None else pattern.format(value)


def _rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """The first rows for a person."""
    width = max([8, *(len(row["scenario"]) for row in rows[:SHOWN])])
    width = min(width, 60)
    lines = [f"{'scenario':<{width}} {'route':<12} {'status':<14} {'cost EUR':>14} "
             f"{'bound EUR':>14} {'gap':>8} {'CO2 t':>9}"]  # fmt: skip
    for row in rows[:SHOWN]:
        carbon = row["kpis"].get("co2_kg")
        status = row["status"].replace("_", " ")
        if row["verified"] is not None:
            status = f"{status}{'' if row['verified'] else ', BROKEN'}"
        name = row["scenario"]
        name = name if len(name) <= width else name[: width - 1] + "…"
        lines.append(
            f"{name:<{width}} {row['route']:<12} {status:<14} "
            f"{_figure(row['objective_eur']):>14} {_figure(row['bound_eur']):>14} "
            f"{_figure(row['gap'], '{:.3%}'):>8} "
            f"{_figure(None if carbon is None else carbon / 1000):>9}"
        )
    if len(rows) > SHOWN:
        lines.append(f"… and {len(rows) - SHOWN:,} more")
    if any(row["status"] == "relaxed" for row in rows):
        lines.append("relaxed: no plan but a bound; its figures are those of relaxed flows")
    return "\n".join(lines)


@study.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--query", metavar="SQL", help="A SELECT over the table `study`, answered by DuckDB "
              "(an extra); it sees that table and nothing else.")  # fmt: skip
@JSON
@framed
def show(frame: Frame, folder: Path, query: str | None) -> None:
    """Show what a study has found so far, or ask its results in SQL."""
    if query is not None:
        from citygrid.study.query import ask

        names, found = ask(folder, query)
        frame.answer({"columns": names, "rows": [[_plain(v) for v in row] for row in found]},
                     _grid(names, found))  # fmt: skip
        return
    from citygrid.study.conduct import is_failure, stored

    facts, rows, digest = stored(folder)
    failed = [row for row in rows if is_failure(row)]
    document: dict[str, Any] = {
        "name": facts["name"],
        "district": facts["district"],
        "version": facts["version"],
        "digest": digest,
        "rows": rows,
    }
    frame.answer(document, "\n".join([facts["name"], "", _rows(rows), *_failures(failed),
                                      f"digest {digest[:16]}"]))  # fmt: skip


def _plain(value: Any) -> Any:
    """A value as JSON has it: what is no text, number or truth is its text."""
    if isinstance(value, float):
        return value if value - value == 0 else None
    return value if value is None or isinstance(value, (str, int)) else str(value)


def _grid(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """An answer as aligned columns."""
    cells = [[*names], *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(names))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    text = f"{value:.10g}" if isinstance(value, float) else str(value)
    return "".join(c if c.isprintable() else " " for c in text)


@study.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="File to write [default: "
              "DIR/report.html].")  # fmt: skip
@JSON
@framed
def report(frame: Frame, folder: Path, out: Path | None) -> None:
    """Explain a study on one offline page."""
    from citygrid.study.report.page import write_study_report

    path = out or folder / "report.html"
    write_study_report(folder, path)
    frame.answer({"files": {"report": str(path)}}, f"report: {path}")
