"""A district with values changed by path, as if its file had said them.

A path is the keys of the file joined by points, ``components.battery.capacity``; keys may hold
blanks and points of their own, the longest that the file has counts, and an item of a list goes by
its number from 0. Values are what the file would say, with their units: ``"400 kWh"``. ``None``
takes the key out, so that ``components.battery`` becomes a district without it.
"""

from __future__ import annotations

import copy
import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from citygrid.district.load import District, checked
from citygrid.errors import Fault, InputError


def changed(district: District, values: Mapping[str, Any]) -> District:
    """The district with each value in place of what its path names, checked like a file.

    A last key that is not there yet is added, so that defaults can be changed, too.

    Raises :class:`InputError` for a path that leads nowhere and for every fault of the changed
    file.
    """
    tree = copy.deepcopy(district.tree.value)
    faults: list[Fault] = []
    for path, value in values.items():
        try:
            _put(tree, path, value)
        except InputError as refused:
            faults += refused.faults
    if faults:
        raise InputError(faults)
    told = json.dumps([district.hash, dict(values)], sort_keys=True, default=str)
    digest = hashlib.sha256(told.encode()).hexdigest() if values else district.hash
    return checked(district.path, replace(district.tree, value=tree), digest)


def stated(district: District, path: str) -> Any:
    """What the district's file says at a path; ``None`` where it says nothing.

    Raises :class:`InputError` for a path that leads nowhere.
    """
    inner, key = _lead(district.tree.value, path)
    if isinstance(inner, list):
        return inner[int(key)]
    return inner.get(key)


def _put(tree: Any, path: str, value: Any) -> None:
    inner, key = _lead(tree, path)
    if isinstance(inner, list):
        inner[int(key)] = value
    elif value is None:
        if key not in inner:
            raise InputError(_nowhere(path, key, inner))
        del inner[key]
    else:
        inner[key] = value


def _lead(tree: Any, path: str) -> tuple[Any, str]:
    """The section that holds a path's last key, and that key."""
    inner, rest = tree, path
    while True:
        key, further = _split(inner, rest, path)
        if not further:
            return inner, key
        inner = inner[int(key)] if isinstance(inner, list) else inner[key]
        rest = further


def _split(inner: Any, rest: str, path: str) -> tuple[str, str]:
    """The first key of what is left of a path, and what follows it."""
    if isinstance(inner, list):
        key, _, further = rest.partition(".")
        if not (key.isascii() and key.isdigit() and int(key) < len(inner)):
            raise InputError(Fault(path, "is no item of the list", key,
                                   f"use a number from 0 to {len(inner) - 1}"))  # fmt: skip
        return key, further
    if not isinstance(inner, dict):
        raise InputError(Fault(path, "leads into a value, not a section", rest,
                               "end the path there"))  # fmt: skip
    known = [key for key in inner if rest == key or rest.startswith(f"{key}.")]
    if known:
        key = max(known, key=len)
        return key, rest[len(key) + 1 :]
    key, _, further = rest.partition(".")
    if further or not rest:
        raise InputError(_nowhere(path, key, inner))
    return rest, ""


def _nowhere(path: str, key: str, inner: Mapping[str, Any]) -> Fault:
    near = difflib.get_close_matches(key, list(inner), 1, 0.5)
    meant = f'did you mean "{near[0]}"? ' if near else ""
    return Fault(path, "the district has nothing of this name there", key,
                 f"{meant}there are {', '.join(list(inner)[:12])}")  # fmt: skip
