"""The registry: what was run, with what, where, and what came of it, for years.

A registry is a folder: ``runs.db`` (SQLite) holds a row per run, ``blobs/`` the contents of inputs
and logs by their SHA-256. Every finished run carries the hash of the one before it. Only light
modules are imported here, for every command passes through.
"""

from __future__ import annotations

from citygrid.registry.place import Place, place_of
from citygrid.registry.record import Record, new_id, new_record
from citygrid.registry.recording import Recording
from citygrid.registry.store import Registry

__all__ = ["Place", "Record", "Recording", "Registry", "new_id", "new_record", "place_of"]
