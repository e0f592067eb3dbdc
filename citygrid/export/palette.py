"""One colour, one code and one hatching per kind, the same on map, charts and in the GIS.

Neighbours in a stack differ in hue, in lightness and in hatching, so that they can be told apart
with any colour vision and on a black-and-white print.
"""

from __future__ import annotations

from typing import NamedTuple


class Look(NamedTuple):
    """How a kind is drawn: name, code of two or three letters, fill, hatching, colour of text."""

    label: str
    code: str
    fill: str
    hatch: str
    light_text: bool


LOOKS = {
    "grid": Look("Grid", "GR", "#56616A", "plain", True),
    "fuel": Look("Fuel", "FU", "#8C7A4F", "plain", True),
    "boiler": Look("Boiler", "BO", "#C8511B", "rise", True),
    "chp": Look("CHP", "CHP", "#EBA13A", "fall", False),
    "heat_pump": Look("Heat pump", "HP", "#0F6CA8", "plain", True),
    "heat_store": Look("Heat store", "HS", "#C98BB9", "dots", False),
    "battery": Look("Battery", "BA", "#8F4A86", "dots", True),
    "pv": Look("Solar power", "PV", "#F2CF45", "rise", False),
    "data_center": Look("Data centre", "DC", "#45AF8F", "plain", False),
    "quantum_center": Look("Quantum centre", "QC", "#B4DDCD", "cross", False),
    "chiller": Look("Chiller", "CH", "#7CC0E8", "level", False),
    "job_pool": Look("Jobs", "JO", "#3F3F8F", "rise", True),
    "heat_demand": Look("Heat demand", "HD", "#A8A19B", "plain", False),
    "power_demand": Look("Power demand", "PD", "#C9C5BF", "plain", False),
    "heat_pipe": Look("Heat pipe", "PI", "#6E3B23", "cross", True),
    "power_line": Look("Power line", "PL", "#333333", "cross", True),
    "electric_boiler": Look("Electric boiler", "EB", "#D9534F", "level", True),
    "wind": Look("Wind power", "WI", "#9BC5B5", "fall", False),
    "solar_thermal": Look("Solar heat", "ST", "#F08A3C", "dots", False),
    "seasonal_store": Look("Seasonal store", "SS", "#7A4E6B", "level", True),
    "electrolyser": Look("Electrolyser", "EL", "#2F8F9D", "cross", True),
    "hydrogen_sale": Look("Hydrogen sale", "H2", "#A9D6DD", "plain", False),
}

#: For kinds that this page has never heard of, in turn.
SPARE = ("#6C8E3B", "#B0487A", "#3D9FC4", "#A0763C", "#77709E", "#4C8C7D")

#: From idle to full, ever darker: reads on a print, too. The first is for lines without a figure.
SHADES = ("#D9CDBF", "#F0C27B", "#E39A4A", "#CC6A2C", "#9C3A1C", "#5C1A10")
SHADES_POWER = ("#C9D3DC", "#A9C3DC", "#7CA3CB", "#4C7FB5", "#285A93", "#10325F")
SHADES_DATA = ("#D0D6D2", "#B4D3C4", "#86BBA2", "#559C7C", "#2D7857", "#0F4A31")
#: Upper ends of the classes of use that the shades after the first stand for.
CLASSES = (0.2, 0.4, 0.6, 0.8, float("inf"))


def look(kind: str, known: tuple[str, ...] = ()) -> Look:
    """How a kind is drawn; ``known`` are all kinds of the case, so that spares do not repeat."""
    if kind in LOOKS:
        return LOOKS[kind]
    others = [name for name in known if name not in LOOKS]
    number = others.index(kind) if kind in others else 0
    hatches = ("rise", "fall", "dots", "level", "cross")
    words = kind.replace("_", " ")
    code = "".join(word[0] for word in words.split())[:2].upper().ljust(2, words[1:2].upper())
    return Look(words.capitalize(), code, SPARE[number % len(SPARE)],
                hatches[number % len(hatches)], True)  # fmt: skip
