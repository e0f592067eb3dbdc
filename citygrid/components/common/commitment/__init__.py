"""Commitment: what every unit that can be on or off shares, written once.

``spec`` says what a district file may state, ``prepare`` turns it into hourly parameters and
refuses what cannot be, ``needs`` says which unit needs which decision, ``formulate`` and ``points``
write the mathematics, ``replay`` is the same as physics, and ``carry`` is what the past leaves.
Units that state nothing of it stay continuous.
"""

from __future__ import annotations

from citygrid.components.common.commitment.carry import carry_commitment
from citygrid.components.common.commitment.formulate import formulate_commitment
from citygrid.components.common.commitment.points import formulate_fuel, replay_fuel
from citygrid.components.common.commitment.prepare import prepare_commitment
from citygrid.components.common.commitment.replay import replay_commitment
from citygrid.components.common.commitment.spec import Committed, PartLoaded, Reserving

__all__ = [
    "Committed", "PartLoaded", "Reserving", "carry_commitment", "formulate_commitment",
    "formulate_fuel", "prepare_commitment", "replay_commitment", "replay_fuel",
]  # fmt: skip
