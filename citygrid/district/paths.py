"""Paths into a district, ``components.battery.capacity``, and trees that are changed along them.

A path is the keys of the file joined by points; an item of a list goes by its number from 0. Keys
may hold blanks, and points, too: of the keys that are there, the longest that fits counts. In
double quotes a key is taken as it is (``components."boiler 1.2".heat``), also one that is yet to be
added. A changed tree shares with the one before all that it leaves alone, so that what is the same
object is known to be the same.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

from citygrid.district.sound import Path_
from citygrid.errors import Fault, InputError

#: Sections whose entries have names that users choose.
OPEN = (("components",), ("nodes",), ("series",))
#: Keys that a message lists.
SHOWN = 20


def write_path(path: Iterable[str | int]) -> str:
    """A path as a user writes it."""
    return ".".join(f'"{part}"' if "." in str(part) else str(part) for part in path)


def read_path(text: str, tree: Any, place: str | None = None, removes: bool = False) -> Path_:
    """Where in a tree a written path leads; its last key may be new, all others not.

    Whether a new key is one that the district knows, its spec says. ``place`` is where the path
    stands, such as a line of a study, ``removes`` whether what it leads to shall be removed.

    Raises :class:`InputError` for what is no path and for one that leads nowhere, which says what
    is there instead.
    """
    at, told = (text or "path", None) if place is None else (place, text)
    found: list[str | int] = []
    rest: str | None = text
    while rest is not None:
        try:
            part, rest = _first(tree, rest)
        except ValueError as error:
            raise InputError(Fault.of(error, at or "path", told)) from error
        key: str | int = part
        if isinstance(tree, list):
            if not (part.isascii() and part.isdigit() and int(part) < len(tree)):
                number = f"{len(tree)} item{'' if len(tree) == 1 else 's'}"
                raise InputError(Fault(
                    at, f"{_told(found)} is a list of {number}, and {part} is none of them", told,
                    "number its items from 0"))  # fmt: skip
            key = int(part)
        elif not isinstance(tree, dict):
            repair = f"vary {write_path(found)} as a whole"
            if tree is None:
                repair = "write the section in the district first"
            raise InputError(Fault(at, f"there is no such path: {_told(found)} is a single value",
                                   told, repair))  # fmt: skip
        elif key not in tree and rest is not None:
            raise InputError(Fault(at, f"there is no such path: {_told(found)} has no {part}",
                                   told, _near(part, tree)))  # fmt: skip
        elif key not in tree and removes:
            raise InputError(Fault(at, f"there is nothing there to remove: {_told(found)} has no "
                                   f"{part}", told, _near(part, tree)))  # fmt: skip
        found.append(key)
        tree = tree.get(key) if isinstance(tree, dict) else tree[key]
    return tuple(found)


def _first(tree: Any, text: str) -> tuple[str, str | None]:
    """The first part of a written path, and what follows it; ``None`` where nothing does.

    Raises ``ValueError`` with the repair for what is none.
    """
    known = [str(key) for key in tree] if isinstance(tree, dict) else []
    fits = [key for key in known if text == key or text.startswith(f"{key}.")]
    if fits:
        part = max(fits, key=len)
    elif text.startswith('"') and '"' in text[1:]:
        part = text[1 : text.index('"', 1)]
        text = text.replace(f'"{part}"', part, 1)
    else:
        part = text.partition(".")[0]
        if '"' in part:
            part = ""
    further = text[len(part) :]
    if not part or further == "." or (further and not further.startswith(".")):
        raise ValueError('is no path; write names with points between, names that hold points in '
                         'double quotes: components.battery.capacity')  # fmt: skip
    return part, further[1:] or None


def value_at(tree: Any, path: Path_) -> Any:
    """What stands at a path of :func:`read_path`; ``None`` where its last key is new."""
    for key in path:
        tree = tree.get(key) if isinstance(tree, dict) else tree[key]
    return tree


def _told(path: Sequence[str | int]) -> str:
    return write_path(path) if path else "the district"


def _near(part: str, known: Iterable[str]) -> str:
    known = list(known)
    near = difflib.get_close_matches(part, known, 1, 0.5)
    meant = f'did you mean "{near[0]}"? ' if near else ""
    return f"{meant}there are {', '.join(known[:SHOWN])}{', …' if len(known) > SHOWN else ''}"


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


def patched(base: dict[str, Any], patch: Iterable[tuple[Sequence[str], Any]]) -> dict[str, Any]:
    """The base with a patch of :func:`difference`; what it leaves alone is the same object."""
    for path, value in patch:
        base = change(base, tuple(path), value)
    return base
