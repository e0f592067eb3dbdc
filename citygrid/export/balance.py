"""Energy and money over the horizon as flows between kinds and carriers: the ground of Sankeys.

A kind takes carriers and gives others; what it takes more than it gives goes to the surroundings,
and what it gives more than it takes comes from there. What works both ways on one carrier is two
nodes: a store charges and discharges, a grid sells and buys. Cooling is drawn against its sign:
the heat that a centre is rid of flows from the centre to the plant that takes it. What is no
further energy is left out: what jobs have of a centre's power, and power held back as a reserve.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from citygrid.district.case import Case
from citygrid.export.flows import NO_ENERGY, Dispatch
from citygrid.export.palette import look
from citygrid.export.sankey import Flow, Sankey, lay_out
from citygrid.ledger import weights
from citygrid.plan.verify import Verdict

#: Carrier → what a node of it is called; no kind may be called the same.
NAMES = {"heat": "Heat", "power": "Power", "waste_heat": "Waste heat", "cooling": "Cooling",
         "gas": "Gas", "hydrogen": "Hydrogen"}  # fmt: skip
#: Kinds that give and take one carrier → what the two nodes are called.
BOTH_WAYS = {"grid": ("bought", "sold")}
STORED = ("discharge", "charge")
#: Where what nobody gives comes from, and where it goes.
FROM_AROUND, TO_AROUND = "Surroundings, taken", "Losses, surroundings"
NET_COST, NET_INCOME, DISTRICT = "Net cost", "Net income", "The district"
#: Share of a kind's energy below which what does not add up is rounding.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Balance:
    """Flows between named nodes in one unit, with labels and the kinds that colour nodes."""

    flows: list[Flow]
    unit: str
    looks: dict[str, str] = field(default_factory=dict)

    def amounts(self) -> dict[str, float]:
        """What goes through every node: the larger of what enters and what leaves."""
        into: dict[str, float] = {}
        out: dict[str, float] = {}
        for flow in self.flows:
            out[flow.source] = out.get(flow.source, 0.0) + flow.amount
            into[flow.target] = into.get(flow.target, 0.0) + flow.amount
        return {name: max(into.get(name, 0.0), out.get(name, 0.0)) for name in {**out, **into}}

    def sankey(self, width: float = 1240.0) -> Sankey | None:
        """The diagram of it."""
        return lay_out(self.flows, looks=self.looks, width=width)


def energy(case: Case, moved: Dispatch, steps: slice = slice(None)) -> Balance:
    """Energy over the steps from kind to carrier to kind [MWh]; see the module's docstring."""
    known = tuple(dict.fromkeys(asset.kind for asset in moved.assets))
    stores = {asset.kind for asset, held in zip(moved.assets, moved.stores, strict=True) if held}
    lines = set[str]().union(*(moved.leading(carrier) for carrier in moved.carriers))
    flows: list[Flow] = []
    looks: dict[str, str] = {}
    given: dict[str, dict[str, float]] = {kind: {} for kind in known}
    taken: dict[str, dict[str, float]] = {kind: {} for kind in known}
    for carrier, amounts in moved.carriers.items():
        if carrier in NO_ENERGY:
            continue
        sides = (given, taken) if carrier != "cooling" else (taken, given)
        for i, asset in enumerate(moved.assets):
            series = np.nan_to_num(amounts[i][steps])
            if asset.to:  # what is on its way in an hour is there in another
                series = series.sum(keepdims=True)
            for side, part in zip(sides, (series.clip(min=0.0), (-series).clip(min=0.0)),
                                  strict=True):  # fmt: skip
                total = float(part.sum()) * case.step / 1000.0
                if total > 0:
                    side[asset.kind][carrier] = side[asset.kind].get(carrier, 0.0) + total

    def node(kind: str, giving: bool) -> str:
        label = look(kind, known).label
        if kind in lines:
            name = f"{label} losses"
        elif set(given[kind]) & set(taken[kind]):
            words = BOTH_WAYS.get(kind, STORED if kind in stores else ("given", "taken"))
            name = f"{label}, {words[0 if giving else 1]}"
        else:
            name = label
        looks[name] = kind
        return name

    for kind in known:
        for carrier, amount in given[kind].items():
            flows.append(Flow(node(kind, True), _carrier(carrier), amount, kind))
        for carrier, amount in taken[kind].items():
            flows.append(Flow(_carrier(carrier), node(kind, False), amount, kind))
        # A plant that cools is no consumer: the heat that it takes leaves it again.
        passes_on = bool(given[kind]) or "cooling" in taken[kind]
        if not taken[kind] or not passes_on or set(given[kind]) & set(taken[kind]):
            continue
        over = sum(taken[kind].values()) - sum(given[kind].values())
        size = ROUNDING * sum(taken[kind].values())
        if over > size:
            flows.append(Flow(node(kind, True), TO_AROUND, over, kind))
        elif over < -size:
            flows.append(Flow(FROM_AROUND, node(kind, False), -over, kind))
    return Balance(flows, "MWh", looks)


def _carrier(carrier: str) -> str:
    return NAMES.get(carrier, carrier.replace("_", " ").capitalize())


def money(verdict: Verdict, prices: Mapping[str, float]) -> Balance:
    """What the district pays for what, and what pays for it [EUR over the horizon].

    On one side stand incomes and the net cost, on the other the kinds that cost, by item where
    there are several. What the district prices in other columns of the ledger, such as carbon, is
    a kind of its own and shows whose it is.
    """
    priced = {column: price for column, price in weights(prices).items()
              if price and column != "money"}  # fmt: skip
    paid: dict[str, dict[str, float]] = {}
    earned: dict[str, float] = {}
    looks: dict[str, str] = {}

    def enter(group: str, part: str, amount: float, kind: str) -> None:
        if amount > 0:
            paid.setdefault(group, {}).setdefault(part, 0.0)
            paid[group][part] += amount
        elif amount < 0:
            name = f"{group}, {part}" if part else group
            earned[name] = earned.get(name, 0.0) - amount
            looks[name] = kind

    items: dict[str, dict[str, float]] = {}
    for (_, item), line in verdict.ledger.items():
        sums = items.setdefault(item, {"money": 0.0, **dict.fromkeys(priced, 0.0)})
        for column in sums:
            sums[column] += getattr(line, column)
    kinds_of: dict[str, str] = {}
    for item, sums in items.items():
        kind, _, rest = item.partition(".")
        label, part = look(kind).label, rest.replace("_", " ")
        kinds_of[label] = kind
        enter(label, "" if part == label.lower() else part, sums["money"], kind)
        for column, price in priced.items():
            group = _column(column)
            enter(group, label if label.isupper() else label.lower(), price * sums[column], kind)
    flows = [Flow(name, DISTRICT, amount, looks[name]) for name, amount in earned.items()]
    total = sum(sum(parts.values()) for parts in paid.values()) - sum(earned.values())
    if total > 0:
        flows.append(Flow(NET_COST, DISTRICT, total))
    elif total < 0:
        flows.append(Flow(DISTRICT, NET_INCOME, -total))
    for group, parts in paid.items():
        kind = kinds_of.get(group, "")
        looks[group] = kind
        flows.append(Flow(DISTRICT, group, sum(parts.values()), kind))
        if len(parts) > 1 or kind == "":
            for part, amount in parts.items():
                name = f"{group}, {part}" if part else f"{group} itself"
                looks[name] = kind
                flows.append(Flow(group, name, amount, kind))
    return Balance(flows, "EUR", looks)


def _column(column: str) -> str:
    """A column of the ledger that has a price, for people."""
    known = {"carbon": "CO₂", "marginal_carbon": "CO₂", "nox": "Nitrogen oxides"}
    return known.get(column, column.replace("_", " ").capitalize())
