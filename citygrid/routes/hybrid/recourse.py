"""What the rest of a form makes of a choice: its cost and prices while the annealer still cools.

Prices of the relaxation let everybody choose the same hour, and what they choose moves the prices.
So the annealer is asked in parts, and between two parts the rest of the form answers: one linear
programme with the present choice and its settings held gives what the choice costs there, and the
prices to go on with.

Other units (boilers, engines) are not part of the energy and relaxed at first. A linear programme
then promises what no whole schedule of theirs can keep, and the better a choice fits to the
promise, the dearer it is in the end. So they are committed on the way: a small search by HiGHS in
which every balance that blocks share may be off by a part of what blocks move there, at its price.
The schedules that come out suit the neighbourhood of the choice, not only the choice itself; they
are held, and the next parts make up for what was off.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from citygrid.model.form import Floats, Form
from citygrid.model.reductions import elastic, fix
from citygrid.routes import highs, milp
from citygrid.routes.contract import Positions
from citygrid.routes.hybrid.blocks import Blocks
from citygrid.routes.hybrid.chains import Chains
from citygrid.routes.hybrid.commitment import NODES, Dispatch, Workshop

#: Part of what blocks move in a shared balance by which it may be off while units are committed,
#: and what that costs beside the price of the row, in mean prices.
REACH, TOLL = 0.2, 0.1
#: What it costs beside the price that a shared balance is off because of units that are held, in
#: mean prices, while all is hot and when it is cold: more of it says louder in which hours, and all
#: that can still move then runs from them at once.
MISSING = 0.3, 3.0
#: Gap to which units are committed on the way.
ROUGHLY = 1e-3

#: Columns and values of binaries that are held.
Settings = tuple[Positions, Floats]


class Recourse:
    """Answers of the rest of a form, with the schedules ``units`` of other binaries once chosen.

    ``shared`` (b) are the balances that several blocks enter; ``others`` (u) the integer columns
    that are neither options nor settings of blocks behind a load. ``member`` (blocks × m) says
    which priced rows each block enters.
    """

    def __init__(
        self, shop: Workshop, blocks: Blocks, chains: Chains, member: sp.csr_array
    ) -> None:
        self._shop, self._form = shop, shop.form
        form = shop.form
        several = np.diff(sp.csc_array(member).indptr) > 1
        self.shared = np.flatnonzero(several & (form.row_lower == form.row_upper))
        moved = sp.csr_array(form.matrix)[self.shared]
        inside = np.zeros(len(form.cost))
        inside[blocks.columns] = 1.0
        self._flows = sp.csr_array(moved @ sp.diags_array(inside))
        other = form.integer.copy()
        other[shop.groups.columns] = False
        linked = np.isin(blocks.of_column, chains.block[chains.block >= 0])
        other[blocks.columns[linked]] = False
        self.others = np.flatnonzero(other)
        self.units: Floats | None = None

    def answer(
        self, chosen: Positions, settings: Settings, prices: Floats, cold: float = 1.0
    ) -> Dispatch | None:
        """The rest with a choice held: cost, point (n) and prices (m); ``None`` without any.

        Where schedules of units leave no plan, balances may be missed at ``MISSING`` mean prices,
        so that the prices say in which hours; ``cold`` is how far the course has cooled (0 to 1).
        """
        held = self._held(chosen, settings)
        found = self._solved(held)
        if found is None and self.units is not None and len(self.shared):
            first, last = MISSING
            level = first * (last / first) ** cold * float(np.abs(prices[self.shared]).mean())
            found = self._solved(self._flexible(held, prices, level, None))
        return found

    def commit(self, chosen: Positions, settings: Settings, prices: Floats) -> Floats | None:
        """Choose schedules of other units near a choice; the prices (m) that belong to them."""
        self.units = None
        if not len(self.others) or not len(self.shared):
            return None
        held = self._held(chosen, settings)
        found = self._solved(held)
        if found is None:
            return None
        level = TOLL * float(np.abs(prices[self.shared]).mean())
        most = REACH * np.abs(self._flows @ found.point)
        flexible = self._flexible(held, found.prices, level, most)
        shop = self._shop
        shop.journal.count("unit_milps")
        task = highs.Task.of(
            shop.options, "units", max(shop.options.gap, ROUGHLY), shop.clock.share(0.15, 1.0),
            nodes=NODES if shop.clock.left is None else None,
        )  # fmt: skip
        point = milp.call(flexible, task, shop.journal, shop.options.quiet).x
        if point is None:
            return None
        self.units = np.round(point[self.others])
        priced = self._solved(fix(flexible, self.others, self.units).form)
        return None if priced is None else priced.prices

    def _held(self, chosen: Positions, settings: Settings) -> Form:
        held = fix(self._shop.hold(chosen), *settings).form
        return held if self.units is None else fix(held, self.others, self.units).form

    def _flexible(self, form: Form, prices: Floats, level: float, most: Floats | None) -> Form:
        """The form whose shared balances may be off at their prices and ``level`` EUR more."""
        soft = elastic(form, self.shared).form
        price = prices[self.shared]
        # A row is raised by what comes from outside: it saves nobody its price.
        cost = np.concatenate([form.cost, level + price, level - price])
        upper = soft.upper.copy()
        if most is not None:
            upper[len(form.cost) :] = np.concatenate([most, most])
        return replace(soft, cost=cost, constant=form.constant, upper=upper)

    def _solved(self, held: Form) -> Dispatch | None:
        """The relaxation of a held form, without the columns by which balances are off."""
        found = self._shop.dispatch(held, 0.3)
        return None if found is None else found._replace(point=found.point[: len(self._form.cost)])
