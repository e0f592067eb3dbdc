"""The command `doctor`: whether citygrid can work here."""

from __future__ import annotations

import click

from citygrid.cli.frame import Frame, framed
from citygrid.cli.options import JSON
from citygrid.cli.recording import registry_option


@click.command()
@click.option("--no-trial", is_flag=True, help="Only look; plan and write nothing.")
@registry_option
@JSON
@framed
def doctor(frame: Frame, no_trial: bool, registry: str | None) -> None:
    """Say what is installed and free here, and plan a tiny district to see that it works.

    The trial takes seconds: samplers are made, every route that is present plans three hours, each
    plan is replayed and must cost what it costs by hand, and one is stored and read back. It leaves
    no file and no run.

    Exit 0 where all is well, and else what commands will return that meet the same: 2 where
    something cannot be read, written or loaded, 4 where a route finds no plan, 5 where a plan is
    wrong.
    """
    from citygrid.doctor import facts, try_all
    from citygrid.doctor.facts import print_facts

    found = facts(registry)
    findings = []
    if not no_trial:
        for finding in try_all(registry):
            frame.say(f"{finding.name}: {finding.said}")
            findings.append(finding)
    missing = [name for name, version in found["libraries"].items() if version is None]
    faults = [each for each in findings if not each.ok]
    frame.exit_code = faults[0].exit_code if faults else 2 if missing else 0
    lines = print_facts(found)
    for each in findings:
        seconds = "" if each.seconds is None else f" ({each.seconds:.2f} s)"
        lines.append(f"{'ok' if each.ok else 'FAILED':<7} {each.name}: {each.said}{seconds}")
    wrong = len(faults) + len(missing)
    lines += ["", f"{wrong} not as it should be" if wrong else "all is well"]
    frame.answer(
        {**found, "findings": [each.as_dict() for each in findings], "ok": frame.exit_code == 0},
        "\n".join(lines),
    )
