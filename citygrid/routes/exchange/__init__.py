"""The problem for somebody else's annealer, and their answer back.

:mod:`.problem` is the form as such files state it (limits on one side, finite bounds, names that
every reader takes), :mod:`.coo` a binary quadratic model as text, :mod:`.key` the map from every
variable of every file to the plan's variables, :mod:`.samples` what may be believed of an answer.
What needs dimod is in :mod:`citygrid.routes.samplers.exchange`, the way back to a plan in
:mod:`citygrid.routes.answer`.
"""

from __future__ import annotations

from typing import Protocol

from citygrid.arrays import Floats, Positions
from citygrid.model.reductions import Reduction


class Binary(Protocol):
    """A binary quadratic model that knows its way back to a form.

    ``linear`` (n), ``couplings`` as row, column and value with row < column, ``offset`` in EUR;
    ``labels`` (n) of the bits; ``reduction``: ``x = T b + t``.
    """

    @property
    def linear(self) -> Floats: ...
    @property
    def couplings(self) -> tuple[Positions, Positions, Floats]: ...
    @property
    def offset(self) -> float: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def reduction(self) -> Reduction: ...
    @property
    def groups(self) -> Positions: ...
    def energy(self, bits: Floats) -> Floats: ...
    def restore(self, bits: Floats) -> Floats: ...
