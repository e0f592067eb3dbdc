"""How each kind is drawn: a method per kind says its line and asks for what it needs."""

from __future__ import annotations

from tests.random_districts.drawing import Drawing


class Kinds(Drawing):
    """Draws components, each with those that it cannot be without."""

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
        wear = self.pick("", ", wear: 1 ct/kWh", ", may_burn: true")
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
            if self.plain or self.chance(0.6)
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
        peak = self.pick("", "", ", peak_charge: 0.3 EUR/kW")
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
        cop = self.pick("", ", cop: 3", ", carnot_share: 50 %")
        self.add("heat_pump", f"source: {found}, sink: {node}, heat: {self.amount(20, 100)}{cop}"
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
        if self.chance(0.3):
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
        loss = self.pick("0", "3 %")
        self.add("power_line", f"from: {start}, to: {end}, capacity: {self.amount(30, 200)}, "
                 f"loss_share: {loss}, reversible: {self.pick('true', 'false')}",
                 ("power", end))  # fmt: skip

    def pv(self, node: str) -> None:
        self.need("power", node)
        more = self.pick("", "", ", curtailable: false")
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
        over = self.pick("", f", surplus_price: {self.price(0.1, 1)}")
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
