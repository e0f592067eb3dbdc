"""The strict reader with each of PyYAML's two grammars."""

from __future__ import annotations

import pytest

from citygrid.district import strict_yaml
from tests.district.strict_yaml.helpers import GRAMMARS


@pytest.fixture(params=GRAMMARS, ids=lambda grammar: grammar.__name__)
def grammar(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type:
    """One of the grammars: the answers must be the same with both."""
    monkeypatch.setattr(strict_yaml, "_Loader", request.param)
    return request.param
