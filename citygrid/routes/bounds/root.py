"""HiGHS asked for a bound alone: its cuts at the root, and as much of its tree as there is time."""

from __future__ import annotations

from dataclasses import dataclass

from citygrid.model.form import Floats, Form
from citygrid.routes import milp
from citygrid.routes.contract import Journal, Options
from citygrid.routes.highs import Task

#: No time for plans: whoever asks for a bound looks for plans elsewhere.
NO_PLANS = {
    "mip_heuristic_effort": "0", "mip_heuristic_run_feasibility_jump": "false",
    "mip_heuristic_run_rins": "false", "mip_heuristic_run_rens": "false",
    "mip_heuristic_run_root_reduced_cost": "false",
}  # fmt: skip


@dataclass(frozen=True)
class RootBound:
    """What HiGHS proved [EUR], and a plan if it came across one."""

    bound: float | None
    x: Floats | None = None


def root_task(
    options: Options, time_limit: float | None, nodes: int | None = 1, plans: bool = False
) -> Task:
    """HiGHS on a form for its bound; ``nodes`` 1 is the root alone, ``None`` the whole tree.

    ``plans`` lets it look for plans as well.
    """
    return Task.of(options, "root", 0.0, time_limit, nodes=nodes,
                   settings={} if plans else NO_PLANS)  # fmt: skip


def root_bound(
    form: Form, options: Options, journal: Journal | None = None,
    time_limit: float | None = None, nodes: int | None = 1,
) -> RootBound:  # fmt: skip
    """The bound that HiGHS proves at its root, or what it had when the time was over.

    A large form is solved in a child, so that the limit holds; see :mod:`citygrid.routes.watch`.
    The word is HiGHS's own, within its tolerances.
    """
    task = root_task(options, time_limit, nodes)
    found = milp.call(form, task, journal or Journal(), options)
    return RootBound(found.bound, found.x)
