"""Routes: ways to solve a form, behind one contract.

``milp`` (HiGHS), ``lp`` (its linear relaxation: a bound, and a plan where nothing is whole),
``pyomo:SOLVER`` (any solver that Pyomo drives), ``hybrid`` (prices from the
relaxation, choices from an annealer, the rest exact) and its controls, which differ from it in the
chooser alone: ``hybrid:random`` and ``hybrid:greedy`` (as much effort, without annealing),
``hybrid:rounding`` (the relaxation rounded) and ``hybrid:raw`` (the annealer's samples as they are,
without any repair); ``qubo`` (the whole form in bits, by a sampler of binary quadratic models); and
``answer:FILE``, what somebody else's machine found for the exported problem.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from citygrid.errors import Fault, InputError
from citygrid.model.form import Form
from citygrid.routes.contract import Options, Outcome

__all__ = [
    "CONTROLS", "Options", "Outcome", "check", "check_all", "names", "solve", "strange",
]  # fmt: skip

#: What may take the annealer's place in ``hybrid``.
CONTROLS = ("random", "greedy", "rounding", "raw")
#: Words before a point in the name of an option that give it to one kind of route.
KINDS = ("milp", "lp", "pyomo", "hybrid", "qubo", "answer")
#: The word that gives an option to the samplers, and the routes that ask any.
SAMPLER, ANNEALED = "sampler.", ("hybrid", "hybrid:raw", "qubo")


def names() -> list[str]:
    """The routes that can be asked for; ``pyomo:highs`` stands for ``pyomo:`` and any solver."""
    controls = [f"hybrid:{control}" for control in CONTROLS]
    return ["milp", "lp", "pyomo:highs", "hybrid", *controls, "qubo"]


def check(route: str, options: Options | None = None) -> None:
    """Refuse, before any work is done, a route, solver, sampler or option that does not exist.

    Raises :class:`InputError`, with options by the names that the user wrote.
    """
    kind, rest, own = _read(route, options)
    try:
        _check(kind, rest, own)
    except InputError as refused:
        written = options.extras if options is not None else {}
        raise InputError([
            replace(fault, place=f"--set {kind}.{name}")
            if (name := fault.place.removeprefix("--set ")) != fault.place
            and f"{kind}.{name}" in written else fault
            for fault in refused.faults
        ]) from refused  # fmt: skip


def check_all(routes: Sequence[str], options: Options | None = None) -> None:
    """Refuse all that is wrong with any of the routes before the first one has worked for hours.

    Also options for a kind of route that has none of that name, though nobody asks it now, and a
    sampler, or options of one, that no route asks. Raises :class:`InputError`.
    """
    faults: dict[Fault, None] = {}
    for check_one in (*(partial(check, route) for route in routes),
                      partial(_check_strangers, routes)):  # fmt: skip
        try:
            check_one(options)
        except InputError as refused:
            faults |= dict.fromkeys(refused.faults)
    if faults:
        raise InputError(faults)
    _check_sampler(routes, options or Options())


def _check_strangers(routes: Sequence[str], options: Options | None) -> None:
    """Refuse an option for a kind of route that has none of that name, though nobody asks it."""
    asked = {route.partition(":")[0] for route in routes}
    for kind in {"milp", "lp", "hybrid", "qubo"} - asked:
        own = {n: text for n, text in (options or Options()).extras.items()
               if n.startswith(f"{kind}.")}  # fmt: skip
        if own:
            check(kind, Options(extras=own))


def _check_sampler(routes: Sequence[str], options: Options) -> None:
    """Refuse a sampler, or options of one, that no route asks."""
    if set(ANNEALED) & set(routes):
        return
    wished = {"--sampler": options.sampler} if options.sampler != Options().sampler else {}
    wished |= {f"--set {n}": text for n, text in options.extras.items() if n.startswith(SAMPLER)}
    if wished:
        raise InputError([
            Fault(place, f"{', '.join(routes)} asks no annealer", text,
                  "leave it out, or plan by the route hybrid or qubo")
            for place, text in wished.items()
        ])  # fmt: skip


def strange(route: str, options: Options) -> list[str]:
    """What a route would run, or let write files, that is no part of citygrid.

    A user may ask for it on the command line; a file from elsewhere, such as a study or a registry,
    may not: samplers by import path, programs that are no solver that Pyomo knows, and options of
    solvers whose meaning is not known here.
    """
    found = []
    for name in options.sampler.split(","):
        name = name.strip()
        while name.startswith("noisy:"):
            name = name.removeprefix("noisy:").strip()
        if ":" in name:
            found.append(f"sampler {name}")
    kind, rest, own = _read(route, options)
    if kind == "pyomo":
        from citygrid.routes import pyomo

        found += pyomo.strange(rest, own)
    return found


def _check(kind: str, rest: str, options: Options) -> None:
    if kind in ("milp", "lp"):
        from citygrid.routes import highs

        highs.settings(options.extras)
    elif kind == "pyomo":
        from citygrid.routes import pyomo

        pyomo.check(rest, options)
    elif kind == "qubo":
        from citygrid.routes import qubo

        qubo.check(options)
    elif kind == "answer":
        from citygrid.routes import answer

        answer.check(options, rest)
    else:
        from citygrid.routes import hybrid

        hybrid.check(options)


def solve(form: Form, route: str = "milp", options: Options | None = None) -> Outcome:
    """Solve the form by a route.

    Raises :class:`InputError` for a route, solver, sampler or option that does not exist.
    """
    kind, rest, options = _read(route, options)
    run = _route(kind, rest, form)
    # A relaxation has no integers to settle the curves around; it places its tangents itself.
    if form.curves and (kind != "lp" or not form.integer.any()):
        from citygrid.routes import refine

        outcome = refine.solve(form, options, run)
    else:
        outcome = run(form, options)
    return replace(outcome, telemetry={**outcome.telemetry, "gap_asked": options.gap})


def _route(kind: str, rest: str, given: Form) -> Callable[[Form, Options], Outcome]:
    """The function of a route that takes linear forms, made from the given one."""
    if kind == "milp":
        from citygrid.routes import milp

        return milp.solve
    if kind == "lp":
        from citygrid.routes import lp

        return lp.solve
    if kind == "pyomo":
        from citygrid.routes import pyomo

        return lambda form, options: pyomo.solve(form, options, rest)
    if kind == "qubo":
        from citygrid.routes import qubo

        return qubo.solve
    if kind == "answer":
        from citygrid.routes import answer

        return lambda form, options: answer.solve(form, options, rest, given)
    from citygrid.routes import hybrid

    return lambda form, options: hybrid.solve(form, options, rest or "anneal")


def _read(route: str, options: Options | None) -> tuple[str, str, Options]:
    """Kind of a route and what follows its colon, and the options that are meant for it."""
    options = options or Options()
    kind, colon, rest = route.partition(":")
    known = {
        "milp": not colon, "lp": not colon, "pyomo": bool(rest), "qubo": not colon,
        "hybrid": not colon or rest in CONTROLS, "answer": bool(rest),
    }  # fmt: skip
    if not known.get(kind):
        repair = f"choose one of {', '.join(names())}, answer:FILE"
        raise InputError(Fault("route", "no such route", route, repair))
    extras = {}
    for name, value in options.extras.items():
        owner, point, own = name.partition(".")
        if name.startswith(SAMPLER):
            if route in ANNEALED:
                extras[name] = value
        elif not point or owner not in KINDS:
            extras[name] = value
        elif owner == kind:
            extras[own] = value
    return kind, rest, replace(options, extras=extras)
