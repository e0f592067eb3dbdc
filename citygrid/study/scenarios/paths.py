"""Paths into a district: ``components.battery.capacity``, and trees that are changed along them.

A point separates the names of keys; a name with a point in it stands in double quotes
(``components."boiler 1.2".heat``), and an item of a list is its number from 0. A changed tree
shares with the one before all that it leaves alone, so that what is the same object is known to be
the same.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any

from citygrid.errors import Fault

Path_ = tuple[str | int, ...]

#: A quoted name, or one without points and quotes.
_PART = re.compile(r'"([^"]+)"|([^".]+)')
#: Sections whose entries have names that users choose.
OPEN = (("components",), ("nodes",), ("series",))


def read_path(text: str) -> tuple[str, ...]:
    """The parts of a written path.

    Raises ``ValueError`` with the repair for one that is none.
    """
    parts: list[str] = []
    at = 0
    while True:
        match = _PART.match(text, at)
        if match is None:
            raise ValueError('is no path; write names with points between, names that hold points '
                             'in double quotes: components.battery.capacity')  # fmt: skip
        parts.append(match[1] or match[2])
        at = match.end()
        if at == len(text):
            return tuple(parts)
        if text[at] != ".":
            raise ValueError("is no path; put a point between two names")
        at += 1


def write_path(path: Iterable[str | int]) -> str:
    """A path as a user writes it."""
    return ".".join(f'"{part}"' if "." in str(part) else str(part) for part in path)


def locate(tree: Any, parts: Sequence[str], place: str) -> Path_ | Fault:
    """The path in a tree that written parts lead to; its last part may be new, all others not.

    Whether a new key is one that the district knows, its spec says. A fault names what is there
    instead.
    """
    found: list[str | int] = []
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if isinstance(tree, list):
            if not part.isdigit() or int(part) >= len(tree):
                return Fault(
                    place,
                    f"{_told(found)} is a list of {len(tree)} items, and {part} is none of them",
                    write_path(parts),
                    "number its items from 0",
                )
            key: str | int = int(part)
        elif isinstance(tree, dict):
            key = part
            if key not in tree and not last:
                return Fault(place, f"the base has no such path: {_told(found)} has no {part}",
                             write_path(parts), _near(part, tree))  # fmt: skip
        else:
            repair = f"vary {write_path(found)} as a whole"
            if tree is None:
                repair = "write the section in the base first"
            return Fault(place, f"the base has no such path: {_told(found)} is a single value",
                         write_path(parts), repair)  # fmt: skip
        found.append(key)
        tree = tree.get(key) if isinstance(tree, dict) else tree[key]
    return tuple(found)


def _told(path: Sequence[str | int]) -> str:
    return write_path(path) if path else "the district"


def _near(part: str, known: Iterable[str]) -> str:
    known = list(known)
    near = difflib.get_close_matches(part, known, 1, 0.6)
    meant = f'did you mean "{near[0]}"? ' if near else ""
    return f"{meant}there are {', '.join(known[:20])}{', …' if len(known) > 20 else ''}"


def change(tree: Any, path: Path_, value: Any) -> Any:
    """The tree with another value at a path; ``None`` removes what is there.

    Everything off the path is the same object as before.
    """
    key, rest = path[0], path[1:]
    if isinstance(tree, list):
        assert isinstance(key, int)
        inner = value if not rest else change(tree[key], rest, value)
        items = [*tree[:key], inner, *tree[key + 1 :]]
        return items if inner is not None else [*tree[:key], *tree[key + 1 :]]
    made = dict(tree)
    inner = value if not rest else change(tree[key], rest, value)
    if inner is None:
        made.pop(key, None)
    else:
        made[key] = inner
    return made


def difference(base: dict[str, Any], changed: dict[str, Any]) -> list[tuple[list[str], Any]]:
    """What turns one tree into another: (path of one or two keys, value; ``None`` removes).

    Sections with named entries, such as components, are compared entry by entry.
    """
    found: list[tuple[list[str], Any]] = []
    for key in dict.fromkeys([*base, *changed]):
        before, after = base.get(key), changed.get(key)
        if before is after or before == after:
            continue
        if (key,) in OPEN and isinstance(before, dict) and isinstance(after, dict):
            found += [([key, name], after.get(name)) for name in dict.fromkeys([*before, *after])
                      if before.get(name) is not after.get(name)
                      and before.get(name) != after.get(name)]  # fmt: skip
        else:
            found.append(([key], after))
    return found
