"""What `plan` and `compare` say: the JSON document and the table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from citygrid.cards import lasting
from citygrid.counterfactual import NAME, Counterfactual
from citygrid.plan.compare import Comparison
from citygrid.plan.compare import compare as side_by_side
from citygrid.verbs import Run

if TYPE_CHECKING:
    from citygrid.district.case import Case
    from citygrid.verbs.exchange import Exported

STAGES = ("load", "prepare", "formulate", "queue", "solve", "verify", "total")


def describe_run(
    run: Run, files: dict[str, str], forgone: Counterfactual | None = None
) -> dict[str, Any]:
    """The JSON document of one plan; with its counterfactual where that was asked for."""
    plan, verdict = run.plan, run.verdict
    asked = {} if forgone is None else {"counterfactual": forgone.as_dict()}
    return {
        "model": run.case.name,
        "model_hash": run.case.provenance.get("model_hash"),
        "form_hash": run.form.hash,
        "route": run.route,
        "seed": run.seed,
        "status": run.status,
        "objective": None if plan is None else plan.objective,
        "bound": run.bound,
        "gap": None if plan is None else plan.gap,
        "size": run.size,
        "seconds": {stage: run.seconds.get(stage) for stage in STAGES},
        "time_given": run.given,
        "verdict": None if verdict is None else verdict.as_dict(),
        "kpis": None if verdict is None else verdict.kpis,
        "policies": [asdict(policy) for policy in run.form.policies],
        "telemetry": run.telemetry,
        "files": files,
        "error": None if run.error is None else str(run.error),
        **asked,
    }


def describe_runs(
    runs: Sequence[Run], files: dict[str, dict[str, str]],
    forgone: Mapping[str, Counterfactual] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The JSON document of a comparison: the frame once, one entry per route."""
    first, nothing = runs[0], dict[str, str]()
    return {
        "model": first.case.name,
        "model_hash": first.case.provenance.get("model_hash"),
        "form_hash": first.form.hash,
        "size": first.size,
        "routes": [
            describe_run(run, files[run.route], (forgone or {}).get(run.route))
            if run.seed == first.seed
            else describe_run(run, nothing)
            for run in runs
        ],
        "seeds": list(dict.fromkeys(run.seed for run in runs)),
        "comparison": side_by_side([run.tried for run in runs]).as_dict(),
        "files": {"report": files[first.route]["report"], "routes": files[first.route]["routes"]},
    }


def print_run(
    run: Run, files: dict[str, str], forgone: Counterfactual | None = None,
    left: Sequence[str] = (),
) -> str:  # fmt: skip
    """One plan for a person: verdict first, then figures, then files."""
    asked = {} if forgone is None else {run.route: forgone}
    return print_runs([run], {run.route: files}, asked, left)


def _answered(told: Mapping[str, Any]) -> list[str]:
    """What somebody else's samples were worth as they stood."""
    plan = "a plan near them, repaired" if told["repaired"] else "the plan is theirs"
    return [f"    {told['samples']:,} samples of the {told['answers'].upper()}, "
            f"{told['samples_raw']:,} keep every limit as they are, "
            f"{_shown(told.get('feasibility_rate'), '{:.0%}')} of those tried allow a plan; {plan}",
            *([f"    {told['note']}"] if "note" in told else [])]  # fmt: skip


def _saved(route: str, other: Counterfactual) -> list[str]:
    """What using waste heat saves, or why nobody can say."""
    if other.plan is None:
        return [f"{NAME} ({route}): {other.error}"]
    saved = other.saved()
    return [
        f"{NAME} ({route}): {other.plan.objective:,.2f} EUR; using it saves "
        f"{_shown(saved['saved_eur'])} EUR (at least {_shown(saved['saved_eur_proven'])} proven) "
        f"and {_shown(saved['saved_co2_kg'])} kg CO2"
    ]


def _shown(value: Any, pattern: str = "{:,.2f}") -> str:
    return "–" if value is None else pattern.format(value)


def print_runs(
    runs: Sequence[Run], files: dict[str, dict[str, str]],
    forgone: Mapping[str, Counterfactual] | None = None, left: Sequence[str] = (),
) -> str:  # fmt: skip
    """The table of routes, the verdicts and where the files are; ``left`` are older plans there."""
    first = runs[0]
    everyone, runs = runs, [run for run in runs if run.seed == runs[0].seed]
    size, seeds = first.size, list(dict.fromkeys(run.seed for run in everyone))
    lines = [
        f"{first.case.name}: {len(first.case.time)} steps of {lasting(first.case.step)}, "
        f"{size['columns']:,} columns, {size['rows']:,} rows, {size['binaries']:,} binaries",
        *(
            f"policy {p.file}:{p.function} imposes {', '.join((*p.rows, *p.columns))}"
            for p in first.form.policies
        ),
        "",
        *([f"seed {first.seed}; of all seeds below"] if len(seeds) > 1 else []),
        f"{'route':<16} {'verdict':<10} {'cost EUR':>13} {'bound EUR':>13} {'gap':>8} "
        f"{'waste heat MWh':>15} {'CO2 t':>8} {'solve s':>8} {'MILPs':>6}",
    ]
    for run in runs:
        plan, verdict = run.plan, run.verdict
        if plan is None or verdict is None:
            lines.append(f"{run.route:<16} {'no plan':<10} {'–':>13} {_shown(run.bound):>13}"
                         f"   {run.error}")  # fmt: skip
            continue
        carbon = verdict.kpis["co2_kg"]
        lines.append(
            f"{run.route:<16} {'verified' if verdict.ok else 'BROKEN':<10} "
            f"{plan.objective:>13,.2f} {_shown(plan.bound):>13} {_shown(plan.gap, '{:.3%}'):>8} "
            f"{_shown(verdict.kpis['waste_heat_used_mwh']):>15} "
            f"{_shown(None if carbon is None else carbon / 1000):>8} {run.seconds['solve']:>8.1f} "
            f"{_shown(run.telemetry.get('milps'), '{:d}'):>6}"
        )
        if "answers" in run.telemetry:
            lines += _answered(run.telemetry)
        elif run.telemetry.get("feasibility_rate") is not None:
            lines.append(f"    {run.telemetry['feasibility_rate']:.0%} of what was sampled and "
                         "worked out allowed a plan as it was")  # fmt: skip
        if "fell_back" in run.telemetry:
            lines.append(f"    not by its own means: {run.telemetry['fell_back']}")
        lines += [f"    {text}" for text in verdict.broken(5)]
    for route, other in (forgone or {}).items():
        lines += ["", *_saved(route, other)]
    lines += ["", "MILPs: searches by HiGHS, whole or in part, behind the plan"]
    if len(everyone) > 1:
        lines += ["", *print_comparison(side_by_side([run.tried for run in everyone]),
                                        sorted(seeds))]  # fmt: skip
    lines.append("")
    for run in runs:
        for name in ("plan", "gpkg"):
            if name in files[run.route]:
                label = {"plan": "plan", "gpkg": "GeoPackage"}[name]
                lines.append(f"{label} ({run.route}): {files[run.route][name]}")
    lines.append(f"report: {files[first.route]['report']}")
    lines.append(f"table of routes: {files[first.route]['routes']}")
    if left:
        lines += ["", f"from an earlier run, not in this report: {', '.join(left)}"]
    return "\n".join(lines)


def print_comparison(found: Comparison, seeds: Sequence[int]) -> list[str]:
    """The table of routes at equal seeds, controls at the time that hybrid took, and the words."""
    many = len(seeds) > 1
    head = f"medians over the seeds {', '.join(map(str, seeds))}" if many else f"seed {seeds[0]}"
    to = "" if found.bound is None else (
        f"; gap to the best bound, {found.bound:,.2f} EUR, proven by {found.proven_by}"
    )  # fmt: skip
    controls = any(each.says is not None for each in found.standings)
    lines = [
        f"side by side, {head}{to}",
        f"{'route':<16} {'given s':>8} {'used s':>8} {'cost EUR':>13} {'bound EUR':>13} "
        f"{'gap':>8} {'feasible':>9}" + (f" {'plans':>6}" if many else "")
        + ("  beside hybrid" if controls else ""),
    ]  # fmt: skip
    for each in found.standings:
        lines.append(
            f"{each.route:<16} {_shown(each.given, '{:.2f}'):>8} {_shown(each.used):>8} "
            f"{_shown(each.objective):>13} {_shown(each.bound):>13} "
            f"{_shown(each.gap, '{:.3%}'):>8} {_shown(each.feasible, '{:.0%}'):>9}"
            + (f" {f'{each.plans}/{each.seeds}':>6}" if many else "")
            + (f"  {each.says}" if each.says else "")
        )
    if controls:
        lines.append("feasible: choices that allowed a plan as they were sampled; controls are "
                     "given the time that hybrid took")  # fmt: skip
    if found.decision is not None:
        lines += ["", found.decision]
    return lines


def describe_problem(case: Case, found: Exported) -> dict[str, Any]:
    """The JSON document of exported files: what each holds, and the hashes."""
    return {
        "model": case.name,
        "model_hash": case.provenance.get("model_hash"),
        "form_hash": found.form.hash,
        "size": found.form.size,
        "policies": [asdict(policy) for policy in found.form.policies],
        "problems": {name: dict(problem) for name, problem in found.problems.items()},
        "files": {**{name: str(path) for name, path in found.files.items()},
                  "map": str(found.key)},
        "left_from_before": [str(path) for path in found.left],
    }  # fmt: skip


def print_problem(case: Case, found: Exported) -> str:
    """Exported files for a person: what each holds, and how the answer comes back."""
    size = found.form.size
    lines = [f"{case.name}: {size['columns']:,} columns, {size['rows']:,} rows, "
             f"{size['binaries']:,} binaries; form {found.form.hash[:12]}", ""]  # fmt: skip
    for name, path in found.files.items():
        held = ", ".join(
            f"{count:,} {word.replace('_', ' ')}" for word, count in found.problems[name].items()
            if isinstance(count, int) and word != "bytes"
        )  # fmt: skip
        lines.append(f"{name:<4} {path}: {held}")
    lines += [f"map  {found.key}: what every variable is", "",
              "their samples, as JSON in the same folder, become a plan by --route answer:FILE",
    ]  # fmt: skip
    if found.left:
        lines += ["", f"from an earlier export, not in this map: {', '.join(map(str, found.left))}"]
    return "\n".join(lines)
