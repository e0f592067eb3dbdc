"""The route ``qubo``: the whole dispatch as one quadratic binary problem, faithfully.

Powers, levels and slacks are bits like every choice (:mod:`citygrid.model.qubo`); a sampler looks
for low energies, and what it finds is decoded, completed exactly and proved like any other plan.
:mod:`.settings` reads what a user may set, :mod:`.sampling` asks the sampler and learns penalties,
:mod:`.search` makes plans of samples, :mod:`.windows` cuts horizons that are too long for bits.
"""

from __future__ import annotations

from citygrid.routes.qubo.route import solve
from citygrid.routes.qubo.settings import check

__all__ = ["check", "solve"]
