"""How well a compression heat pump does between two streams: two correlations in closed form."""

from __future__ import annotations

import numpy as np

from citygrid.arrays import Floats
from citygrid.components.common.carnot import KELVIN, carnot_limit, log_mean

#: Lift [K] below which neither correlation is valid; a smaller one counts as this.
LEAST_LIFT = 10.0
#: Refrigerant → coefficients of ΔT_rH and of w/q in (X, ΔT_H, 1), Pieper et al. (2020), table 1.
REFRIGERANTS = {
    "ammonia": ((0.2, 0.2, 0.016), (0.0014, -0.0015, 0.039)),
    "isobutane": ((-0.0011, 0.3, 2.4), (0.0035, -0.0033, 0.053)),
}


def coefficient_of_performance(
    sink_in: Floats, sink_out: Floats, source_in: Floats, source_out: Floats,
    refrigerant: str = "ammonia", pinch: float = 5.0, isentropic_efficiency: float = 0.8,
    least_lift: float = LEAST_LIFT,
) -> Floats:  # fmt: skip
    """Coefficient of performance of a single-stage heat pump.

    ``COP = COP_L · [1 + (ΔT_rH + ΔT_pp)/T_H] / [1 + (ΔT_rH + ΔT_rC + 2ΔT_pp)/ΔT_lift] · η_is ·
    (1 − w/q) + 1 − η_is`` with log-mean temperatures ``T_H``, ``T_C`` [K],
    ``ΔT_lift = T_H − T_C`` and ``COP_L = T_H/ΔT_lift``; the compressor loses no heat (F_Q = 0).

    sink_in, sink_out, source_in, source_out
        Temperatures of the streams, shape (T,) [degC]. ``least_lift`` [K] bounds the lift below,
        where the correlation is not valid.

    Returns the COP, shape (T,).

    Source: J. K. Jensen et al., "Heat pump COP, part 2", Proc. 13th IIR Gustav Lorentzen
    Conference, 2018; H. Pieper et al., Energy 205 (2020) 117994.
    """
    hot = log_mean(sink_in, sink_out) + KELVIN
    cold = log_mean(source_out, source_in) + KELVIN
    lift = np.maximum(hot - cold, least_lift)
    glide = sink_out - sink_in
    reach = sink_out - source_out + 2.0 * pinch
    rise, work = (
        x * reach + y * glide + z for x, y, z in REFRIGERANTS[refrigerant]
    )  # fmt: skip
    drop = 0.5 * (source_in - source_out)
    above = 1.0 + (rise + pinch) / hot
    below = 1.0 + (rise + drop + 2.0 * pinch) / lift
    ideal = hot / lift * above / below
    return ideal * isentropic_efficiency * (1.0 - work) + 1.0 - isentropic_efficiency


def share_of_carnot(
    sink: Floats, source: Floats, share: float, icing_factor: float = 1.0, icing_below: float = 2.0
) -> Floats:
    """Coefficient of performance ``η T_h / (T_h − T_l)`` (kelvin), shape (T,).

    ``sink``, ``source`` [degC] (T), ``share`` η. Below ``icing_below`` [degC] of the source the COP
    is multiplied by ``icing_factor``: frost on the coil and the heat to melt it.

    Source: oemof.thermal, ``compression_heatpumps_and_chillers``.
    """
    cop = share * carnot_limit(np.maximum(sink, source + LEAST_LIFT), source)
    return np.where(source < icing_below, icing_factor * cop, cop)
