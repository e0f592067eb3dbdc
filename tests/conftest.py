"""What all tests share: the repository's folders, the slow tests' switch, Hypothesis's habits."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parent.parent

# The same examples on every machine, so that a red test is a change in the code; no deadline,
# because a busy machine is not a slow program.
settings.register_profile("citygrid", deadline=None, derandomize=True)
settings.register_profile("citygrid-all", settings.get_profile("citygrid"), max_examples=1000)


# No test leaves a run in the repository; tests of the registry name one of their own.
os.environ["CITYGRID_REGISTRY"] = "none"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run the tests marked slow, too")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("citygrid-all" if config.getoption("--all") else "citygrid")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--all"):
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: runs with --all"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder that holds ``citygrid``, ``models`` and ``data``."""
    return REPOSITORY
