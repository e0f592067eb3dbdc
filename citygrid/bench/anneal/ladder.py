"""Which districts are raced on: classes, free sizes, and a ladder from a thousand binaries up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citygrid.errors import Fault, InputError
from citygrid.synthetic import CLASSES, Size, write

#: Sizes of ``--scale``: about 1.4, 3, 9, 18, 47, 95 and 197 thousand binaries.
RUNGS = (Size(24, 4, 40), Size(24, 6, 100), Size(48, 10, 300), Size(48, 20, 600),
         Size(168, 20, 1500), Size(168, 40, 3000), Size(168, 60, 6500))  # fmt: skip


@dataclass(frozen=True)
class Instance:
    """A random district of a group (a class or a size): its size and seed."""

    group: str
    size: Size
    seed: int


@dataclass(frozen=True)
class Model:
    """An instance as a district file, the size of its form and its hash."""

    instance: Instance
    path: Path
    size: dict[str, int]
    form_hash: str


def name_of(size: Size) -> str:
    """A size as it is written on the command line, ``24x4x40``."""
    return f"{size.hours}x{size.sites}x{size.jobs}"


def groups(classes: Sequence[str], sizes: Sequence[str], scale: bool) -> dict[str, Size]:
    """Sizes by group, in the order in which they are run. Raises :class:`InputError`."""
    found: dict[str, Size] = {}
    faults = []
    for name in classes:
        if name in CLASSES:
            found[name] = CLASSES[name]
        else:
            faults.append(Fault("--classes", "no such size", name,
                                f"use {', '.join(CLASSES)}"))  # fmt: skip
    for text in sizes:
        parts = text.lower().split("x")
        if len(parts) == 3 and all(part.isascii() and part.isdigit() for part in parts):
            size = Size(*map(int, parts))
            try:
                size.check()
                found[name_of(size)] = size
            except InputError as refused:
                faults += refused.faults
        else:
            faults.append(Fault("--size", "expected hours x sites x jobs", text,
                                "write such as 24x4x40"))  # fmt: skip
    if scale:
        found |= {name_of(size): size for size in RUNGS}
    if faults:
        raise InputError(faults)
    return found


def prepare(instance: Instance, folder: Path) -> Model:
    """Write the instance's district file, and its form once for its size and hash."""
    import citygrid

    path = folder / f"{name_of(instance.size)}_seed_{instance.seed}.yaml"
    write(path, instance.size, instance.seed)
    form = citygrid.formulate(citygrid.prepare(citygrid.load(path)))
    return Model(instance, path, form.size, form.hash)


def described(model: Model) -> dict[str, Any]:
    """What a row says of its instance."""
    instance = model.instance
    return {
        "group": instance.group, "hours": instance.size.hours, "sites": instance.size.sites,
        "jobs": instance.size.jobs, "seed": instance.seed, "size": model.size,
        "form_hash": model.form_hash,
    }  # fmt: skip
