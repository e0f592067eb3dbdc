"""The commands `plan` and `compare`: one plan, or those of several routes side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

import citygrid
from citygrid.cli.frame import Frame, framed
from citygrid.cli.noting import asked
from citygrid.cli.options import (
    JSON,
    MODEL,
    ROUTE,
    counterfactual_option,
    folder_of,
    options_of,
    out_option,
    policies_of,
    seeds_of,
    solving_options,
)
from citygrid.cli.recording import recorded
from citygrid.cli.rolling import rolled, rolling_options, written

if TYPE_CHECKING:
    from citygrid.counterfactual import Counterfactual
    from citygrid.routes.contract import Options
    from citygrid.verbs import Run


@click.command()
@MODEL
@ROUTE
@counterfactual_option
@solving_options
@rolling_options
@out_option()
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

    folder = folder_of(out, model)
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
    if window is not None:
        written(folder)
    frame.recording.results([run], files)
    left = left_from_before(folder, files)
    frame.answer(describe_run(run, files[route], forgone.get(route)) | {"left_from_before": left},
                 print_run(run, files[route], forgone.get(route), left))  # fmt: skip
    frame.judge([run])


@click.command()
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
@out_option()
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
    folder = folder_of(out, model)
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
