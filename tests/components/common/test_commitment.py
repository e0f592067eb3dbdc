"""What all units that can be off share: which of them have to say so."""

from __future__ import annotations

import numpy as np

from citygrid.components.common.commitment import _committed


def test_a_minimum_load_or_a_start_cost_makes_a_unit_commit() -> None:
    """Neither, minimum load, start cost, both."""
    minimum, cost = np.array([0.0, 0.3, 0.0, 0.3]), np.array([0.0, 0.0, 5.0, 5.0])
    by_hand = [False, True, True, True]
    assert _committed(minimum, cost).tolist() == by_hand
    assert _committed(minimum[:, None], cost[:, None]).tolist() == by_hand
