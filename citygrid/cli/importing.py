"""`citygrid import`: networks from maps and tables become district files."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citygrid.cards import counted
from citygrid.cli.frame import Frame, framed
from citygrid.cli.options import JSON, Number
from citygrid.errors import Fault, InputError

if TYPE_CHECKING:
    from citygrid.imports.network import Network
    from citygrid.imports.writing import Design

BUILDINGS = click.option(
    "--buildings", metavar="FILE[:LAYER]",
    help="Footprints for the district's maps; a column `height` (m) makes blocks of them in "
    "CityJSON.",
)  # fmt: skip


@click.group(name="import")
def import_() -> None:
    """Make a district file, ready to plan, of a network from elsewhere."""


def design_options(command: Callable[..., None]) -> Callable[..., None]:
    """What is assumed of a network where its files say nothing."""
    for option in reversed((
        click.option("--out", type=click.Path(path_type=Path), required=True,
                     help="District file to write (.yaml); its map is written beside it."),
        click.option("--supply", default="80 degC", show_default=True,
                     help="Supply temperature, or a curve by the air: -10:90,15:75 (degC)."),
        click.option("--return", "back", default="50 degC", show_default=True,
                     help="Return temperature."),
        click.option("--ground", help="Soil at the pipes [default: 10 degC, or by the weather]."),
        click.option("--velocity", default="1.5 m/s", show_default=True,
                     help="Largest flow velocity."),
        click.option("--simultaneity", default="winter", show_default=True,
                     help="Share of their peaks that consumers draw at once; winter: by their "
                          "number, after Winter et al. (2001)."),
        click.option("--catalogue", type=click.Path(path_type=Path),
                     help="Pipes to choose from [default: Logstor, series 1]."),
        click.option("--weather", type=click.Path(path_type=Path),
                     help="Weather file; without one, the district is the design hour."),
        click.option("--start", default="2023-01-16T00:00+01:00", show_default=True,
                     help="First step."),
        click.option("--length", default="24 h", show_default=True, help="With --weather."),
        click.option("--profile", default="EFH", show_default=True,
                     help="Demand profile, with --weather: degree day, EFH, MFH, GHD, …"),
    )):  # fmt: skip
        command = option(command)
    return command


@import_.command()
@click.argument("streets", metavar="STREETS[:LAYER]")
@click.option(
    "--consumers",
    metavar="FILE[:LAYER]",
    help="Points or areas with their peak heat [default: layer of STREETS].",
)
@click.option(
    "--source",
    metavar="FILE[:LAYER]|EASTING,NORTHING",
    help="Where heat comes from [default: layer of STREETS].",
)
@click.option(
    "--edges",
    type=click.Choice(["shortest", "steiner", "given"]),
    default="shortest",
    show_default=True,
    help="Pipes along shortest ways, along a short tree, or as drawn.",
)
@click.option(
    "--group",
    help="Peak load at which neighbours become a zone, such as 200 kW "
    "[default: each consumer is a node].",
)
@click.option(
    "--snap-limit",
    default="50 m",
    show_default=True,
    help="How far a consumer may be from its street.",
)
@click.option("--peak", metavar="COLUMN", help="Column with peak heat in kW.")
@click.option(
    "--crs",
    metavar="EPSG:CODE",
    help="Metric system of the district [default: that of STREETS]; needed where these are in "
    "degrees. Every layer is projected to it.",
)
@BUILDINGS
@click.option(
    "--full-load-hours", type=Number(0, 8784, min_open=True), default=2000.0,
    show_default=True, help="Where the consumers' file says nothing of their year.",
)  # fmt: skip
@design_options
@JSON
@partial(framed, profile=False)  # its own is a demand's
def network(
    frame: Frame, streets: str, consumers: str | None, source: str | None, edges: str,
    group: str | None, snap_limit: str, peak: str | None, crs: str | None, buildings: str | None,
    full_load_hours: float, out: Path, **given: Any,
) -> None:  # fmt: skip
    """A heat network from a map of streets and consumers.

    The map is a GeoPackage, GeoJSON or Shapefile (.shp, or all its parts in a .zip), or several.
    Consumers are snapped to the streets, pipes follow them, and diameters are chosen by the peaks
    that are drawn at once. The consumers' columns are peak_kw, full_load_hours or annual_kwh, and
    name; a Shapefile's cut names are understood.
    """
    from citygrid.imports.buildings import read_buildings
    from citygrid.imports.gis import read_map
    from citygrid.imports.network import network_of
    from citygrid.imports.writing import write_district

    faults: list[Fault] = []
    with told_together(faults):
        design = _design(given, out)
    with told_together(faults):
        limit = quantity_of("--snap-limit", snap_limit, "m")
        if limit < 0:
            faults.append(Fault("--snap-limit", "is below 0", snap_limit, "write such as 50 m"))
    with told_together(faults):
        target = None if group is None else quantity_of("--group", group, "kW")
        if target is not None and target <= 0:
            faults.append(Fault("--group", "is not above 0", group, "write such as 200 kW"))
    frame.say("reading the map")
    with told_together(faults):
        found = read_map(streets, consumers, source, peak, full_load_hours, crs)
    if faults:
        raise InputError(faults)
    frame.say("laying pipes")
    laid = network_of(found, edges=edges, group=target, limit=limit)  # type: ignore[arg-type]
    notes = found.notes
    if buildings is not None:
        frame.say("reading the buildings")
        backdrop = read_buildings(buildings, laid.nodes.values(), laid.crs)
        laid, notes = replace(laid, backdrop=backdrop), (*notes, *backdrop.notes)
    frame.say("choosing diameters")
    _told(frame, write_district(laid, out, design, command_line()), out, notes)


@import_.command()
@click.argument("nodes", type=click.Path(path_type=Path))
@click.argument("pipes", type=click.Path(path_type=Path))
@click.option("--source", required=True, help="Name of the node where heat comes from.")
@click.option(
    "--crs", metavar="EPSG:CODE",
    help="Metric coordinate system of x and y; maps and --buildings need it.",
)  # fmt: skip
@BUILDINGS
@design_options
@JSON
@partial(framed, profile=False)  # its own is a demand's
def tables(
    frame: Frame, nodes: Path, pipes: Path, source: str, crs: str | None, buildings: str | None,
    out: Path, **given: Any,
) -> None:  # fmt: skip
    """A heat network from two tables of nodes and pipes.

    NODES has the columns node, x [m], y [m] and peak [kW]; PIPES has from, to, length [m], and dn,
    or inner [m] with insulation [m] and conductivity [W/m/K]. Headers of DESTEST are understood.
    """
    from citygrid.imports.buildings import read_buildings
    from citygrid.imports.tables import network_of_tables
    from citygrid.imports.writing import write_district

    faults: list[Fault] = []
    with told_together(faults):
        design = _design(given, out)
    with told_together(faults):
        laid = network_of_tables(nodes, pipes, source, crs)
    if faults:
        raise InputError(faults)
    notes: tuple[str, ...] = ()
    if buildings is not None:
        backdrop = read_buildings(buildings, laid.nodes.values(), laid.crs)
        laid, notes = replace(laid, backdrop=backdrop), backdrop.notes
    _told(frame, write_district(laid, out, design, command_line()), out, notes)


@contextmanager
def told_together(faults: list[Fault]) -> Iterator[None]:
    """Keep what is refused, so that the faults of options and of files are told in one round."""
    try:
        yield
    except InputError as refused:
        faults.extend(refused.faults)


def command_line() -> str:
    """The command as it was given."""
    return shlex.join(["citygrid", *sys.argv[1:]])


def _told(frame: Frame, laid: Network, out: Path, notes: Sequence[str] = ()) -> None:
    length = sum(pipe.length for pipe in laid.pipes)
    peak = sum(demand.peak for demand in laid.demands)
    consumers = sum(demand.consumers for demand in laid.demands)
    sizes = sorted({pipe.dn for pipe in laid.pipes if pipe.dn is not None})
    frame.answer(
        {"district": str(out), "nodes": len(laid.nodes), "pipes": len(laid.pipes),
         "consumers": consumers, "peak_kw": peak, "length_m": length, "diameters": sizes,
         "buildings": 0 if laid.backdrop is None else len(laid.backdrop.footprints),
         "notes": list(notes)},
        f"{out}: {counted(consumers, 'consumer')} with {peak:.0f} kW of peaks on "
        f"{counted(len(laid.nodes), 'node')}, {counted(len(laid.pipes), 'pipe')} of "
        f"{length / 1000:.2f} km"
        + (f", DN {sizes[0]} to {sizes[-1]}" if sizes else "")
        + f"; next: citygrid plan {out}" + "".join(f"\nnote: {note}" for note in notes),
    )  # fmt: skip


def quantity_of(option: str, text: str, unit: str) -> float:
    """An option's quantity in ``unit``; :class:`InputError` where it is none."""
    from citygrid.units import parse

    try:
        return parse(text, unit)
    except ValueError as error:
        raise InputError(Fault.of(error, option, text)) from error


def _design(given: dict[str, Any], out: Path) -> Design:
    """The options as the writing takes them; every wrong one is told."""
    from citygrid.files import refuse_unwritable
    from citygrid.imports.writing import Design, check_design

    refuse_unwritable(out)

    faults: list[Fault] = []

    def read(option: str, text: str | None, unit: str) -> float:
        try:
            return 1.0 if text is None else quantity_of(option, text, unit)
        except InputError as error:
            faults.extend(error.faults)
            return 1.0

    supply = _curve(given["supply"], read, faults)
    weather = given["weather"]
    if weather is None:
        faults += [
            Fault(f"--{name}", "means nothing without --weather: the district is its design hour",
                  given[name], "name a weather file, or leave it out")
            for name in ("length", "profile") if _was_given(name)
        ]  # fmt: skip
    ground = None if weather is not None else 10.0
    if given["ground"] is not None:
        ground = read("--ground", given["ground"], "degC")
    share = None
    if given["simultaneity"] != "winter":
        share = read("--simultaneity", given["simultaneity"], "1")
    design = Design(
        supply, read("--return", given["back"], "degC"), ground,
        read("--velocity", given["velocity"], "m/s"), share, given["catalogue"], weather,
        given["start"], given["length"], given["profile"],
    )  # fmt: skip
    if faults:
        raise InputError(faults)
    check_design(design)
    return design


def _was_given(name: str) -> bool:
    """Whether an option stands on the command line, and is no default."""
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.COMMANDLINE


def _curve(
    text: str, read: Callable[[str, str | None, str], float], faults: list[Fault]
) -> tuple[tuple[float, float], ...]:
    """``80 degC`` or ``-10:90,15:75`` as points (air, water) [degC]."""
    if ":" not in text:
        return ((0.0, read("--supply", text, "degC")),)
    points = []
    for part in text.split(","):
        air, _, water = part.partition(":")
        try:
            point = float(air), float(water)
        except ValueError:
            point = math.nan, math.nan
        if all(map(math.isfinite, point)):
            points.append(point)
        else:
            faults.append(Fault("--supply", "is no point of a curve", part.strip(),
                                "write AIR:WATER in degC, such as -10:90,15:75"))  # fmt: skip
    return tuple(sorted(points))
