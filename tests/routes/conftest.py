"""Small forms that every route is tried on."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from citygrid.model.builder import Model
from citygrid.model.form import Block, Form
from citygrid.model.formulate import Speaker
from citygrid.model.labelled import Axis, Data


def plain(cost, matrix, low, high, lower, upper, integer, constant=0.0):
    """A form from arrays, with one block of columns and one of rows."""
    matrix = sp.csr_array(np.asarray(matrix, dtype=float).reshape(len(low), len(cost)))

    def block(name, size):
        return {name: Block(name, ("item",), {"item": np.arange(size)}, 0, "1")} if size else {}

    as_floats = [np.asarray(part, dtype=float) for part in (cost, low, high, lower, upper)]
    return Form(
        as_floats[0], constant, matrix, as_floats[1], as_floats[2], as_floats[3], as_floats[4],
        np.asarray(integer, dtype=bool), block("thing.amount", len(cost)),
        block("thing.limit", len(low)),
    )  # fmt: skip


def hours(count):
    return np.datetime64("2023-01-16T00:00", "ns") + np.arange(count) * np.timedelta64(1, "h")


def per(values, axes, unit):
    return Data(np.asarray(values, dtype=float), axes, unit)


def district(
    jobs=4, sites=2, steps=4, seed=0, capacity=60.0, pump_share=0.4, start_cost=0.0, engine=0.0
):  # fmt: skip
    """Jobs of 10 kW or 20 kW over sites and hours, heat pumps with minimum load, a boiler.

    ``engine`` kW of heat come from an engine, all or nothing in an hour, at less than the boiler's.
    """
    generator = np.random.default_rng(seed)
    model = Model(hours(steps), 1.0)
    time = model.time
    site = Axis("site", np.array([f"s{i}" for i in range(sites)], dtype=object))
    job = Axis("job", np.array([f"j{i}" for i in range(jobs)], dtype=object))
    option = Axis("option", np.arange(jobs * sites * steps))
    owner, place, begin = (part.ravel() for part in np.indices((jobs, sites, steps)))
    pool = Speaker(model, "pool")
    start = pool.binary("start", option, about="the job runs here and now")
    cells = np.arange(option.labels.size)
    pool.constrain("once", start.mapped((job,), owner, cells, np.ones(cells.size)) == 1.0)
    power = generator.choice([10.0, 20.0], jobs)
    load = pool.variable("load", site, time, about="power of the jobs")
    made = start.mapped((site, time), place * steps + begin, cells, power[owner], "kW")
    pool.constrain("load", load == made)
    center = Speaker(model, "center")
    run = center.variable("power", site, time, upper=capacity, about="power of the centre")
    pump = Speaker(model, "pump")
    on = pump.binary("on", site, time, about="the pump runs")
    heat = pump.variable("heat", site, time, about="heat of the pump")
    pump.constrain("most", heat <= per(capacity, (), "kW") * on)
    pump.constrain("least", heat >= per(pump_share * capacity, (), "kW") * on)
    pump.constrain("source", heat <= run)
    if start_cost:
        started = pump.variable("start", site, time, upper=1.0, unit="1", about="it is started")
        before = per(np.zeros(sites), (site,), "1")
        pump.constrain("starting", started >= on - on.previous(before))
        pump.cost("start", started * per(start_cost, (), "EUR"))
    grid, boiler = Speaker(model, "grid"), Speaker(model, "boiler")
    net = Axis("net", np.array(["net"], dtype=object))
    bought = grid.variable("import", net, time, about="power from the grid")
    burnt = boiler.variable("heat", net, time, about="heat of the boiler")
    if engine:
        runs = Speaker(model, "engine")
        whole = runs.binary("on", net, time, about="the engine runs")
        warm = runs.variable("heat", net, time, about="heat of the engine")
        runs.constrain("all", warm == per(engine, (), "kW") * whole)
        runs.feed("heat", ["net"], warm)
        runs.cost("fuel", warm * per(0.04, (), "EUR/kWh") * model.step)
    center.feed("compute", list(site.labels), run)
    pool.draw("compute", list(site.labels), load)
    center.draw("power", ["net"] * sites, run)
    pump.draw("power", ["net"] * sites, heat * 0.3)
    grid.feed("power", ["net"], bought)
    pump.feed("heat", ["net"] * sites, heat)
    boiler.feed("heat", ["net"], burnt)
    demand = Speaker(model, "demand")
    asked = generator.uniform(20.0, 40.0, (1, steps))
    demand.draw("heat", ["net"], per(asked, (net, time), "kW"))
    price = 0.1 + 0.05 * generator.random(steps)
    grid.cost("import", bought * per(price, (time,), "EUR/kWh") * model.step)
    boiler.cost("fuel", burnt * per(0.09, (), "EUR/kWh") * model.step)
    return model.form()


@pytest.fixture(scope="session")
def small_district():
    return district()


@pytest.fixture(scope="session")
def district_maker():
    return district


@pytest.fixture(scope="session")
def make():
    return plain
