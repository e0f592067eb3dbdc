"""What all stores share: which of them could burn energy by charging and discharging at once."""

from __future__ import annotations

import numpy as np

from citygrid.components.common.storage import _lossy


def test_a_store_is_lossy_when_either_way_loses() -> None:
    """Lossless, lossy in, lossy out, lossy both; one efficiency cannot make up for the other."""
    charge, discharge = np.array([1.0, 0.9, 1.0, 0.9]), np.array([1.0, 1.0, 0.9, 0.95])
    by_hand = [False, True, True, True]
    assert _lossy(charge, discharge).tolist() == by_hand
    assert _lossy(charge[:, None], discharge[:, None]).tolist() == by_hand
