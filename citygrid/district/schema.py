"""JSON Schema of a district file, so that editors complete keys and flag faults while one types."""

from __future__ import annotations

from typing import Any

from citygrid.components.contract import kinds
from citygrid.district.spec import DistrictSpec

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def district_schema() -> dict[str, Any]:
    """The schema of the whole file: the frame, and one branch per kind of component."""
    schema = DistrictSpec.model_json_schema(by_alias=True)
    definitions = schema.setdefault("$defs", {})
    branches = []
    for name, kind in kinds().items():
        part = kind.spec.model_json_schema(by_alias=True)
        definitions |= part.pop("$defs", {})
        part["properties"] = {"kind": {"const": name}, **part["properties"]}
        part["required"] = ["kind", *part.get("required", [])]
        definitions[name] = part
        branches.append({
            "if": {"properties": {"kind": {"const": name}}},
            "then": {"$ref": f"#/$defs/{name}"},
        })  # fmt: skip
    schema["properties"]["components"] = {
        "type": "object",
        "description": "components by name; `kind` says what each one is",
        "minProperties": 1,
        "additionalProperties": {
            "type": "object",
            "required": ["kind"],
            "properties": {"kind": {"enum": list(kinds())}},
            "allOf": branches,
        },
    }
    _share(schema, definitions)
    return {"$schema": DIALECT, "title": "citygrid district", **schema}


def _share(schema: Any, definitions: dict[str, Any]) -> None:
    """Let what many fields take alike, such as a reference to a series, stand once by its title."""
    for part in list(schema.values() if isinstance(schema, dict) else schema):
        if isinstance(part, (dict, list)):
            _share(part, definitions)
    if not isinstance(schema, dict):
        return
    for i, choice in enumerate(schema.get("anyOf", [])):
        title = choice.get("title")
        if title is None or "properties" not in choice or "$defs" in choice:
            continue
        if definitions.setdefault(title, choice) == choice:
            schema["anyOf"][i] = {"$ref": f"#/$defs/{title}"}
