"""Pipes in the ground: what they lose, how their water cools, and what pumping takes.

Closed forms on plain numbers or arrays, shared by all kinds of pipes and by whoever looks along
one. Supply and return lie side by side; ``U1`` [W/mK] is what a pipe loses to the ground and ``U2``
what it gets back from its neighbour.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from citygrid.arrays import Floats

WATER_DENSITY = 983.0  # kg/m³ at 60 °C
WATER_HEAT = 4.186  # kJ/kgK
WATER_VISCOSITY = 0.474e-6  # m²/s, kinematic, at 60 °C

#: Conductivities of polyurethane foam and of moist soil [W/mK], and the cover of a pipe [m].
INSULATION, SOIL, DEPTH = 0.033, 2.3, 1.0
#: Below this Reynolds number a flow is laminar.
LAMINAR = 2300.0


def buried_pair(
    inner: float, layers: Sequence[tuple[float, float]], soil: float = SOIL,
    depth: float = DEPTH, distance: float | None = None,
) -> tuple[float, float]:  # fmt: skip
    """Heat loss coefficients U1, U2 [W/mK] of two equal pipes side by side in the ground.

    ``U1 = R/(R² − R_m²)``, ``U2 = R_m/(R² − R_m²)`` with ``R = R_soil + Σ ln(d_o/d_i)/(2πk)``,
    ``R_soil = ln(4H/D)/(2πk_s)``, ``R_m = ln(1 + (2H/s)²)/(4πk_s)`` [mK/W].

    inner
        Diameter of the bore [m].
    layers
        Thickness [m] and conductivity [W/mK] of wall, insulation and casing, from inside.
    soil, depth, distance
        Conductivity of the soil [W/mK]; cover from the ground's surface to the casing's top [m],
        so that ``H = depth + D/2``; distance ``s`` of the axes [m], two casings if left out.

    Source: B. Böhm, "On transient heat losses from buried district heating pipes", Int. J. Energy
    Res. 24 (2000), as MESIDO uses it.
    """
    within, resistance = inner, 0.0
    for thickness, conductivity in layers:
        around = within + 2.0 * thickness
        resistance += np.log(around / within) / (2.0 * np.pi * conductivity)
        within = around
    axis = depth + within / 2.0
    apart = 2.0 * within if distance is None else distance
    resistance += np.log(4.0 * axis / within) / (2.0 * np.pi * soil)
    mutual = np.log(1.0 + (2.0 * axis / apart) ** 2) / (4.0 * np.pi * soil)
    both = resistance**2 - mutual**2
    return float(resistance / both), float(mutual / both)


def temperature_along(
    inlet: ArrayLike, around: ArrayLike, coefficient: ArrayLike, length: ArrayLike,
    mass_flow: ArrayLike, heat: float = WATER_HEAT,
) -> Floats:  # fmt: skip
    """Temperature of the water [degC, or K] after ``length`` [m] of pipe, in steady flow.

    ``T = T_a + (T_0 − T_a) · exp(−U L / (ṁ c))``.

    inlet, around
        Temperatures at the pipe's beginning and of what is around it, in one unit.
    coefficient
        Heat loss coefficient ``U`` of the pipe [W/mK]; of a wall ``k`` [W/m²K], ``k π d``.
    mass_flow
        ``ṁ`` [kg/s]; still water takes the temperature around it.
    heat
        Heat capacity ``c`` [kJ/kgK].
    """
    carried = np.asarray(mass_flow, dtype=float) * heat * 1000.0
    lost = np.asarray(coefficient, dtype=float) * np.asarray(length, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(lost == 0.0, 0.0, lost / carried)
    start, outside = np.asarray(inlet, dtype=float), np.asarray(around, dtype=float)
    return np.asarray(outside + (start - outside) * np.exp(-ratio))


def friction_factor(velocity: ArrayLike, inner: ArrayLike, roughness: ArrayLike,
                    viscosity: float = WATER_VISCOSITY) -> Floats:  # fmt: skip
    """Darcy's friction factor [1] of a pipe: Colebrook's, and ``64/Re`` where the flow is laminar.

    ``1/√f = −2 log10(ε/(3.7 D) + 2.51/(Re √f))`` with velocity [m/s], bore ``D`` and roughness
    ``ε`` [m], kinematic viscosity [m²/s].
    """
    reynolds = np.maximum(np.asarray(velocity) * np.asarray(inner) / viscosity, 1e-9)
    rough = np.asarray(roughness) / np.asarray(inner) / 3.7
    turbulent = np.maximum(reynolds, LAMINAR)
    root = np.full(np.broadcast(turbulent, rough).shape, 8.0)  # 1/√f
    for _ in range(30):  # a contraction: each round gains about a digit
        root = -2.0 * np.log10(rough + 2.51 * root / turbulent)
    return np.where(reynolds < LAMINAR, 64.0 / reynolds, root**-2.0)


def friction_power(
    velocity: ArrayLike, inner: ArrayLike, length: ArrayLike, roughness: ArrayLike,
    density: float = WATER_DENSITY, viscosity: float = WATER_VISCOSITY,
) -> Floats:  # fmt: skip
    """Hydraulic power [kW] that friction takes in one pipe: ``f · L/D · ρ/2 · v³ · A``.

    velocity [m/s], inner, length and roughness [m], density [kg/m³], viscosity [m²/s].
    """
    speed, bore = np.asarray(velocity, dtype=float), np.asarray(inner, dtype=float)
    pressure = friction_factor(speed, bore, roughness, viscosity) * np.asarray(length) / bore
    return np.asarray(pressure * density / 2.0 * speed**3 * np.pi / 4.0 * bore**2 / 1000.0)
