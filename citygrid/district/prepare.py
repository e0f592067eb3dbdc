"""From a checked district to a case: series read, weather turned into parameters, jobs listed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from citygrid.components.contract import Component, Parameter, Units, kinds
from citygrid.components.fields import Measure, Text, marks
from citygrid.district.case import Asset, Case
from citygrid.district.load import District
from citygrid.district.memory import Memory
from citygrid.district.spec import DistrictSpec
from citygrid.district.surroundings import Surroundings
from citygrid.errors import InputError
from citygrid.ledger import COLUMNS


def prepare(district: District, memory: Memory | None = None) -> Case:
    """Read every series the district refers to and give all parameters as labelled arrays.

    ``memory`` has what earlier districts read and derived, and keeps what this one adds; the case
    is the same without it.

    Raises :class:`InputError` with all faults of all series, jobs and derived parameters.
    """
    world = Surroundings(district, memory)
    names_of: dict[str, list[str]] = {}
    for name, kind in district.kind_of.items():
        names_of.setdefault(kind, []).append(name)
    gathered = {
        kind: _gather(kind, {name: district.components[name] for name in names}, world)
        for kind, names in names_of.items()
    }
    drawing, _ = world.drawing(), world.quiet
    world.look_around()
    if world.faults:
        raise InputError(dict.fromkeys(world.faults))
    spec = district.spec
    return Case(
        spec.name, world.horizon.time, world.horizon.step, world.horizon.timezone,
        _stated(spec, "price"), gathered,
        {n: node.at or (float("nan"), float("nan")) for n, node in spec.nodes.items()},
        tuple(_asset(district, name) for name in district.components),
        spec.crs, drawing,
        {"model": str(district.path), "model_hash": district.hash, "files": world.digests()},
        _stated(spec, "cap"),
    )  # fmt: skip


def _stated(spec: DistrictSpec, what: str) -> dict[str, float]:
    """Column of the ledger → its price or cap, where the district gives one."""
    stated = {column: getattr(spec, f"{column}_{what}", None) for column in COLUMNS}
    return {column: value for column, value in stated.items() if value is not None}


def _asset(district: District, name: str) -> Asset:
    component = district.components[name]
    ports = component.ports(name)
    places = [port.place for port in ports if port.place in district.spec.nodes]
    # A data link leads from node to node, too, though none of their carriers.
    ways = [(port.way.start, port.way.end) for port in ports if port.way is not None]
    node, to = component.line() or next(iter(ways), (places[0] if places else "", ""))
    return Asset(name, district.kind_of[name], component.group, node, to)


# parameters of a kind ---------------------------------------------------------------------------


def _gather(kind: str, specs: Mapping[str, Component], world: Surroundings) -> Units:
    """All components of a kind as arrays: what `prepare` derives, then every field of the spec."""
    names = tuple(specs)
    derive = kinds()[kind].prepare
    parameters = {} if derive is None else dict(derive(specs, world))
    first = next(iter(specs.values()))
    for name, path, field in _fields(type(first)):
        if name in parameters or name == kind:  # the kind's name stands for its components' names
            continue
        values = [_value(spec, path) for spec in specs.values()]
        parameter = _parameter(kind, names, name, field, values, world)
        if parameter is not None:
            parameters[name] = parameter
    coords: dict[str, NDArray[Any]] = {kind: np.array(names, dtype=object)}
    for parameter in parameters.values():
        for dim in parameter.dims:
            if dim not in coords and dim != "time":
                coords[dim] = parameters[dim].values
    return Units(kind, names, parameters, coords, world.horizon.step)


def _fields(model: type[BaseModel], prefix: str = "", path: tuple[str, ...] = ()) -> Any:
    """Every field that is a number, flag or text, sections flattened: ``import_price``."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _fields(inner, f"{prefix}{name.rstrip('_')}_", (*path, name))
        else:
            yield f"{prefix}{name}", (*path, name), field


def _value(spec: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        spec = getattr(spec, part)
    return spec


def _parameter(
    kind: str, names: tuple[str, ...], name: str, field: Any, values: list[Any],
    world: Surroundings,
) -> Parameter | None:  # fmt: skip
    measure = next((mark for mark in marks(field) if isinstance(mark, Measure)), None)
    if measure is not None and measure.quiet:
        rows = [world.in_quiet_hours(v, n, name) for n, v in zip(names, values, strict=True)]
        return Parameter((kind, "time"), np.array(rows), measure.unit)
    if measure is not None and measure.hourly:
        if any(value is None for value in values):
            return None
        rows = [
            world.hourly(v, measure.unit, n, name, measure.minimum)
            for n, v in zip(names, values, strict=True)
        ]
        return Parameter((kind, "time"), np.array(rows), measure.unit)
    if measure is not None:
        # A quantity left out is "no limit"; a kind that means something else derives it.
        numbers = [np.inf if value is None else value for value in values]
        return Parameter((kind,), np.array(numbers, dtype=float), measure.unit)
    if all(isinstance(value, bool) for value in values):
        return Parameter((kind,), np.array(values, dtype=bool))
    if any(isinstance(mark, Text) for mark in marks(field)):
        return Parameter((kind,), np.array(values, dtype=object))
    if all(isinstance(value, (int, float)) for value in values):
        return Parameter((kind,), np.array(values, dtype=float))
    return None
