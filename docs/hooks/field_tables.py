"""Tables of what a section of a district file may say: unit, bounds and default of every field."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from command_pages import escaped, in_table
from pydantic import BaseModel, WithJsonSchema
from pydantic.fields import FieldInfo

from citygrid.components.fields import Measure, Profile, Reference, Text, Timetable, marks

#: Forms of an hourly value: told once, on the page of the district file.
FORMS = (Reference, Timetable, Profile)


def field_tables(
    spec: type[BaseModel], heading: str, first: Mapping[str, str] | None = None
) -> list[str]:
    """The table of a section, then one for every section that stands in it."""
    rows = [f"| `{name}` | {value} | must be given | |" for name, value in (first or {}).items()]
    rows += [_row(name, field) for name, field in spec.model_fields.items()]
    head = ["| field | what is written | left out | |", "|---|---|---|---|"]
    parts = ["\n".join([*head, *rows])]
    seen: set[type[BaseModel]] = {spec}
    for section in _sections(spec, seen):
        told = escaped(inspect.cleandoc(section.__doc__ or "").replace("``", "`"))
        table = [_row(name, field) for name, field in section.model_fields.items()]
        parts += [f"{heading} {section.__name__}", told, "\n".join([*head, *table])]
    return parts


def _sections(spec: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[type[BaseModel]]:
    for field in spec.model_fields.values():
        for model in _models(field.annotation):
            if model not in seen:
                seen.add(model)
                yield model
                yield from _sections(model, seen)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation not in FORMS:
            yield annotation
        return
    for inner in get_args(annotation):
        yield from _models(inner)


def _row(name: str, field: FieldInfo) -> str:
    written = f"`{field.alias or name}`"
    cells = (written, _written(field), _default(field), escaped(field.description or ""))
    return "| " + " | ".join(in_table(cell) for cell in cells) + " |"


def _written(field: FieldInfo) -> str:
    """What stands in the file: a unit with its bounds, words to choose from, or a section."""
    found = marks(field)
    measure = next((mark for mark in found if isinstance(mark, Measure)), None)
    if measure is not None:
        hourly = ", by the hour" if measure.hourly else ""
        unit = "number or %" if measure.unit == "1" else measure.unit
        return unit + hourly + _bounds(measure, found)
    if any(isinstance(mark, Text) and mark.node for mark in found):
        return "name of a node"
    schema = next((mark.json_schema for mark in found if isinstance(mark, WithJsonSchema)), None)
    if schema is not None:
        return str(_description(schema) or "text")
    return _named(field.annotation) + _bounds(None, found)


def _description(schema: Mapping[str, Any]) -> str | None:
    if "description" in schema:
        return str(schema["description"])
    inner = [_description(each) for each in schema.get("anyOf", [])]
    return next((each for each in inner if each), None)


def _named(annotation: Any) -> str:
    """A type in words: ``list of ColdStart``, ``air or node``."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{each}`" for each in inner)
    if origin in (Union, UnionType):
        return " or ".join(_named(each) for each in inner if each is not type(None))
    if origin is tuple:
        if inner[1:] == (...,):
            return f"list of {_named(inner[0])}"
        return f"[{', '.join(_named(each) for each in inner)}]"
    if origin is dict:
        return f"{'component' if inner[1] is Any else _named(inner[1])} by name"
    if origin is not None:
        return _named(inner[0])
    words = {str: "text", bool: "`true` or `false`", int: "whole number", float: "number",
             Any: "quantity or reference"}  # fmt: skip
    return words.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _bounds(measure: Measure | None, found: list[Any]) -> str:
    """Bounds of the type and of the field, the narrower ones."""
    low = (None, "≥") if measure is None else (measure.minimum, "≥")
    high = (None, "≤") if measure is None else (measure.maximum, "≤")
    for mark in found:
        for name, sign in (("gt", ">"), ("ge", "≥")):
            limit = getattr(mark, name, None)
            if limit is not None and (low[0] is None or limit >= low[0]):
                low = (limit, sign)
        for name, sign in (("lt", "<"), ("le", "≤")):
            limit = getattr(mark, name, None)
            if limit is not None and (high[0] is None or limit <= high[0]):
                high = (limit, sign)
    said = [f"{sign} {limit:g}" for limit, sign in (low, high) if limit is not None]
    return f", {', '.join(said)}" if said else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True)
    if value is None or value in ((), {}, ""):
        return "–"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, (int, float)):
        return f"{value:g}"
    if isinstance(value, BaseModel):
        return "its own defaults"
    return f"`{value}`"
