"""The commands of trading off: `front`, what a limit of another measure costs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

import citygrid
from citygrid.cli.frame import Frame, framed, options_of, policies_of, solving_options

if TYPE_CHECKING:
    from citygrid.study.fronts.points import Front

MODEL = click.argument("model", type=click.Path(path_type=Path))
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")


def _out(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option("--out", type=click.Path(path_type=Path),
                        help=f"Folder for the files [default: out/<model>/{name}].")  # fmt: skip


@click.command()
@MODEL
@click.option("--of", "of", default="cost,carbon", show_default=True,
              help="The cost and what is limited: carbon, marginal_carbon, nox, water, peak or "
              "waste_heat.")  # fmt: skip
@click.option("--points", default=15, show_default=True, help="Limits to plan, the ends included.")
@click.option("--route", default="milp", show_default=True, help="How to solve; see `compare`.")
@click.option("--plans", is_flag=True, help="Also write the plan of every point.")
@solving_options
@_out("front")
@JSON
@framed
def front(
    frame: Frame, model: Path, of: str, points: int, route: str, plans: bool, out: Path | None,
    **given: object,
) -> None:  # fmt: skip
    """What less carbon, a lower peak or more waste heat costs: verified plans along a front.

    The least cost under every limit, with a proven floor under all of them. Limits stand closer
    where the front bends; what is known of one limit helps the next. --gap is that of each point,
    --time-limit that of each search.
    """
    from citygrid.study.fronts.frontier import front as find
    from citygrid.study.fronts.writing import refuse_unwritable_front, write_front

    folder = out or Path("out") / model.stem / "front"
    refuse_unwritable_front(folder)
    frame.say("preparing the district")
    case = citygrid.prepare(citygrid.load(model))
    found = find(case, of, points, route, options_of(given, frame), frame.say, policies_of(given))
    files = write_front(found, folder, plans, frame.say)
    frame.answer(found.as_dict() | {"files": files}, _print_front(found, files))


def _shown(value: float | None, pattern: str) -> str:
    return "–" if value is None else pattern.format(value)


def _print_front(found: Front, files: dict[str, str]) -> str:
    measure = found.measure
    head = f"{measure.title} {measure.unit}"
    lines = [
        f"{found.model}: cost against {measure.title}, route {found.route}", "",
        f"{head:>26} {'limit':>12} {'cost EUR':>13} {'bound EUR':>13} {'gap':>8} "
        f"{'EUR/' + measure.unit:>9}  found by",
    ]  # fmt: skip
    lines += [
        f"{p.measured:>26,.1f} {_shown(p.limit, '{:,.1f}'):>12} {p.cost:>13,.2f} "
        f"{_shown(p.bound, '{:,.2f}'):>13} {_shown(p.gap, '{:.3%}'):>8} "
        f"{_shown(p.price, '{:.4f}'):>9}  {p.how}"
        for p in found.points
    ]
    lines += ["", f"all verified; {found.searches} whole searches in {found.seconds:.1f} s"]
    if found.best is not None:
        lines.append(f"no plan reaches better than {found.best:,.1f} {measure.unit}")
    lines += [f"left out: {d.cost:,.2f} EUR with {d.measured:,.1f} {measure.unit}, {d.why}"
              for d in found.dropped]  # fmt: skip
    lines += ["", *(f"{kind}: {path}" for kind, path in files.items())]
    return "\n".join(lines)
