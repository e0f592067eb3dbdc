"""Small random districts over all kinds, as ordinary district files, for tests of every route.

``citygrid synth`` draws large districts of one pattern for benchmarks; these are small and of any:
2 to 12 components in 2 to 8 steps of 5 min to 6 h, over days on which clocks change and years leap.
A seed always gives the same district. Some have no plan; some have extreme sizes and prices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from hypothesis import strategies as st

from citygrid.components.contract import kinds
from tests.random_districts.drawing import STARTS
from tests.random_districts.parts import Kinds

#: Kinds whose mathematics other tools know, too.
PLAIN = ("grid", "generator", "fuel", "boiler", "electric_boiler", "heat_pump", "chp", "pv", "wind",
         "solar_thermal", "battery", "heat_store", "power_demand", "heat_demand", "shortage",
         "power_line", "transformer")  # fmt: skip
MOST = 12


@dataclass(frozen=True)
class RandomDistrict:
    """A district file's text and its table."""

    seed: int
    text: str
    table: str

    def write(self, folder: Path) -> Path:
        """The district file in a folder, its table beside it."""
        (folder / "town.csv").write_text(self.table, encoding="utf-8")
        path = folder / "town.yaml"
        path.write_text(self.text, encoding="utf-8")
        return path


def district(seed: int, plain: bool = False, extreme: bool | None = None) -> RandomDistrict:
    """The district of a seed.

    plain
        Only kinds and options that other tools know as well, :data:`PLAIN`.
    extreme
        Whether sizes range from watts to gigawatts, prices from 1e-9 up; every third if not said.
    """
    return Maker(seed, plain, seed % 3 == 2 if extreme is None else extreme).made()


def districts(most: int = 10**6) -> st.SearchStrategy[RandomDistrict]:
    """Hypothesis's way to the same districts."""
    return st.integers(0, most).map(district)


class Maker(Kinds):
    """Draws one district."""

    def made(self) -> RandomDistrict:
        wanted = int(self.lot.integers(2, MOST + 1))
        known = list(PLAIN) if self.plain else sorted(kinds())
        getattr(self, self.pick("power_demand", "heat_demand"))(self.node())
        for _ in range(40):
            if len(self.parts) >= wanted:
                break
            # The seed goes through all kinds in turn, so that none is left to luck.
            kind = known[self.seed % len(known)] if len(self.parts) < 3 else self.pick(*known)
            before = dict(self.parts), set(self.fed), set(self.softened), list(self.nodes)
            getattr(self, kind)(self.node())
            if len(self.parts) > MOST:
                self.parts, self.fed, self.softened, self.nodes = before
        start, zone = STARTS[self.seed % len(STARTS)]
        spot = self.lot.uniform(*((20, 300) if self.chance(0.7) else (-150, 300)),
                                self.count)  # fmt: skip
        rows = {
            "time": [self.stamp(step) for step in range(self.count)], "spot": spot,
            "use": self.lot.uniform(0, 1, self.count),
            "temperature [degC]": self.lot.uniform(-10, 25, self.count),
            "ground temperature [degC]": 8.0, "relative humidity [1]": 0.7,
        }  # fmt: skip
        frame = self.pick(
            "", "", "carbon_price: 50 EUR/t\n", f"carbon_cap: {400 * self.hours:.4g} kg\n"
        )
        text = (
            f"name: random {self.seed}\ntimezone: {zone}\nhorizon: {{start: {start}, length: "
            f"{self.span(self.count)}, step: {self.step}}}\n{frame}"
            "weather: {file: town.csv, latitude: 50.1, longitude: 8.7}\n"
            "heat_network: {supply: [{air: -10 degC, water: 85 degC}, {air: 15 degC, water: "
            "70 degC}], return: 45 degC}\n"
            "series:\n  spot: {file: town.csv, column: spot, unit: EUR/MWh}\n"
            '  use: {file: town.csv, column: use, unit: "1"}\n'
            f"nodes: {{{', '.join(f'{node}: {{}}' for node in self.nodes)}}}\ncomponents:\n"
        )
        lines = "".join(f"  {name}: {line}\n" for name, line in self.parts.items())
        return RandomDistrict(
            self.seed, text + lines, pd.DataFrame(rows).to_csv(index=False, float_format="%.6g")
        )


def kinds_in(text: str, known: Mapping[str, object]) -> set[str]:
    """Kinds that a district file names."""
    return {kind for kind in known if f"{{kind: {kind}," in text}
