"""One route on one district, in a process of its own that is gone when it overruns."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from dataclasses import dataclass
from typing import Any

from citygrid.bench.anneal.meter import Meter, peak_mb


@dataclass(frozen=True)
class Order:
    """What a child shall do: which district by which route, seed, limit [s], gap and threads."""

    path: str
    form_hash: str
    route: str
    seed: int
    given: float
    gap: float
    threads: int

    @property
    def patience(self) -> float:
        """Seconds after its start at which a route that does not end is stopped."""
        return 2.0 * self.given + 30.0


def race(order: Order) -> dict[str, Any]:
    """Run the order in a fresh process and give its row; a failure is a row with its reason.

    Reading the district, imports and compilation (a warm-up on a tiny district) are not measured,
    but they are part of the peak of memory.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(order, sender), daemon=False)
    child.start()
    sender.close()
    trace: list[dict[str, Any]] = []
    end: float | None = None
    try:
        while True:
            left = None if end is None else max(end - time.monotonic(), 0.0)
            if not receiver.poll(left):
                return _lost(trace, order.patience, "stopped",
                             f"did not end within {order.patience:.0f} s")  # fmt: skip
            kind, told = receiver.recv()
            if kind == "row":
                child.join(5.0)
                return dict(told)
            if kind == "begun":
                end = time.monotonic() + order.patience
            else:
                trace.append(told)
    except EOFError:
        child.join()
        return _lost(trace, None, "failed", f"its process ended with code {child.exitcode}")
    finally:
        if child.is_alive():
            child.kill()
        child.join()
        receiver.close()


def _lost(
    trace: list[dict[str, Any]], seconds: float | None, status: str, reason: str
) -> dict[str, Any]:
    """The row of a child that did not answer: what it had proven stays, its plans nobody has."""
    bounds = [news["bound"] for news in trace if news.get("bound") is not None]
    return {**EMPTY, "status": status, "reason": reason, "used": seconds, "trace": trace,
            "bound": max(bounds, default=None)}  # fmt: skip


#: What a row says of a run, before anything is known.
EMPTY: dict[str, Any] = {
    "status": None, "reason": None, "objective": None, "bound": None, "used": None,
    "trace": [], "by_block": None, "feasible": None, "milps": None, "fell_back": None,
    "verified": None, "largest_violation": None, "cpu_seconds": None, "peak_mb": None,
    "joules": None,
}  # fmt: skip


def _child(order: Order, pipe: Any) -> None:
    # An interrupt is the parent's matter, which ends its child.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()
    from citygrid.errors import CitygridError

    try:
        row = _measure(order, pipe)
    except CitygridError as error:
        row = {**EMPTY, "status": "refused", "reason": str(error)}
    except MemoryError:
        row = {**EMPTY, "status": "failed", "reason": "out of memory"}
    except Exception as error:  # a route that breaks is a row of its table, not the end of all
        row = {**EMPTY, "status": "failed", "reason": f"{type(error).__name__}: {error}"}
    pipe.send(("row", row))
    pipe.close()


def _follow_parent() -> None:
    """Nobody waits for the child of a parent that was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _measure(order: Order, pipe: Any) -> dict[str, Any]:
    import citygrid
    from citygrid import routes
    from citygrid.plan.traces import readable
    from citygrid.routes.contract import Options
    from citygrid.verbs.handover import plan_of
    from citygrid.verbs.warm import warm

    case = citygrid.prepare(citygrid.load(order.path))
    form = citygrid.formulate(case)
    if form.hash != order.form_hash:
        raise RuntimeError("its form is not the one that the others were given")
    options = Options(
        gap=order.gap, time_limit=order.given, seed=order.seed, threads=order.threads,
        progress=lambda news: pipe.send(("news", news)),
    )  # fmt: skip
    routes.check(order.route, options)
    warm(order.route, order.threads)
    pipe.send(("begun", None))
    meter = Meter()
    began = time.perf_counter()
    outcome = routes.solve(form, order.route, options)
    used = time.perf_counter() - began
    told = outcome.telemetry
    row = {
        **EMPTY, "status": outcome.status, "bound": outcome.bound, "used": used,
        "trace": readable(told.get("trace") or told.get("incumbents")),
        "feasible": told.get("feasibility_rate"), "milps": told.get("milps"),
        "fell_back": told.get("fell_back"), "cpu_seconds": meter.cpu_seconds(),
        "joules": meter.joules(), "peak_mb": peak_mb(),
    }  # fmt: skip
    if outcome.x is None:
        said = told.get("message") or f"no plan: {outcome.status.replace('_', ' ')}"
        return {**row, "reason": str(said)}
    verdict = citygrid.verify(case, plan_of(case, form, order.route, options, outcome))
    row |= {"verified": verdict.ok, "largest_violation": verdict.largest}
    if not verdict.ok:
        return {**row, "reason": f"the plan breaks rules: {verdict.violations[0]}"}
    return {**row, "objective": outcome.objective, "by_block": _by_block(form, outcome, options)}


def _by_block(form: Any, outcome: Any, options: Any) -> dict[str, float] | None:
    """Where a plan of ``hybrid`` or a control loses against the relaxation [EUR], or ``None``.

    ``assignment``: the options of its groups held and everything else relaxed; ``commitment``: what
    its other integers cost more than that. Not part of what is measured.
    """
    from citygrid.model.groups import find_groups
    from citygrid.routes.contract import Clock, Journal
    from citygrid.routes.hybrid.assignment import find_coupling
    from citygrid.routes.hybrid.commitment import Workshop

    groups = find_groups(form)
    trace = outcome.telemetry.get("trace") or ()
    bounds = [news["bound"] for news in trace if news.get("bound") is not None]
    if "chooser" not in outcome.telemetry or not len(groups) or not bounds:
        return None
    coupling = find_coupling(form, groups)
    shop = Workshop(form, groups, coupling, options, Journal(), Clock(None))
    value, _ = shop.value(shop.read(outcome.x))
    if value is None:
        return None
    return {"assignment": value - bounds[0], "commitment": outcome.objective - value}
