"""What can be said of a district in spite of its faults, so that all are told in one round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from citygrid.components.contract import Component, Port, kinds
from citygrid.components.fields import Measure, marks
from citygrid.district.spec import DistrictSpec

Path_ = tuple[str | int, ...]


def sound_part(value: dict[str, Any]) -> tuple[DistrictSpec | None, frozenset[Path_]]:
    """The frame without its faulty sections, and which these are; ``None`` without a horizon."""
    frame = {key: part for key, part in value.items() if key != "components"}
    frame["components"] = {}
    unsound: set[Path_] = set()
    for _ in range(3):  # sections first; then those that lack are filled
        try:
            return DistrictSpec.model_validate(frame), frozenset(unsound)
        except ValidationError as error:
            places = {detail["loc"] for detail in error.errors(include_url=False)}
        for place in places:
            key = str(place[0])
            if key == "horizon":
                return None, frozenset()
            if key in ("series", "nodes") and len(place) > 1 and isinstance(frame[key], dict):
                frame[key] = {k: part for k, part in frame[key].items() if k != place[1]}
                unsound.add((key, place[1]))
                if key == "nodes":
                    frame[key][place[1]] = {}
            else:
                frame.pop(key, None)
                unsound.add((key,))
                frame |= {"name": "?"} if key == "name" else {}
                frame |= {"nodes": {}} if key == "nodes" else {}
    return None, frozenset()


def known_ports(
    entries: Mapping[str, Any], components: Mapping[str, Component]
) -> dict[str, list[Port]] | None:
    """Ports of every component, also of those with a fault in a field that decides no port.

    ``None`` where the ports of one cannot be known: it may be what feeds the others.
    """
    found = {}
    for name, entry in entries.items():
        component = components.get(name)
        if component is None:
            component = _unchecked(entry)
        if component is None:
            return None
        try:
            found[name] = component.ports(name)
        except Exception:  # whatever an unchecked field may lead to
            return None
    return found


def _unchecked(entry: Any) -> Component | None:
    """A component whose only faults are in quantities, which decide no port; else ``None``."""
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if not isinstance(kind, str) or kind not in kinds():
        return None
    spec, fields = kinds()[kind].spec, {key: entry[key] for key in entry if key != "kind"}
    try:
        return spec.model_validate(fields)
    except ValidationError as error:
        wrong = {detail["loc"][:1] for detail in error.errors(include_url=False)}
    for place in wrong:
        field = field_of(spec, place[0]) if place else None
        if field is None or not any(isinstance(mark, Measure) for mark in marks(field)):
            return None
    return spec.model_construct(**fields)


def field_of(model: type[BaseModel], key: object) -> Any:
    """The field of a spec that a key of the file stands for."""
    for name, field in model.model_fields.items():
        if key == (field.alias or name):
            return field
    return None
