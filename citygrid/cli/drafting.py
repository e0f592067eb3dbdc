"""`citygrid import esdl`, `pandapipes` and `pypsa`: files of other tools become district files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citygrid.cli.frame import Frame as Answer
from citygrid.cli.frame import framed
from citygrid.cli.importing import BUILDINGS, command_line, import_, quantity_of, told_together
from citygrid.cli.options import JSON, Number
from citygrid.errors import Fault, InputError

if TYPE_CHECKING:
    from citygrid.imports.draft import Draft, Frame, Prices

__all__ = ["import_"]

OUT = click.option(
    "--out", type=click.Path(path_type=Path), required=True,
    help="District file to write (.yaml); its series are written beside it (.csv).",
)  # fmt: skip
PERIOD = (
    click.option("--start", help="First step, such as 2023-01-16T00:00+01:00 [default: that of the "
                 "series]."),
    click.option("--length", help="Such as 48 h [default: the series, a week of steps at most]."),
)  # fmt: skip
PRICES = (
    click.option("--power-price", type=Number(), default=250.0, show_default=True,
                 help="EUR/MWh, where the file names none."),
    click.option("--fuel-price", type=Number(), default=60.0, show_default=True,
                 help="EUR/MWh, where the file names none."),
    click.option("--fuel-carbon", type=Number(0), default=201.0, show_default=True,
                 help="kg/MWh; natural gas."),
)  # fmt: skip
HEAT = (
    click.option("--supply", default="80 degC", show_default=True,
                 help="Where the file says none."),
    click.option("--return", "back", default="50 degC", show_default=True,
                 help="Where the file says none."),
    click.option("--ground", help="Soil at the pipes [default: 10 degC, or by the weather]."),
    click.option("--weather", type=click.Path(path_type=Path),
                 help="Weather file, for what follows the air or the sun."),
)  # fmt: skip


def _with(*options: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@import_.command()
@click.argument("file", type=click.Path(path_type=Path))
@_with(OUT, *PERIOD, *PRICES, *HEAT, BUILDINGS, JSON)
@framed
def esdl(answer: Answer, file: Path, out: Path, buildings: str | None, **given: Any) -> None:
    """A district from an ESDL file.

    Needs pip install 'citygrid[esdl]'. Assets become components with their ratings, connected
    ports nodes, profiles at ports series, and places metres in their UTM zone. What the file does
    not say (prices, mostly) is assumed; that, and what has no counterpart, is listed one by one in
    the answer and in the district.
    """
    from citygrid.imports.esdl import draft_of_esdl

    frame, prices = _frame(given, out), _prices(given)
    draft, frame = draft_of_esdl(file, prices, frame)
    _hand_over(answer, draft, out, frame, buildings)


@import_.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--crs",
    metavar="EPSG:CODE",
    help="Coordinate system of the junctions; degrees (EPSG:4326) become metres.",
)
@_with(OUT, *PERIOD, *PRICES[1:], *HEAT, BUILDINGS, JSON)
@framed
def pandapipes(
    answer: Answer, file: Path, out: Path, crs: str | None, buildings: str | None, **given: Any
) -> None:  # fmt: skip
    """A heat network from a pandapipes file.

    The file is JSON and is read without pandapipes. Junctions of the supply become nodes, its
    pipes heat pipes with their bore and losses, heat consumers, heat exchangers and sinks heat
    demands, and circulation pumps places with a boiler. What is assumed and what has no
    counterpart (return pipes, pressures) is listed one by one.
    """
    from citygrid.imports.pandapipes import draft_of_pandapipes

    frame, prices = _frame(given, out), _prices(given)
    draft, frame = draft_of_pandapipes(file, prices, frame, crs)
    _hand_over(answer, draft, out, frame, buildings)


@import_.command()
@click.argument("file", metavar="FILE.nc|FOLDER", type=click.Path(path_type=Path))
@_with(OUT, *PERIOD, BUILDINGS, JSON)
@framed
def pypsa(answer: Answer, file: Path, out: Path, buildings: str | None, **given: Any) -> None:
    """A power district from a PyPSA network.

    It is netCDF or a folder of CSV files, and is read without PyPSA. Buses become nodes;
    generators, loads, storage units, stores, lines, links and transformers of power components,
    with their series, commitment and ramps. Other carriers, investment, impedances and the like
    are not mapped, and are listed one by one.
    """
    from citygrid.imports.pypsa import draft_of_pypsa

    frame = _frame(given, out)
    _hand_over(answer, draft_of_pypsa(file), out, frame, buildings)


def _prices(given: dict[str, Any]) -> Prices:
    from citygrid.imports.draft import Prices

    return Prices(given.get("power_price", 250.0), given["fuel_price"], given["fuel_carbon"])


def _frame(given: dict[str, Any], out: Path) -> Frame:
    """The options about temperatures, weather and horizon; every wrong one is told."""
    from citygrid.files import refuse_unwritable
    from citygrid.imports.draft import Frame
    from citygrid.imports.writing import SOIL, WATER

    refuse_unwritable(out)
    faults: list[Fault] = []
    weather = given.get("weather")
    found: dict[str, float] = {"ground": 10.0}
    for option, name in (("--supply", "supply"), ("--return", "back"), ("--ground", "ground")):
        if given.get(name) is not None:
            with told_together(faults):
                found[name] = quantity_of(option, given[name], "degC")
                low, high = SOIL if name == "ground" else WATER
                if not low <= found[name] <= high:
                    faults.append(Fault(option, f"is not between {low:g} and {high:g} degC",
                                        given[name], "correct it"))  # fmt: skip
    if weather is not None and not weather.is_file():
        faults.append(Fault("--weather", "no such file", str(weather), "check the path"))
    if found.get("supply", 80.0) <= found.get("back", 50.0) and not faults:
        faults.append(Fault("--supply", "is not above the return", given["supply"],
                            "raise the supply or lower the return"))  # fmt: skip
    if faults:
        raise InputError(faults)
    ground = None if weather is not None and given.get("ground") is None else found["ground"]
    return Frame(found.get("supply", 80.0), found.get("back", 50.0), ground, weather,
                 given.get("start"), given.get("length"))  # fmt: skip


def _hand_over(
    answer: Answer, draft: Draft, out: Path, frame: Frame, buildings: str | None
) -> None:  # fmt: skip
    """Write the district and say what is in it, what was assumed, and what was left out."""
    from citygrid.imports.buildings import read_buildings
    from citygrid.imports.draft import write_draft

    if buildings is not None:
        draft.backdrop = read_buildings(buildings, draft.nodes.values(), draft.crs)
        draft.left_out += draft.backdrop.notes
    steps = write_draft(draft, out, frame, command_line())
    kinds = [fields["kind"] for fields in draft.components.values()]
    count = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
    text = f"{out}: " + ", ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in count.items())
    text += f"; {steps} steps; next: citygrid plan {out}"
    for title, entries in (("assumed", draft.assumed), ("left out", draft.left_out)):
        text += "".join(f"\n{title}: {entry}" for entry in entries)
    answer.answer(
        {"district": str(out), "components": count, "steps": steps, "series": len(draft.traces),
         "buildings": 0 if draft.backdrop is None else len(draft.backdrop.footprints),
         "assumed": draft.assumed, "left_out": draft.left_out}, text,
    )  # fmt: skip
