"""`citygrid runs`: what was run, what differs, the same once more, and what may go."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from citygrid.cli.frame import Frame, framed
from citygrid.cli.options import JSON, pairs_of
from citygrid.cli.recording import recorded, registry_option
from citygrid.errors import Fault, InputError, VerificationError

if TYPE_CHECKING:
    from citygrid.registry import Registry

RUN = click.argument("run", metavar="RUN")


@click.group()
def runs() -> None:
    """What was run: list, show, compare, repeat, check, tidy, hand on."""


def _open(wish: str | None, write: bool = False) -> Registry:
    """The registry that is meant. Raises :class:`InputError` where it is off or not there."""
    from citygrid.registry import Registry, place_of

    place = place_of(wish)
    if place is None:
        raise InputError(Fault("--registry", "the registry is switched off", "none",
                               "name its folder"))  # fmt: skip
    if write and not place.folder.is_dir():
        raise InputError(Fault(str(place.folder), "there is no registry", None,
                               "name another by --registry"))  # fmt: skip
    return Registry(place, write)


def _common(command: Callable[..., None]) -> Callable[..., None]:
    return JSON(framed(registry_option(command)))


@runs.command(name="list")
@click.option("--model", help="Name of the district.")
@click.option("--route", help="One of the run's routes.")
@click.option("--since", metavar="AGE|DATE", help="Begun since: 12h, 7d, 2w, or 2026-11-26.")
@click.option("--status", help="What the route said (optimal, feasible, infeasible, …), or how the "
              "run ended: done, failed, running, killed, unfinished.")  # fmt: skip
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True,
              help="At most so many, the newest first.")  # fmt: skip
@click.option("--all", "children", is_flag=True, help="Also the parts of comparisons and studies.")
@_common
def list_(
    frame: Frame, model: str | None, route: str | None, since: str | None, status: str | None,
    limit: int, children: bool, registry: str | None,
) -> None:  # fmt: skip
    """List runs, the newest first."""
    from citygrid.registry.keeping import instant
    from citygrid.registry.telling import described, listed

    begin = None if since is None else instant(since, "--since")
    with _open(registry) as opened:
        found = opened.select(model, route, begin, status, limit, children)
    frame.answer({"registry": str(opened.folder), "runs": [described(each) for each in found]},
                 listed(found))  # fmt: skip


@runs.command()
@RUN
@click.option("--log", "log", is_flag=True, help="Print the solver's log that was kept instead.")
@_common
def show(frame: Frame, run: str, log: bool, registry: str | None) -> None:
    """Say all that is known of a run.

    RUN is the beginning of its id; `last` is the newest, `last~1` the one before.
    """
    from citygrid.registry.telling import described, legible, told

    with _open(registry) as opened:
        entry = opened.find(run)
        parts = opened.children(entry.id)
        if log:
            blob = None if entry.record is None else entry.record.part("log").get("blob")
            if blob is None:
                raise InputError(Fault(f"run {entry.id}", "has no log", None,
                                       "solvers write one with --verbose"))  # fmt: skip
            text = legible(opened.blobs.get(blob).decode(errors="replace"))
            frame.answer({"id": entry.id, "log": text}, text)
            return
    frame.answer(described(entry) | {"parts": [described(each) for each in parts]},
                 told(entry, parts))  # fmt: skip


@runs.command()
@click.argument("before", metavar="RUN")
@click.argument("after", metavar="RUN")
@_common
def diff(frame: Frame, before: str, after: str, registry: str | None) -> None:
    """Say what differs between two runs: inputs, options, versions, figures."""
    from citygrid.registry.difference import difference, in_words

    with _open(registry) as opened:
        records = []
        for prefix in (before, after):
            entry = opened.find(prefix)
            if entry.record is None:
                raise InputError(Fault(f"run {entry.id}", "its record was removed", None,
                                       "see `citygrid runs list`"))  # fmt: skip
            records.append(entry.record)
        found = difference(opened, *records)
    frame.answer(found, in_words(found))


@runs.command()
@RUN
@click.option("--out", type=click.Path(path_type=Path),
              help="Folder for the plans and the report [default: no files].")  # fmt: skip
@click.option("--trust-code", is_flag=True,
              help="Run the policies and samplers that the run had named, too.")  # fmt: skip
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
              help="The value of an option that was hidden because it is secret.")  # fmt: skip
@JSON
@framed
@recorded(late=True)
def rerun(
    frame: Frame, run: str, out: Path | None, trust_code: bool, settings: tuple[str, ...]
) -> None:  # fmt: skip
    """Do a run once more from the inputs that were kept, and compare the plans.

    Exit codes: 0 the plans are equal; 5 they are not; else those of the command that is repeated.
    """
    from citygrid.cli.rerunning import do_again, print_again

    wish = click.get_current_context().params["registry"]
    with _open(wish) as opened:
        entry = opened.find(run)
        if entry.record is None:
            raise InputError(Fault(f"run {entry.id}", "its record was removed", None,
                                   "see `citygrid runs list`"))  # fmt: skip
        found = do_again(frame, opened, entry.record, out, trust_code, pairs_of(settings))
    frame.answer(found, print_again(found))
    if not found["equal"]:
        frame.exit_code = VerificationError.exit_code


@runs.command()
@click.option("--head", metavar="HASH", help="A hash that was noted earlier: it must be in the "
              "chain still, and so must all that was before it.")  # fmt: skip
@_common
def check(frame: Frame, head: str | None, registry: str | None) -> None:
    """Check the chain of runs and every content that is kept.

    It finds what was edited, removed, moved or slipped in between, and ends with 5 where anything
    was. Whoever can write the registry could write a new chain: note the head elsewhere.
    """
    from citygrid.registry.check import check as follow

    if head is not None and re.fullmatch(r"[0-9a-f]{64}", head) is None:
        raise InputError(Fault("--head", "is no hash", head,
                               "write the 64 digits that `runs check` said"))  # fmt: skip
    with _open(registry) as opened:
        report = follow(opened, head)
    lines = [f"{report.runs} runs in the chain, {report.removed} of them removed, "
             f"{report.unfinished} unfinished beside it; {report.blobs} contents",
             f"head {report.head}"]  # fmt: skip
    lines += report.faults
    if report.further:
        lines.append(f"… and {report.further} more")
    lines.append("sound" if report.ok else "NOT SOUND")
    frame.answer(report.as_dict(), "\n".join(lines))
    frame.exit_code = 0 if report.ok else VerificationError.exit_code


@runs.command()
@click.option("--keep", type=click.IntRange(0), metavar="N", help="Keep the newest N runs.")
@click.option("--older-than", metavar="AGE|DATE",
              help="Remove what ended before: 90d, 26w, or 2026-01-01.")  # fmt: skip
@click.option("--apply", "really", is_flag=True, help="Remove; without it, only say what would go.")
@_common
def gc(
    frame: Frame, keep: int | None, older_than: str | None, really: bool, registry: str | None
) -> None:  # fmt: skip
    """Remove old runs, and contents that no run needs; the chain can still be checked.

    With both options a run goes that is neither among the newest nor young; with none, only
    contents. Their hashes stay, and the removal is a run of its own.
    """
    from citygrid.registry.keeping import choose, collect, instant

    before = None if older_than is None else instant(older_than, "--older-than")
    with _open(registry, write=really) as opened:
        found = choose(opened, keep, before)
        if really:
            found = collect(opened, found)
    did = "removed" if really else "would remove"
    frame.answer(
        {"applied": really, **found.as_dict()},
        f"{did} {len(found.runs)} runs, {len(found.unfinished)} that never ended, "
        f"{len(found.blobs)} contents ({found.bytes:,} bytes)"
        + ("" if really else "; say --apply to do so"),
    )


@runs.command()
@click.argument("names", metavar="[RUN …]", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="The whole chain.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Zip file to write.")
@_common
def export(
    frame: Frame, names: tuple[str, ...], everything: bool, out: Path, registry: str | None
) -> None:  # fmt: skip
    """Write runs, their parts and all that is kept for them as one zip: JSON lines and contents."""
    from citygrid.files import refuse_unwritable
    from citygrid.registry.packing import pack

    if bool(names) == everything:
        raise InputError(Fault("RUN", "name runs, or --all", None, "not both, and not neither"))
    refuse_unwritable(out)
    with _open(registry) as opened:
        if everything:
            chosen = list(opened.entries())
        else:
            found = [opened.find(name) for name in names]
            found += [part for entry in found for part in opened.children(entry.id)]
            found += [opened.find(each.record.parent) for each in found
                      if each.record is not None and each.record.parent is not None]  # fmt: skip
            unique = {each.id: each for each in found}.values()
            chosen = sorted(unique, key=lambda each: (each.sequence is None, each.sequence or 0))
        counts = pack(opened, chosen, out)
    frame.answer({"file": str(out), **counts},
                 f"{out}: {counts['runs']} runs, {counts['blobs']} contents")  # fmt: skip
