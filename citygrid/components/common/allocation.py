"""Who bears the emissions of an engine that gives power and heat from one fuel."""

from __future__ import annotations

from typing import Literal


def allocate_emissions(
    total: float, electric_efficiency: float, thermal_efficiency: float,
    method: Literal["iea", "efficiency", "finnish"],
    reference: tuple[float, float] = (0.525, 0.82),
) -> tuple[float, float]:  # fmt: skip
    """Emissions of power and of heat [the unit of ``total``].

    ``iea``
        by energy: power bears ``η_el / (η_el + η_th)``;
    ``efficiency``
        by what each would need of fuel: power bears ``η_th / (η_el + η_th)``;
    ``finnish``
        the saving against separate plants of ``reference`` efficiencies (power, heat) is shared:
        power bears ``(η_el / η_el_ref) / (η_el / η_el_ref + η_th / η_th_ref)``.

    Source: oemof.thermal, ``cogeneration.allocate_emissions``; Mauch et al. (2010).
    """
    together = electric_efficiency + thermal_efficiency
    power = electric_efficiency / together
    if method == "efficiency":
        power = thermal_efficiency / together
    elif method == "finnish":
        alone = electric_efficiency / reference[0], thermal_efficiency / reference[1]
        power = alone[0] / sum(alone)
    return total * power, total * (1.0 - power)
