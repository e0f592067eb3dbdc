"""What differs between two runs, as data and in words."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from citygrid.cards import short
from citygrid.errors import InputError
from citygrid.registry.record import Record
from citygrid.registry.store import Registry

#: Texts beyond which no line by line comparison is made.
MOST_BYTES, MOST_LINES = 1 << 20, 5000
#: Lines of a comparison that are shown.
SHOWN = 200
#: Figures of a run beside its key figures.
FIGURES = ("objective", "bound", "gap")


def difference(registry: Registry, before: Record, after: Record) -> dict[str, Any]:
    """Two runs side by side: what they read, were asked, ran on, and came to.

    Only what differs is listed; ``plans`` says ``equal``, ``different``, or ``unknown`` where one
    has none.
    """
    digests = [record.body.get("plan_digest") for record in (before, after)]
    plans = "unknown" if None in digests else "equal" if digests[0] == digests[1] else "different"
    return {
        "runs": [before.id, after.id],
        "inputs": list(_inputs(registry, before, after)),
        "options": _apart(_asked(before), _asked(after)),
        "versions": _apart(before.part("versions"), after.part("versions")),
        "machine": _apart(before.part("machine"), after.part("machine")),
        "results": _apart(*({name: each.body.get(name) for name in (
            "command", "model", "route", "seed", "status", "state")} for each in (before, after))),
        "figures": _figures(before, after),
        "plans": plans,
    }  # fmt: skip


def _asked(record: Record) -> Mapping[str, Any]:
    """The options that decide a plan; of other commands, what they were given."""
    return record.part("request") or record.part("arguments")


def _apart(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Entries whose values differ; missing ones are ``None``."""
    names = dict.fromkeys([*before, *after])
    return [{"name": name, "before": before.get(name), "after": after.get(name)}
            for name in names if before.get(name) != after.get(name)]  # fmt: skip


def _figures(before: Record, after: Record) -> list[dict[str, Any]]:
    found = []
    for name, old, new in (
        *((name, before.body.get(name), after.body.get(name)) for name in FIGURES),
        *((name, before.part("kpis").get(name), after.part("kpis").get(name))
          for name in dict.fromkeys([*before.part("kpis"), *after.part("kpis")])),
    ):  # fmt: skip
        if old == new:
            continue
        change = relative = None
        if isinstance(old, (int, float)) and isinstance(new, (int, float)):
            change = new - old
            relative = change / abs(old) if old else None
        found.append({"name": name, "before": old, "after": new, "change": change,
                      "relative": relative})  # fmt: skip
    return found


def _inputs(registry: Registry, before: Record, after: Record) -> Iterator[dict[str, Any]]:
    old, new = (_by_name(registry.inputs_of(each)) for each in (before, after))
    for key in dict.fromkeys([*old, *new]):
        first, second = old.get(key), new.get(key)
        role, name = key
        if first is None or second is None:
            which = before.id if second is None else after.id
            yield {"role": role, "name": name, "change": "only in one", "run": which, "lines": None}
        elif first.get("sha256") != second.get("sha256"):
            yield {"role": role, "name": name, "change": "changed", "run": None,
                   "lines": _lines(registry, first, second)}  # fmt: skip


def _by_name(inputs: list[Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Inputs by role and name; the one district of a run is the other's, whatever it is called."""
    return {
        (str(each.get("role")), "" if each.get("role") == "district" else str(each.get("name"))):
        each for each in inputs
    }  # fmt: skip


def _lines(
    registry: Registry, before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[str] | None:
    """The lines that differ, where both texts are kept and short enough."""
    texts = []
    for entry in (before, after):
        size = entry.get("bytes")
        if not entry.get("kept") or not isinstance(size, int) or size > MOST_BYTES:
            return None
        try:
            lines = registry.blobs.get(str(entry.get("sha256"))).decode().splitlines()
        except (InputError, UnicodeDecodeError, OSError):
            return None
        if len(lines) > MOST_LINES:
            return None
        texts.append(lines)
    found = difflib.unified_diff(texts[0], texts[1], str(before.get("name")),
                                 str(after.get("name")), lineterm="", n=1)  # fmt: skip
    return list(found)


def in_words(found: Mapping[str, Any]) -> str:
    """A difference for a person."""
    first, second = (str(id)[:10] for id in found["runs"])
    lines = [f"{first} → {second}"]
    for entry in found["inputs"]:
        name = f"{entry['role']} {short(entry['name'])}".strip()
        if entry["change"] != "changed":
            lines.append(f"{name}: only in {str(entry['run'])[:10]}")
        elif entry["lines"] is None:
            lines.append(f"{name}: has changed (its lines are not shown: too large, no text, or "
                         "not kept)")  # fmt: skip
        else:
            lines.append(f"{name}: has changed")
            lines += [f"    {short(line, 200)}" for line in entry["lines"][:SHOWN]]
            if len(entry["lines"]) > SHOWN:
                lines.append(f"    … and {len(entry['lines']) - SHOWN} more lines")
    if not found["inputs"]:
        lines.append("inputs: the same")
    for section in ("options", "versions", "machine", "results"):
        lines += [f"{section}, {short(e['name'])}: {_word(e['before'])} → {_word(e['after'])}"
                  for e in found[section]]  # fmt: skip
    lines += [_figure(entry) for entry in found["figures"]]
    says = {
        "equal": "plans: equal, flow by flow",
        "different": "plans: different",
        "unknown": "plans: cannot be compared, for not both runs have one",
    }  # fmt: skip
    return "\n".join([*lines, says[found["plans"]]])


def _figure(entry: Mapping[str, Any]) -> str:
    change = entry["change"]
    if change is None:
        said = ""
    else:
        word = "more" if change > 0 else "less"
        share = "" if entry["relative"] is None else f", {abs(entry['relative']):.2%}"
        said = f" ({abs(change):,.6g} {word}{share})"
    return f"{short(entry['name'])}: {_word(entry['before'])} → {_word(entry['after'])}{said}"


def _word(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:,.6g}" if isinstance(value, float) else short(value, 120)
