"""The energy of a choice: one option per group, priced by an LP.

With ``L_r`` what the options add up to in a coupling row (the load of a site in an hour), it is, in
EUR,

``E(x) = Σ priced_c x_c + Σ_chains min_s Σ_q (φ_{q s_q}(L_q) + change(s_{q−1}, s_q))
+ Σ_t ½ κ_t (Σ_{r∈t} L_r − target_t)²``

where ``L = W x``, ``priced = cost − Aᵀ λ`` over the rows that are neither groups nor coupling,
``φ_s`` the best response of what stands behind a coupling row in a setting of its binaries
(:mod:`.responses`), steep beyond the limits, ``change`` what a start or another change of settings
from hour to hour costs (:mod:`.chains`), and a weak quadratic that keeps the totals of loads that
meet in one balance near the relaxation's, because prices alone let everybody choose the same hour.
κ follows from the prices: a total that leaves its target by its whole range moves the marginal
price by a multiple of itself. The settings are no part of a choice: for any loads the cheapest ones
follow exactly.

Samplers of binary quadratic models get the same energy with the least of every position's ``φ_s``
replaced by the parabola that fits it best near its target, see :mod:`.quadratic`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from citygrid.model.form import Floats
from citygrid.model.groups import Groups
from citygrid.routes.contract import Positions
from citygrid.routes.hybrid.assignment import Coupling, option_sizes
from citygrid.routes.hybrid.chains import Chains
from citygrid.routes.hybrid.heat_bath import energies
from citygrid.routes.hybrid.responses import Responses

#: Overrun of a limit, in the unit of the row, above which it counts.
OVERRUN = 1e-6
#: Loads at which responses are looked at to fit parabolas.
POINTS = 16
#: Choices that are valued at once.
BATCH = 64


@dataclass(frozen=True)
class Energy:
    """The energy of choices among candidates; see the module's docstring.

    ``options`` (c) positions in ``groups.columns``, ``owner`` (c, ascending) their group,
    ``priced`` (c) in EUR, ``weights`` W (r × c), ``first`` and ``last`` (r) the limits of the loads
    in the unit of the row. Totals: ``total`` (r) the t of each row or −1, ``stiffness`` κ (t),
    ``target`` (t). ``slope``, ``curve`` (r): the parabola ``slope L + ½ curve L²`` of each row,
    ``size`` (r) that of a typical option; ``steps`` (r) where the row stands in time.
    """

    options: Positions
    owner: Positions
    priced: Floats
    weights: sp.csc_array
    chains: Chains
    responses: Responses
    first: Floats
    last: Floats
    total: Positions
    stiffness: Floats
    target: Floats
    slope: Floats
    curve: Floats
    size: Floats
    steps: Positions

    @cached_property
    def groups(self) -> int:
        """Number of groups (g)."""
        return int(self.owner.max(initial=-1)) + 1

    @cached_property
    def placed(self) -> sp.csc_array:
        """``W`` with a row for every position (q × c) of the chains."""
        entries = sp.coo_array(self.weights)
        shape = (self.chains.count, len(self.owner))
        found = sp.csc_array((entries.data, (self.chains.at[entries.row], entries.col)), shape)
        found.sort_indices()
        return found

    def of(self, chosen: Positions) -> float:
        """Energy of a choice, one candidate per group (g)."""
        return float(self.of_each(chosen[:, None])[0])

    def of_each(self, chosen: Positions) -> Floats:
        """Energies (n) of choices (g × n)."""
        return self._worked_out(chosen)[0]

    def settings(self, chosen: Positions) -> Positions:
        """The cheapest setting of every position (q) for the loads of a choice (g)."""
        return np.asarray(self._worked_out(chosen[:, None])[1][0])

    def _worked_out(self, chosen: Positions) -> tuple[Floats, Positions]:
        found, settings = [], []
        chains, answers = self.chains, self.responses
        for begin in range(0, chosen.shape[1], BATCH):
            some = chosen[:, begin : begin + BATCH]
            size, count = some.shape
            shape, ends = (len(self.owner), count), np.arange(count + 1) * size
            taken = sp.csc_array((np.ones(size * count), some.T.ravel(), ends), shape=shape)
            loads = np.ascontiguousarray((self.placed @ taken).toarray().T)
            gaps = (self.gathered @ taken).toarray() - self.target[:, None]
            states = np.zeros(loads.shape, dtype=np.int64)
            behind = energies(
                (0,) * chains.settings, loads, chains.first, chains.change, chains.entry,
                answers.first, answers.height, answers.slope, states,
            )  # fmt: skip
            found.append(self.priced[some].sum(axis=0) + behind + 0.5 * self.stiffness @ gaps**2)
            settings.append(states)
        if not found:
            return np.zeros(0), np.zeros((0, chains.count), dtype=np.int64)
        return np.concatenate(found), np.concatenate(settings)

    @property
    def spread(self) -> float:
        """How much the options of a typical group differ when loads are at their targets, EUR."""
        own = self.weights.power(2).T @ self.curve
        margin = self.priced + self.weights.T @ self.slope + 0.5 * own
        count = np.maximum(np.bincount(self.owner, minlength=self.groups), 1)
        mean = np.bincount(self.owner, margin, minlength=self.groups) / count
        square = np.bincount(self.owner, (margin - mean[self.owner]) ** 2, minlength=self.groups)
        return float(np.median(np.sqrt(square / count)))

    @cached_property
    def gathered(self) -> sp.csr_array:
        """``G W`` (t × c): what every option adds to the totals."""
        met = np.flatnonzero(self.total >= 0)
        shape = (len(self.target), len(self.total))
        return sp.csr_array(
            sp.csr_array((np.ones(len(met)), (self.total[met], met)), shape=shape) @ self.weights
        )

    @cached_property
    def quadratic(self) -> sp.csr_array:
        """How options weigh on each other in the parabolas: ``Wᵀ diag(curve) W`` and totals."""
        own = self.weights.T @ (sp.diags_array(self.curve) @ self.weights)
        totals = self.gathered.T @ (sp.diags_array(self.stiffness) @ self.gathered)
        return sp.csr_array(own + totals)

    @cached_property
    def linear(self) -> Floats:
        """What every option costs alone in the parabolas, without its weight on itself."""
        pull = self.weights.T @ self.slope - self.gathered.T @ (self.stiffness * self.target)
        return np.asarray(self.priced + pull)

    def overrun(self, chosen: Positions) -> Floats:
        """How far the loads (r) of a choice lie beyond the limits."""
        load = np.asarray(self.weights[:, chosen].sum(axis=1), dtype=float).ravel()
        over = np.maximum(load - self.last, self.first - load)
        return np.where(over > OVERRUN, over, 0.0)


def energy(
    coupling: Coupling, groups: Groups, options: Positions, priced: Floats, prices: Floats,
    loads: Floats, chains: Chains, responses: Responses, ends: tuple[Floats, Floats],
    total: Positions, imitation: float = 1.0,
) -> Energy:  # fmt: skip
    """The energy of the candidates ``options`` for prices (m), target loads (r) and responses.

    ``ends`` are first and last load of every row; ``imitation`` is the part of the mean price that
    the whole range of a total is worth.
    """
    owner, cost = groups.owner[options], priced[options]
    weights = sp.csc_array(coupling.weights[:, options])
    first, last = ends
    size = option_sizes(coupling)
    met = total >= 0
    count = int(total.max(initial=-1)) + 1
    target = np.asarray(np.bincount(total[met], loads[met], minlength=count), dtype=float)
    reach = np.bincount(total[met], (last - first)[met], minlength=count)
    level = float(np.abs(prices[coupling.rows]).mean()) if len(coupling.rows) else 0.0
    stiffness = imitation * level / np.maximum(reach, 1e-9)
    table = _least_of_settings(chains, responses, first, last)
    slope, curve = parabolas(first, last, table, loads, size)
    return Energy(
        options, owner, cost, weights, chains, responses, first, last, total, stiffness, target,
        slope, curve, size, coupling.steps,
    )  # fmt: skip


def _least_of_settings(chains: Chains, responses: Responses, first: Floats, last: Floats) -> Floats:
    """The response (r × POINTS) in whatever setting is cheapest, at loads from first to last."""
    grid = first[:, None] + (last - first)[:, None] * np.linspace(0.0, 1.0, POINTS)
    table = np.full(grid.shape, np.inf)
    for setting in range(chains.settings):
        state = np.broadcast_to((chains.at * chains.settings + setting)[:, None], grid.shape)
        alone = chains.entry[chains.at, setting][:, None] + responses.at(state, grid)
        table = np.minimum(table, alone)
    return table


def limits(coupling: Coupling, loads: Floats) -> tuple[Floats, Floats]:
    """First and last load (r, r) of every row: from nothing to the limit."""
    rows = coupling.weights
    most_possible = np.asarray(rows.maximum(0).sum(axis=1)).ravel()
    least_possible = np.asarray(rows.minimum(0).sum(axis=1)).ravel()
    size = option_sizes(coupling)
    # Where no limit is implied, twice the target is as far as a sensible choice goes.
    top = np.where(np.isfinite(coupling.most), coupling.most, 2.0 * np.maximum(loads, 0) + size)
    bottom = np.where(
        np.isfinite(coupling.least), coupling.least, 2.0 * np.minimum(loads, 0) - size
    )
    last = np.minimum(top, most_possible)
    first = np.minimum(np.maximum(bottom, least_possible), last)
    return first, np.maximum(last, first + 1e-9)


def parabolas(
    first: Floats, last: Floats, table: Floats, loads: Floats, size: Floats
) -> tuple[Floats, Floats]:
    """Slope and curve (r, r) of ``slope L + ½ curve L²`` fitted to every table (r × POINTS).

    Weighted least squares over the table and one typical option beyond either end; weights fall
    with the distance from the target, because that is where the loads will be.
    """
    points = table.shape[1]
    extent = last - first
    grid = first[:, None] + extent[:, None] * np.linspace(0.0, 1.0, points)
    beyond = [grid[:, :1] - size[:, None], grid[:, -1:] + size[:, None]]
    # The responses' own steepness would bend the whole parabola.
    mean = float(extent.mean()) if len(extent) else 1.0
    level = float(np.abs(table).max(initial=0.0)) / max(mean, 1e-9)
    rise = 2.0 * level * size[:, None]
    x = np.concatenate([beyond[0], grid, beyond[1]], axis=1)
    y = np.concatenate([table[:, :1] + rise, table, table[:, -1:] + rise], axis=1)
    width = 0.5 * extent + size
    weight = np.exp(-0.5 * ((x - loads[:, None]) / np.maximum(width, 1e-9)[:, None]) ** 2) + 1e-3
    centre = (x - loads[:, None]) / np.maximum(width, 1e-9)[:, None]
    powers = np.stack([np.ones_like(centre), centre, 0.5 * centre**2], axis=-1)
    normal = np.einsum("rp,rpi,rpj->rij", weight, powers, powers) + 1e-9 * np.eye(3)
    right = np.einsum("rp,rpi,rp->ri", weight, powers, y)
    found = np.linalg.solve(normal, right[..., None])[..., 0]
    curve = found[:, 2] / np.maximum(width, 1e-9) ** 2
    slope = found[:, 1] / np.maximum(width, 1e-9) - curve * loads
    return slope, curve
