"""A case in an emergency: what has failed does nothing, and what cannot be served goes without.

Both are changes of a case, so that a plan of it is verified like any other. No kind is named here:
each says what ends with a unit that fails, and how it gives way (:class:`.Component`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from citygrid.components.contract import Parameter, Units, kinds
from citygrid.components.log import Log
from citygrid.units import carrier_unit

if TYPE_CHECKING:
    from citygrid.district.case import Case
    from citygrid.plan.plan import Plan

#: Priorities, what is kept longest first, with what a kWh costs that goes without [EUR/kWh]. Each
#: is ten times the next, so that a heat pump or a lossy cable cannot turn the order round.
SHED_PRICES: Mapping[str, float] = {"critical": 100.0, "normal": 10.0, "deferrable": 1.0}
#: What a kWh costs that no kind can give up (a cryostat, heat lost by pipes) [EUR/kWh].
LAST_RESORT = 1000.0
#: What a kWh costs that is fed and that nobody can take [EUR/kWh].
SURPLUS = 1.0
#: The kind that stands for what goes without, and how its components are called.
SHORTAGE = "shortage"
#: Items of the ledger that are prices of going without, not costs.
PENALTIES = ("unserved", "unserved_whole", "unserved_part", "missing", "lacking", "surplus")


def is_penalty(item: str) -> bool:
    """Whether a line ``kind.item`` of the ledger is the price of going without."""
    return item.partition(".")[2] in PENALTIES


def replays(case: Case, plan: Plan) -> list[Log]:
    """What every kind moved and did not serve, by its own replay."""
    logs = []
    for kind, units in case.units.items():
        log = Log(kind, units.names)
        kinds()[kind].replay(units, plan.flows(units), log)
        logs.append(log)
    return logs


def assets_that_matter(logs: Collection[Log]) -> dict[str, str]:
    """Component → kind of all that feed a carrier: what only draws can be missed by nobody."""
    return {
        str(owner): log.kind
        for log in logs if log.kind != SHORTAGE
        for movement in log.movements if movement.sign > 0 for owner in movement.owners
    }  # fmt: skip


def soften(case: Case, logs: Collection[Log], prices: Mapping[str, float] | None = None) -> Case:
    """The case in which everything may go without, at a price by its priority.

    Kinds that can give way do so by themselves; every place where something is drawn gets a
    :mod:`shortage <citygrid.components.shortage>` behind them, dearer than all. Caps of the ledger
    and conditions on the level of stores at the end are no longer held. ``logs`` are the replays of
    any plan of the case: they know all places.
    """
    prices = SHED_PRICES if prices is None else prices
    softened = {
        kind: replace(units, parameters={
            **units.parameters, **kinds()[kind].spec.soften(units, prices)
        })
        for kind, units in case.units.items()
    }  # fmt: skip
    units = _shortages(_places(case, logs, prices), case.step, case.units.get(SHORTAGE))
    return replace(case, units={**softened, SHORTAGE: units}, caps={})


def _places(
    case: Case, logs: Collection[Log], prices: Mapping[str, float]
) -> dict[tuple[str, str], str]:  # fmt: skip
    """(Carrier, place) where something is drawn → how important it is what lacks there at last.

    It is critical where a load is that cannot give way (a cryostat). Where only lines and stores
    are left it is deferrable: a network that goes cold loses nothing that anybody asked for.
    """
    lines = {str(owner) for log in logs for each in log.carried for owner in each.owners}
    found: dict[tuple[str, str], str] = {}
    for log in logs:
        spec = kinds()[log.kind].spec
        yields = spec.keeps_energy or bool(spec.soften(case.units[log.kind], prices))
        for movement in log.movements:
            if movement.sign > 0 or carrier_unit(movement.carrier) != "kW":
                continue
            for owner, place in zip(movement.owners, movement.places, strict=True):
                key = (movement.carrier, str(place))
                firm = not yields and str(owner) not in lines
                if firm or key not in found:
                    found[key] = "critical" if firm else "deferrable"
    return dict(sorted(found.items()))


def _shortages(
    places: Mapping[tuple[str, str], str], step: float, stated: Units | None
) -> Units:  # fmt: skip
    """One shortage per carrier and place, after those that the district states itself."""
    count = len(places)
    dim = (SHORTAGE,)
    columns = {
        "node": Parameter(dim, np.array([place for _, place in places], dtype=object)),
        "carrier": Parameter(dim, np.array([carrier for carrier, _ in places], dtype=object)),
        "price": Parameter(dim, np.full(count, LAST_RESORT), "EUR/kWh"),
        "surplus_price": Parameter(dim, np.full(count, SURPLUS), "EUR/kWh"),
        "priority": Parameter(dim, np.array(list(places.values()), dtype=object)),
    }
    names = [f"lack of {carrier} at {place}" for carrier, place in places]
    if stated is not None:
        names = [*stated.names, *names]
        columns = {
            name: each._replace(values=np.concatenate([stated.parameters[name].values,
                                                       each.values]))
            for name, each in columns.items()
        }  # fmt: skip
    coords = {SHORTAGE: np.array(names, dtype=object)}
    return Units(SHORTAGE, tuple(names), columns, coords, step)


def fail(case: Case, names: Collection[str], steps: int) -> Case:
    """The case in which components are out of service in its first ``steps`` steps."""
    hours = np.arange(len(case.time)) < steps
    units = dict(case.units)
    for kind, given in case.units.items():
        failed = np.isin(np.array(given.names, dtype=object), list(names))
        if failed.any():
            out = failed[:, None] & hours
            gone = kinds()[kind].spec.withdraw(given, out)
            units[kind] = replace(given, parameters={**given.parameters, **gone})
    return replace(case, units=units, out=dict.fromkeys(sorted(names), (0, steps)))
