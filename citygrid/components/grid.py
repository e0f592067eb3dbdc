"""Connection to the public grid: power bought and sold, with a charge on the highest import."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from citygrid.arrays import Flags, Floats
from citygrid.components.common.exclusion import formulate_exclusion, replay_exclusion
from citygrid.components.contract import Component, Flows, Port, Units
from citygrid.components.fields import HourlyCarbon, HourlyPrice, Node, Power, PowerPrice
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker


class Import(BaseModel):
    """Power bought from the grid."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    price: HourlyPrice = Field(description="price per kWh, all charges included")
    max: Power = Field(description="capacity of the connection for import")
    carbon: HourlyCarbon = Field(0.0, description="emission factor of the power bought")


class Export(BaseModel):
    """Power sold to the grid."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    price: HourlyPrice = Field(0.0, description="paid per kWh; negative when selling costs money")
    max: Power = Field(0.0, description="capacity of the connection for export")


class Grid(Component):
    """Connection of a node to the public grid.

    Cost is ``Σ_t (import_price · import − export_price · export) Δt + peak_charge · max_t import``
    in EUR; carbon is ``Σ_t factor · import · Δt`` in kg; exported power earns no carbon credit.
    """

    group = "power"
    node: Node
    import_: Import = Field(alias="import")
    export: Export = Field(Export(), description="leave out where nothing may be sold")
    peak_charge: PowerPrice = Field(
        0.0, description="charge on the highest import over the horizon, per kW"
    )

    def ports(self, name: str) -> list[Port]:
        return [Port("power", "feed", self.node), Port("power", "draw", self.node)]


def _opposed(import_price: Floats, export_price: Floats, export_max: Floats) -> Flags:
    """Connections at which buying and selling at once would pay, or cost nothing, in some hour.

    At equal prices the plan would be no dearer, but its import, export and peak would be arbitrary.
    """
    no_loss = (export_price >= import_price).any(axis=1)
    return no_loss & (export_max.ravel() > 0)


def formulate(m: Speaker, c: Fleet) -> None:
    """Import and export at their prices; the peak is the highest import.

    Where the export price is below the import price in every step, an optimum never buys and sells
    at once and no binary is needed; elsewhere ``importing`` forbids it.
    """
    bought = m.variable("import", c.axis, m.time, upper=c.import_max, about="power bought")
    sold = m.variable("export", c.axis, m.time, upper=c.export_max, about="power sold")
    m.feed("power", c.text("node"), bought)
    m.draw("power", c.text("node"), sold)
    m.cost("import", bought * c.import_price * c.step, carbon=bought * c.import_carbon * c.step)
    m.cost("export", -(sold * c.export_price * c.step))
    opposed = c.axis.only(
        _opposed(c.import_price.values, c.export_price.values, c.export_max.values), "opposed"
    )
    formulate_exclusion(
        m, "importing", opposed, rows=("import_alone", "export_alone"),
        first=bought, second=sold, first_max=c.import_max, second_max=c.export_max,
        about="the connection imports",
    )  # fmt: skip
    charged = c.axis.only(c.peak_charge.values > 0, "charged")
    if len(charged):
        peak = m.variable("peak", charged, about="highest import over the horizon")
        m.constrain("peak", bought.only(charged) <= peak, "the peak covers every step")
        m.cost("peak", peak * c.peak_charge.only(charged))


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Buy and sell within the connection, pay by the hour and by the peak."""
    bought, sold = flows["import"], flows["export"]
    log.within("import within connection", bought, 0.0, c["import_max"])
    log.within("export within connection", sold, 0.0, c["export_max"])
    opposed = _opposed(c["import_price"], c["export_price"], c["export_max"])[:, None]
    replay_exclusion(
        flows, log, "importing", opposed, first=bought, second=sold, first_max=c["import_max"],
        rules=("no buying and selling at once", "buys only while importing"),
    )  # fmt: skip
    peak = np.where(c["peak_charge"] > 0, bought.max(axis=1, keepdims=True), 0.0)
    log.equal("peak is the highest import", flows.spread("peak", 0.0, (len(c),))[:, None], peak)
    log.pays("import", bought * c["import_price"] * c.step, bought * c["import_carbon"] * c.step)
    log.pays("export", -sold * c["export_price"] * c.step)
    if (c["peak_charge"] > 0).any():
        log.pays("peak", peak * c["peak_charge"])
    log.feeds("power", c.places("node"), bought)
    log.draws("power", c.places("node"), sold)
    log.measure("grid_import", bought)
    log.measure("grid_export", sold)
