"""Prices from the relaxation, discrete choices from an annealer, everything else exact.

1. The LP relaxation gives a bound, a point and the prices of all rows. A prover raises the bound in
   a process beside the search (:mod:`citygrid.routes.bounds.prover`).
2. Priced by these, what stands behind every load answers at least cost, settings of its binaries
   and their changes from hour to hour included (:mod:`.responses`, :mod:`.chains`).
3. The one-hot groups of the form (which start each job takes) are chosen by the annealer, a sampler
   of binary quadratic models, or a control in its place (:mod:`.choosers`).
4. The best choices are worked out with the settings that follow from them: what is left of the
   binaries is a small search by HiGHS, counted and shown apart, then one LP over all rows gives the
   plan; a choice that allows none is mended (:mod:`.commitment`).
5. Between the parts of a course from hot to cold, and between courses, prices and loads go a step
   towards the answer of the rest of the form, whose other units are committed near the best choice
   (:mod:`.recourse`, :mod:`.rounds`).

The best plan and the bound are never lost. Without a time limit the same seed gives the same plan.
A form without groups has nothing to assign: its units are committed by moves (:mod:`.moves`).
"""

from __future__ import annotations

from dataclasses import fields, replace

from citygrid.errors import Fault, InputError
from citygrid.model.form import Floats, Form
from citygrid.model.groups import Groups, find_groups
from citygrid.routes import milp, samplers
from citygrid.routes.bounds.front import Relaxed
from citygrid.routes.contract import Clock, Journal, Options, Outcome
from citygrid.routes.hybrid import moves
from citygrid.routes.hybrid.assignment import find_coupling
from citygrid.routes.hybrid.choosers import Chooser
from citygrid.routes.hybrid.commitment import Workshop
from citygrid.routes.hybrid.incumbent import Incumbent
from citygrid.routes.hybrid.rounds import Effort, Rounds
from citygrid.routes.settings import no_whole, whole_number

#: Largest number that makes sense for any effort.
MOST = 1_000_000


def solve(form: Form, options: Options, chooser: str = "anneal") -> Outcome:
    """Solve the form by prices, annealing and exact completion.

    ``chooser`` is ``anneal`` or a control in its place: ``random``, ``greedy``, ``rounding``,
    ``raw``. ``options.extras`` may set ``variables``, ``window``, ``reads``, ``sweeps``, ``rounds``
    and ``plans`` (where nothing is assigned, only ``reads`` and ``sweeps`` have a meaning), and
    with the prefix ``sampler.`` what the sampler takes.

    Raises :class:`InputError` for options that are none, and :class:`NoPlanError` where no sampler
    answered before there was any plan.
    """
    effort = check(options)
    journal, clock = Journal(options.progress), Clock(options.time_limit)
    journal.figures["chooser"] = chooser
    journal.figures["sampler"] = options.sampler if chooser in ("anneal", "raw") else None
    groups = find_groups(form)
    journal.figures.update(groups=len(groups), options=len(groups.columns))
    if not form.integer.any():
        # Nothing to choose, and the telemetry says so.
        outcome = milp.solve(form, replace(options, extras={}))
        note = {**journal.figures, "fell_back": "nothing to choose; the whole form by HiGHS"}
        return replace(outcome, telemetry={**outcome.telemetry, **note})
    method = milp.method(form)
    large = method == "ipm"
    journal.figures["pricing"] = "interior point" if large else "simplex"
    relaxed, duals, _ = milp.relaxation(
        form, options, journal, method, clock.share(0.7), crossover=not large
    )
    if relaxed.x is None or duals is None:
        return Outcome(relaxed.status, bound=relaxed.bound, telemetry=journal.telemetry())
    known = Relaxed(relaxed.x, duals, relaxed.bound)
    incumbent = Incumbent(form, options, journal, clock, known)
    if large:
        incumbent.prove()
    try:
        if len(groups):
            _assign(form, groups, options, journal, clock, incumbent, relaxed.x, duals, chooser,
                    effort)  # fmt: skip
        else:
            _commit(form, options, journal, clock, incumbent, relaxed.x, duals, chooser)
        incumbent.settle()
    finally:
        incumbent.leave()
    _rates(journal)
    return incumbent.outcome()


def _assign(
    form: Form, groups: Groups, options: Options, journal: Journal, clock: Clock,
    incumbent: Incumbent, relaxed: Floats, duals: Floats, chooser: str, effort: Effort,
) -> None:  # fmt: skip
    """Rounds of choosing an option for every group."""
    with journal.stage("coupling"):
        coupling = find_coupling(form, groups)
    shop = Workshop(form, groups, coupling, options, journal, clock)
    tolerance = _tolerance(options.gap, form.objective(relaxed), len(groups))
    picker = Chooser.named(
        chooser, options.sampler, effort.reads, effort.sweeps, tolerance, options.threads,
        options.extras, effort.window,
    )  # fmt: skip
    Rounds(shop, incumbent, duals, relaxed).run(picker, effort)


def _commit(
    form: Form, options: Options, journal: Journal, clock: Clock, incumbent: Incumbent,
    relaxed: Floats, duals: Floats, chooser: str,
) -> None:  # fmt: skip
    """Nothing to assign: units are committed by moves, by the annealer or a control."""
    start = moves.start(form, relaxed, duals, options, journal, clock, options.start)
    if start is None:
        incumbent.fall_back("no first plan was found")
        return
    incumbent.take(start)
    incumbent.prove()
    if chooser == "rounding":
        return
    sampler = samplers.chain("random") if chooser == "random" else None
    kind = "greedy" if chooser == "greedy" else "anneal"
    asked = {name: int(options.extras[name]) for name in ("reads", "sweeps")
             if name in options.extras}  # fmt: skip
    # Moves are legal and valued exactly; what is left of repair are the hours that HiGHS searches.
    effort = moves.Effort(**asked, **({"neighbourhoods": 0} if chooser == "raw" else {}))
    if kind == "anneal" and sampler is None and options.sampler == samplers.OWN:
        journal.figures["sampler"] = moves.ANNEALER
    incumbent.take(moves.improve(
        form, start, options, journal, clock, sampler, kind, effort, incumbent.enough, relaxed,
        duals,
    ))  # fmt: skip


def _rates(journal: Journal) -> None:
    """Parts of samples and choices that were what they should be, before any repair."""
    counts = journal.counts
    if counts.get("samples"):
        # The package's own annealer cannot leave a group, so the figure says little of it.
        journal.figures["one_hot_rate"] = counts["samples_valid"] / counts["samples"]
    if counts.get("choices_valued"):
        infeasible = counts.get("choices_infeasible", 0)
        journal.figures["feasibility_rate"] = 1.0 - infeasible / counts["choices_valued"]
    if counts.get("choices"):
        journal.figures["within_limits_rate"] = counts["choices_within_limits"] / counts["choices"]


def _tolerance(gap: float, objective: float, groups: int) -> float:
    """EUR that one group may cost too much while the plan as a whole stays within the gap."""
    return max(gap * abs(objective or 1.0) / groups, 1e-6)


def check(options: Options) -> Effort:
    """The effort that the options ask for. Raises :class:`InputError` where there is no such thing.

    The sampler must exist, and the further options must be ours.
    """
    effort = Effort()
    known = [field.name for field in fields(Effort)]
    own = options.sampler == samplers.OWN
    faults = []
    for name, text in options.extras.items():
        if name.startswith(samplers.PREFIX):
            if own:
                faults.append(Fault(f"--set {name}", "hybrid's own annealer has no such option",
                                    text, "set reads or sweeps, or name a sampler"))  # fmt: skip
        elif name not in known:
            faults.append(Fault(f"--set {name}", "hybrid has no such option", text,
                                f"choose one of {', '.join(known)}"))  # fmt: skip
        elif (number := whole_number(text, MOST)) is None:
            faults.append(no_whole(name, text, MOST))
        else:
            effort = replace(effort, **{name: number})
    try:
        samplers.chain(options.sampler, {} if own else options.extras)
    except InputError as refused:
        faults += refused.faults
    if faults:
        raise InputError(faults)
    return effort
