"""The route ``hybrid``: prices from the relaxation, choices from an annealer, the rest exact.

:mod:`.search` is the route itself and holds its rounds together. Each step is a module of its own,
in the order in which a round takes them: what can be chosen (:mod:`.assignment`), what a choice
costs where it lands (:mod:`.responses`, :mod:`.links`), the energy of a choice (:mod:`.energy`; as
a binary quadratic model :mod:`.quadratic`), who chooses (:mod:`.choosers`, :mod:`.annealer`), and
from a choice to a plan (:mod:`.commitment`).
"""

from __future__ import annotations

from citygrid.routes.hybrid.search import check, solve

__all__ = ["check", "solve"]
