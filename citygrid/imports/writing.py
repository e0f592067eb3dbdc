"""A network as a district file that can be planned at once, with its map beside it.

What the network does not say is assumed and said so in the file: a boiler at the source, its gas,
and, without weather, the one hour in which the design load is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from citygrid.arrays import Floats, Labels
from citygrid.errors import Fault, InputError
from citygrid.files import together, whole, write_text
from citygrid.imports.drawn import draw
from citygrid.imports.network import Network, Pipe
from citygrid.imports.projection import USUAL_PLACE, degrees_of
from citygrid.imports.sizing import carried, simultaneity, smallest_size
from citygrid.imports.text import as_written, comment, line, reference, word
from citygrid.inputs.pipes import Catalogue, PipeSize, read_catalogue

#: How often pipes may be widened until they carry every hour of the district's demand.
ROUNDS = 12
#: What water of a heat network, soil [degC] and flow [m/s] may be; other numbers are slips.
WATER, SOIL, FLOW = (0.0, 250.0), (-60.0, 60.0), (1e-6, 20.0)


@dataclass(frozen=True)
class Design:
    """What the district is to be like where the map says nothing.

    ``supply`` are points (air, water) [degC] of the heating curve, ``back`` the return [degC] and
    ``ground`` [degC] the soil's temperature, from the weather file if left out. ``velocity`` [m/s]
    is the largest in a pipe; ``share`` of the peaks that consumers draw at once, by their number if
    left out. ``weather`` makes a district of ``length`` from ``start`` on, with demands by
    ``profile``; without it, the district is the design hour.
    """

    supply: tuple[tuple[float, float], ...] = ((0.0, 80.0),)
    back: float = 50.0
    ground: float | None = 10.0
    velocity: float = 1.5
    share: float | None = None
    catalogue: Path | None = None
    weather: Path | None = None
    start: str = "2023-01-16T00:00+01:00"
    length: str = "24 h"
    profile: str = "EFH"

    @property
    def spread(self) -> float:
        """The smallest difference of supply and return [K], for which pipes are chosen."""
        return min(water for _, water in self.supply) - self.back

    def at_once(self, consumers: int) -> float:
        return float(simultaneity(consumers)) if self.share is None else self.share


def check_design(design: Design) -> None:
    """Raises :class:`InputError` where temperatures, velocity, share or catalogue cannot be."""
    faults = [
        Fault("--supply", f"{water:g} degC are not above the return of {design.back:g} degC", None,
              "raise the supply or lower the return")
        for _, water in design.supply if water <= design.back
    ]  # fmt: skip
    hottest = max(water for _, water in design.supply)
    ground = 10.0 if design.ground is None else design.ground
    for option, value, unit, (low, high) in (
        ("--supply", hottest, "degC", WATER), ("--return", design.back, "degC", WATER),
        ("--ground", ground, "degC", SOIL),
        ("--velocity", design.velocity, "m/s", FLOW),
    ):  # fmt: skip
        if not low <= value <= high:
            faults.append(Fault(option, f"is not between {low:g} and {high:g} {unit}",
                                f"{value:g} {unit}", "correct it"))  # fmt: skip
    if design.share is not None and not 0 < design.share <= 1:
        faults.append(Fault("--simultaneity", "is not a share above 0", f"{design.share:g}",
                            "write winter, or a number up to 1"))  # fmt: skip
    if design.weather is not None and not design.weather.is_file():
        faults.append(Fault("--weather", "no such file", str(design.weather), "check the path"))
    try:
        read_catalogue(design.catalogue)
    except InputError as refused:
        faults += refused.faults
    if faults:
        raise InputError(faults)


def size_pipes(network: Network, design: Design) -> Network:
    """The network with a diameter for every pipe that has none.

    The smallest that carries what is drawn at once behind it, by the number of consumers there.
    Raises :class:`InputError` for the pipe that the catalogue is too small for by most, with how
    many others there are, and for every given diameter that it does not know.
    """
    catalogue = read_catalogue(design.catalogue)
    faults: list[Fault] = []
    sized = []
    beyond: list[tuple[float, Pipe]] = []
    for pipe in network.pipes:
        if pipe.inner is not None:
            sized.append(pipe)
            continue
        heat = pipe.peak * design.at_once(max(pipe.consumers, 1))
        dn = pipe.dn or smallest_size(heat, design.spread, design.velocity, catalogue)
        if dn is None:
            beyond.append((heat, pipe))
        elif dn not in catalogue.sizes:
            faults.append(_too_small(pipe, heat, design, catalogue))
        sized.append(replace(pipe, dn=dn))
    if beyond:
        # One cause, one fault: behind a pipe that is too small most others may be, too.
        heat, pipe = max(beyond, key=lambda each: each[0])
        fault = _too_small(pipe, heat, design, catalogue)
        others = f"; so are {len(beyond) - 1} others" if len(beyond) > 1 else ""
        faults.append(replace(fault, reason=fault.reason + others))
    if faults:
        raise InputError(faults)
    return replace(network, pipes=tuple(_closing(network.pipes, sized)))


def _closing(given: Sequence[Pipe], sized: Sequence[Pipe]) -> list[Pipe]:
    """Pipes that close a loop, where no shortest way leads: as wide as what they join."""
    widest: dict[str, int] = {}
    for pipe in sized:
        for end in (pipe.start, pipe.end):
            widest[end] = max(widest.get(end, 0), pipe.dn or 0)
    return [
        replace(new, dn=min(widest[new.start], widest[new.end]))
        if old.dn is None and new.dn is not None and new.reversible and new.consumers == 0 else new
        for old, new in zip(given, sized, strict=True)
    ]  # fmt: skip


def _too_small(pipe: Pipe, heat: float, design: Design, catalogue: Catalogue) -> Fault:
    if pipe.dn is not None:
        return Fault(pipe.name, "the given diameter is not in the catalogue", f"DN {pipe.dn}",
                     f"use one of {catalogue.names()}, or --catalogue")  # fmt: skip
    return Fault(pipe.name, f"{heat:.0f} kW at {design.spread:g} K and {design.velocity:g} m/s are "
                 "more than the largest pipe of the catalogue carries", catalogue.names(),
                 "use another catalogue, or a larger spread or velocity")  # fmt: skip


def write_district(network: Network, path: Path, design: Design, command: str) -> Network:
    """Write ``path`` (YAML) and, where the network has a map, a GeoPackage of the same name.

    Pipes are widened where a demand profile draws more at once than the design says. Returns the
    network as it was written.
    """
    check_design(design)
    if path.suffix not in (".yaml", ".yml"):
        raise InputError(Fault("--out", "is no name of a district file", str(path),
                               "end it in .yaml"))  # fmt: skip
    inputs = network.inputs
    if network.backdrop is not None:
        inputs = (*inputs, network.backdrop.file)
    if path.with_suffix(".gpkg").resolve() in inputs:
        raise InputError(Fault("--out", "would write its map over an input",
                               str(path.with_suffix(".gpkg")), "choose another name"))  # fmt: skip
    network = size_pipes(network, design)
    with TemporaryDirectory() as folder:
        trial = Path(folder) / path.name
        trial.write_text(_district(network, trial, design, command, 1.0, False), "utf-8")
        try:
            network, peak = _widened(network, trial, design)
        except InputError as error:
            # What is wrong with the text would be wrong in the file that is not written.
            given = (design.weather, design.catalogue)
            raise InputError(as_written(error.faults, trial, path, given)) from error
    drawn = any(pipe.route is not None for pipe in network.pipes) or bool(network.buildings)
    drawn = drawn or network.backdrop is not None
    with together():  # the district last: while it is missing, nobody reads half of it
        if drawn:
            with whole(path.with_suffix(".gpkg")) as temporary:
                draw(network, temporary)
        write_text(_district(network, path, design, command, peak, drawn), path)
    return network


def _widened(network: Network, path: Path, design: Design) -> tuple[Network, float]:
    """The network with wider pipes where an hour's demand and losses are more than they carry.

    Also gives the largest demand with all losses in an hour [kW].

    Pipes in loops are left as they are: how flow divides there is the plan's to say.
    """
    from citygrid.district.load import load
    from citygrid.district.prepare import prepare

    units = prepare(load(path)).units
    pipes, demand, catalogue = units["heat_pipe"], units["heat_demand"], read_catalogue(
        design.catalogue
    )  # fmt: skip
    row = [pipes.names.index(pipe.name) for pipe in network.pipes]
    capacity, loss = pipes["capacity"][row], pipes["loss"][row]
    laid = list(network.pipes)
    for _ in range(ROUNDS):
        need = _needed(laid, demand.places("node"), demand["load"], loss)
        short = (need / capacity).max(axis=1)
        wanting = [i for i in np.flatnonzero(short > 1.0)
                   if laid[i].dn is not None and not laid[i].reversible]  # fmt: skip
        if not wanting:
            break
        for i in wanting:
            before = catalogue.sizes[laid[i].dn or 0]
            heat = float(carried(before.inner, design.spread, design.velocity) * short[i])
            dn = smallest_size(heat, design.spread, design.velocity, catalogue, before.dn + 1)
            if dn is None:
                peak = float(need[i].max())
                bare = replace(laid[i], dn=None)
                raise InputError(_too_small(bare, peak, design, catalogue))
            after = catalogue.sizes[dn]
            capacity[i] *= (after.inner / before.inner) ** 2
            loss[i] *= _net_loss(after) / _net_loss(before)
            laid[i] = replace(laid[i], dn=dn)
    peak = float((demand["load"].sum(axis=0) + loss.sum(axis=0)).max())
    return replace(network, pipes=tuple(laid)), peak


def _net_loss(size: PipeSize) -> float:
    """U1 − U2, or 1 where the catalogue leaves both to the geometry: near enough for a diameter."""
    return 1.0 if size.u1 is None or size.u2 is None else size.u1 - size.u2


def _needed(pipes: Sequence[Pipe], nodes: Labels, demand: Floats, loss: Floats) -> Floats:
    """Heat that every pipe must take in (pipes × T) [kW]: demand and losses behind it."""
    nothing = np.zeros(loss.shape[1])
    behind = dict.fromkeys((end for pipe in pipes for end in (pipe.start, pipe.end)), nothing)
    for node, drawn in zip(nodes, demand, strict=True):
        behind[node] = behind[node] + drawn
    need = np.zeros_like(loss)
    # Pipes are in the order of their way from the source, so that those behind come first here.
    for i in reversed(range(len(pipes))):
        need[i] = behind[pipes[i].end] + loss[i]
        if not pipes[i].reversible:
            behind[pipes[i].start] = behind[pipes[i].start] + need[i]
    return need


# text --------------------------------------------------------------------------------------------


def _district(
    network: Network, path: Path, design: Design, command: str, peak: float, drawn: bool
) -> str:
    total = sum(demand.consumers for demand in network.demands)
    supply = ", ".join(
        f"{{air: {air:g} degC, water: {water:g} degC}}" for air, water in design.supply
    )
    ground = "" if design.ground is None else f", ground: {design.ground:g} degC"
    head = [
        comment(command),
        "#",
        "# The network was imported. Temperatures, the boiler, and diameters where none were given",
        "# are assumed: correct what is known better.",
        "",
        f"name: {word(path.stem)}",
        *([f"crs: {word(network.crs)}"] if network.crs else []),
        *_horizon(network, design, path),
        f"heat_network: {{supply: [{supply}], return: {design.back:g} degC{ground}}}",
        *([f"geometry: {word(path.with_suffix('.gpkg').name)}"]
          if drawn else []),
        "",
    ]  # fmt: skip
    nodes = "nodes:\n" + "".join(
        line(name, {} if math.isnan(at[0]) else {"at": f"[{at[0]:.2f}, {at[1]:.2f}]"})
        for name, at in network.nodes.items()
    )
    boiler = math.ceil(1.1 * peak / 10.0) * 10
    plant = word(network.source)
    components = (
        "components:\n"
        "  # Assumed: gas, and a boiler a tenth larger than the peak with its losses.\n"
        f"  gas: {{kind: fuel, node: {plant}, price: 60 EUR/MWh, carbon: 201 kg/MWh}}\n"
        f"  boiler: {{kind: boiler, node: {plant}, heat: {boiler} kW, efficiency: 92 %}}\n"
    )
    taken = {*network.nodes, "gas", "boiler", *(pipe.name for pipe in network.pipes)}
    if design.weather is None:
        components += (
            f"\n  # {total} consumers, {design.at_once(total):.0%} of their peaks at once.\n"
        )
    for demand in network.demands:
        name = f"heat {demand.node}"
        while name in taken:
            name += " demand"
        taken.add(name)
        load = _load(demand.peak, demand.annual, design, total)
        fields = {"kind": "heat_demand", "node": word(demand.node), "load": load}
        components += line(name, fields)
    components += "\n"
    return "\n".join(head) + nodes + "\n" + components + _pipe_lines(network.pipes, design, path)


def _horizon(network: Network, design: Design, path: Path) -> Sequence[str]:
    if design.weather is None:
        return [f"horizon: {{start: {design.start}, length: 1 h}}  # the design hour"]
    found = degrees_of([network.nodes[network.source]], network.crs)
    latitude, longitude = found or USUAL_PLACE
    assumed = "" if found else "  # place assumed: the positions are in no known system"
    weather = reference(design.weather, path)
    return [
        f"horizon: {{start: {design.start}, length: {design.length}}}",
        f"weather: {{file: {weather}, latitude: {latitude:.3f}, longitude: {longitude:.3f}}}"
        + assumed,
    ]


def _load(peak: float, annual: float | None, design: Design, total: int) -> str:
    if design.weather is None or annual is None:
        return f"{peak * design.at_once(total):.6g} kW"
    return f"{{profile: {design.profile}, annual: {annual:.6g} kWh}}"


def _pipe_lines(pipes: Sequence[Pipe], design: Design, path: Path) -> str:
    text = ""
    for pipe in pipes:
        fields = {"kind": "heat_pipe", "from": word(pipe.start), "to": word(pipe.end),
                  "length": f"{pipe.length:.2f} m"}  # fmt: skip
        if pipe.inner is not None:
            fields["inner"] = f"{pipe.inner:g} m"
        else:
            fields["dn"] = str(pipe.dn)
            if design.catalogue is not None:
                fields["catalogue"] = reference(design.catalogue, path)
        if pipe.insulation is not None:
            fields["insulation"] = f"{pipe.insulation:g} m"
        if pipe.conductivity is not None:
            fields["conductivity"] = f"{pipe.conductivity:g} W/m/K"
        if design.velocity != 1.5:
            fields["velocity"] = f"{design.velocity:g} m/s"
        if pipe.reversible:
            fields["reversible"] = "true"
        text += line(pipe.name, fields)
    return text
