"""Connection to the public grid: power bought and sold under the charges of a contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from citygrid.arrays import Flags, Floats, Indices
from citygrid.components.common.exclusion import formulate_exclusion, replay_exclusion
from citygrid.components.contract import Component, Flows, Parameter, Port, Units
from citygrid.components.fields import (
    HourlyCarbon,
    HourlyPower,
    HourlyPrice,
    MoneyRate,
    Node,
    PowerPrice,
)
from citygrid.components.log import Log
from citygrid.components.words import Amount, Axis, Fleet, Speaker
from citygrid.inputs.world import World


class Import(BaseModel):
    """Power bought from the grid."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    price: HourlyPrice = Field(
        description="price per kWh, all charges included: fixed, a series, or windows of a tariff"
    )
    max: HourlyPower = Field(description="most that may be bought, in every hour or by windows")
    carbon: HourlyCarbon = Field(
        0.0, description="average emission factor of the power bought: it is reported and capped"
    )
    marginal_carbon: HourlyCarbon | None = Field(
        None, description="what a kWh more emits: a price of carbon weighs it; left out, `carbon`"
    )


class Export(BaseModel):
    """Power sold to the grid."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    price: HourlyPrice = Field(0.0, description="paid per kWh; negative when selling costs money")
    max: HourlyPower = Field(0.0, description="most that may be sold, in every hour or by windows")


class Grid(Component):
    """Connection of a node to the public grid.

    Cost is ``Σ_t (import_price · import − export_price · export) Δt + Σ_p share_p · peak_charge ·
    max_{t in p} import + fixed_charge · length`` in EUR; carbon is ``Σ_t factor · import · Δt`` in
    kg, once by the average and once by the marginal factor; exported power earns no carbon credit.
    The periods p are the calendar months of the district's clock, or the horizon as a whole.
    """

    group = "power"
    to_outside = True
    node: Node
    import_: Import = Field(alias="import")
    export: Export = Field(Export(), description="leave out where nothing may be sold")
    peak_charge: PowerPrice = Field(
        0.0, description="charge on the highest import of a period, per kW"
    )
    peak_period: Literal["horizon", "month"] = Field(
        "horizon", description="what the peak is taken over: the horizon, or each calendar month"
    )
    peak_pro_rata: bool = Field(
        False, description="a month of which the horizon covers a part is charged for that part"
    )
    fixed_charge: MoneyRate = Field(0.0, description="standing charge, e.g. 120 EUR/month")

    @model_validator(mode="after")
    def _part_of_a_month(self) -> Grid:
        if self.peak_pro_rata and self.peak_period != "month":
            raise ValueError(
                "`peak_pro_rata` splits the charge of a month; write `peak_period: month` with it, "
                "or leave it out"
            )
        return self

    def least_value(self, carrier: str, name: str, world: World) -> Floats:
        """The price of buying: a kWh more at the node is a kWh less to buy."""
        return world.hourly(self.import_.price, "EUR/kWh", name, "import_price", None)

    def ports(self, name: str) -> list[Port]:
        return [Port("power", "feed", self.node), Port("power", "draw", self.node)]


def prepare(specs: Mapping[str, Grid], world: World) -> dict[str, Parameter]:
    """Marginal carbon, and the calendar month of every step with its share of a charge.

    ``peak_before`` [kW] is what was charged already in the first step's period: nothing.
    """
    months, hours = world.horizon.months()
    _, place, count = np.unique(months, return_inverse=True, return_counts=True)
    covered = count[place] * world.horizon.step
    part = np.array([spec.peak_pro_rata for spec in specs.values()])[:, None]
    monthly = np.array([spec.peak_period == "month" for spec in specs.values()])
    dims = ("grid", "time")
    average = {
        name: world.hourly(spec.import_.carbon, "kg/kWh", name, "import_carbon")
        for name, spec in specs.items()
    }
    margin = {
        name: world.hourly(factor, "kg/kWh", name, "import_marginal_carbon")
        for name, spec in specs.items()
        if (factor := spec.import_.marginal_carbon) is not None
    }
    return {
        "import_carbon": Parameter(dims, np.array(list(average.values())), "kg/kWh"),
        "import_marginal_carbon": Parameter(
            dims, np.array([margin.get(name, average[name]) for name in specs]), "kg/kWh"
        ),
        "month": Parameter(dims, np.tile(months.astype(float), (len(specs), 1))),
        "peak_share": Parameter(dims, np.where(part, covered / hours, 1.0)),
        "monthly": Parameter(("grid",), monthly),
        "peak_before": Parameter(("grid",), np.zeros(len(specs)), "kW"),
    }


def _opposed(import_price: Floats, export_price: Floats, export_max: Floats) -> Flags:
    """Connections and hours in which buying and selling at once would pay, or cost nothing.

    At equal prices the plan would be no dearer, but its import, export and peak would be arbitrary.
    """
    sells = export_max.reshape(len(export_price), -1) > 0
    return (export_price >= import_price) & sells


def formulate(m: Speaker, c: Fleet) -> None:
    """Import and export at their prices; the peak of a period is its highest import.

    In a step in which the export price is below the import price, an optimum never buys and sells
    at once and no binary is needed; in the others ``importing`` forbids it.
    """
    bought = m.variable("import", c.axis, m.time, upper=c.import_max, about="power bought")
    sold = m.variable("export", c.axis, m.time, upper=c.export_max, about="power sold")
    m.feed("power", c.text("node"), bought)
    m.draw("power", c.text("node"), sold)
    apart = not np.array_equal(c.import_carbon.values, c.import_marginal_carbon.values)
    m.cost(
        "import", bought * c.import_price * c.step, carbon=bought * c.import_carbon * c.step,
        marginal_carbon=bought * c.import_marginal_carbon * c.step if apart else None,
    )  # fmt: skip
    m.cost("export", -(sold * c.export_price * c.step))
    opposed = _opposed(c.import_price.values, c.export_price.values, c.export_max.values)
    formulate_exclusion(
        m, "importing", c.axis, opposed, rows=("import_alone", "export_alone"),
        first=bought, second=sold, first_max=c.import_max, second_max=c.export_max,
        about="the connection imports",
    )  # fmt: skip
    charged = c.peak_charge.values > 0
    monthly = c.flags("monthly")
    _charge_horizon(m, c, bought, c.axis.only(charged & ~monthly, "charged"))
    _charge_months(m, c, bought, c.axis.only(charged & monthly, "charged_monthly"))
    if (c.fixed_charge.values > 0).any():
        length = c.known(np.array(float(len(m.time))), unit="1") * c.step
        m.cost("fixed", c.fixed_charge * length)


def _charge_horizon(m: Speaker, c: Fleet, bought: Amount, charged: Axis) -> None:
    if len(charged):
        paid = c.peak_before.only(charged)
        peak = m.variable("peak", charged, lower=paid, about="highest import over the horizon")
        m.constrain("peak", bought.only(charged) <= peak, "the peak covers every step")
        m.cost("peak", (peak - paid) * c.peak_charge.only(charged))


def _charge_months(m: Speaker, c: Fleet, bought: Amount, charged: Axis) -> None:
    """One peak per calendar month, named by the month's first step."""
    if not len(charged):
        return
    first, month_of = _months(c.month.values)
    months = m.time.only(first, "months")
    known = np.zeros((len(charged), len(months)))
    known[:, 0] = c.peak_before.only(charged).values
    paid = c.known(known, charged, months)
    peak = m.variable("month_peak", charged, months, lower=paid,
                      about="highest import of a calendar month")  # fmt: skip
    cells = np.arange(len(charged))[:, None] * len(months) + month_of[None, :]
    rows = np.arange(cells.size)
    covering = peak.mapped((charged, m.time), rows, cells.ravel(), np.ones(cells.size))
    m.constrain("month_peak", bought.only(charged) <= covering, "the peak covers its month")
    share = c.peak_share.only(charged).only(months)
    m.cost("month_peak", (peak - paid) * c.peak_charge.only(charged) * share)


def _months(month: Floats) -> tuple[Flags, Indices]:
    """Which steps begin a month (T), and the position of every step's month (T)."""
    months = month[0]
    first = np.concatenate([[True], months[1:] != months[:-1]])
    return first, np.cumsum(first) - 1


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Buy and sell within the connection, pay by the hour, by the peak and by the calendar."""
    bought, sold = flows["import"], flows["export"]
    log.within("import within connection", bought, 0.0, c["import_max"])
    log.within("export within connection", sold, 0.0, c["export_max"])
    opposed = _opposed(c["import_price"], c["export_price"], c["export_max"])
    replay_exclusion(
        flows, log, "importing", opposed, first=bought, second=sold, first_max=c["import_max"],
        second_max=c["export_max"],
        rules=("no buying and selling at once", "buys only while importing",
               "sells only while not importing"),
    )  # fmt: skip
    log.pays("import", bought * c["import_price"] * c.step,
             carbon=bought * c["import_carbon"] * c.step,
             marginal_carbon=bought * c["import_marginal_carbon"] * c.step)  # fmt: skip
    log.pays("export", -sold * c["export_price"] * c.step)
    log.at_once(np.minimum(bought, sold))
    _replay_peaks(c, flows, log, bought)
    if (c["fixed_charge"] > 0).any():
        log.pays("fixed", (c["fixed_charge"] * c.step * bought.shape[1])[:, 0])
    log.feeds("power", c.places("node"), bought)
    log.draws("power", c.places("node"), sold)
    log.measure("grid_import", bought)
    log.measure("grid_export", sold)


def _replay_peaks(c: Units, flows: Flows, log: Log, bought: Floats) -> None:
    charge, monthly = c["peak_charge"], c["monthly"]
    whole = (charge > 0) & ~monthly
    paid = c["peak_before"]
    peak = np.where(whole, np.maximum(bought.max(axis=1, keepdims=True), paid), 0.0)
    log.equal("peak is the highest import", flows.spread("peak", 0.0, (len(c),))[:, None], peak)
    if whole.any():
        log.pays("peak", np.where(whole, peak - paid, 0.0) * charge)
    by_month = (charge > 0) & monthly
    first, _ = _months(c["month"])
    starts = np.flatnonzero(first)
    highest = np.maximum.reduceat(bought, starts, axis=1)
    highest[:, :1] = np.maximum(highest[:, :1], paid)
    highest = np.where(by_month, highest, 0.0)
    charged = highest.copy()
    charged[:, :1] -= np.where(by_month, paid, 0.0)
    stated = flows.spread("month_peak", 0.0, highest.shape)
    log.equal("peak is the highest import of its month", stated, highest)
    if by_month.any():
        log.pays("month_peak", charged * charge * c["peak_share"][:, starts])


def carry(c: Units, flows: Flows, step: int) -> dict[str, Parameter]:
    """The highest import so far of the period in which ``step`` lies; only more than that costs."""
    if step == 0:
        return {}
    monthly, months = c["monthly"].ravel(), c["month"][0]
    bought = flows["import"][:, :step]
    here = np.where(monthly[:, None], months[:step] == months[step], True)
    before = np.where(monthly & (months[0] != months[step]), 0.0, c["peak_before"].ravel())
    highest = np.maximum(np.where(here, bought, 0.0).max(axis=1), before)
    charged = c["peak_charge"].ravel() > 0
    return {"peak_before": Parameter(("grid",), np.where(charged, highest, 0.0), "kW")}
