"""Commands of `citygrid`; each parses its options, calls a verb and prints the answer."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

import citygrid
from citygrid.cards import lasting
from citygrid.cli.aggregating import aggregate
from citygrid.cli.benching import bench
from citygrid.cli.drafting import import_
from citygrid.cli.examining import doctor
from citygrid.cli.frame import (
    JSON,
    MODEL,
    ROUTE,
    Commands,
    Frame,
    counterfactual_option,
    framed,
    options_of,
    pairs_of,
    policies_of,
    seeds_of,
    solving_options,
)
from citygrid.cli.laying import compare_layouts
from citygrid.cli.outaging import outages
from citygrid.cli.recording import recorded
from citygrid.cli.registering import asked, policy_files
from citygrid.cli.registering import runs as runs_
from citygrid.cli.rolling import rolled, rolling_options
from citygrid.cli.studying import study
from citygrid.cli.trading_off import alternatives, break_even, front, sensitivity
from citygrid.errors import VerificationError

if TYPE_CHECKING:
    from citygrid.counterfactual import Counterfactual
    from citygrid.routes.contract import Options
    from citygrid.verbs import Run

OUT = click.option("--out", type=click.Path(path_type=Path), help="Folder for the files "
                   "[default: out/<model>].")  # fmt: skip


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="The shell completes commands and options after "
    '`eval "$(citygrid completion bash)"`; see `citygrid completion --help`.',
)
@click.version_option(citygrid.__version__, prog_name="citygrid")
def main() -> None:
    """Plan the energy of a city district with data centres that heat it.

    Exit codes: 0 done; 2 bad input or usage; 3 infeasible; 4 no plan within the limits; 5 a plan
    failed verification; 6 a study finished with failed scenarios.
    """


@main.command()
@MODEL
@JSON
@framed
def check(frame: Frame, model: Path) -> None:
    """Check a district file and everything it refers to; list every fault."""
    district = citygrid.load(model)
    case = citygrid.prepare(district)
    kinds = {kind: len(units) for kind, units in case.units.items()}
    frame.answer(
        {"model": district.name, "ok": True, "steps": len(case.time), "step_h": case.step,
         "components": kinds},
        f"{model}: {district.name}, {len(case.time)} steps of {lasting(case.step)}, "
        f"{sum(kinds.values())} components of {len(kinds)} kinds: no fault",
    )  # fmt: skip


@main.command()
@click.option("--out", type=click.Path(path_type=Path), help="File to write instead of stdout.")
@click.option("--study", "of_study", is_flag=True, help="Of a study file instead.")
@framed
def schema(frame: Frame, out: Path | None, of_study: bool) -> None:
    """Print the JSON Schema of a district file, or of a study file."""
    from citygrid.files import whole

    if of_study:
        from citygrid.study.scenarios.schema import study_schema as written
    else:
        from citygrid.district.schema import district_schema as written

    text = json.dumps(written(), indent=1, ensure_ascii=False) + "\n"
    if out is None:
        frame.answer({}, text.rstrip("\n"))
        return
    with whole(out) as temporary:
        temporary.write_text(text, encoding="utf-8")


@main.command()
@MODEL
@ROUTE
@counterfactual_option
@solving_options
@rolling_options
@OUT
@JSON
@framed
@recorded("model", role="district")
def plan(
    frame: Frame, model: Path, route: str, counterfactual: bool, out: Path | None,
    window: str | None, overlap: str | None, resume: bool, **given: object,
) -> None:  # fmt: skip
    """Plan a district by one route; verify and export the plan."""
    from citygrid.cli.outputs import describe_run, print_run
    from citygrid.export.runs import left_from_before, refuse_unwritable_runs, write_runs

    folder = out or Path("out") / model.stem
    refuse_unwritable_runs([route], folder)
    options = options_of(given, frame)
    policies = policies_of(given)
    by_windows = {} if window is None else {"window": window, "overlap": overlap}
    frame.recording.asked(**asked([route], [options.seed], options, policies) | by_windows)
    run = rolled(model, window, overlap, resume, route, options, frame.say, policies, folder,
                 frame.recording.prepared)  # fmt: skip
    if run is None:
        run = citygrid.plan_model(
            model, route, options, frame.say, policies, frame.recording.prepared
        )
    forgone = _forgone([run], options, frame) if counterfactual else {}
    files = write_runs([run], folder, frame.say)
    frame.recording.results([run], files)
    left = left_from_before(folder, files)
    frame.answer(describe_run(run, files[route], forgone.get(route)) | {"left_from_before": left},
                 print_run(run, files[route], forgone.get(route), left))  # fmt: skip
    frame.judge([run])


@main.command()
@MODEL
@click.option("--routes", default="milp,hybrid", show_default=True,
              help="Comma-separated: milp, lp, hybrid, hybrid:random, hybrid:greedy, "
                   "hybrid:rounding, hybrid:raw, qubo, pyomo:SOLVER, "
                   'answer:FILE; in double quotes where a name holds a comma.')  # fmt: skip
@click.option(
    "--controls",
    is_flag=True,
    help="Also run the hybrid route's controls, each for the time that hybrid took.",
)
@click.option(
    "--seeds",
    metavar="N|A,B,…",
    help="Several seeds: so many from --seed on, or these; tables show medians.",
)
@counterfactual_option
@solving_options
@OUT
@JSON
@framed
@recorded("model", role="district")
def compare(
    frame: Frame, model: Path, routes: str, controls: bool, seeds: str | None,
    counterfactual: bool, out: Path | None, **given: object,
) -> None:  # fmt: skip
    """Plan a district by several routes on the same form, side by side."""
    from citygrid.cli.outputs import describe_runs, print_runs
    from citygrid.district.names import names_in
    from citygrid.export.runs import left_from_before, refuse_unwritable_runs, write_runs

    names = names_in(routes, "--routes")
    if controls:
        from citygrid.routes import CONTROLS

        names += ["hybrid", *(f"hybrid:{control}" for control in CONTROLS)]
    names = list(dict.fromkeys(names))
    folder = out or Path("out") / model.stem
    refuse_unwritable_runs(names, folder)
    options = options_of(given, frame)
    policies, numbers = policies_of(given), seeds_of(seeds, options.seed)
    frame.recording.asked(**asked(names, numbers, options, policies, controls))
    runs = citygrid.compare_routes(
        model, names, options, frame.say, policies=policies, seeds=numbers, controls=controls,
        prepared=frame.recording.prepared,
    )  # fmt: skip
    first = [run for run in runs if run.seed == runs[0].seed]
    forgone = _forgone(first, options, frame) if counterfactual else {}
    files = write_runs(runs, folder, frame.say)
    frame.recording.results(runs, files, parts=True)
    left = left_from_before(folder, files)
    frame.answer(describe_runs(runs, files, forgone) | {"left_from_before": left},
                 print_runs(runs, files, forgone, left))  # fmt: skip
    # A control that finds nothing in the time that it is given is a result, not a failure.
    frame.judge(
        [
            run
            for run in runs
            if run.plan is not None or not (controls and run.route.startswith("hybrid:"))
        ]
    )


def _forgone(runs: list[Run], options: Options, frame: Frame) -> dict[str, Counterfactual]:
    """What every route saves by using waste heat, with the seed and the time that it had."""
    from dataclasses import replace

    from citygrid.counterfactual import forgo_waste_heat

    found = {
        run.route: forgo_waste_heat(
            run, replace(options, seed=run.seed, time_limit=run.given), frame.say
        )
        for run in runs
    }
    return {route: each for route, each in found.items() if each is not None}


@main.command()
@click.argument("plan_file", metavar="PLAN.nc", type=click.Path(path_type=Path))
@click.option("--hydraulics", is_flag=True,
              help="Also solve the heat network with pandapipes, beside the plan.")  # fmt: skip
@click.option("--grid", is_flag=True,
              help="Also solve cables and transformers with pandapower.")  # fmt: skip
@click.option("--hours", default="peak", show_default=True,
              help="Of both: peak, all, or stamps separated by commas.")  # fmt: skip
@JSON
@framed
@recorded("plan_file", role="plan")
def verify(frame: Frame, plan_file: Path, hydraulics: bool, grid: bool, hours: str) -> None:
    """Replay a stored plan by physics and say what it breaks."""
    from citygrid.cli.outside import beside_pandapipes, beside_pandapower
    from citygrid.plan.plan import Plan
    from citygrid.plan.policies import policies
    from citygrid.registry.gathering import facts_of_verdict

    plan = Plan.load(plan_file)
    imposed = policies(plan)
    verdict = citygrid.verify(plan.case, plan)
    frame.recording.knows(**facts_of_verdict(plan, verdict))
    lines = [f"{plan_file}: {plan.case.name}, route {plan.route}: "
             f"{'verified' if verdict.ok else 'BROKEN'}, largest violation "
             f"{verdict.largest:.1e} (relative)"]  # fmt: skip
    lines += [f"  policy {each['file']}:{each['function']} (its stored rows are checked, not its "
              f"file): {', '.join(each['rows'])}" for each in imposed]  # fmt: skip
    lines += [f"  {text}" for text in verdict.broken(20)]
    document: dict[str, object] = {
        "plan": str(plan_file), "model": plan.case.name, "route": plan.route,
        "verdict": verdict.as_dict(), "kpis": verdict.kpis, "policies": imposed,
    }  # fmt: skip
    confirmed = True
    if hydraulics:
        document["hydraulics"], said, confirmed = beside_pandapipes(plan, hours)
        lines += said
    if grid:
        document["grid"], said, found = beside_pandapower(plan, hours)
        lines += said
        confirmed &= found
    frame.answer(document, "\n".join(lines))
    frame.exit_code = 0 if verdict.ok and confirmed else VerificationError.exit_code


@main.command()
@click.argument("plan_files", metavar="PLAN.nc …", nargs=-1, required=True,
                type=click.Path(path_type=Path))  # fmt: skip
@click.option("--to", "formats", default="gpkg", show_default=True,
              help="Comma-separated: gpkg, geojson, geoparquet, flatgeobuf, kml, cityjson, esdl, "
              "csv, parquet, nc.")  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder [default: where the plans are]."
)
@JSON
@framed
@recorded("plan_files", role="plan")
def export(frame: Frame, plan_files: tuple[Path, ...], formats: str, out: Path | None) -> None:
    """Write a stored plan, or the best of several routes beside the others, for GIS and tables."""
    from citygrid.export.runs import export_stored

    names = [name.strip() for name in formats.split(",") if name.strip()]
    together = plan_files[0].parent
    if len(plan_files) > 1:
        together = Path(os.path.commonpath([path.absolute().parent for path in plan_files]))
    files = export_stored(plan_files, names, out or together)
    frame.recording.produced(files)
    frame.answer(
        {
            "plans": [str(path) for path in plan_files],
            "files": {name: str(path) for name, path in files.items()},
        },
        "\n".join(f"{name}: {path}" for name, path in files.items()),
    )


@main.command()
@MODEL
@click.option("--to", "formats", default="cqm", show_default=True,
              help="Comma-separated: cqm, bqm, coo, moves, lp, mps, npz.")  # fmt: skip
@click.option("--policy", "policies", multiple=True, metavar="FILE[:FUNCTION]",
              help="Impose a policy first; it is run: name only code that you trust.")  # fmt: skip
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
              help="An option of the binary model (bqm, coo), as often as needed.")  # fmt: skip
@OUT
@JSON
@framed
@recorded("model", role="district")
def qubo(
    frame: Frame, model: Path, formats: str, policies: tuple[str, ...], settings: tuple[str, ...],
    out: Path | None,
) -> None:  # fmt: skip
    """Write the problem for somebody else's annealer; plan their answer by answer:FILE."""
    from citygrid.cli.outputs import describe_problem, print_problem
    from citygrid.verbs import formulate_under
    from citygrid.verbs.exchange import export_problem, refuse_unwritable_problem

    names = [name.strip() for name in formats.split(",") if name.strip()]
    folder = out or Path("out") / model.stem
    refuse_unwritable_problem(names, folder)
    frame.recording.reads(policy_files(policies))
    case = citygrid.prepare(citygrid.load(model))
    frame.recording.prepared(case)
    frame.say("writing the form")
    form = formulate_under(case, policies)
    found = export_problem(form, names, folder, pairs_of(settings), frame.say)
    frame.recording.knows(form_hash=found.form.hash, size=found.form.size)
    frame.recording.produced({**found.files, "map": found.key})
    frame.answer(describe_problem(case, found), print_problem(case, found))


@main.command()
@click.argument("plan_files", metavar="PLAN.nc …", nargs=-1, required=True,
                type=click.Path(path_type=Path))  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), default=Path("report.html"),
              show_default=True, help="File to write.")  # fmt: skip
@click.option(
    "--interactive",
    is_flag=True,
    help="Write the large variant instead: charts to zoom into, by plotly (an extra).",
)
@JSON
@framed
@recorded("plan_files", role="plan")
def report(frame: Frame, plan_files: tuple[Path, ...], out: Path, interactive: bool) -> None:
    """Explain one plan, or several side by side, on one offline page."""
    from citygrid.export.runs import report_stored

    verdicts = report_stored(plan_files, out, interactive)
    frame.recording.produced({"report": out})
    broken = [str(path) for path, verdict in zip(plan_files, verdicts, strict=True)
              if not verdict.ok]  # fmt: skip
    said = "".join(f"\n{path} is BROKEN: the report says what it breaks" for path in broken)
    frame.answer({"files": {"report": str(out)}, "broken": broken}, f"report: {out}{said}")
    frame.exit_code = VerificationError.exit_code if broken else 0


@main.command()
@click.option(
    "--class", "size_class", help="Size by name: S, M, L or XL; single numbers may replace its own."
)
@click.option("--hours", type=int, help="Steps of an hour.")
@click.option("--sites", type=int, help="Data centres.")
@click.option("--jobs", type=int, help="Jobs, each of which may run on up to three of the centres.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="Of all random numbers.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), required=True,
              help="District file to write; its series and jobs go beside it.")  # fmt: skip
@JSON
@framed
def synth(
    frame: Frame, size_class: str | None, hours: int | None, sites: int | None, jobs: int | None,
    seed: int, out: Path,
) -> None:  # fmt: skip
    """Write a random district of any size as an ordinary district file."""
    from citygrid.synthetic import size_of, write

    files = write(out, size_of(size_class, hours, sites, jobs), seed)
    frame.answer({"files": {role: str(path) for role, path in files.items()}},
                 "\n".join(f"{role}: {path}" for role, path in files.items()))  # fmt: skip


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@framed
def completion(frame: Frame, shell: str) -> None:
    """Print the script by which a shell completes commands, options and files.

    \b
    bash  in ~/.bashrc: eval "$(citygrid completion bash)"
    zsh   in ~/.zshrc, after compinit: eval "$(citygrid completion zsh)"
    fish  once: citygrid completion fish > ~/.config/fish/completions/citygrid.fish
    """
    from click.shell_completion import ShellComplete, get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    # The class of bash would look for a bash first, which whoever only prints does not need.
    script = ShellComplete.source(kind(main, {}, "citygrid", "_CITYGRID_COMPLETE"))
    frame.answer({}, script.rstrip("\n"))


main.add_command(bench)
main.add_command(doctor)
main.add_command(import_)
main.add_command(runs_)
main.add_command(study)
for command in (front, alternatives, sensitivity, break_even, aggregate, outages, compare_layouts):
    main.add_command(command)
