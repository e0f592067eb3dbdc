"""Annealing beside HiGHS and beside its controls, on random districts, against time.

Every route runs on the same form in a fresh process, one after the other, with the same seed and as
many threads; a control of ``hybrid`` gets the time that ``hybrid`` took there. Rows are written as
they come and found again by a later run.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from citygrid.bench import ANNEAL, Say, Wish
from citygrid.bench.anneal.figures import PROVEN, figures
from citygrid.bench.anneal.ladder import Instance, Model, described, groups, prepare
from citygrid.bench.anneal.meter import cores, machine
from citygrid.bench.anneal.runner import EMPTY, Order, race
from citygrid.bench.anneal.store import Store, code
from citygrid.errors import Fault, InputError
from citygrid.plan.compare import CONTROL, HYBRID
from citygrid.plan.traces import ended, seconds_to

#: Binaries beyond which a QUBO of the whole form has more dense couplings than memory.
QUBO_MOST = 4000


def default_routes(scale: bool) -> list[str]:
    """All that can be compared here; on the ladder of sizes only HiGHS and the annealer."""
    from citygrid import routes

    if scale:
        return ["milp", HYBRID]
    return [name for name in routes.names() if not name.startswith("pyomo")]


def run(wish: Wish, say: Say) -> dict[str, Any]:
    """Measure what is wished, as far as it is not there already, and give all figures.

    Raises :class:`InputError` for classes, sizes or routes that do not exist.
    """
    from citygrid import routes

    sizes = groups(wish.classes, wish.sizes, wish.scale)
    asked = list(dict.fromkeys(wish.routes)) or default_routes(wish.scale)
    for route in asked:
        routes.check(route)
    if not sizes or not wish.seeds:
        raise InputError(Fault("bench anneal", "nothing to measure", None,
                               "name a class or size and a seed"))  # fmt: skip
    # Controls need to know how long hybrid took.
    asked.sort(key=lambda route: route.startswith(CONTROL))
    folder = wish.folder(ANNEAL)
    store = Store(folder / "runs.jsonl")
    threads, here = wish.threads or cores(), machine()
    rows: list[dict[str, Any]] = []
    beaten: dict[str, str] = {}
    for group, size in sizes.items():
        own: list[dict[str, Any]] = []
        for seed in wish.seeds:
            say(f"{group}, seed {seed}: writing the district")
            model = prepare(Instance(group, size, seed), folder / "districts")
            taken: float | None = None
            for route in asked:
                order = _order(wish, model, route, taken, threads)
                row = _row(order, model, here, store, beaten, say)
                own.append(row)
                if route == HYBRID and row["objective"] is not None:
                    taken = row["used"]
        rows += own
        if wish.scale and "milp" in asked and not _proves(own):
            beaten.setdefault("milp", f"not tried: proved no {PROVEN:.0%} for {group} within "
                              f"{wish.milp_time or wish.time:g} s")  # fmt: skip
    found = figures(rows)
    return {
        "machine": here, "threads": threads, "seeds": list(wish.seeds), "time": wish.time,
        "milp_time": wish.milp_time or wish.time, "stopping_gap": wish.gap, "routes": asked,
        "scale": wish.scale, **found, "files": _write(wish, rows, found),
    }  # fmt: skip


def _order(wish: Wish, model: Model, route: str, taken: float | None, threads: int) -> Order:
    given = wish.milp_time or wish.time if route == "milp" else wish.time
    if route.startswith(CONTROL) and taken is not None:
        given = taken
    return Order(str(model.path), model.form_hash, route, model.instance.seed, given, wish.gap,
                 threads)  # fmt: skip


def _row(
    order: Order, model: Model, here: str, store: Store, beaten: dict[str, str], say: Say
) -> dict[str, Any]:
    """The row of an order: found, run, or left out with its reason."""
    asked = {
        **described(model), "route": order.route, "given": order.given, "gap_asked": order.gap,
        "threads": order.threads, "code": code(order.route), "machine": here,
    }  # fmt: skip
    what = f"{asked['group']}, seed {order.seed}, {order.route}"
    known = store.find(asked)
    if known is not None:
        say(f"{what}: there already")
        # The same district may stand in a class and on the ladder.
        return {**known, "group": asked["group"]}
    reason = beaten.get(order.route) or _too_large(order.route, model.size["binaries"])
    if reason is not None:
        say(f"{what}: {reason}")
        return {**asked, **EMPTY, "status": "left out", "reason": reason}
    say(f"{what}: running, at most {order.given:.1f} s")
    row = _finite({**asked, **race(order), "at": datetime.now(UTC).isoformat(timespec="seconds")})
    store.add(row)
    cost = "no plan" if row["objective"] is None else f"{row['objective']:,.2f} EUR"
    used = "" if row["used"] is None else f" after {row['used']:.1f} s"
    say(f"{what}: {cost}{used}" + (f"; {row['reason']}" if row["reason"] else ""))
    return row


def _too_large(route: str, binaries: int) -> str | None:
    if route == "qubo" and binaries > QUBO_MOST:
        return f"{binaries:,} binaries are too many for one dense QUBO, at most {QUBO_MOST:,}"
    return None


def _finite(value: Any) -> Any:
    """JSON has no word for what is no number."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _proves(rows: list[dict[str, Any]]) -> bool:
    """Whether ``milp`` proved the ladder's gap for any of the seeds."""
    courses = [
        ended(row["trace"], row["used"], row["objective"], row["bound"])
        for row in rows if row["route"] == "milp" and row["used"] is not None
    ]  # fmt: skip
    return any(seconds_to(course, PROVEN) is not None for course in courses)


def _write(wish: Wish, rows: list[dict[str, Any]], found: dict[str, Any]) -> dict[str, str]:
    from citygrid.bench.anneal.picture import draw
    from citygrid.bench.anneal.table import print_figures, write_tables
    from citygrid.files import whole

    folder = wish.folder(ANNEAL)
    files = write_tables(rows, found, folder)
    files |= draw(rows, found, folder, wish.scale)
    with whole(folder / "table.txt") as temporary:
        temporary.write_text(print_figures(found) + "\n", encoding="utf-8")
    files |= {"table": folder / "table.txt", "rows": folder / "runs.jsonl"}
    return {name: str(path) for name, path in files.items()}
