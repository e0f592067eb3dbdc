"""What the tests of the strict reader share: both grammars, what is read, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from citygrid.district import strict_yaml
from citygrid.errors import Fault, InputError

#: PyYAML is built with or without libyaml.
GRAMMARS = [yaml.SafeLoader, *([yaml.CSafeLoader] if yaml.__with_libyaml__ else [])]


def value_of(text: str) -> Any:
    return strict_yaml.parse(text, "x.yaml").value


def faults_of(text: str) -> tuple[Fault, ...]:
    with pytest.raises(InputError) as refused:
        strict_yaml.parse(text, "x.yaml")
    return refused.value.faults


def paths_in(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths_in(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths_in(inner, (*path, index))
