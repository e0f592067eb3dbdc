"""What is installed, and what the machine has; nothing is written, and nothing heavy is loaded."""

from __future__ import annotations

import importlib.metadata
import locale
import os
import re
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import citygrid
from citygrid.registry.machine import machine, versions
from citygrid.registry.place import FOLDER, NETWORK_SYSTEMS, file_system, place_of

#: Extras that are for working on citygrid and not with it.
FOR_DEVELOPERS = frozenset(("dev", "docs", "peers"))
MEMORY = Path("/proc/meminfo")
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")


def facts(registry: str | None = None) -> dict[str, Any]:
    """All that can be told by looking; ``registry`` is the one that was asked for.

    Keys are ``citygrid``, ``python``, ``machine``, ``libraries``, ``extras``, ``memory_bytes``,
    ``disk_bytes``, ``registry``, ``temporary``, ``terminal``. What nobody says is ``None``.
    """
    needed, extras = requirements()
    here, trash = Path.cwd(), Path(tempfile.gettempdir())
    return {
        "citygrid": {"version": citygrid.__version__,
                     "folder": str(Path(citygrid.__file__).parent)},
        "python": {"version": versions()["python"], "program": sys.executable},
        "machine": {name: value for name, value in machine().items() if name != "host"},
        "libraries": {name: installed(name) for name in needed},
        "extras": {name: _extra(name, parts) for name, parts in sorted(extras.items())
                   if name not in FOR_DEVELOPERS},
        "memory_bytes": {"free": free_memory(), "all": machine()["memory_bytes"]},
        "disk_bytes": {"here": free_disk(here), "temporary": free_disk(trash)},
        "registry": _registry(registry),
        "temporary": {"folder": str(trash)},
        "terminal": terminal(),
    }  # fmt: skip


def requirements() -> tuple[list[str], dict[str, list[str]]]:
    """Distributions that citygrid needs, and those of each extra; empty where it says none.

    A copy that was not installed by pip does not know what it needs.
    """
    needed: list[str] = []
    extras: dict[str, list[str]] = {}
    with suppress(importlib.metadata.PackageNotFoundError):
        for line in importlib.metadata.requires("citygrid") or []:
            name = _REQUIREMENT.match(line)
            assert name is not None
            extra = _EXTRA.search(line)
            (needed if extra is None else extras.setdefault(extra[1], [])).append(name[1])
    return needed, extras


def installed(distribution: str) -> str | None:
    """The version of a distribution; ``None`` where it is not installed."""
    with suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(distribution)
    return None


def _extra(name: str, parts: list[str]) -> dict[str, Any]:
    found = {part: installed(part) for part in parts}
    present = all(version is not None for version in found.values())
    return {"present": present, "libraries": found,
            "install": None if present else f"pip install 'citygrid[{name}]'"}  # fmt: skip


def free_memory() -> int | None:
    """Bytes of memory that a program can have without others being put to disk."""
    with suppress(OSError, ValueError, IndexError):
        for line in MEMORY.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def free_disk(folder: Path) -> int | None:
    """Bytes that a user may still write into a folder."""
    with suppress(OSError):
        return shutil.disk_usage(folder).free
    return None


def _registry(wish: str | None) -> dict[str, Any]:
    place = place_of(wish)
    if place is None:
        return {"folder": None, "there": False, "file_system": None, "network": None}
    kind = file_system(place.folder)
    return {"folder": str(place.folder), "there": place.folder.is_dir(), "file_system": kind,
            "network": None if kind is None else kind in NETWORK_SYSTEMS}  # fmt: skip


def terminal() -> dict[str, Any]:
    """Where answers go: whether to a terminal, how wide, and in which letters."""
    return {
        "stdout_is_terminal": sys.stdout is not None and sys.stdout.isatty(),
        "columns": shutil.get_terminal_size().columns, "type": os.environ.get("TERM"),
        "encoding": getattr(sys.stdout, "encoding", None),
        "locale": ".".join(filter(None, locale.getlocale())) or "C",
    }  # fmt: skip


def print_facts(found: dict[str, Any]) -> list[str]:
    """The facts for a person."""
    about, room = found["machine"], found["registry"]
    missing = [name for name, version in found["libraries"].items() if version is None]
    lines = [
        f"citygrid    {found['citygrid']['version']} in {found['citygrid']['folder']}",
        f"Python      {found['python']['version']}, {found['python']['program']}",
        f"machine     {about['system']}, {about['cores']} cores, {about['cpu'] or 'unknown'}",
        f"memory      {_size(found['memory_bytes']['free'])} free of "
        f"{_size(found['memory_bytes']['all'])}",
        f"disk        {_size(found['disk_bytes']['here'])} free here, "
        f"{_size(found['disk_bytes']['temporary'])} in {found['temporary']['folder']}",
        f"registry    {_registry_line(room)}",
        f"terminal    {_terminal_line(found['terminal'])}",
        "libraries   " + (", ".join(f"{name} {version}" for name, version in
                                    found["libraries"].items() if version)
                          or "unknown: this copy was not installed by pip"),
    ]  # fmt: skip
    if missing:
        lines.append(f"missing     {', '.join(missing)}: pip install citygrid")
    for name, extra in found["extras"].items():
        lines.append(f"extra       {name}: {extra['install'] or 'present'}")
    return lines


def _registry_line(room: dict[str, Any]) -> str:
    if room["folder"] is None:
        return "switched off"
    state = "there" if room["there"] else f"not there yet (the first run makes a {FOLDER})"
    kind = "" if room["file_system"] is None else f", on {room['file_system']}"
    return f"{room['folder']}: {state}{kind}{', a NETWORK file system' if room['network'] else ''}"


def _terminal_line(told: dict[str, Any]) -> str:
    what = f"{told['columns']} columns" if told["stdout_is_terminal"] else "a pipe or a file"
    return f"{what}, {told['encoding']}, locale {told['locale']}"


def _size(number: int | None) -> str:
    return "unknown" if number is None else f"{number / 2**30:.1f} GiB"
