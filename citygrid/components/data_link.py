"""Data link between two nodes: carries what jobs need when they run away from home."""

from __future__ import annotations

from pydantic import Field, model_validator

from citygrid.components.contract import Component, Flows, Port, Units, Way
from citygrid.components.fields import DataPrice, DataRate, EnergyPerData, Latency, Node
from citygrid.components.log import Log
from citygrid.components.words import Fleet, Speaker


class DataLink(Component):
    """Fibre, radio or leased line between two nodes, ``capacity`` in each direction at once.

    What it carries is the carrier ``data`` [GB/h], offered at the link itself (and at ``link:
    back`` for the other direction), where job pools draw it: as a centre feeds ``compute``. A GB
    takes ``energy`` at the end that sends it and costs ``price``.

    Energy of networks: 0.06 kWh/GB in 2015, halving every two years (Aslan et al., J. Ind. Ecol. 22
    (2018) 785–798), by which 2023 has 0.004.
    """

    group = "compute"
    memoryless = True
    from_: Node = Field(alias="from", description="one end")
    to: Node = Field(description="the other end")
    capacity: DataRate = Field(gt=0, description="in each direction")
    latency: Latency = Field(description="one way, from end to end")
    energy: EnergyPerData = Field(0.004, description="power of the network per data")
    price: DataPrice = Field(0.0, description="what carrying costs")

    @model_validator(mode="after")
    def _two_ends(self) -> DataLink:
        if self.from_ == self.to:
            raise ValueError(f'leads from "{self.to}" to itself; name two different nodes')
        return self

    def ports(self, name: str) -> list[Port]:
        ahead = Way(self.from_, self.to, self.latency, self.capacity)
        back = Way(self.to, self.from_, self.latency, self.capacity)
        return [
            Port("power", "draw", self.from_),
            Port("power", "draw", self.to),
            Port("data", "feed", name, way=ahead),
            Port("data", "feed", way_back(name), way=back),
        ]


def way_back(name: str) -> str:
    """Where a link offers what it carries from ``to`` to ``from``."""
    return f"{name}: back"


def formulate(m: Speaker, c: Fleet) -> None:
    """Carry each way within capacity, for power at the end that sends."""
    names = [str(label) for label in c.axis.labels]
    for flow, places, sender in (
        ("flow", names, "from_"), ("back", [way_back(name) for name in names], "to")
    ):  # fmt: skip
        carried = m.variable(flow, c.axis, m.time, upper=c.capacity, unit="GB/h",
                             about="data carried along the link" if flow == "flow"
                             else "data carried against it")  # fmt: skip
        m.feed("data", places, carried)
        m.draw("power", c.text(sender), carried * c.energy)
        paying = c.axis.only(c.price.values > 0, "paying")
        if len(paying):
            item = "data" if flow == "flow" else "data_back"
            m.cost(item, carried.only(paying) * c.price.only(paying) * c.step)


def replay(c: Units, flows: Flows, log: Log) -> None:
    """Carry each way within capacity; pay its power and its price."""
    for flow, suffix, sender, item in (
        ("flow", "", "from_", "data"), ("back", ": back", "to", "data_back")
    ):  # fmt: skip
        carried = flows.read(flow, "GB/h")
        log.within("data within the link's capacity", carried, 0.0, c["capacity"], "GB/h")
        log.feeds("data", [f"{name}{suffix}" for name in c.names], carried)
        log.draws("power", c.places(sender), carried * c["energy"])
        log.measure("data_carried", carried)
        if (c["price"] > 0).any():
            log.pays(item, carried * c["price"] * c.step)
