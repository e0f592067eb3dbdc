"""The energy as a binary quadratic model: groups by penalty, responses by parabolas.

With the parabola of every response, and ``x_c = 1`` where an option is taken,

``E = Σ_c a_c x_c + ½ xᵀ Q x + Σ_g P_g (1 − Σ_{c∈g} x_c)² + Σ_g μ_g (1 − Σ_{c∈g} x_c)
+ ½ Σ_r k_r (L_r − L*_r)²``

where ``L*`` are the loads of the relaxation. A group without any option saves what its cheapest
costs once all the others are there; with ``μ_g`` at that cost, an empty group is neither dear nor
cheap and ``P_g`` can be small, so that a sampler of single flips can pass from option to option.
How large is not known beforehand: samples show which groups they leave empty or take twice, and
which rows they overrun, and only these get dearer (an augmented Lagrangian; raising all penalties
alike is measurably worse).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from citygrid.model.form import Floats
from citygrid.model.groups import first_of_each
from citygrid.routes.contract import Positions
from citygrid.routes.hybrid.energy import Energy

#: First penalty of a group, in differences between its dearest and cheapest option.
FIRST = 0.4
#: First ``k`` of a row that is overrun: the part of its price that a typical option bends.
BEND = 0.2


#: Linear terms, couplings (row, column, value; row < column) and offset of a model.
Arrays = tuple[Floats, tuple[Positions, Positions, Floats], float]


@dataclass(frozen=True)
class Penalised:
    """An energy with what its groups and limits cost a sampler that does not know them.

    ``energy`` whose parabolas contain the ``k``; ``usual`` (c) how much the relaxation takes of
    every option, 1 per group; ``lift`` (g) what is added to μ, ``penalty`` P (g), ``bend`` k (r);
    ``span`` (g) difference of the dearest and the cheapest option at the usual loads. In EUR.
    """

    energy: Energy
    usual: Floats
    lift: Floats
    penalty: Floats
    bend: Floats
    span: Floats

    @cached_property
    def arrays(self) -> Arrays:
        """Linear terms (c), couplings (row, column, value; row < column) and offset."""
        energy, owner = self.energy, self.energy.owner
        quadratic = energy.quadratic
        saved = _least(owner, energy.linear + quadratic @ self.usual, energy.groups) + self.lift
        linear = energy.linear + 0.5 * quadratic.diagonal() - (saved + self.penalty)[owner]
        # Options of a group lie side by side, so the penalty is a block of their own each.
        member = sp.csr_array((np.ones(len(owner)), (np.arange(len(owner)), owner)))
        penalties = sp.diags_array(2.0 * self.penalty[owner]) @ (member @ member.T)
        pairs = sp.coo_array(sp.triu(quadratic + penalties, k=1))
        offset = self.penalty.sum() + saved.sum() + 0.5 * self.bend @ self._target**2
        offset += 0.5 * energy.stiffness @ energy.target**2
        return linear, (pairs.row, pairs.col, pairs.data), float(offset)

    @property
    def _target(self) -> Floats:
        return np.asarray(self.energy.weights @ self.usual)

    @cached_property
    def cheapest(self) -> Positions:
        """The option of every group (g) that costs least at the usual loads of all others."""
        margin = self.energy.linear + self.energy.quadratic @ self.usual
        return first_of_each(self.energy.owner, margin, self.energy.groups)

    @cached_property
    def moment(self) -> Floats:
        """Where every group (g) stands in time: the mean step of the rows that its options load."""
        energy = self.energy
        weight = abs(energy.weights)
        share = np.asarray(weight.sum(axis=0)).ravel()
        step = np.asarray(weight.T @ energy.steps.astype(float)).ravel()
        step = step / np.maximum(share, 1e-12)
        count = np.maximum(np.bincount(energy.owner, minlength=energy.groups), 1)
        return np.asarray(np.bincount(energy.owner, step, energy.groups) / count)

    def windows(self, width: int) -> list[Positions]:
        """Options (c) of groups that follow each other in time, at most ``width`` at once.

        A group whose options alone are more is a window of its own.
        """
        owner = self.energy.owner
        size = np.bincount(owner, minlength=self.energy.groups)
        of_group = np.zeros(len(size), dtype=np.int64)
        number, filled = 0, 0
        for group in np.argsort(self.moment, kind="stable"):
            if filled and filled + size[group] > width:
                number, filled = number + 1, 0
            of_group[group] = number
            filled += int(size[group])
        return [np.flatnonzero(of_group[owner] == n) for n in range(number + 1)]

    def within(self, window: Positions, state: NDArray[np.int8]) -> Arrays:
        """The model of the options of a window alone, all others held at a state (c)."""
        linear, (row, column, value), offset = self.arrays
        place = np.full(len(linear), -1, dtype=np.int64)
        place[window] = np.arange(len(window))
        held = np.where(place < 0, state, 0).astype(float)
        first, second = place[row], place[column]
        fixed = (first < 0) & (second < 0)
        offset += float(linear @ held + value[fixed] @ (held[row] * held[column])[fixed])
        felt = linear[window].copy()
        for inside, other in ((first, column), (second, row)):
            met = (inside >= 0) & (place[other] < 0)
            np.add.at(felt, inside[met], value[met] * held[other[met]])
        both = (first >= 0) & (second >= 0)
        return felt, (first[both], second[both], value[both]), offset

    def betas(self, tolerance: float, warm: bool) -> tuple[float, float]:
        """From where a typical flip is as likely as not, to the cost that no longer matters."""
        flip = max(float(np.median(self.penalty)), 0.2 * float(np.median(self.span)), 1e-9)
        hot, cold = math.log(2.0) / flip, math.log(100.0) / tolerance
        return (min(20.0 * hot, 0.1 * cold) if warm else hot), max(cold, 20.0 * hot)

    def count(self, samples: NDArray[np.int8]) -> Positions:
        """Options on per group (s × g) in samples (s × c)."""
        starts = np.searchsorted(self.energy.owner, np.arange(self.energy.groups))
        return np.add.reduceat(samples > 0, starts, axis=1, dtype=np.int64)

    def learn(self, samples: NDArray[np.int8], choices: list[Positions]) -> Penalised:
        """Dearer where samples (s × c) left groups empty or double, or their choices overran.

        Returns this very model where they did neither.
        """
        count, energy = self.count(samples), self.energy
        broken = (count != 1).any(axis=0)
        overrun = np.any([energy.overrun(choice) > 0.0 for choice in choices], axis=0)
        if not broken.any() and not overrun.any():
            return self
        # Empty groups save too much, double ones too little.
        lift = self.lift + self.penalty * (1.0 - count).clip(-np.inf, 1.0).mean(axis=0)
        target = self._target
        size = np.maximum(energy.size, 1e-9)
        first = BEND * np.abs(energy.slope + energy.curve * target) / size
        bend = np.where(overrun, np.maximum(2.0 * self.bend, first), self.bend)
        more = bend - self.bend
        steeper = replace(energy, slope=energy.slope - more * target, curve=energy.curve + more)
        penalty = np.where(broken, 2.0 * self.penalty, self.penalty)
        return replace(self, energy=steeper, lift=lift, penalty=penalty, bend=bend)

    def firm(self) -> Penalised:
        """The model whose samples count: groups dearer once more, so that they rarely break."""
        return replace(self, penalty=2.0 * self.penalty)

    def decode(self, sample: NDArray[np.int8]) -> tuple[Positions, int]:
        """One candidate per group (g) from a sample (c), and how many groups had to be repaired.

        A group with no or several options takes the one of lowest energy given the others; where
        several were on, one of these.
        """
        energy = self.energy
        on = sample > 0
        count = np.bincount(energy.owner[on], minlength=energy.groups)
        chosen = np.full(energy.groups, -1, dtype=np.int64)
        single = on & (count[energy.owner] == 1)
        chosen[energy.owner[single]] = np.flatnonzero(single)
        wrong = np.flatnonzero(count != 1)
        if not len(wrong):
            return chosen, 0
        quadratic = energy.quadratic
        alone = energy.linear + 0.5 * quadratic.diagonal()
        field = np.asarray(quadratic @ single.astype(float))
        starts = np.searchsorted(energy.owner, np.arange(energy.groups + 1))
        for group in wrong:
            members = np.arange(starts[group], starts[group + 1])
            if count[group] > 1:
                members = members[on[members]]
            best = members[np.argmin(alone[members] + field[members])]
            chosen[group] = best
            field += quadratic[[best]].toarray().ravel()
        return chosen, len(wrong)


def penalise(energy: Energy, used: Floats, tolerance: float) -> Penalised:
    """First guess of the penalties, for the loads of options ``used`` (c); see :meth:`learn`.

    ``tolerance`` is the cost per group that no longer matters, in EUR.
    """
    owner, groups = energy.owner, energy.groups
    taken = np.bincount(owner, used, minlength=groups)
    even = 1.0 / np.bincount(owner, minlength=groups)
    usual = np.where(taken[owner] > 0.0, used / np.maximum(taken, 1e-12)[owner], even[owner])
    margin = energy.linear + energy.quadratic @ usual
    span = -_least(owner, -margin, groups) - _least(owner, margin, groups)
    penalty = np.maximum(FIRST * span, 4.0 * tolerance)
    nothing = np.zeros(len(energy.slope))
    return Penalised(energy, usual, np.zeros(groups), penalty, nothing, span)


def _least(owner: Positions, values: Floats, count: int) -> Floats:
    """Least value per group (g)."""
    found = np.full(count, np.inf)
    np.minimum.at(found, owner, values)
    return found
