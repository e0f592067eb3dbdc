"""A run once more from what the registry kept of it, and whether the plan is the same."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citygrid.cards import short
from citygrid.cli.frame import Frame
from citygrid.cli.noting import file_of_policy
from citygrid.errors import Fault, InputError

if TYPE_CHECKING:
    from citygrid.registry import Record, Registry
    from citygrid.registry.laying import Laid
    from citygrid.routes.contract import Options
    from citygrid.verbs import Run

#: Commands whose runs can be repeated; of all others the results are known and not how to.
REPEATED = ("plan", "compare", "runs rerun")
#: What a request must hold, and as what.
REQUEST: dict[str, tuple[type, ...]] = {
    "routes": (list,), "seeds": (list,), "settings": (dict,), "policies": (list,),
    "controls": (bool,), "gap": (int, float), "time_limit": (int, float, type(None)),
    "threads": (int, type(None)), "sampler": (str,),
    "window": (str, type(None)), "overlap": (str, type(None)),
}  # fmt: skip


def do_again(
    frame: Frame, registry: Registry, record: Record, out: Path | None, trust: bool,
    settings: Mapping[str, str],
) -> dict[str, Any]:  # fmt: skip
    """Plan again from what was kept, leave a run of its own, and compare plan by plan.

    Raises :class:`InputError` for a run that cannot be done again, and what its command raises.
    """
    import citygrid
    from citygrid.registry.laying import lay

    request = _request(record)
    if not trust:
        _refuse_code(record, request)
    options = _options(frame, request, settings)
    frame.recording.inherits(record, registry.inputs_of(record))
    with tempfile.TemporaryDirectory(prefix="citygrid-rerun-") as name:
        laid = lay(registry, record, Path(name))
        names = {_laid_route(route, laid): route for route in request["routes"]}
        policies = [_laid_policy(text, laid) for text in request["policies"]]
        if request.get("window") is not None:
            from citygrid.study.rolling import roll_model

            runs = [roll_model(laid.model, request["window"], request.get("overlap"), route,
                               replace(options, seed=request["seeds"][0]), frame.say, policies)
                    for route in names]  # fmt: skip
        else:
            runs = citygrid.compare_routes(
                laid.model, list(names), options, frame.say, len(names) > 1, policies,
                request["seeds"], request["controls"],
            )  # fmt: skip
        for run in runs:
            run.route = names[run.route]  # an answer lay elsewhere for this while
        files: dict[str, dict[str, str]] = {run.route: {} for run in runs}
        if out is not None:
            from citygrid.export.runs import write_runs

            files = write_runs(runs, out, frame.say)
        frame.recording.results(runs, files, parts=len(runs) > 1)
    frame.judge(runs)
    before = [each.record for each in registry.children(record.id)] or [record]
    return {
        "rerun_of": record.id, "id": frame.recording.id if frame.recording.on else None,
        **_compared(before, runs), "reasons": _reasons(record, request), "files": files,
    }  # fmt: skip


def _request(record: Record) -> dict[str, Any]:
    """What a run was asked. Raises :class:`InputError` where it does not say, or not soundly."""
    request = dict(record.part("request"))
    if not request:
        command = str(record.body["command"])
        if command.removesuffix(" part") not in REPEATED:
            raise InputError(Fault(f"run {record.id}", f"is one of `{command}`, which the registry "
                                   "keeps but cannot repeat", None,
                                   "give its command again (`citygrid runs show` says which), or "
                                   "rerun a run of `plan` or `compare`"))  # fmt: skip
        raise InputError(Fault(f"run {record.id}", "was refused before it was planned", None,
                               "correct what it says, and plan anew"))  # fmt: skip
    wrong = [name for name, kinds in REQUEST.items() if not isinstance(request.get(name), kinds)]
    wrong += [name for name in ("routes", "policies") if name not in wrong
              and not all(isinstance(each, str) for each in request[name])]  # fmt: skip
    if "seeds" not in wrong and not all(type(each) is int for each in request["seeds"]):
        wrong.append("seeds")
    if "settings" not in wrong and not all(
        isinstance(v, str) for v in request["settings"].values()
    ):
        wrong.append("settings")
    if wrong:
        raise InputError(Fault(f"run {record.id}", "what it was asked is unsound",
                               ", ".join(wrong), "see `citygrid runs check`"))  # fmt: skip
    return request


def _refuse_code(record: Record, request: Mapping[str, Any]) -> None:
    """A registry may come from elsewhere; code that it names is run only where that is said."""
    from citygrid.routes import Options, strange

    code = [f"policy {text}" for text in request["policies"]]
    for route in request["routes"]:
        code += strange(route, Options(sampler=request["sampler"], extras=request["settings"]))
    code = list(dict.fromkeys(code))
    if code:
        raise InputError(Fault(f"run {record.id}", "has run code that is named in the registry",
                               ", ".join(code), "look at it by `citygrid runs show`, then say "
                               "--trust-code"))  # fmt: skip


def _options(frame: Frame, request: Mapping[str, Any], settings: Mapping[str, str]) -> Options:
    from citygrid.registry.gathering import HIDDEN
    from citygrid.routes.contract import Options

    extras = {**request["settings"], **settings}
    hidden = [name for name, value in extras.items() if value == HIDDEN]
    if hidden:
        raise InputError(Fault(", ".join(hidden), "was not recorded, for it is secret", None,
                               "give it by --set NAME=VALUE"))  # fmt: skip
    foreign = [name for name in settings if request["settings"].get(name) != HIDDEN]
    if foreign:
        raise InputError(Fault("--set", "gives what was no secret of the run", ", ".join(foreign),
                               "use `citygrid plan` for other options"))  # fmt: skip
    return Options(
        gap=float(request["gap"]), time_limit=request["time_limit"], threads=request["threads"],
        verbose=frame.verbose, sampler=request["sampler"], extras=extras,
        progress=frame.progress.hear if frame.progress.live else None,
    )  # fmt: skip


def _laid_policy(text: str, laid: Laid) -> str:
    file = file_of_policy(text)
    return f"{_laid_file(file, laid)}{text.removeprefix(file)}"


def _laid_route(route: str, laid: Laid) -> str:
    kind, _, rest = route.partition(":")
    return f"answer:{_laid_file(rest, laid)}" if kind == "answer" else route


def _laid_file(name: str, laid: Laid) -> Path:
    if name not in laid.named:
        raise InputError(Fault(name, "was not recorded with the run", None,
                               "plan anew by `citygrid plan`"))  # fmt: skip
    return laid.named[name]


def _compared(before: Sequence[Record | None], runs: Sequence[Run]) -> dict[str, Any]:
    """Old and new digests, in the order in which both were solved."""
    rows = []
    for number, run in enumerate(runs):
        old = before[number] if number < len(before) else None
        was = None if old is None else old.body.get("plan_digest")
        now = None if run.plan is None else run.plan.digest
        cost = None if old is None else old.body.get("objective")
        rows.append({
            "route": run.route, "seed": run.seed, "before": was, "now": now,
            "equal": was == now and (now is not None or old is not None),
            "objective_before": cost,
            "objective_now": None if run.plan is None else run.plan.objective,
            "time_given": run.given,
        })  # fmt: skip
    return {"equal": all(row["equal"] for row in rows) and len(before) == len(runs), "runs": rows}


def _reasons(record: Record, request: Mapping[str, Any]) -> list[str]:
    """Why a plan may be another, although nothing is wrong."""
    from citygrid.registry.machine import machine, versions

    found = []
    if request["time_limit"] is not None:
        found.append(f"it had a time limit ({request['time_limit']:g} s), within which every call "
                     "gets differently far")  # fmt: skip
    if request["controls"]:
        found.append("controls get the time that hybrid took, which is never twice the same")
    then = record.part("versions")
    found += [f"{name} was {short(then.get(name))}, now {short(versions().get(name))}"
              for name in dict.fromkeys([*then, *versions()])
              if then.get(name) != versions().get(name)]  # fmt: skip
    was, now = record.part("machine"), machine()
    found += [f"{name} was {short(was.get(name))}, now {short(now[name])}"
              for name in ("cpu", "cores") if was.get(name) != now[name]]  # fmt: skip
    return found


def print_again(found: Mapping[str, Any]) -> str:
    """A repetition for a person: equal or not, plan by plan, and what may have made it so."""
    lines = []
    for row in found["runs"]:
        word = "the same plan" if row["equal"] and row["now"] else "as before no plan"
        if not row["equal"]:
            word = (
                f"ANOTHER PLAN: {_cost(row['objective_before'])}, now {_cost(row['objective_now'])}"
            )
        lines.append(f"{row['route']}, seed {row['seed']}: {word}")
    lines += [f"  may differ, for {reason}" for reason in found["reasons"] if not found["equal"]]
    if not found["equal"] and not found["reasons"]:
        lines.append("  nothing is known that would excuse it")
    lines += [f"{name}: {path}" for each in found["files"].values() for name, path in each.items()]
    return "\n".join(lines)


def _cost(value: object) -> str:
    return f"{value:,.2f} EUR" if isinstance(value, (int, float)) else "no plan"
