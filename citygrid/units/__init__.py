"""Units at the door and units in the mathematics, both by pint, which is asked for unusual ones.

At the door, a value is written as people write it (``"250 kW"``, ``"35 %"``, ``"60 EUR/MWh"``) and
converted once to the project's canonical unit. Inside, blocks of the model carry their unit as a
short text; :func:`product`, :func:`quotient` and :func:`same` are all that the algebra needs.

Canonical units: kW, kWh, h, EUR, kg, °C, K, m, m², kg/s, m/s, W/m², V, EUR/kWh,
kg/kWh, ``"1"``.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from citygrid.units.usual import CONVERSIONS, NAMED, REDUCED

if TYPE_CHECKING:
    import pint

DIMENSIONLESS = "1"

#: What a quantity of each canonical unit is called in a message, with an example to copy.
EXAMPLES: dict[str, tuple[str, str]] = {
    "kW": ("power", "250 kW"),
    "kWh": ("energy", "40 MWh"),
    "h": ("duration", "2 h"),
    "EUR": ("amount of money", "3 EUR"),
    "EUR/h": ("charge per time", "120 EUR/month"),
    "EUR/kWh": ("price of energy", "60 EUR/MWh"),
    "EUR/kW": ("price of power", "8 EUR/kW"),
    "EUR/kW^2/h": ("quadratic cost", "0.5 EUR/MW^2/h"),
    "EUR/kWh/h": ("cost of holding energy", "0.2 EUR/MWh/h"),
    "kW/h": ("change of power per time", "30 MW/h"),
    "EUR/kg": ("price of carbon", "85 EUR/t"),
    "kg": ("mass", "300 kg"),
    "kg/kWh": ("emission per energy", "201 kg/MWh"),
    "kg/s": ("mass flow", "3 kg/s"),
    "1": ("share", "35 %"),
    "1/h": ("share per time", "0.5 %/h"),
    "degC": ("temperature", "45 degC"),
    "K": ("temperature difference", "5 K"),
    "m": ("length", "820 m"),
    "m^2": ("area", "120 m^2"),
    "m^3": ("volume", "500 m^3"),
    "kWh/m^3/K": ("heat capacity of a volume", "2.5 MJ/m^3/K"),
    "m/s": ("speed", "3 m/s"),
    "W/m^2": ("irradiance", "800 W/m^2"),
    "W/m^2/K": ("heat loss coefficient of a surface", "0.4 W/m^2/K"),
    "W/m^2/K^2": ("quadratic heat loss coefficient", "0.015 W/m^2/K^2"),
    "W/m/K": ("heat loss coefficient of a pipe", "0.3 W/m/K"),
    "W/K": ("heat loss coefficient", "40 W/K"),
    "deg": ("angle", "30 deg"),
    "V": ("voltage", "400 V"),
    "ohm/m": ("resistance per length", "0.08 ohm/km"),
    "kWh/GB": ("energy per data", "0.02 kWh/GB"),
    "GB": ("volume of data", "50 GB"),
    "GB/h": ("data rate", "10 Gbit/s"),
    "EUR/GB": ("price of data", "0.01 EUR/GB"),
    "ms": ("latency", "20 ms"),
    "l": ("volume of water", "30 m^3"),
    "l/kWh": ("water per energy", "1.8 l/kWh"),
    "EUR/m^3": ("price of water", "4 EUR/m^3"),
}


#: Unit of what flows under a carrier's name, where that is not power.
_CARRIER_UNITS = {"data": "GB/h"}


def carrier_unit(carrier: str) -> str:
    """The unit in which a carrier is fed and drawn: kW, but for data."""
    return _CARRIER_UNITS.get(carrier, "kW")


@lru_cache(maxsize=1)
def registry() -> pint.UnitRegistry[float]:
    """The one pint registry: SI and energy units plus money (EUR, ct), CO2 mass and shares."""
    import pint

    # Here ct is the cent; pint's is the carat, and it warns when a unit is given a new meaning.
    units: pint.UnitRegistry[float] = pint.UnitRegistry(
        autoconvert_offset_to_baseunit=True, cache_folder=None, on_redefinition="ignore"
    )
    units.define("EUR = [money] = euro = €")
    units.define("ct = 0.01 EUR = cent")
    if "percent" not in units:
        units.define("percent = 0.01")
    units.define("GB = [data] = gigabyte_of_data")
    units.define("MB = 0.001 GB")
    units.define("Gbit = 0.125 GB")
    units.define("Mbit = 0.001 Gbit")
    units.define("TB = 1000 GB")
    units.define("PB = 1000000 GB")
    return units


_SPELLINGS = ((r"°C|℃", "degC"), (r"%", " percent"), (r"‰", " permille"), (r"€", "EUR"),
              (r"kg_?CO2(eq)?", "kg"), (r"gCO2(eq)?", "g"), (r"tCO2(eq)?", "t"),
              (r"²", "^2"), (r"³", "^3"), (r"°", "deg"), (r"·", "*"))  # fmt: skip

#: Names, each with one digit of exponent at most, joined by * / and brackets. What else pint's
#: parser would take (``kW*1000``, ``kW # note``, ``9**9**9**9``) is no unit, and some of it hangs.
_UNIT = re.compile(r"(?:1\s*/|[\s*/()]|(?:[^\W\d]\w*+|\))(?:\s*(?:\^|\*\*)\s*-?[0-9](?![0-9]))?)++")
_LONGEST = 100


def _spelt(text: str) -> str:
    for written, meant in _SPELLINGS:
        text = re.sub(written, meant, text)
    return text.strip()


_NUMBER = re.compile(r"^\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*$", re.ASCII)


def _expected(canonical: str) -> tuple[str, str]:
    """What a quantity is called, with its article, and an example in quotes."""
    what, example = EXAMPLES.get(canonical, ("quantity", f"1 {canonical}"))
    return f"{'an' if what[0] in 'aeiou' else 'a'} {what}", f'"{example}"'


def _exact(value: float) -> Fraction:
    """The fraction that a computed factor stands for: 1/60 and not 0.016666666666666670."""
    if value == 0.0:
        return Fraction(0)
    if abs(value) < 1.0:
        return 1 / _exact(1.0 / value)
    for largest in (1, 100, 10_000):
        near = Fraction(value).limit_denominator(largest)
        if abs(near - Fraction(value)) <= abs(Fraction(value)) / 10**13:
            return near
    return Fraction(value)


@lru_cache(maxsize=4096)
def _conversion(unit: str, canonical: str) -> tuple[Fraction, Fraction]:
    """Scale and offset of :func:`factor`, exact, so that 90 min are 1.5 h and 35 % are 0.35."""
    usual = CONVERSIONS.get(canonical, {}).get(unit)
    if usual is not None:
        return Fraction(usual), Fraction(0)
    if canonical == DIMENSIONLESS and any(unit in known for known in CONVERSIONS.values()):
        # Of "150 MW or 35 %" the share is tried first; pint is not needed to see that it is none.
        raise _of_another_kind(unit, canonical)
    return ask_conversion(unit, canonical)


def _of_another_kind(unit: str, canonical: str) -> ValueError:
    what, example = _expected(canonical)
    return ValueError(
        f'"{unit or "no unit"}" is not {what}; write it in {canonical} or a multiple, '
        f"such as {example}"
    )


def ask_conversion(unit: str, canonical: str) -> tuple[Fraction, Fraction]:
    """What pint says of a unit: scale and offset to the canonical one.

    Raises ``ValueError`` with the repair when the unit is unknown or of another dimension.
    """
    import pint

    what, example = _expected(canonical)
    unknown = f'unknown unit "{unit[:40]}"; write {what} such as {example}'
    text = "dimensionless" if unit.strip() in ("", "1") else _spelt(unit)
    if len(unit) > _LONGEST or _UNIT.fullmatch(text) is None:
        raise ValueError(unknown)
    units = registry()
    try:
        source = units.Unit(text)
    except Exception as error:  # pint's parser raises tokenizer and syntax errors of many kinds
        raise ValueError(unknown) from error
    target = units.Unit("dimensionless" if canonical == DIMENSIONLESS else canonical)
    # The same root and not the same dimension alone: 30 deg is no share, though both are numbers.
    roots = [units.get_root_units(each, check_nonmult=False)[1] for each in (source, target)]
    if roots[0] != roots[1]:
        raise _of_another_kind(unit, canonical)
    try:
        zero = float(units.Quantity(0.0, source).to(target).magnitude)
        one = float(units.Quantity(1.0, source).to(target).magnitude)
    except pint.errors.PintError as error:  # a temperature difference where a temperature belongs
        raise ValueError(f'"{unit}" is not {what}; write it like {example}') from error
    if zero != 0.0 and canonical != "degC":
        raise ValueError(
            f'"{unit}" is a temperature above its zero and not {what}; write it like {example}'
        )
    return _exact(one - zero), _exact(zero)


def factor(unit: str, canonical: str) -> tuple[float, float]:
    """Return ``(scale, offset)`` such that ``canonical value = scale · value + offset``.

    Raises ``ValueError`` with the repair when the unit is unknown or of another dimension.
    """
    scale, offset = _conversion(unit, canonical)
    return float(scale), float(offset)


def parse(text: object, canonical: str) -> float:
    """Convert a written quantity to a number in the canonical unit.

    ``parse("0.25 MW", "kW") == 250.0``. A bare number is accepted only where the canonical unit is
    ``"1"`` (a share, a count, a COP). The result is the float nearest to the exact value.

    Raises ``ValueError`` naming the value and the repair.
    """
    what, example = _expected(canonical)
    written: str | float
    if isinstance(text, bool) or text is None:
        raise ValueError(f"expected {what} such as {example}")
    if isinstance(text, (int, float)):
        written, unit = text, ""
    else:
        shown = str(text)
        match = _NUMBER.match(shown) if len(shown) <= _LONGEST else None
        if match is None:
            raise ValueError(f"not a number with a unit; write {what} such as {example}")
        written, unit = match[1], match[2]
        if re.match(r"[,_']\d", unit):
            raise ValueError(
                "a number takes a point before its decimals and nothing between its thousands; "
                f"write {what} such as {example}"
            )
    if unit == "" and canonical != DIMENSIONLESS:
        raise ValueError(f"a bare number needs its unit; write {what} such as {example}")
    scale, offset = _conversion(unit, canonical)
    try:
        number = float(written)
        if number != number or number in (float("inf"), float("-inf")):
            raise OverflowError
        # By way of repr: its digits are what was meant, and its exponent is bounded.
        return float(Fraction(repr(number)) * scale + offset)
    except OverflowError:
        raise ValueError(f"must be a finite number; write {what} such as {example}") from None


@lru_cache(maxsize=4096)
def _reduced(unit: str) -> tuple[float, str]:
    """Scale to base units and their spelling; equal pairs are equal units."""
    return REDUCED[unit] if unit in REDUCED else ask_reduced(unit)


def ask_reduced(unit: str) -> tuple[float, str]:
    """What pint says of a unit in base units."""
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
    return NAMED[text] if text in NAMED else ask_named(text)


def ask_named(text: str) -> str:
    """The canonical unit that pint finds equal to a product or quotient; itself where none is."""
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
