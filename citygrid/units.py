"""Units at the door and units in the mathematics, both by pint.

At the door, a value is written as people write it (``"250 kW"``, ``"35 %"``, ``"60 EUR/MWh"``) and
converted once to the project's canonical unit. Inside, blocks of the model carry their unit as a
short text; :func:`product`, :func:`quotient` and :func:`same` are all that the algebra needs.

Canonical units: kW, kWh, h, EUR, kg, °C, K, m, m², kg/s, m/s, W/m², EUR/kWh, kg/kWh, ``"1"``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pint

DIMENSIONLESS = "1"

#: What a quantity of each canonical unit is called in a message, with an example to copy.
EXAMPLES: dict[str, tuple[str, str]] = {
    "kW": ("power", "250 kW"),
    "kWh": ("energy", "40 MWh"),
    "h": ("duration", "2 h"),
    "EUR": ("money", "3 EUR"),
    "EUR/kWh": ("price of energy", "60 EUR/MWh"),
    "EUR/kW": ("price of power", "8 EUR/kW"),
    "EUR/kg": ("price of carbon", "85 EUR/t"),
    "kg/kWh": ("carbon per energy", "201 kg/MWh"),
    "kg/s": ("mass flow", "3 kg/s"),
    "1": ("share", "35 %"),
    "1/h": ("share per time", "0.5 %/h"),
    "degC": ("temperature", "45 degC"),
    "K": ("temperature difference", "5 K"),
    "m": ("length", "820 m"),
    "m^2": ("area", "120 m^2"),
    "m/s": ("speed", "3 m/s"),
    "W/m^2": ("irradiance", "800 W/m^2"),
    "W/m/K": ("heat loss coefficient of a pipe", "0.3 W/m/K"),
    "W/K": ("heat loss coefficient", "40 W/K"),
    "deg": ("angle", "30 deg"),
    "kWh/GB": ("energy per data", "0.02 kWh/GB"),
    "GB": ("data", "50 GB"),
}


@lru_cache(maxsize=1)
def registry() -> pint.UnitRegistry:
    """The one pint registry: SI and energy units plus money (EUR, ct), CO2 mass and shares."""
    import pint

    units: pint.UnitRegistry = pint.UnitRegistry(
        autoconvert_offset_to_baseunit=True, cache_folder=None
    )
    units.define("EUR = [money] = euro = €")
    units.define("ct = 0.01 EUR = cent")
    if "percent" not in units:
        units.define("percent = 0.01")
    units.define("GB = [data] = gigabyte_of_data")
    units.define("TB = 1000 GB")
    return units


_SPELLINGS = ((r"°C|℃", "degC"), (r"%", " percent"), (r"€", "EUR"), (r"kgCO2|kg_CO2", "kg"),
              (r"gCO2(eq)?", "g"), (r"tCO2", "t"), (r"²", "^2"), (r"³", "^3"), (r"°", "deg"),
              (r"·", "*"))  # fmt: skip


def _spelt(text: str) -> str:
    for written, meant in _SPELLINGS:
        text = re.sub(written, meant, text)
    return text.strip()


_NUMBER = re.compile(r"^\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*$", re.ASCII)


@lru_cache(maxsize=4096)
def factor(unit: str, canonical: str) -> tuple[float, float]:
    """Return ``(scale, offset)`` such that ``canonical value = scale · value + offset``.

    Raises ``ValueError`` with the repair when the unit is unknown or of another dimension.
    """
    import pint

    what, example = EXAMPLES.get(canonical, ("quantity", f"1 {canonical}"))
    units = registry()
    try:
        source = units.Unit("dimensionless" if unit in ("", "1") else _spelt(unit))
    except (pint.errors.PintError, AttributeError, ValueError, TypeError, AssertionError) as error:
        raise ValueError(f'unknown unit "{unit}"; write a {what} such as "{example}"') from error
    except Exception as error:  # pint's parser raises tokenizer and syntax errors of many kinds
        raise ValueError(f'unknown unit "{unit}"; write a {what} such as "{example}"') from error
    target = units.Unit("dimensionless" if canonical == DIMENSIONLESS else canonical)
    if source.dimensionality != target.dimensionality:
        raise ValueError(
            f'"{unit or "no unit"}" is not a {what}; write it in {canonical} or a multiple, '
            f'such as "{example}"'
        )
    zero = float(units.Quantity(0.0, source).to(target).magnitude)
    one = float(units.Quantity(1.0, source).to(target).magnitude)
    scale = one - zero
    # 1 MWh = 1000 kWh up to rounding of pint's base units: keep the short decimal.
    return float(f"{scale:.15g}"), (0.0 if abs(zero) < 1e-12 else float(f"{zero:.15g}"))


def parse(text: object, canonical: str) -> float:
    """Convert a written quantity to a number in the canonical unit.

    ``parse("0.25 MW", "kW") == 250.0``. A bare number is accepted only where the canonical unit is
    ``"1"`` (a share, a count, a COP).

    Raises ``ValueError`` naming the value and the repair.
    """
    what, example = EXAMPLES.get(canonical, ("quantity", f"1 {canonical}"))
    if isinstance(text, bool) or text is None:
        raise ValueError(f'expected a {what} such as "{example}"')
    if isinstance(text, (int, float)):
        if canonical == DIMENSIONLESS:
            number, unit = float(text), ""
        else:
            raise ValueError(f'a bare number needs its unit; write a {what} such as "{example}"')
    else:
        match = _NUMBER.match(str(text))
        if match is None:
            raise ValueError(f'not a number with a unit; write a {what} such as "{example}"')
        number, unit = float(match[1]), match[2]
        if unit == "" and canonical != DIMENSIONLESS:
            raise ValueError(f'a bare number needs its unit; write a {what} such as "{example}"')
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError(f'must be a finite number; write a {what} such as "{example}"')
    scale, offset = factor(unit, canonical)
    return number * scale + offset


@lru_cache(maxsize=4096)
def _reduced(unit: str) -> tuple[float, str]:
    """Scale to base units and their spelling; equal pairs are equal units."""
    if unit == DIMENSIONLESS:
        return 1.0, "dimensionless"
    units = registry()
    # A temperature as a label of data is an absolute reading: never scaled, compared by name.
    if unit == "degC":
        return 1.0, "degC"
    base = units.Quantity(1.0, units.Unit(unit)).to_base_units()
    return float(f"{base.magnitude:.12g}"), str(base.units)


@lru_cache(maxsize=4096)
def same(first: str, second: str) -> bool:
    """Whether two unit texts mean the same unit: ``same("kW*h", "kWh")``."""
    return first == second or _reduced(first) == _reduced(second)


_KNOWN = (*EXAMPLES, "EUR*h", "kg/h")


@lru_cache(maxsize=4096)
def _named(text: str) -> str:
    """The short canonical spelling of a unit where there is one."""
    for known in _KNOWN:
        if known != "degC" and same(text, known):
            return known
    return text


def canonical(text: str) -> str:
    """The project's spelling of a unit: ``canonical("EUR/(kWh)") == "EUR/kWh"``."""
    return _named(text)


@lru_cache(maxsize=4096)
def product(first: str, second: str) -> str:
    """Unit of a product: ``product("kW", "h") == "kWh"``."""
    if DIMENSIONLESS in (first, second):
        return second if first == DIMENSIONLESS else first
    return _named(f"({first})*({second})")


@lru_cache(maxsize=4096)
def quotient(first: str, second: str) -> str:
    """Unit of a quotient: ``quotient("EUR", "kWh") == "EUR/kWh"``."""
    return first if second == DIMENSIONLESS else _named(f"({first})/({second})")
