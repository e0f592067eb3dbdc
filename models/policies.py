"""Policies for the Frankfurt districts; docs/policies.md says how they are used.

Hours are the starts of steps in UTC, as text: ``2023-01-16T04:00Z``.
"""

import pyomo.environ as pyo

NIGHT = {"22", "23", "00", "01", "02", "03", "04", "05"}


def rest_at_night(model):
    """The centre in the south runs no jobs between 22 and 6 h, for the neighbours of its fans."""
    nights = [hour for site, hour in model.data_center_compute
              if site == "dc south" and hour[11:13] in NIGHT]  # fmt: skip
    model.rest_at_night = pyo.Constraint(
        nights, rule=lambda m, hour: m.data_center_compute["dc south", hour] <= 0
    )


def waste_heat_share(model):
    """Waste heat covers 30 % of all heat served in the months named, as far as they are planned."""
    months = {"2023-01", "2023-12"}
    taken = [heat for (_, hour), heat in model.data_center_recovered.items() if hour[:7] in months]
    asked = [heat for (_, hour), heat in model.heat_demand_served.items() if hour[:7] in months]
    model.waste_heat_share = pyo.Constraint(expr=sum(taken) >= 0.3 * sum(asked))


def one_boiler(model):
    """Of the boilers only one may run at any hour; which one is a choice of its own."""
    hours = sorted({hour for _, hour in model.boiler_heat})
    boilers = sorted({name for name, _ in model.boiler_heat})
    model.chosen = pyo.Var(boilers, hours, within=pyo.Binary)
    model.only_chosen = pyo.Constraint(
        boilers, hours, rule=lambda m, b, h: m.boiler_heat[b, h] <= 10_000 * m.chosen[b, h]
    )
    model.one_at_most = pyo.Constraint(
        hours, rule=lambda m, h: sum(m.chosen[b, h] for b in boilers) <= 1
    )
