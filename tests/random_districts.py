"""Small random districts over all kinds, as ordinary district files, for tests of every route.

``citygrid synth`` draws large districts of one pattern for benchmarks; these are small and of any:
2 to 12 components in 2 to 8 steps of 5 min to 6 h, over days on which clocks change and years leap.
A seed always gives the same district. Some have no plan; some have extreme sizes and prices.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from citygrid.components.contract import kinds

#: Steps and their hours.
STEPS = {"5 min": 1 / 12, "15 min": 0.25, "1 h": 1.0, "6 h": 6.0}
#: Starts and clocks: a winter day, clocks forward and back, a leap day, the end of a year.
STARTS = (
    ("2023-01-16T06:00Z", "Europe/Berlin"), ("2023-03-26T01:30+01:00", "Europe/Berlin"),
    ("2023-10-29T02:00+02:00", "Europe/Berlin"), ("2024-02-28T22:00Z", "UTC"),
    ("2024-12-31T22:00+05:30", "Asia/Kolkata"),
)  # fmt: skip
#: Kinds whose mathematics other tools know, too; with ``plain`` options only.
PLAIN = ("grid", "generator", "fuel", "boiler", "electric_boiler", "heat_pump", "pv", "battery",
         "heat_store", "power_demand", "heat_demand", "shortage", "power_line")  # fmt: skip
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
    return _Maker(seed, plain, seed % 3 == 2 if extreme is None else extreme).made()


def districts(most: int = 10**6) -> st.SearchStrategy[RandomDistrict]:
    """Hypothesis's way to the same districts."""
    return st.integers(0, most).map(district)


class _Maker:
    """Draws one district; a method per kind says its line and asks for what it needs."""

    def __init__(self, seed: int, plain: bool, extreme: bool) -> None:
        self.seed, self.plain, self.extreme = seed, plain, extreme
        self.lot = np.random.default_rng([seed, plain])
        self.step = str(self.lot.choice(list(STEPS)))
        self.hours, self.count = STEPS[self.step], int(self.lot.integers(2, 9))
        self.nodes = ["plant", "east", "west"][: int(self.lot.integers(1, 4))]
        self.parts: dict[str, str] = {}
        self.fed: set[tuple[str, str]] = set()
        self.softened: set[tuple[str, str]] = set()
        self.calm = False

    # numbers --------------------------------------------------------------------------------------

    def chance(self, share: float) -> bool:
        return bool(self.lot.random() < share)

    def pick(self, *choices: str) -> str:
        return str(self.lot.choice(choices))

    def node(self) -> str:
        return self.pick(*self.nodes)

    def amount(self, low: float, high: float, unit: str = "kW") -> str:
        """A size, in extreme districts now and then many orders away."""
        number = self.lot.uniform(low, high)
        if self.extreme and self.chance(0.3):
            number *= 10.0 ** self.lot.uniform(-5, 5)
        return f"{number:.6g} {unit}"

    def price(self, low: float, high: float) -> str:
        number = self.lot.uniform(low, high)
        if self.extreme and self.chance(0.3):
            number *= 10.0 ** self.lot.uniform(-8, 2)
        return f"{number:.6g} EUR/kWh"

    def span(self, steps: float) -> str:
        """So many steps."""
        return f"{round(steps * self.hours * 60)} min"

    def hourly(self, text: str) -> str:
        """A constant, or as much times a series."""
        return text if self.chance(0.5) else f"{{series: use, times: {text}}}"

    def rules(self) -> str:
        """What a unit that can be off may have; those that others rely on, mostly nothing."""
        if self.calm and self.chance(0.8):
            return ""
        some = ["", "", ", minimum_load: 30 %", ", start_cost: 2 EUR",
                ", minimum_load: 40 %, start_cost: 1 EUR, initially_on: true"]  # fmt: skip
        if not self.plain:
            slow = f"{45 / self.hours:.4g} %/h"
            some += [
                f", minimum_load: 30 %, minimum_up_time: {self.span(2)}, minimum_down_time: "
                f"{self.span(2)}, shutdown_cost: 1 EUR, initial_hours: {self.span(1)}",
                f", minimum_load: 30 %, ramp_up: {slow}, ramp_down: {slow}, stop_ramp: 60 %",
                f", start_cost: 1 EUR, cold_starts: [{{after: {self.span(1)}, cost: 3 EUR}}], "
                f"outages: [{{after: {self.span(1)}, length: {self.span(1)}}}]",
                f", variable_cost: 5 EUR/MWh, ramp_up: {slow}, availability: {{series: use}}",
                ", minimum_load: 20 %, standby_cost: 1 EUR/h"
                + (", must_run: true" if self.chance(0.2) else ""),
                ", quadratic_cost: 20 EUR/MW^2/h, variable_cost: 2 EUR/MWh",
            ]
        return self.pick(*some)

    def store(self) -> str:
        """What stores share: rates, losses, ends."""
        ends = ["", ", cyclic: false, initial_level: 50 %, final_level: 20 %"]
        return (f"charge: {self.amount(10, 60)}, discharge: {self.amount(10, 60)}"
                + self.pick("", ", standing_loss: 0.5 %/h", ", charge_efficiency: 90 %")
                + self.pick(*ends))  # fmt: skip

    # what there is --------------------------------------------------------------------------------

    def add(self, kind: str, line: str, *feeds: tuple[str, str]) -> str:
        """A component, and what it feeds where."""
        number = next(n for n in itertools.count(1)
                      if f"{kind.replace('_', ' ')} {n}" not in self.parts)  # fmt: skip
        name = f"{kind.replace('_', ' ')} {number}"
        self.parts[name] = f"{{kind: {kind}, {line}}}"
        self.fed |= set(feeds)
        return name

    def need(self, carrier: str, node: str) -> None:
        """Something that feeds a carrier at a node, if nothing does so far."""
        if (carrier, node) in self.fed:
            return
        ways = {"power": ["grid", "grid", "grid", "generator"], "gas": ["fuel"],
                "heat": ["boiler", "electric_boiler"], "cooling": ["chiller"],
                "rejected_heat": ["heat_rejection"], "spinning_reserve": ["generator"],
                "hydrogen": ["electrolyser"]}[carrier]  # fmt: skip
        before, self.calm = self.calm, True
        if carrier == "rejected_heat":
            self.heat_rejection(node, "rejected_heat")
        elif carrier == "spinning_reserve":
            self.generator(node, reserve=True)
        else:
            getattr(self, self.pick(*ways))(node)
        self.calm = before

    def soft(self, carrier: str, node: str) -> str:
        """How a demand may be left unserved, so that most districts have a plan."""
        if self.chance(0.5):
            return f", unserved_price: {self.price(1, 5)}"
        if self.chance(0.7) and (carrier, node) not in self.softened:
            self.shortage(node, carrier)
        return ""

    # kinds ----------------------------------------------------------------------------------------

    def absorption_chiller(self, node: str) -> None:
        self.need("power", node)
        self.need("heat", node)
        where = self.pick("", ", rejects_to: node")
        if where:
            self.need("rejected_heat", node)
        more = self.pick("", ", driving: 85 degC", ", rejection_water: 1.5 l/kWh")
        self.add("absorption_chiller", f"node: {node}, cooling: {self.amount(5, 60)}{where}{more}")

    def battery(self, node: str) -> None:
        self.need("power", node)
        wear = "" if self.plain else self.pick("", ", wear: 1 ct/kWh", ", may_burn: true")
        self.add("battery", f"node: {node}, capacity: {self.amount(10, 90, 'kWh')}, "
                 f"{self.store()}{wear}", ("power", node))  # fmt: skip

    def boiler(self, node: str) -> None:
        self.need("gas", node)
        self.add("boiler", f"node: {node}, heat: {self.amount(60, 300)}{self.rules()}",
                 ("heat", node))  # fmt: skip

    def chiller(self, node: str) -> None:
        self.need("power", node)
        self.add("chiller", f"node: {node}, cooling: {self.amount(100, 300)}{self.rules()}",
                 ("cooling", node))  # fmt: skip

    def chp(self, node: str) -> None:
        self.need("gas", node)
        self.need("power", node)
        how = (
            self.rules()
            if self.chance(0.6)
            else self.pick(
                ", electric_efficiency: 30 %, extraction: {condensing_efficiency: 42 %}",
                ", part_load: [{load: 40 %, efficiency: 30 %}, {load: 100 %, efficiency: 40 %}]",
            )
        )
        self.add("chp", f"node: {node}, power: {self.amount(20, 80)}{how}",
                 ("heat", node), ("power", node))  # fmt: skip

    def cooling_demand(self, node: str) -> None:
        self.need("cooling", node)
        self.add("cooling_demand", f"node: {node}, load: {self.hourly(self.amount(5, 60))}"
                 f"{self.soft('cooling', node)}")  # fmt: skip

    def cooling_pipe(self, node: str) -> None:
        start, end = self.two()
        self.need("cooling", start)
        self.need("power", start)
        self.add("cooling_pipe", f"from: {start}, to: {end}, length: "
                 f"{self.lot.uniform(50, 500):.4g} m, "
                 f"dn: 80{self.pick('', ', reversible: true')}{self.pick('', f', pump: {start}')}",
                 ("cooling", end))  # fmt: skip

    def data_center(self, node: str) -> str:
        self.need("power", node)
        self.need("cooling", node)
        modes = self.pick("", "", ", modes: [{mode: hot, loop_supply: 65 degC, loop_return: "
                          "50 degC, fans: 3 %}]", ", unserved_price: 2 EUR/kWh")  # fmt: skip
        size = float(self.amount(60, 120).split()[0])
        return self.add("data_center", f"node: {node}, capacity: {size:g} kW, cooling: "
                        f"{self.pick('air', 'liquid', 'immersion')}, load: "
                        f"{self.hourly(f'{0.3 * size:g} kW')}{modes}")  # fmt: skip

    def data_link(self, node: str) -> None:
        start, end = self.two()
        self.need("power", start)
        self.need("power", end)
        self.add(
            "data_link",
            f"from: {start}, to: {end}, capacity: {self.amount(3, 30, 'GB/h')}, "
            f"latency: 4 ms, price: {self.pick('0', '0.1')} EUR/GB, energy: 0 kWh/GB",
        )
        if self.chance(0.7):
            self.job_pool(end, home=start)

    def electric_boiler(self, node: str) -> None:
        self.need("power", node)
        self.add("electric_boiler", f"node: {node}, heat: {self.amount(40, 250)}{self.rules()}",
                 ("heat", node))  # fmt: skip

    def electrolyser(self, node: str) -> None:
        self.need("power", node)
        self.need("cooling", node)
        name = self.add("electrolyser", f"node: {node}, power: {self.amount(20, 90)}{self.rules()}",
                        ("hydrogen", node))  # fmt: skip
        if self.chance(0.3):
            self.heat_pump(node, name)

    def fuel(self, node: str) -> None:
        most = self.pick("", "", f", max: {self.amount(200, 900)}")
        self.add("fuel", f"node: {node}, price: {self.price(0.03, 0.12)}, carbon: 0.2 kg/kWh{most}",
                 ("gas", node))  # fmt: skip

    def generator(self, node: str, reserve: bool = False) -> None:
        burns = self.chance(0.3)
        if burns:
            self.need("gas", node)
        cost = ", efficiency: 40 %" if burns else f", variable_cost: {self.price(0.05, 0.3)}"
        rules = self.rules()
        if "variable_cost" in cost and "variable_cost" in rules:
            rules = ""
        self.add("generator", f"node: {node}, power: {self.amount(60, 200)}{cost}{rules}"
                 f"{', reserve: true' if reserve else ''}", ("power", node),
                 *([("spinning_reserve", node)] if reserve else []))  # fmt: skip

    def grid(self, node: str) -> None:
        price = (
            f"{{series: spot, plus: {self.price(0.0, 0.1)}}}"
            if self.chance(0.5)
            else (self.price(0.05, 0.4))
        )
        sells = (
            ""
            if self.chance(0.5)
            else (f", export: {{price: {self.price(0.0, 0.05)}, max: {self.amount(10, 100)}}}")
        )
        peak = "" if self.plain else self.pick("", "", ", peak_charge: 0.3 EUR/kW")
        self.add("grid", f"node: {node}, import: {{price: {price}, max: {self.amount(300, 900)}, "
                 f"carbon: 0.3 kg/kWh}}{sells}{peak}", ("power", node))  # fmt: skip

    def heat_demand(self, node: str) -> None:
        self.need("heat", node)
        self.add("heat_demand", f"node: {node}, load: {self.hourly(self.amount(10, 120))}"
                 f"{self.soft('heat', node)}")  # fmt: skip

    def heat_pipe(self, node: str) -> None:
        start, end = self.two()
        self.need("heat", start)
        self.need("power", start)
        more = self.pick("", ", reversible: true", f", pump: {start}", ", swing: 6 K")
        self.add("heat_pipe", f"from: {start}, to: {end}, length: "
                 f"{self.lot.uniform(50, 300):.4g} m, "
                 f"dn: {self.pick('50', '100')}{more}", ("heat", end))  # fmt: skip

    def heat_pump(self, node: str, source: str | None = None) -> None:
        self.need("power", node)
        centres = [name for name in self.parts if name.startswith(("data center", "quantum"))]
        found = source or self.pick("air", "ground", *centres)
        plain = "air" if self.plain else found
        cop = ", cop: 3.2" if self.plain else self.pick("", ", cop: 3", ", carnot_share: 50 %")
        self.add("heat_pump", f"source: {plain}, sink: {node}, heat: {self.amount(20, 100)}{cop}"
                 f"{self.rules()}", ("heat", node))  # fmt: skip

    def heat_rejection(self, node: str, takes: str | None = None) -> None:
        self.need("power", node)
        takes = takes or self.pick("cooling", "heat")
        cooler = self.pick("", ", cooler: wet, water_price: 5 EUR/m^3")
        self.add(
            "heat_rejection",
            f"node: {node}, capacity: {self.amount(30, 300)}, takes: {takes}{cooler}",
            *([(takes, node)] if takes == "rejected_heat" else []),
        )
        if takes == "heat":
            self.need("heat", node)

    def heat_store(self, node: str) -> None:
        self.need("heat", node)
        size = f"capacity: {self.amount(20, 200, 'kWh')}"
        if not self.plain and self.chance(0.3):
            size = ("tank: {volume: 5 m^3, diameter: 1.5 m, hot: 85 degC, cold: 45 degC, "
                    "transmission: 0.5 W/m^2/K}")  # fmt: skip
        stored = self.store()
        if size.startswith("tank"):
            stored = stored.replace(", standing_loss: 0.5 %/h", "")
        self.add("heat_store", f"node: {node}, {size}, {stored}", ("heat", node))

    def hydrogen_sale(self, node: str) -> None:
        self.need("hydrogen", node)
        least = self.pick("", "", f", least: {self.amount(0.5, 1 + 10 * self.hours, 'kWh')}")
        self.add("hydrogen_sale", f"node: {node}, price: {self.price(0.0, 0.4)}{least}")

    def job_pool(self, node: str, home: str | None = None) -> None:
        centres = [name for name, line in self.parts.items() if "kind: data_center" in line
                   and f"node: {node}," in line]  # fmt: skip
        centre = centres[0] if centres else self.data_center(node)
        jobs = []
        for j in range(int(self.lot.integers(1, 4))):
            begin = int(self.lot.integers(0, self.count - 1))
            end = int(self.lot.integers(begin + 1, self.count + 1))
            length = self.lot.uniform(0.4, 1.0) * (end - begin)
            away = f", home: {home}, data: 0.5 GB, latency: 30 ms" if home else ""
            jobs.append(
                f"{{job: j{j}, power: {self.lot.uniform(4, 15):.4g} kW, duration: "
                f"{max(1, int(length * self.hours * 60))} min, release: {self.stamp(begin)}, "
                f"deadline: {self.stamp(end)}, preemptible: {self.pick('true', 'false')}{away}}}"
            )
        price = self.pick("", ", unserved_price: 3 EUR/kWh")
        self.add("job_pool", f"sites: [{centre}], jobs: [{', '.join(jobs)}]{price}")

    def power_demand(self, node: str) -> None:
        self.need("power", node)
        self.add("power_demand", f"node: {node}, load: {self.hourly(self.amount(5, 90))}"
                 f"{self.soft('power', node)}")  # fmt: skip

    def power_line(self, node: str) -> None:
        start, end = self.two()
        self.need("power", start)
        loss = "0" if self.plain else self.pick("0", "3 %")
        self.add("power_line", f"from: {start}, to: {end}, capacity: {self.amount(30, 200)}, "
                 f"loss_share: {loss}, reversible: {self.pick('true', 'false')}",
                 ("power", end))  # fmt: skip

    def pv(self, node: str) -> None:
        self.need("power", node)
        more = "" if self.plain else self.pick("", "", ", curtailable: false")
        self.add("pv", f"node: {node}, peak: {self.amount(10, 90)}, output: {{series: use}}{more}",
                 ("power", node))  # fmt: skip

    def quantum_center(self, node: str) -> None:
        self.need("power", node)
        self.need("cooling", node)
        service = self.pick("", f", maintenance: [{{after: {self.span(1)}, length: "
                            f"{self.span(1)}}}]")  # fmt: skip
        self.add("quantum_center", f"node: {node}, cryogenics: 20 kW, active: 9 kW, duty: 30 %"
                 f"{service}")  # fmt: skip

    def reserve(self, node: str) -> None:
        self.need("spinning_reserve", node)
        price = self.pick("", ", missing_price: 0.3 EUR/kWh", ", missing_price: 1 EUR/kWh")
        self.add("reserve", f"node: {node}, required: {self.amount(1, 40)}{price}")

    def seasonal_store(self, node: str) -> None:
        self.need("heat", node)
        self.add("seasonal_store", f"node: {node}, construction: {self.pick('pit', 'boreholes')}, "
                 f"volume: {self.amount(50, 500, 'm^3')}, hot: 80 degC, cold: 40 degC, "
                 "lid: {area: "
                 "90 m^2, transmission: 0.2 W/m^2/K}, walls: {area: 200 m^2, transmission: 0.4 "
                 f"W/m^2/K}}, charge: 30 kW, discharge: 20 kW", ("heat", node))  # fmt: skip

    def shortage(self, node: str, carrier: str | None = None) -> None:
        carrier = carrier or self.pick("power", "heat")
        if (carrier, node) in self.softened:
            return
        self.softened.add((carrier, node))
        self.need(carrier, node)
        over = "" if self.plain else self.pick("", f", surplus_price: {self.price(0.1, 1)}")
        self.add("shortage", f"node: {node}, carrier: {carrier}, price: {self.price(2, 8)}{over}")

    def solar_thermal(self, node: str) -> None:
        self.need("heat", node)
        self.add("solar_thermal", f"node: {node}, area: {self.amount(20, 200, 'm^2')}, "
                 "optical_efficiency: 80 %, linear_loss: 3 W/m^2/K, quadratic_loss: "
                 "0.01 W/m^2/K^2, "
                 "irradiance: {series: use, times: 900 W/m^2}", ("heat", node))  # fmt: skip

    def transformer(self, node: str) -> None:
        start, end = self.two()
        self.need("power", start)
        self.add("transformer", f"from: {start}, to: {end}, capacity: {self.amount(50, 400)}, "
                 "from_voltage: 20 kV, to_voltage: 400 V, no_load_loss: 0.4 kW, load_loss: 3 kW",
                 ("power", end))  # fmt: skip

    def wind(self, node: str) -> None:
        self.need("power", node)
        self.add("wind", f"node: {node}, turbine: DW100, hub_height: 30 m, wind: "
                 f"{self.amount(3, 12, 'm/s') if not self.extreme else '7 m/s'}",
                 ("power", node))  # fmt: skip

    # the whole ------------------------------------------------------------------------------------

    def two(self) -> tuple[str, str]:
        """Ends of a line."""
        if len(self.nodes) < 2:
            self.nodes.append("east")
        first, second = self.lot.choice(self.nodes, 2, replace=False)
        return str(first), str(second)

    def stamp(self, step: int) -> str:
        start = pd.Timestamp(STARTS[self.seed % len(STARTS)][0]).tz_convert("UTC")
        return (start + step * pd.Timedelta(self.hours, "h").round("s")).strftime("%FT%H:%MZ")

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
        spot = self.lot.uniform(*((20, 300) if self.plain or self.chance(0.7) else (-150, 300)),
                                self.count)  # fmt: skip
        rows = {
            "time": [self.stamp(step) for step in range(self.count)], "spot": spot,
            "use": self.lot.uniform(0, 1, self.count),
            "temperature [degC]": self.lot.uniform(-10, 25, self.count),
            "ground temperature [degC]": 8.0, "relative humidity [1]": 0.7,
        }  # fmt: skip
        frame = (
            ""
            if self.plain
            else self.pick(
                "", "", "carbon_price: 50 EUR/t\n", f"carbon_cap: {400 * self.hours:.4g} kg\n"
            )
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
