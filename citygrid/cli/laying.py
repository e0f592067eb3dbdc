"""The command `compare-layouts`: one central site, many small ones, and both."""

from __future__ import annotations

from pathlib import Path

import click

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


@click.command("compare-layouts")
@MODEL
@click.option("--central", metavar="NODE", help="Where the central site stands, a node with a "
              "data centre [default: each is tried, the cheapest kept].")  # fmt: skip
@click.option("--shares", default="0.25,0.5,0.75", show_default=True, metavar="A,B,…",
              help="What the hybrid may move of other centres, besides none and all.")  # fmt: skip
@click.option("--survival", metavar="HOURS", help="Also plan every single outage of every layout, "
              "such as 8h long; takes as long as `outages` three times.")  # fmt: skip
@ROUTE
@solving_options
@out_option("layouts", "table and page")
@JSON
@framed
@recorded("model", role="district")
def compare_layouts(
    frame: Frame, model: Path, central: str | None, shares: str, survival: str | None, route: str,
    out: Path | None, **given: object,
) -> None:  # fmt: skip
    """Compare one central site, many small ones, and both, for the same demand and jobs.

    The small ones are those of the file. What is moved and what grows with it is in
    docs/how/layouts.md.
    """
    from citygrid.study import layouts

    refuse_policies(given, "layouts are planned without policies")
    folder = folder_of(out, model, "layouts")
    layouts.refuse_unwritable_layouts(folder)
    options = options_of(given, frame)
    found = layouts.compare_layouts(
        model, central, _shares(shares), survival, route, options, frame.say,
        lambda case: solving(frame.recording, route, options, (), case),
    )  # fmt: skip
    files = layouts.write_layouts(found, folder)
    for each in found.shown:
        frame.recording.part(each.name, each.plan, each.verdict, figures={
            "central": each.central or None, "share_moved": each.share, **each.figures,
        }, error=[each.why] if each.why else None)  # fmt: skip
    frame.hand_out(found.as_dict(), files, layouts.print_layouts(found, files))


def _shares(text: str) -> list[float]:
    from citygrid.errors import Fault, InputError

    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise InputError(Fault("--shares", "expected numbers", text,
                               "write such as 0.25,0.5,0.75")) from None  # fmt: skip
