"""Data of jobs that run away from home: which sites they may reach, and what links carry for them.

A job with a home may run where its node is, and at the end of links: within its latency, and with
data whose rate, if it runs in one piece, no link on the way falls short of. Data take the fastest
route and flow in proportion to the job's power, ``rate = data / (power · duration) · load``, so
that all have arrived when the job is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from citygrid.arrays import Floats, Indices
from citygrid.components.common.routing import Route, fastest_routes
from citygrid.components.contract import Flows, Parameter, Units
from citygrid.components.log import Log
from citygrid.components.words import Amount, Fleet, Speaker
from citygrid.inputs.world import World

#: Share by which a rate may exceed a capacity: rounding of durations.
ROUNDING = 1e-9
#: Starts or power [kW] below which a job does not run at a site.
USED = 1e-6


class Needs(NamedTuple):
    """What a job asks of the network: home, latency [ms], and data as rate [GB/h] while it runs.

    The rate is 0 for a job that may run slower or in pieces.
    """

    home: str
    latency: float
    rate: float


class _Hop(NamedTuple):
    job: int
    site: int
    way: int


class JobNetwork:
    """The links as all pools see them; collects which of them each job uses to which site."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ways = world.data_ways()
        self._routes: dict[str, dict[str, Route]] = {}
        self._hops: list[_Hop] = []
        #: (pool, link) → number of the link as this pool uses it.
        self._used: dict[tuple[int, int], int] = {}

    def admit(
        self, pool: tuple[int, str], job: tuple[int, str], needs: Needs, sites: Mapping[str, int]
    ) -> list[str]:
        """Those of the ``sites`` (name → number) where the job may run; a job with none is named.

        ``pool`` and ``job`` are number and name.
        """
        if not needs.home:
            return list(sites)
        if self._world.is_unsound(needs.home) or any(map(self._world.is_unsound, sites)):
            return []  # where they stand is told with what is wrong with them
        home = self._world.node_of(needs.home)
        if home is None:
            self._world.refuse(pool[1], job[1], "its home is neither a node nor a component",
                               needs.home, "name a node or a centre")  # fmt: skip
            return []
        if home not in self._routes:
            self._routes[home] = fastest_routes(self._ways, home)
        admitted, reasons = [], []
        for site, number in sites.items():
            route = self._routes[home].get(self._world.node_of(site) or "")
            reason = self._why_not(route, needs)
            if reason is not None or route is None:
                reasons.append(f"{site}: {reason}")
                continue
            admitted.append(site)
            for way in route.ways:
                used = self._used.setdefault((pool[0], way), len(self._used))
                self._hops.append(_Hop(job[0], number, used))
        if not admitted:
            self._world.refuse(pool[1], job[1], "can run at none of its sites", "; ".join(reasons),
                               "add a site at its home or a data link, or allow "
                               "more latency")  # fmt: skip
        return admitted

    def _why_not(self, route: Route | None, needs: Needs) -> str | None:
        if route is None:
            return "no data link leads there from its home"
        if route.latency > needs.latency:
            return f"{route.latency:g} ms away, more than its {needs.latency:g} ms"
        least = min((self._ways[way].capacity for way in route.ways), default=np.inf)
        if needs.rate > least * (1.0 + ROUNDING):
            return f"its data need {needs.rate:g} GB/h of a link of {least:g} GB/h"
        return None

    def tables(
        self, pools: Sequence[str], jobs: Sequence[str], sites: Sequence[str]
    ) -> dict[str, Parameter]:
        """The links that data take (``job_way``), and which job takes them to which site."""
        way, hop = "job_way", "job_hop"
        places = [self._ways[number].place for _, number in self._used]
        labels = [place if len(pools) == 1 else f"{pools[pool]}: {place}"
                  for (pool, _), place in zip(self._used, places, strict=True)]  # fmt: skip
        hops = [f"{jobs[h.job]} @ {sites[h.site]} by {labels[h.way]}" for h in self._hops]
        job, site, link = np.array(self._hops, dtype=np.int64).reshape(-1, 3).T
        return {
            way: Parameter((way,), np.array(labels, dtype=object)),
            hop: Parameter((hop,), np.array(hops, dtype=object)),
            "way_place": Parameter((way,), np.array(places, dtype=object)),
            "way_latency": Parameter(
                (way,),
                np.array([self._ways[number].latency for _, number in self._used], dtype=float),
                "ms",
            ),
            "way_pool": Parameter((way,), np.array([p for p, _ in self._used], dtype=np.int64)),
            "hop_job": Parameter((hop,), job),
            "hop_site": Parameter((hop,), site),
            "hop_way": Parameter((hop,), link),
        }


class LoadPart(NamedTuple):
    """Load of jobs at sites: entry i adds ``weights[i] · amount[cells[i]]`` kW of ``job[i]`` at
    ``rows[i]`` = site · steps + step.
    """

    amount: Amount
    rows: Indices
    cells: Indices
    weights: Floats
    job: Indices
    unit: str


def formulate_job_data(m: Speaker, c: Fleet, parts: Sequence[LoadPart]) -> None:
    """Data at every link in every step, by the loads of the jobs whose data take it."""
    ways, steps = c.axis_of("job_way"), len(m.time)
    if not len(ways):
        return
    sites = len(c.axis_of("job_site"))
    key = c.integers("hop_job") * sites + c.integers("hop_site")
    order = np.argsort(key, kind="stable")
    key, link = key[order], c.integers("hop_way")[order]
    per_energy = c.job_data.values / (c.job_power.values * c.job_duration.values)  # GB/kWh
    total = None
    for part in parts:
        site, step = np.divmod(part.rows, steps)
        wanted = part.job * sites + site
        begin, end = np.searchsorted(key, wanted, "left"), np.searchsorted(key, wanted, "right")
        count = end - begin
        entry = np.repeat(np.arange(len(wanted)), count)
        hop = np.arange(len(entry)) - np.repeat(np.cumsum(count) - count, count) + begin[entry]
        rates = part.weights[entry] * per_energy[part.job[entry]]
        # A start has its power in the weights, a preemptible job's run is power itself.
        unit = "GB/h" if part.unit == "kW" else "GB/kWh"
        carried = part.amount.mapped((ways, m.time), link[hop] * steps + step[entry],
                                     part.cells[entry], rates, unit)  # fmt: skip
        total = carried if total is None else total + carried
    if total is None:
        return
    data = m.variable("data", ways, m.time, unit="GB/h", about="data of the pool's jobs on a link")
    m.constrain("data", data == total, "links carry what the jobs away from home need")
    m.draw("data", c.text("way_place"), data)


def link_count(c: Units) -> int:
    """How many links the jobs of all pools use."""
    return len(c.parameters["job_way"].values) if "job_way" in c.parameters else 0


def links_to(c: Units) -> dict[tuple[int, int], list[int]]:
    """(job, site) → the links that the job's data take there; nothing for sites at home."""
    found: dict[tuple[int, int], list[int]] = {}
    if link_count(c):
        for job, site, way in zip(c["hop_job"], c["hop_site"], c["hop_way"], strict=True):
            found.setdefault((int(job), int(site)), []).append(int(way))
    return found


def replay_job_data(c: Units, flows: Flows, log: Log, carried: Floats) -> None:
    """Compare what links carry with what the jobs that ran needed, ``carried`` (link × time)."""
    if not link_count(c) or not (len(c["start_job"]) or len(c["slot_job"])):
        return
    data = flows.read("data", "GB/h")
    labels = c.parameters["job_way"].values
    log.equal("data are those of the jobs", data, carried, "GB/h", labels=labels)
    pools = np.array(c.names, dtype=object)[c["way_pool"]]
    log.draws("data", c.places("way_place"), data, pools)
    # How far from home every job ran, by the links that its data took.
    used = np.zeros(c["job_allowed"].shape)
    for table, flow, unit in (("start", "start", "1"), ("slot", "run", "kW")):
        if len(c[f"{table}_job"]):
            np.add.at(used, (c[f"{table}_job"], c[f"{table}_site"]), np.abs(flows.read(flow, unit)))
    delay = np.zeros(len(used))
    for (job, site), ways in links_to(c).items():
        if used[job, site] > USED:
            delay[job] = max(delay[job], c["way_latency"][ways].sum())
    log.within("job within its latency", delay, high=c["job_latency"], unit="ms",
               labels=c.parameters["job"].values)  # fmt: skip
