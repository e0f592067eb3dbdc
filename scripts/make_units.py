"""Writes citygrid/units/usual.py: what pint says of the units that districts usually use.

    python scripts/make_units.py

Importing pint and reading its definitions takes longer than loading most districts, and nearly all
of them are written in the units below. Those of the algebra are found by formulating the shipped
models and those of the tests.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import citygrid
from citygrid import units
from citygrid.errors import CitygridError

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "citygrid" / "units" / "usual.py"

#: Spellings that may stand for a part of a canonical unit.
SPELLINGS = {
    "kW": ["W", "kW", "MW", "GW"],
    "kWh": ["Wh", "kWh", "MWh", "GWh", "MJ", "GJ"],
    "h": ["s", "min", "h", "d", "day", "month", "year"],
    "EUR": ["EUR", "ct", "€"],
    "kg": ["g", "kg", "t"],
    "m": ["mm", "cm", "m", "km"],
    "GB": ["MB", "GB", "TB", "Gbit"],
    "l": ["l", "m^3"],
    "1": ["", "1", "%"],
}
#: In which the whole canonical unit has further spellings.
WHOLE = {"GB/h": ["Gbit/s", "Mbit/s", "GB/s", "MB/s"], "degC": ["°C"], "deg": ["°"],
         "h": ["minutes", "hours", "days"]}  # fmt: skip
HEAD = '''"""What pint says of units that districts usually use, written by scripts/make_units.py.

Importing pint and reading its definitions takes longer than loading most districts; it is asked
for every unit that does not stand here. A test asks it for those that do.
"""

from __future__ import annotations

#: Canonical unit → unit as written → how many of the canonical one it is.
CONVERSIONS: dict[str, dict[str, str]] = {
'''


def spellings(canonical: str) -> list[str]:
    """Usual ways to write a canonical unit or a multiple of it."""
    parts = canonical.split("/")
    choices = [SPELLINGS.get(part, [part]) for part in parts]
    found = ["/".join(choice) for choice in itertools.product(*choices)]
    return list(dict.fromkeys([canonical, *found, *WHOLE.get(canonical, [])]))


def conversions() -> dict[str, dict[str, str]]:
    """Every canonical unit with its usual spellings, as pint converts them."""
    table: dict[str, dict[str, str]] = {}
    for canonical in units.EXAMPLES:
        for unit in spellings(canonical):
            try:
                scale, offset = units.ask_conversion(unit, canonical)
            except ValueError:
                continue
            if offset == 0:
                table.setdefault(canonical, {})[unit] = str(scale)
    return table


def algebra() -> tuple[dict[str, tuple[float, str]], dict[str, str]]:
    """What the mathematics of the shipped and tested kinds asks of the algebra of units."""
    reduced, named = set(units.EXAMPLES) | {"EUR*h", "kg/h"}, set[str]()
    ask_reduced, ask_named = units._reduced, units._named

    def note_reduced(unit: str) -> tuple[float, str]:
        reduced.add(unit)
        return ask_reduced(unit)

    def note_named(text: str) -> str:
        named.add(text)
        return ask_named(text)

    units._reduced, units._named = note_reduced, note_named  # type: ignore[assignment]
    for cached in (units.same, units.product, units.quotient):
        cached.cache_clear()
    for path in sorted([*ROOT.glob("models/*.yaml"), *ROOT.glob("tests/cases/**/*.yaml")]):
        try:
            citygrid.formulate(citygrid.prepare(citygrid.load(path)))
        except CitygridError:
            continue  # a broken district is a test of its own
    units._reduced, units._named = ask_reduced, ask_named
    return ({unit: units.ask_reduced(unit) for unit in sorted(reduced)},
            {text: units.ask_named(text) for text in sorted(named)})  # fmt: skip


def main() -> None:
    lines = [HEAD]
    for canonical, table in conversions().items():
        inner = ", ".join(f'"{unit}": "{scale}"' for unit, scale in table.items())
        lines.append(f'    "{canonical}": {{{inner}}},\n')
    reduced, named = algebra()
    lines.append("}\n\n#: Unit → scale to base units and their spelling.\n"
                 "REDUCED: dict[str, tuple[float, str]] = {\n")  # fmt: skip
    lines += [f'    "{unit}": ({scale!r}, "{base}"),\n' for unit, (scale, base) in reduced.items()]
    lines.append("}\n\n#: Product or quotient → its short canonical spelling.\n"
                 "NAMED: dict[str, str] = {\n")  # fmt: skip
    lines += [f'    "{text}": "{name}",\n' for text, name in named.items()]
    TARGET.write_text("".join([*lines, "}\n"]), encoding="utf-8")


if __name__ == "__main__":
    main()
