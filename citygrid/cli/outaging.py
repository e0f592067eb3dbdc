"""The command `outages`: what breaks when something fails, and what saves the day."""

from __future__ import annotations

from pathlib import Path

import click

import citygrid
from citygrid.cli.frame import Frame, framed
from citygrid.cli.noting import solving
from citygrid.cli.options import (
    JSON,
    MODEL,
    ROUTE,
    folder_of,
    options_of,
    out_option,
    refuse_policies,
    solving_options,
)
from citygrid.cli.recording import recorded


@click.command()
@MODEL
@click.option("--at", default="0h", show_default=True, metavar="HOUR|worst|each:6h",
              help="When outages begin, counted from the start of the horizon; `worst`: each when "
              "what fails gives most in the base plan.")  # fmt: skip
@click.option("--for", "length", default="8h", show_default=True, help="How long they last.")
@click.option("--pairs", metavar="A+B,…|all", help="Also two components at once. Names "
              "that hold a comma or plus stand in double quotes, here and in --only.")  # fmt: skip
@click.option("--island", is_flag=True, help="Also all connections to the public grid at once.")
@click.option("--only", metavar="A,B,…", help="Single outages of these alone [default: of every "
              "component that feeds somebody].")  # fmt: skip
@ROUTE
@solving_options
@out_option("outages", "table, map and page")
@JSON
@framed
@recorded("model", role="district")
def outages(
    frame: Frame, model: Path, at: str, length: str, pairs: str | None, island: bool,
    only: str | None, route: str, out: Path | None, **given: object,
) -> None:  # fmt: skip
    """Let every component of a district fail, and plan each time what can be done about it.

    From the hour of the outage on, the district is planned anew: what failed does nothing until it
    is back, loads go without by their priority, and critical ones last. Every plan is verified.
    """
    from citygrid.district.names import names_in
    from citygrid.errors import Fault, InputError, NoPlanError
    from citygrid.routes import check_all
    from citygrid.study.resilience import (
        Wish,
        print_study,
        refuse_unwritable_study,
        study_case,
        write_study,
    )

    refuse_policies(given, "outages are planned without policies")
    if route.partition(":")[0] in ("qubo", "answer", "lp"):
        raise InputError(Fault("--route", "cannot plan outages, in which any amount may be missing",
                               route, "use milp, hybrid or pyomo:SOLVER"))  # fmt: skip
    names = names_in(only or "", "--only")
    if only is not None and not names:
        raise InputError(Fault("--only", "names no component", only, "name some, or leave it out"))
    folder = folder_of(out, model, "outages")
    refuse_unwritable_study(folder)
    options = options_of(given, frame)
    check_all([route], options)
    frame.say("reading the district")
    case = citygrid.prepare(citygrid.load(model))
    solving(frame.recording, route, options, (), case)
    study = study_case(case, Wish(at, length, pairs, island, names), route, options, frame.say)
    files = write_study(study, folder)
    frame.recording.part("without an outage", study.base, study.verdict)
    for each in study.results:
        frame.recording.part(
            f"{each.outage.name} from {each.begin}", None, None, status=each.status,
            state="failed" if each.survives is None else "done", route=route,
            objective=each.objective, bound=each.bound, gap=each.gap,
            model=case.name, seconds={"total": each.seconds},
            figures={"survives": each.survives, "critical_kwh": each.of("critical"),
                     "extra_cost_eur": each.extra_cost},
        )  # fmt: skip
    frame.hand_out(study.as_dict(), files, print_study(study, files))
    if study.unknown:
        frame.exit_code = NoPlanError.exit_code
