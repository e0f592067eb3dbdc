"""The inputs of a run laid out once more, as they were, so that it can be done again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from citygrid.errors import Fault, InputError
from citygrid.registry.canonical import sha256_of_file
from citygrid.registry.record import Record
from citygrid.registry.store import Registry

#: Folders above a district that its files may lie in.
DEEPEST = 64


@dataclass(frozen=True)
class Laid:
    """A run's inputs as files: the district, and what policies and answers were called by."""

    model: Path
    named: Mapping[str, Path]


def lay(registry: Registry, record: Record, folder: Path) -> Laid:
    """Write what is kept of a run's inputs below ``folder``, each where the district looks for it.

    What is not kept, because it was too large, is taken from where it was, if it has not changed
    since. Nothing is written outside ``folder``, whatever the record says.

    Raises :class:`InputError` that names every input that cannot be had any more.
    """
    inputs = [each for each in registry.inputs_of(record) if isinstance(each, Mapping)]
    districts = [each for each in inputs if each.get("role") == "district"]
    if len(districts) != 1:
        raise InputError(Fault(f"run {record.id}", "has no district to plan again", None,
                               "rerun a run of `plan` or `compare`"))  # fmt: skip
    names = [str(each.get("name")) for each in inputs if each.get("role") == "data"]
    depth = max([_steps_up(name) for name in names], default=0)
    if depth > DEEPEST:
        raise InputError(Fault(f"run {record.id}", "its files lie too many folders up", depth,
                               "the record is unsound"))  # fmt: skip
    folder = folder.resolve()
    home = folder.joinpath("district", *["below"] * depth)
    faults: list[Fault] = []
    named: dict[str, Path] = {}
    model = home / (Path(str(districts[0].get("name"))).name or "district.yaml")
    _lay(registry, districts[0], model, folder, faults)
    for number, each in enumerate(inputs):
        role, name = each.get("role"), str(each.get("name"))
        if role == "data":
            if PurePosixPath(name).is_absolute() or Path(name).is_absolute():
                _expect(each, Path(name), faults)
                continue
            _lay(registry, each, home / name, folder, faults)
        elif role != "district":
            # What stands beside one another stays so: an answer and the map of its variables.
            beside = folder / str(role) / str(number if role == "policy" else 0)
            named[name] = beside / (Path(name).name or "file")
            _lay(registry, each, named[name], folder, faults)
    if faults:
        raise InputError(faults)
    return Laid(model, named)


def _steps_up(name: str) -> int:
    """How many folders above its own a relative path reaches."""
    level = lowest = 0
    for part in PurePosixPath(name).parts:
        level += -1 if part == ".." else 1
        lowest = min(lowest, level)
    return -lowest


def _lay(
    registry: Registry, entry: Mapping[str, Any], target: Path, folder: Path, faults: list[Fault]
) -> None:
    target = Path(os.path.normpath(target))
    if not target.is_relative_to(folder):
        faults.append(Fault(str(entry.get("name"))[:200], "lies outside of the run's folder", None,
                            "the record is unsound"))  # fmt: skip
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        taken = os.path.lexists(target)
    except (FileExistsError, NotADirectoryError):  # a file stands where a folder is meant
        taken = True
    if taken:  # perhaps by a link to a file of the user's, which what is laid here would go through
        if not (target.is_file() and sha256_of_file(target) == entry.get("sha256")):
            faults.append(Fault(str(entry.get("name"))[:200], "is there twice, as different files",
                                None, "the record is unsound"))  # fmt: skip
        return
    if entry.get("kept") is True:
        try:
            target.write_bytes(registry.blobs.get(str(entry.get("sha256"))))
        except InputError as error:
            faults += error.faults
        return
    source = Path(str(entry.get("path")))
    if _expect(entry, source, faults):
        target.symlink_to(source)


def _expect(entry: Mapping[str, Any], path: Path, faults: list[Fault]) -> bool:
    """Whether a file that is not kept is still where it was, and the same."""
    try:
        found = sha256_of_file(path) if path.is_file() else None
    except OSError:
        found = None
    if found is not None and found == entry.get("sha256"):
        return True
    reason = "is not there any more" if found is None else "has changed since"
    faults.append(Fault(str(path)[:300], f"was read from its place and {reason}", None,
                        f"put back the file of SHA-256 {entry.get('sha256')}"))  # fmt: skip
    return False
