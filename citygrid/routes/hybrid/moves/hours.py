"""The hours that HiGHS searches next: those in which a plan lies furthest above the relaxation."""

from __future__ import annotations

import numpy as np

from citygrid.arrays import Floats
from citygrid.model.form import Form
from citygrid.model.steps import steps_of, steps_of_rows

#: The fewest steps that are searched at once.
FEWEST = 6


class Hours:
    """Spans of ``wide`` steps of a form, none twice before :meth:`forget`.

    ``relaxed`` are point (n) and duals (m) of the relaxation; without them, spans are drawn by
    ``lot``.
    """

    def __init__(
        self, form: Form, wide: int, lot: np.random.Generator,
        relaxed: tuple[Floats, Floats] | None = None,
    ) -> None:  # fmt: skip
        self._form, self._lot, self._relaxed = form, lot, relaxed
        self._steps = steps_of(form)
        self._count = int(self._steps.max(initial=0)) + 1
        self.wide = min(max(wide, FEWEST), self._count)
        #: Beginnings of the spans that were given since the last gain.
        self._given: list[int] = []

    def next(self, x: Floats | None) -> tuple[int, int]:
        """First step and the one after the last, for a plan x (n); ``None`` draws them."""
        last = self._count - self.wide
        begins = sorted({*range(0, last + 1, max(self.wide // 3, 1)), last})
        left = [begin for begin in begins if begin not in self._given]
        if not left:
            self._given, left = [], begins
        if self._relaxed is None or x is None:
            begin = left[int(self._lot.integers(len(left)))]
        else:
            excess = self.excess(x)
            begin = max(left, key=lambda begin: float(excess[begin : begin + self.wide].sum()))
        self._given.append(begin)
        return begin, begin + self.wide

    def forget(self) -> None:
        """Begin anew: the plan is another one."""
        self._given = []

    def excess(self, x: Floats) -> Floats:
        """By how much a plan x (n) lies above the relaxation, step by step [EUR].

        ``cᵀ(x − x*) = dᵀ(x − x*) + λᵀ(A x − A x*)`` with reduced costs d and duals λ of the
        relaxation x*. No term of a plan is negative: what it pays for a column away from its bound,
        and what it leaves unused of a limit that has a price, such as a reserve.
        """
        assert self._relaxed is not None
        relaxed, duals = self._relaxed
        columns = (self._form.cost - self._form.matrix.T @ duals) * (x - relaxed)
        rows = duals * (self._form.matrix @ (x - relaxed))
        found = np.zeros(self._count)
        for step, excess in ((self._steps, columns), (steps_of_rows(self._form), rows)):
            timed = step >= 0
            np.add.at(found, step[timed], excess[timed])
        return found
