"""What every part of a random district is drawn with: sizes, prices, rules, stores, places."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

#: Steps and their hours.
STEPS = {"5 min": 1 / 12, "15 min": 0.25, "1 h": 1.0, "6 h": 6.0}
#: Starts and clocks: a winter day, clocks forward and back, a leap day, the end of a year.
STARTS = (
    ("2023-01-16T06:00Z", "Europe/Berlin"), ("2023-03-26T01:30+01:00", "Europe/Berlin"),
    ("2023-10-29T02:00+02:00", "Europe/Berlin"), ("2024-02-28T22:00Z", "UTC"),
    ("2024-12-31T22:00+05:30", "Asia/Kolkata"),
)  # fmt: skip


class Drawing:
    """A district under way: the lot of its seed, the parts drawn so far and what they feed."""

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
        times = (
            f", minimum_load: 30 %, minimum_up_time: {self.span(2)}, minimum_down_time: "
            f"{self.span(2)}, shutdown_cost: 1 EUR, initial_hours: {self.span(1)}"
        )
        if self.plain:
            some += [times, ", minimum_load: 20 %, standby_cost: 1 EUR/h"
                     + (", must_run: true" if self.chance(0.2) else ""),
                     ", variable_cost: 5 EUR/MWh, availability: {series: use}"]  # fmt: skip
        else:
            slow = f"{45 / self.hours:.4g} %/h"
            some += [
                times,
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

    # places and parts -----------------------------------------------------------------------------

    def add(self, kind: str, line: str, *feeds: tuple[str, str]) -> str:
        """A component, and what it feeds where."""
        number = next(n for n in itertools.count(1)
                      if f"{kind.replace('_', ' ')} {n}" not in self.parts)  # fmt: skip
        name = f"{kind.replace('_', ' ')} {number}"
        self.parts[name] = f"{{kind: {kind}, {line}}}"
        self.fed |= set(feeds)
        return name

    def two(self) -> tuple[str, str]:
        """Ends of a line."""
        if len(self.nodes) < 2:
            self.nodes.append("east")
        first, second = self.lot.choice(self.nodes, 2, replace=False)
        return str(first), str(second)

    def stamp(self, step: int) -> str:
        start = pd.Timestamp(STARTS[self.seed % len(STARTS)][0]).tz_convert("UTC")
        return (start + step * pd.Timedelta(self.hours, "h").round("s")).strftime("%FT%H:%MZ")
