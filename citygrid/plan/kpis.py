"""Key figures of a plan, from what its components moved and measured.

Kinds report measures by name (``it_power``, ``heat_delivered``, …); a new kind that reports one is
counted without a line here. What does not apply is ``None``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from citygrid.arrays import Flags
from citygrid.components.log import Log
from citygrid.district.case import Case
from citygrid.ledger import Line

#: Measures of cold that others than centres draw.
OTHER_COLD = ("cooling_delivered", "plant_cooling")


def key_figures(
    case: Case, logs: Sequence[Log], cost: float, spent: Line, undone: Flags | None = None
) -> dict[str, float | None]:
    """Key figures over the horizon.

    ``pue`` is E_DC / E_IT (ISO/IEC 30134-2) and ``energy_reuse_factor`` E_reuse / E_DC
    (ISO/IEC 30134-6), with reuse counted at the hand-over, before the utility's heat pump;
    ``energy_reuse_effectiveness`` is (1 − ERF) · PUE. E_DC has the power that cools the centres:
    of chillers and coolers in each hour that part which the centres have of all cold drawn.
    """
    hours = len(case.time)
    measured: dict[str, np.ndarray] = {}
    for log in logs:
        for name, amount in log.measures.items():
            before = measured.get(name, np.zeros(amount.shape[0] if amount.ndim else 1))
            measured[name] = before + amount

    def energy(name: str) -> float | None:
        """Sum of a measure in kWh, ``None`` when nobody reported it."""
        return None if name not in measured else float(measured[name].sum() * case.step)

    def ratio(above: float | None, below: float | None) -> float | None:
        return None if above is None or not below else above / below

    def mwh(value: float | None) -> float | None:
        return None if value is None else value / 1000.0

    # Plants that make cold for buildings, too, count for the centres by their part of it.
    cold = measured.get("center_cooling", np.zeros(hours))
    all_cold = cold + sum(measured.get(name, np.zeros(hours)) for name in OTHER_COLD)
    part = np.divide(cold, all_cold, out=np.zeros(hours), where=all_cold > 0.0)
    if "center_power" in measured:
        cooled = part * measured.get("cooling_power", np.zeros(hours))
        measured["center_power"] = measured["center_power"] + cooled
    center = energy("center_power") if "it_power" in measured else None
    produced = energy("renewable_produced")
    curtailed = [
        available - (energy(f"{source}_produced") or 0.0) for source in ("renewable", "wind")
        if (available := energy(f"{source}_available")) is not None
    ]  # fmt: skip
    reuse = ratio(energy("waste_heat_recovered"), center)
    effectiveness = ratio(center, energy("it_power"))
    entered = {column for log in logs for amounts in log.spent.values() for column in amounts}
    exported = measured.get("grid_export", np.zeros(hours))
    renewable = measured.get("renewable_produced", np.zeros(hours))
    # Power sold in an hour is taken from the sun first: a cautious figure.
    used_here = float((renewable - np.minimum(renewable, exported)).sum() * case.step)
    peak = measured.get("grid_import")
    return {
        "cost_eur": cost,
        "co2_kg": spent.carbon,
        "co2_marginal_kg": spent.marginal_carbon,
        "heat_delivered_mwh": mwh(energy("heat_delivered")),
        "waste_heat_used_mwh": mwh(energy("waste_heat_recovered")),
        "heat_rejected_mwh": mwh(energy("heat_rejected")),
        "heat_loss_mwh": mwh(energy("heat_line_loss")),
        "energy_reuse_factor": reuse,
        "pue": effectiveness,
        "energy_reuse_effectiveness": (
            None if reuse is None or effectiveness is None else (1.0 - reuse) * effectiveness
        ),
        "cooling_delivered_mwh": mwh(energy("cooling_delivered")),
        "water_m3": None if "water" not in entered else spent.water / 1000.0,
        "nox_kg": None if "nox" not in entered else spent.nox,
        "pv_self_consumption": None if not produced else used_here / produced,
        "renewable_curtailed_mwh": mwh(sum(curtailed) if curtailed else None),
        "grid_import_mwh": mwh(energy("grid_import")),
        "grid_export_mwh": mwh(energy("grid_export")),
        "peak_import_kw": None if peak is None else float(peak.max()),
        "hours_against_each_other": None if undone is None else float(undone.sum() * case.step),
        "unserved_kwh": energy("unserved"),
        "data_carried_gb": energy("data_carried"),
        "jobs_late": None if "jobs_late" not in measured else float(measured["jobs_late"].sum()),
    }
