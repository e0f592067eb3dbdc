"""Samples of ranges in written units: Latin hypercube and Sobol points by scipy."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from citygrid.errors import Fault
from citygrid.study.scenarios.spec import SampleSpec
from citygrid.units import EXAMPLES, parse

_QUANTITY = re.compile(r"\s*([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*(.*?)\s*")
#: Digits of a sampled value: far finer than anybody measures, and the same text everywhere.
DIGITS = 10


def number_and_unit(value: Any) -> tuple[float, str] | None:
    """A plain number, or one with the unit as it is written; ``None`` for anything else."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value), ""
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    return None if match is None else (float(match[1]), match[2])


def points(spec: SampleSpec, place: Callable[[str], str], faults: list[Fault]) -> list[list[Any]]:
    """``count`` points, each a value per range, in the unit of the range's lower end.

    Latin hypercube: each range is cut into ``count`` equal parts and each part is met once
    (McKay et al. 1979). Sobol: a scrambled sequence that fills all ranges together evenly (Sobol'
    1967, Owen 1998); powers of two of points are balanced best.
    """
    from scipy.stats import qmc

    bounds = [_bounds(*ends, place(name), faults) for name, ends in spec.ranges.items()]
    if spec.method == "sobol" and len(bounds) > 1000:
        faults.append(Fault(place(next(iter(spec.ranges))), "are more ranges than Sobol's points "
                            "have", len(bounds), "use method: latin hypercube"))  # fmt: skip
    if faults:
        return []
    generator = np.random.default_rng(spec.seed)
    if spec.method == "sobol":
        sequence = qmc.Sobol(len(bounds), scramble=True, rng=generator)
        unit = sequence.random_base2(max(spec.count - 1, 0).bit_length())[: spec.count]
    else:
        unit = qmc.LatinHypercube(len(bounds), rng=generator).random(spec.count)
    low, high = np.array([b[:2] for b in bounds], dtype=float).T
    values = np.clip(low + unit * (high - low), low, high)
    return [
        [_written(value, unit_text) for value, (_, _, unit_text) in zip(row, bounds, strict=True)]
        for row in values
    ]  # fmt: skip


def _written(value: float, unit: str) -> Any:
    rounded = float(f"{value:.{DIGITS}g}")
    return f"{rounded:.{DIGITS}g} {unit}" if unit else rounded


def _bounds(low: Any, high: Any, place: str, faults: list[Fault]) -> tuple[float, float, str]:
    """Both ends in the unit of the first, and that unit."""
    ends = (number_and_unit(low), number_and_unit(high))
    for value, end in zip((low, high), ends, strict=True):
        if end is None:
            faults.append(Fault(
                place, "is no number with a unit, so there is nothing between", value,
                'write two quantities, such as ["0 kWh", "600 kWh"]',
            ))  # fmt: skip
    if ends[0] is None or ends[1] is None:
        return 0.0, 0.0, ""
    first, unit = ends[0]
    second, other = ends[1]
    if other != unit:
        second = _converted(high, unit)
        if np.isnan(second):
            faults.append(
                Fault(
                    place,
                    f'the ends of the range are in "{unit or "no unit"}" and '
                    f'"{other or "no unit"}"',
                    [low, high],
                    "write both in one unit",
                )
            )
    if second < first:
        faults.append(Fault(place, "the lowest value is above the highest", [low, high],
                            "swap the two"))  # fmt: skip
    return first, second, unit


def _converted(value: Any, unit: str) -> float:
    """A quantity in another unit of its kind; NaN where they are of different kinds."""
    for canonical in EXAMPLES:
        try:
            one, zero = parse(f"1 {unit}", canonical), parse(f"0 {unit}", canonical)
            return (parse(value, canonical) - zero) / (one - zero)
        except (ValueError, ZeroDivisionError):
            continue
    return float("nan")
