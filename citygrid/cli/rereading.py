"""The commands `verify`, `export` and `report`: what stored plans are good for."""

from __future__ import annotations

import os
from pathlib import Path

import click

import citygrid
from citygrid.cli.frame import Frame, framed
from citygrid.cli.options import JSON
from citygrid.cli.recording import recorded
from citygrid.errors import VerificationError


@click.command()
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


@click.command()
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


@click.command()
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
