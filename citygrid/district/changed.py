"""A district with values changed by path, as if its file had said them.

Paths are those of :mod:`citygrid.district.paths`. Values are what the file would say, with their
units: ``"400 kWh"``. ``None`` takes the key out, so that ``components.battery`` becomes a district
without it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from citygrid.district.load import District, checked
from citygrid.district.paths import change, read_path, value_at
from citygrid.errors import Fault, InputError


def changed(district: District, values: Mapping[str, Any]) -> District:
    """The district with each value in place of what its path names, checked like a file.

    A last key that is not there yet is added, so that defaults can be changed, too. Components that
    no path touches keep their specs.

    Raises :class:`InputError` for a path that leads nowhere and for every fault of the changed
    file.
    """
    if not values:
        return district
    tree = district.tree.value
    faults: list[Fault] = []
    for text, value in values.items():
        try:
            tree = change(tree, read_path(text, tree, removes=value is None), value)
        except InputError as refused:
            faults += refused.faults
    if faults:
        raise InputError(faults)
    told = json.dumps([district.hash, dict(values)], sort_keys=True, default=str)
    digest = hashlib.sha256(told.encode()).hexdigest()
    return checked(district.path, replace(district.tree, value=tree), digest, district)


def stated(district: District, path: str) -> Any:
    """What the district's file says at a path; ``None`` where it says nothing.

    Raises :class:`InputError` for a path that leads nowhere.
    """
    return value_at(district.tree.value, read_path(path, district.tree.value))
