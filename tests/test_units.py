"""Units at the door: what is written is converted exactly, and what is no such unit is refused."""

from __future__ import annotations

import math
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citygrid import units
from citygrid.units.usual import CONVERSIONS, NAMED, REDUCED

MODELS = Path(__file__).resolve().parent.parent / "models"
CANONICAL = tuple(units.EXAMPLES)


@pytest.mark.parametrize(
    ("written", "canonical", "number"),
    [
        ("250 kW", "kW", 250.0), ("0.25 MW", "kW", 250.0), ("250kW", "kW", 250.0),
        ("  2.5e2   kW ", "kW", 250.0), ("-3 kW", "kW", -3.0), (".5 kW", "kW", 0.5),
        ("250000 W", "kW", 250.0), ("5 kWh/h", "kW", 5.0),
        ("40 MWh", "kWh", 40_000.0), ("3.6 MJ", "kWh", 1.0), ("1 GJ", "kWh", 1000 / 3.6),
        ("2 h", "h", 2.0), ("90 min", "h", 1.5), ("15 min", "h", 0.25), ("10 min", "h", 10 / 60),
        ("900 s", "h", 0.25), ("1 d", "h", 24.0), ("1 week", "h", 168.0),
        ("35 %", "1", 0.35), ("7 %", "1", 0.07), ("5 ‰", "1", 0.005), ("0.35", "1", 0.35),
        (3, "1", 3.0), (0.35, "1", 0.35), ("0.5 %/h", "1/h", 0.005),
        ("60 EUR/MWh", "EUR/kWh", 0.06), ("60 €/MWh", "EUR/kWh", 0.06),
        ("30 ct/kWh", "EUR/kWh", 0.3), ("8 EUR/kW", "EUR/kW", 8.0), ("85 EUR/t", "EUR/kg", 0.085),
        ("85 EUR/tCO2", "EUR/kg", 0.085), ("3 EUR", "EUR", 3.0), ("250 ct", "EUR", 2.5),
        ("201 kg/MWh", "kg/kWh", 0.201), ("201 gCO2/kWh", "kg/kWh", 0.201),
        ("201 gCO2eq/kWh", "kg/kWh", 0.201), ("201 kgCO2eq/MWh", "kg/kWh", 0.201),
        ("0.2 tCO2eq/MWh", "kg/kWh", 0.2),
        ("45 degC", "degC", 45.0), ("45 °C", "degC", 45.0), ("-5 °C", "degC", -5.0),
        ("318.15 K", "degC", 45.0), ("50 degF", "degC", 10.0), ("5 K", "K", 5.0),
        ("0.3 W/(m·K)", "W/m/K", 0.3), ("0.3 W/m/K", "W/m/K", 0.3), ("40 W/°C", "W/K", 40.0),
        ("820 m", "m", 820.0), ("0.82 km", "m", 820.0), ("150 mm", "m", 0.15),
        ("120 m²", "m^2", 120.0), ("120 m**2", "m^2", 120.0), ("800 W/m²", "W/m^2", 800.0),
        ("2 t", "kg", 2000.0),
        ("3 kg/s", "kg/s", 3.0), ("10.8 t/h", "kg/s", 3.0), ("3.6 km/h", "m/s", 1.0),
        ("30 °", "deg", 30.0), ("180 deg", "deg", 180.0),
        ("50 GB", "GB", 50.0), ("500 MB", "GB", 0.5), ("2 TB", "GB", 2000.0),
        ("0.02 kWh/GB", "kWh/GB", 0.02), ("20 kWh/TB", "kWh/GB", 0.02),
    ],
)  # fmt: skip
def test_a_quantity_becomes_the_nearest_float_in_the_canonical_unit(
    written: object, canonical: str, number: float
) -> None:
    assert units.parse(written, canonical) == number  # to the last bit


@pytest.mark.parametrize("canonical", CANONICAL)
def test_every_example_in_a_message_is_itself_accepted(canonical: str) -> None:
    _, example = units.EXAMPLES[canonical]
    assert math.isfinite(units.parse(example, canonical))


@pytest.mark.parametrize(
    ("written", "canonical", "because"),
    [
        (5, "kW", "needs its unit"), (5.0, "kW", "needs its unit"), ("5", "kW", "needs its unit"),
        ("5 kWh", "kW", "is not a power"), ("5 kW", "kWh", "is not an energy"),
        ("5 EUR", "EUR/kWh", "is not a price of energy"), ("5 kW", "1", "is not a share"),
        ("8 EUR/kW/a", "EUR/kW", "is not a price of power"), ("5 l/s", "kg/s", "mass flow"),
        ("5 kw", "kW", "unknown unit"), ("5 kilowattz", "kW", "unknown unit"),
        ("kW", "kW", "not a number"), ("", "kW", "not a number"),
        ("about 5 kW", "kW", "not a number"),
        (None, "kW", "expected a power"), (True, "1", "expected a share"),
        ([5], "kW", "not a number"), ({"5": "kW"}, "kW", "not a number"),
        ("nan kW", "kW", "not a number"), ("inf kW", "kW", "not a number"),
        (math.nan, "1", "finite"), (math.inf, "1", "finite"), (10**400, "1", "finite"),
        ("1e999 kW", "kW", "finite"), ("1e308 MW", "kW", "finite"),
        ("1,5 kW", "kW", "point before"), ("1_000 kW", "kW", "point before"),
        ("1.000,5 kW", "kW", "point before"), ("1'000 kW", "kW", "point before"),
        ("٣ kW", "kW", "not a number"), ("−5 kW", "kW", "not a number"),
        ("- 5 kW", "kW", "not a number"),
        ("2 h 30 min", "h", "unknown unit"), ("5 3 kW", "kW", "unknown unit"),
    ],
)  # fmt: skip
def test_what_is_no_such_quantity_is_refused_with_an_example(
    written: object, canonical: str, because: str
) -> None:
    with pytest.raises(ValueError, match=because) as refused:
        units.parse(written, canonical)
    assert f'"{units.EXAMPLES[canonical][1]}"' in str(refused.value)


def test_a_temperature_is_not_taken_for_a_temperature_difference() -> None:
    # 5 °C above another temperature must not become 278.15 K, nor 5 K of difference −268 °C.
    for written in ("5 degC", "5 °C", "41 degF"):
        with pytest.raises(ValueError, match='not a temperature difference; write it like "5 K"'):
            units.parse(written, "K")
    with pytest.raises(ValueError, match="not a temperature"):
        units.parse("5 delta_degC", "degC")
    assert units.parse("5 delta_degC", "K") == 5.0


def test_an_angle_is_not_taken_for_a_share_nor_a_bit_for_a_number() -> None:
    for written, canonical in (("30 deg", "1"), ("1 rad", "1"), ("35 %", "deg"), ("8 bit", "1")):
        with pytest.raises(ValueError, match="is not"):
            units.parse(written, canonical)


@pytest.mark.parametrize(
    "unit",
    [
        "kW*1000", "1000*kW", "kW # note", "kW; h", "kW^2^9", "kW**9**9**9", "9**9**9**9",
        "kW**(9**9**9)", "kW^99999999", "__import__('os')", "kW" * 10_000, "(" * 90,
        "kW" + " " * 100_000 + "x", "a" * 99 + "!",
    ],
    ids=lambda unit: unit[:16],
)  # fmt: skip
def test_a_unit_that_is_a_sum_or_a_trap_is_refused_and_not_evaluated(unit: str) -> None:
    with pytest.raises(ValueError):
        units.parse(f"1 {unit}", "kW")
    with pytest.raises(ValueError):
        units.factor(unit, "kW")


@given(st.text(max_size=30), st.sampled_from(CANONICAL))
def test_any_text_is_converted_or_refused_with_words(text: str, canonical: str) -> None:
    for written in (text, f"1 {text}"):
        try:
            assert math.isfinite(units.parse(written, canonical))
        except ValueError as refused:
            assert units.EXAMPLES[canonical][1] in str(refused)  # noqa: PT017


@given(
    st.floats(-1e300, 1e300, allow_subnormal=False),
    st.sampled_from(
        [("MW", "kW"), ("min", "h"), ("EUR/MWh", "EUR/kWh"), ("%", "1"), ("K", "degC")]
    ),
)
def test_parse_is_factor_times_number_plus_offset(number: float, pair: tuple[str, str]) -> None:
    scale, offset = units.factor(*pair)
    parsed = units.parse(f"{number!r} {pair[0]}", pair[1])
    expected = scale * number + offset
    assert math.isclose(parsed, expected, rel_tol=1e-14, abs_tol=1e-12 if offset else 1e-300)


def test_a_factor_is_exact_where_a_float_can_be() -> None:
    assert units.factor("MW", "kW") == (1000.0, 0.0)
    assert units.factor("min", "h") == (1 / 60, 0.0)
    assert units.factor("EUR/MWh", "EUR/kWh") == (0.001, 0.0)
    assert units.factor("K", "degC") == (1.0, -273.15)
    assert units.factor("degF", "degC") == (5 / 9, -160 / 9)
    assert units.factor("kW*h", "kWh") == (1.0, 0.0)
    assert units.factor("(kW)*(1/h)", "kW/h") == (1.0, 0.0)  # as a product of unit texts reads


def test_units_of_products_and_quotients_have_their_short_names() -> None:
    assert units.product("kW", "h") == "kWh"
    assert units.product("h", "kW") == "kWh"
    assert units.product("EUR/kWh", "kWh") == "EUR"
    assert units.product("kg/kWh", "kWh") == "kg"
    assert units.product("W/m/K", "m") == "W/K"
    assert units.product("1", "degC") == "degC"
    assert units.quotient("kWh", "h") == "kW"
    assert units.quotient("EUR", "kWh") == "EUR/kWh"
    assert units.quotient("kW", "kW") == "1"
    assert units.quotient("1", "h") == "1/h"
    assert units.quotient("degC", "1") == "degC"


def test_the_same_unit_is_known_in_another_spelling_and_no_other_unit_is() -> None:
    assert units.same("kW*h", "kWh")
    assert units.same("EUR/kW/h", "EUR/kWh")
    assert not units.same("kW", "kWh")
    assert not units.same("kW", "MW")
    assert not units.same("degC", "K")  # a reading is not a difference
    assert not units.same("deg", "1")
    assert not units.same("GB", "1")


def test_a_cent_is_money_and_says_nothing_of_carats(caplog: pytest.LogCaptureFixture) -> None:
    assert units.parse("20 ct/kWh", "EUR/kWh") == pytest.approx(0.2)
    units.registry.__wrapped__()  # as on the first use in a process
    assert caplog.records == []


# units that need no pint ------------------------------------------------------------------------


def test_the_table_of_usual_units_says_what_pint_says() -> None:
    """Or a district would be converted differently from the same units written in another way."""
    for canonical, table in CONVERSIONS.items():
        for unit, scale in table.items():
            assert units.ask_conversion(unit, canonical) == (Fraction(scale), 0), (unit, canonical)
    assert {unit: units.ask_reduced(unit) for unit in REDUCED} == REDUCED
    assert {text: units.ask_named(text) for text in NAMED} == NAMED


def test_every_canonical_unit_is_usual() -> None:
    assert [unit for unit in units.EXAMPLES if unit not in CONVERSIONS] == []


def test_a_shipped_year_needs_neither_pint_nor_pvlib() -> None:
    """They take longer to import than the year takes to load, prepare and formulate."""
    code = (
        "import sys, citygrid as cg\n"
        f"cg.formulate(cg.prepare(cg.load({str(MODELS / 'flensburg.yaml')!r})))\n"
        "print([name for name in ('pint', 'pvlib', 'scipy.optimize') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "unit", sorted({u for each in CONVERSIONS.values() for u in each} - CONVERSIONS["1"].keys())
)
def test_no_usual_unit_of_another_kind_is_a_share_and_pint_says_so_too(unit):
    with pytest.raises(ValueError) as ours:
        units.factor(unit, "1")
    with pytest.raises(ValueError) as theirs:
        units.ask_conversion(unit, "1")
    assert str(ours.value) == str(theirs.value)
