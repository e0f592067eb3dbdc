"""The command `outages`: what breaks when something fails, and what saves the day."""

from __future__ import annotations

from pathlib import Path

import click

from citygrid.cli.frame import Frame, framed, options_of, solving_options


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--at", default="0h", show_default=True, metavar="HOUR|worst|each:6h",
              help="When outages begin, counted from the start of the horizon; `worst`: each when "
              "what fails gives most in the base plan.")  # fmt: skip
@click.option("--for", "length", default="8h", show_default=True, help="How long they last.")
@click.option("--pairs", metavar="A+B,…|all", help="Also two components at once.")
@click.option("--island", is_flag=True, help="Also all connections to the public grid at once.")
@click.option("--only", metavar="A,B,…", help="Single outages of these alone [default: of every "
              "component that feeds somebody].")  # fmt: skip
@click.option("--route", default="milp", show_default=True, help="How to solve; see `compare`.")
@solving_options
@click.option("--out", type=click.Path(path_type=Path), help="Folder for table, map and page "
              "[default: out/<model>/outages].")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")
@framed
def outages(
    frame: Frame, model: Path, at: str, length: str, pairs: str | None, island: bool,
    only: str | None, route: str, out: Path | None, **given: object,
) -> None:  # fmt: skip
    """Let every component of a district fail, and plan each time what can be done about it.

    From the hour of the outage on, the district is planned anew: what failed does nothing until it
    is back, loads go without by their priority, and critical ones last. Every plan is verified.
    """
    from citygrid.errors import Fault, InputError, NoPlanError
    from citygrid.study.resilience import (
        Wish,
        print_study,
        refuse_unwritable_study,
        study_outages,
        write_study,
    )

    if given["policies"]:
        raise InputError(Fault("--policy", "outages are planned without policies", None,
                               "leave it out"))  # fmt: skip
    names = [name.strip() for name in (only or "").split(",") if name.strip()]
    if only is not None and not names:
        raise InputError(Fault("--only", "names no component", only, "name some, or leave it out"))
    folder = out or Path("out") / model.stem / "outages"
    refuse_unwritable_study(folder)
    study = study_outages(model, Wish(at, length, pairs, island, names), route,
                          options_of(given, frame), frame.say)  # fmt: skip
    files = write_study(study, folder)
    document = study.as_dict() | {"files": {name: str(path) for name, path in files.items()}}
    frame.answer(document, print_study(study, files))
    if study.unknown:
        frame.exit_code = NoPlanError.exit_code
