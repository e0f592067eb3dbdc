"""Commitment by moves: changes of a plan's on/off decisions, annealed about an incumbent.

:mod:`.search` is the search itself. It begins at :mod:`.first_plan`; units and their minimum times
are found by :mod:`.structure` (with :mod:`.propagation`), what can be changed by :mod:`.proposals`,
what a change costs by :mod:`.redispatch` (part by part: :mod:`.part`), which changes are looked at
by :mod:`.valuing`, how they weigh on each other is :mod:`.model`, and which hours HiGHS searches as
a last resort :mod:`.hours`.
"""

from __future__ import annotations

from citygrid.routes.hybrid.moves.first_plan import start
from citygrid.routes.hybrid.moves.model import MoveModel
from citygrid.routes.hybrid.moves.search import ANNEALER, improve, models
from citygrid.routes.hybrid.moves.valuing import Effort

__all__ = ["ANNEALER", "Effort", "MoveModel", "improve", "models", "start"]
