"""The second law between two temperatures: what no machine exceeds, and the share that one reaches.

``COP_max = T_h / (T_h − T_l)`` for heat and ``T_l / (T_h − T_l) = COP_max − 1`` for cold, in
kelvin.
"""

from __future__ import annotations

import numpy as np

from citygrid.arrays import Floats

KELVIN = 273.15


def carnot_limit(hot: Floats | float, cold: Floats | float) -> Floats:
    """Largest COP for heat between temperatures [degC], shape (T,); infinite without a lift."""
    high, low = np.asarray(hot, float) + KELVIN, np.asarray(cold, float) + KELVIN
    lift = high - low
    return np.where(lift > 0.0, high / np.where(lift > 0.0, lift, 1.0), np.inf)


def log_mean(first: Floats | float, second: Floats | float) -> Floats:
    """Mean temperature [degC] at which a stream takes or gives its heat, shape (T,).

    ``(T_2 − T_1) / ln(T_2 / T_1)`` in kelvin: the one of the second law.
    """
    low, high = np.asarray(first, float) + KELVIN, np.asarray(second, float) + KELVIN
    near = np.abs(high - low) < 1e-6
    ratio = np.where(near, np.e, high / low)
    return np.where(near, low, (high - low) / np.log(ratio)) - KELVIN
