"""Runs for a person: a table of many, and everything about one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from citygrid.cards import short
from citygrid.registry.record import Record
from citygrid.registry.store import Entry

#: Digits of an id that lists show.
DIGITS = 10
#: Characters of a cell in a list, and of a value of one run.
CELL, VALUE = 28, 300
HEADINGS = ("run", "began", "command", "model", "route", "seed", "status", "cost EUR", "gap", "s")
#: Parts of a body that are shown one entry a line.
SECTIONS = ("request", "varied", "figures", "versions", "machine", "seconds", "kpis", "parts",
            "size")  # fmt: skip
#: Backend calls of a run that are shown.
CALLS = 10


def listed(entries: Sequence[Entry]) -> str:
    """A table of runs, a line each."""
    if not entries:
        return "no run"
    rows = [HEADINGS, *(_row(entry) for entry in entries)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADINGS))]
    right = {HEADINGS.index(name) for name in ("seed", "cost EUR", "gap", "s")}
    return "\n".join(
        "  ".join(cell.rjust(width) if i in right else cell.ljust(width)
                  for i, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    )  # fmt: skip


def _row(entry: Entry) -> tuple[str, ...]:
    body: Mapping[str, Any] = {} if entry.record is None else entry.record.body
    seconds = body["seconds"].get("total") if isinstance(body.get("seconds"), Mapping) else None
    return (
        entry.id[:DIGITS], _instant(body.get("began")), *(
            _cell(each) for each in (body.get("command"), body.get("part") or body.get("model"),
                                     body.get("route"), body.get("seed"))),
        _cell(_status(entry, body)), _number(body.get("objective"), ",.2f"),
        _number(body.get("gap"), ".3%"), _number(seconds, ".1f"),
    )  # fmt: skip


def _status(entry: Entry, body: Mapping[str, Any]) -> str:
    """What a route said, or of a whole how many of its parts are verified; and how it ended."""
    parts = body.get("parts")
    said = body.get("status")
    if said is None and isinstance(parts, Mapping):
        said = f"{parts.get('verified')} of {parts.get('runs')} verified"
    if said is None:
        return entry.state
    return str(said) if entry.state == "done" else f"{said}, {entry.state}"


def _instant(text: object) -> str:
    """An instant on this machine's clock, to the minute."""
    try:
        return datetime.fromisoformat(str(text)).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return _cell(text)


def _cell(value: object) -> str:
    return "–" if value is None else short(value, CELL)


def _number(value: object, form: str) -> str:
    return format(value, form) if isinstance(value, (int, float)) else "–"


def told(entry: Entry, children: Sequence[Entry]) -> str:
    """Everything that a registry knows of a run, and a table of its parts."""
    place = [] if entry.sequence is None else [f"number {entry.sequence}, hash {entry.hash}"]
    lines = [f"run {entry.id}: {entry.state}", *place]
    if entry.record is None:
        why = "was removed by `citygrid runs gc`" if entry.state == "removed" else "is unsound"
        return "\n".join([*lines, f"its record {why}"])
    lines += list(_lines(entry.record))
    if children:
        lines += ["", listed(children)]
    return "\n".join(lines)


def _lines(record: Record) -> Iterator[str]:
    body = record.body
    for name in ("parent", "rerun_of", "command", "part", "folder", "began", "finished",
                 "exit_code", "model", "model_hash", "case_hash", "form_hash", "route", "seed",
                 "time_given", "status", "incomplete", "objective", "bound", "gap", "plan_digest",
                 "results_digest"):  # fmt: skip
        if body.get(name) is not None:
            yield f"{name.replace('_', ' ')}: {short(body[name], VALUE)}"
    if isinstance(body.get("line"), list):
        yield f"line: citygrid {short(' '.join(map(str, body['line'])), VALUE)}"
    verdict = record.part("verdict")
    if verdict:
        word = "verified" if verdict.get("ok") is True else "BROKEN"
        yield f"verdict: {word}, largest violation {short(verdict.get('largest_violation'), 40)}"
    error = body.get("error")
    yield from (
        f"error: {short(each, VALUE)}" for each in (error if isinstance(error, list) else ())
    )
    for section in SECTIONS:
        shown = [
            f"{short(name, CELL)} {short(value, CELL * 3)}"
            for name, value in record.part(section).items()
            if value not in (None, [], {})
        ]
        if shown:
            yield f"{section}: {', '.join(shown)}"
    for role in ("inputs", "outputs"):
        for each in record.listed(role):
            kept = ", kept" if each.get("kept") is True else ""
            yield (f"{role[:-1]} {short(each.get('role'), CELL)}: "
                   f"{short(each.get('name') or each.get('path'), VALUE)}, "
                   f"{short(each.get('bytes'), 20)} bytes, SHA-256 "
                   f"{short(each.get('sha256'), 64)}{kept}")  # fmt: skip
    calls = record.listed("calls")
    for call in calls[:CALLS]:
        times = ", ".join(f"{name.partition('_')[0]} {short(call.get(name), 40)}"
                          for name in ("queued_at", "started_at", "finished_at"))  # fmt: skip
        what = ", ".join(short(call.get(name), CELL) for name in ("backend", "purpose"))
        yield f"call {what}: {times}"
    if len(calls) > CALLS:
        yield f"… and {len(calls) - CALLS} more calls (see --json)"
    if record.part("log"):
        yield f"log: {short(record.part('log').get('bytes'), 20)} bytes, kept (--log prints it)"
    trace = record.listed("trace")
    if trace:
        last = trace[-1]
        yield (f"gap trace: {len(trace)} entries, the last after "
               f"{_number(last.get('seconds'), '.2f')} s: {_number(last.get('objective'), ',.2f')} "
               f"EUR, at least {_number(last.get('bound'), ',.2f')} EUR")  # fmt: skip


def legible(text: str) -> str:
    """A log for a terminal: lines and tabs stay, other signs that would steer it do not."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def described(entry: Entry) -> dict[str, Any]:
    """A run as one document."""
    return {"id": entry.id, "state": entry.state, "sequence": entry.sequence,
            "body_hash": entry.body_hash or None, "previous": entry.previous or None,
            "hash": entry.hash or None,
            "record": None if entry.record is None else dict(entry.record.body)}  # fmt: skip
