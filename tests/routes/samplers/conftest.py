"""Samplers that would sleep for ever are let go when a module of tests is over."""

from __future__ import annotations

import pytest

from tests.routes.samplers import faulty


@pytest.fixture(scope="module", autouse=True)
def _let_sleepers_go():
    faulty.RELEASE.clear()
    yield
    faulty.RELEASE.set()
