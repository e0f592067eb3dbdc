"""JSON Schema of a study file, so that editors complete keys and flag faults while one types."""

from __future__ import annotations

from typing import Any

from citygrid.district.schema import DIALECT
from citygrid.study.scenarios.spec import StudySpec


def study_schema() -> dict[str, Any]:
    """The schema of the whole file."""
    schema = StudySpec.model_json_schema(by_alias=True)
    routes = schema["properties"]["routes"]
    routes["items"] = {"anyOf": [{"type": "string"}, routes["items"]]}
    return {"$schema": DIALECT, **schema, "title": "citygrid study"}
