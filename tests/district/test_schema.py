"""The JSON Schema knows what the loader knows: shipped models pass, slips are underlined."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from citygrid.components.contract import kinds
from citygrid.district.schema import district_schema
from citygrid.district.strict_yaml import read

REPOSITORY = Path(__file__).resolve().parents[2]
MODELS = sorted((REPOSITORY / "models").glob("*.yaml"))
DISTRICTS = sorted((REPOSITORY / "tests" / "components" / "districts").glob("*.yaml"))


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(district_schema())


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(district_schema())


def test_there_are_models_to_check() -> None:
    assert len(MODELS) >= 3 and len(DISTRICTS) == len(kinds())


@pytest.mark.parametrize("path", MODELS + DISTRICTS, ids=lambda path: path.stem)
def test_districts_that_load_are_valid(path: Path, validator: Draft202012Validator) -> None:
    errors = [f"{error.json_path}: {error.message}" for error in
              validator.iter_errors(read(path).value)]  # fmt: skip
    assert errors == []


def district(**fields: Any) -> dict[str, Any]:
    boiler = {"kind": "boiler", "node": "plant", "heat": "5 MW", **fields}
    stated = {key: value for key, value in boiler.items() if value is not None}
    return {
        "name": "x",
        "horizon": {"start": "2023-01-16T00:00Z", "length": "1 h"},
        "nodes": {"plant": {}},
        "components": {"boiler": stated},
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "boilr"},
        {"kind": None},
        {"heat": None},
        {"heat": 5},
        {"heat": ["5 MW"]},
        {"node": 3},
        {"minimum_lod": "20 %"},
        {"initially_on": "yes"},
        {"kind": "grid"},
    ],
    ids=str,
)
def test_slips_are_underlined(fields: dict[str, Any], validator: Draft202012Validator) -> None:
    assert validator.is_valid(district())
    assert not validator.is_valid(district(**fields))


def test_unknown_keys_of_the_frame_are_underlined(validator: Draft202012Validator) -> None:
    assert not validator.is_valid({**district(), "colour": "red"})
    assert not validator.is_valid({**district(), "horizon": {"start": "2023-01-16T00:00Z"}})


def test_every_field_says_what_it_is() -> None:
    """An editor shows it while one types."""
    definitions = district_schema()["$defs"]
    lacking = [
        f"{kind}.{name}"
        for kind in kinds()
        for name, part in definitions[kind]["properties"].items()
        if name != "kind" and "description" not in json.dumps(part) and "$ref" not in part
    ]
    assert lacking == []


def test_the_shipped_schema_is_the_current_one() -> None:
    """Editors take it from the models' folder; `citygrid schema` writes it."""
    shipped = json.loads((REPOSITORY / "models" / "district.schema.json").read_text("utf-8"))
    assert shipped == district_schema()
