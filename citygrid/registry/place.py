"""Where a registry is, and whether it may be there."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from citygrid.errors import Fault, InputError

#: The folder that is looked for upward from the working directory.
FOLDER = ".citygrid"
#: The variable of the environment that names another one.
VARIABLE = "CITYGRID_REGISTRY"
#: The word that switches the registry off, and the one that allows a network file system.
OFF, NETWORK = "none", "network:"
#: File systems that reach other machines: locks and shared memory cannot be relied on.
NETWORK_SYSTEMS = frozenset((
    "nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "ncpfs", "afs", "9p", "ceph", "lustre",
    "beegfs", "gpfs", "glusterfs", "davfs", "davfs2", "coda", "ocfs2", "gfs2", "pvfs2", "orangefs",
    "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.rclone", "fuse.davfs2",
    "fuse.smbnetfs", "fuse.juicefs", "fuse.gcsfuse", "fuse.cephfs", "fuse.lizardfs", "fuse.mfs",
))  # fmt: skip
MOUNTS = Path("/proc/self/mounts")


class Place(NamedTuple):
    """A registry's folder, and whether it may lie on a network file system."""

    folder: Path
    network: bool = False


def place_of(wish: str | None = None, start: Path | None = None) -> Place | None:
    """The registry that is meant; ``None`` where it is switched off.

    ``wish`` (an option) goes before the variable ``CITYGRID_REGISTRY``; both are a folder,
    ``network:FOLDER``, or ``none``. Where neither says anything it is the nearest ``.citygrid``
    from ``start`` (the working directory) upward that is one's own, else a new one there.
    """
    told = wish or os.environ.get(VARIABLE) or None
    if told == OFF:
        return None
    if told is not None:
        network = told.startswith(NETWORK)
        return Place(Path(told.removeprefix(NETWORK)).expanduser().absolute(), network)
    start = (start or Path.cwd()).absolute()
    for folder in (start, *start.parents):
        if _is_own(folder / FOLDER):
            return Place(folder / FOLDER)
    return Place(start / FOLDER)


def _is_own(folder: Path) -> bool:
    """Whether a folder is there and the user's: in a shared place somebody else may have put one.

    A registry holds what one plans, and nobody should find it by leaving a folder in ``/tmp``.
    """
    try:
        state = folder.stat()
    except OSError:
        return False
    return folder.is_dir() and (not hasattr(os, "getuid") or state.st_uid == os.getuid())


def file_system(path: Path) -> str | None:
    """The type of the file system that holds a path, or will; ``None`` where nobody says."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    path = path.resolve()
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    found: tuple[int, str] | None = None
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[1]))
        if path.is_relative_to(point) and (found is None or len(point.parts) >= found[0]):
            found = len(point.parts), fields[2]  # of equal ones, the later lies on top
    return None if found is None else found[1]


def refuse_network(place: Place) -> None:
    """Raise :class:`InputError` for a registry on a network file system that nobody asked for."""
    kind = file_system(place.folder)
    if kind in NETWORK_SYSTEMS and not place.network:
        raise InputError(Fault(
            str(place.folder), "the registry lies on a network file system, whose locks do not "
            "hold between machines", kind, f"name a local folder by --registry, or "
            f"{NETWORK}{place.folder} if only one machine at a time writes it, or {OFF}",
        ))  # fmt: skip
