"""The command `aggregate`: a long horizon by typical periods, and how far that is from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

import citygrid
from citygrid.cli.frame import Frame, framed
from citygrid.cli.noting import solving
from citygrid.cli.options import (
    JSON,
    MODEL,
    Number,
    folder_of,
    options_of,
    out_option,
    refuse_policies,
    solving_options,
)
from citygrid.cli.recording import recorded

if TYPE_CHECKING:
    from citygrid.study.aggregation.typical import Aggregated


@click.command()
@MODEL
@click.option("--periods", default=12, show_default=True, help="Typical periods.")
@click.option("--hours-per-period", "hours", type=Number(0, min_open=True), default=24.0,
              show_default=True, help="Length of a period, such as 24 or 168.")  # fmt: skip
@click.option("--segments", type=int, help="Also join the steps of a period to so many.")
@click.option("--no-full", is_flag=True, help="Do not solve the horizon as it is; no error is "
              "stated then.")  # fmt: skip
@solving_options
@out_option("aggregate", "plan and figures")
@JSON
@framed
@recorded("model", role="district")
def aggregate(
    frame: Frame, model: Path, periods: int, hours: float, segments: int | None, no_full: bool,
    out: Path | None, **given: object,
) -> None:  # fmt: skip
    """Plan a long horizon by typical periods and state the error against the horizon as it is.

    Like periods have equal flows and one another's data, while stores keep their levels from
    season to season. The plan is one of those repeated data. Beside its cost stand what the
    horizon as it is costs at least, and what it costs with what was decided. Needs pip install
    'citygrid[periods]'.
    """
    from citygrid.files import refuse_unwritable, together, write_document
    from citygrid.study.aggregation import aggregate as find

    folder = folder_of(out, model, "aggregate")
    files = {"plan": folder / "plan.nc", "json": folder / "aggregate.json"}
    for path in files.values():
        refuse_unwritable(path)
    refuse_policies(given, "is not imposed on typical periods")
    frame.say("preparing the district")
    options = options_of(given, frame)
    case = citygrid.prepare(citygrid.load(model))
    solving(frame.recording, "milp", options, (), case)
    found = find(case, periods, hours, segments, options, not no_full, frame.say)
    document = found.as_dict()
    with together():
        found.plan.save(files["plan"])
        write_document(document, files["json"])
    frame.recording.part("by typical periods", found.plan, found.verdict)
    frame.recording.knows(
        objective=found.cost, plan_digest=found.plan.digest, seconds=found.seconds,
        figures={"full": found.full, "error": found.error, "imposed": found.imposed},
    )  # fmt: skip
    frame.hand_out(document, files, _told(found, files))


def _told(found: Aggregated, files: dict[str, Path]) -> str:
    periods = found.periods
    lines = [
        f"{found.model}: {len(periods.chosen)} typical periods of {periods.length} steps for "
        f"{len(periods.cluster)}; {found.size['columns']:,} columns instead of "
        f"{found.full_size['columns']:,}", "",
        f"by typical periods             {found.cost:>16,.2f} EUR, verified",
    ]  # fmt: skip
    if found.full is not None and found.error is not None:
        word = "the least" if found.linear else "at least"
        lines.append(f"the horizon as it is           {found.full:>16,.2f} EUR, {word}; error "
                     f"{found.error:+.3%}")  # fmt: skip
    if found.imposed is not None:
        regret = ", at least" if found.relaxed else (
            "" if found.regret is None else f", at most {found.regret:.3%} too much")  # fmt: skip
        lines.append(f"as it is, with what was decided{found.imposed:>16,.2f} EUR{regret} "
                     f"({found.kept})")  # fmt: skip
    lines += [f"note: {text}" for text in found.said]
    spent = ", ".join(f"{stage} {value:.1f} s" for stage, value in found.seconds.items())
    return "\n".join([*lines, "", spent, "", *(f"{name}: {path}" for name, path in files.items())])
