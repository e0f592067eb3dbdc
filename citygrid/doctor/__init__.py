"""Whether citygrid can work here: what is installed, what there is room for, and a test that runs.

:mod:`.facts` looks and changes nothing; :mod:`.trial` plans a tiny district by every route that is
present, has each plan replayed, and writes and reads one file.
"""

from __future__ import annotations

from citygrid.doctor.facts import facts
from citygrid.doctor.findings import Finding
from citygrid.doctor.trial import try_all

__all__ = ["Finding", "facts", "try_all"]
