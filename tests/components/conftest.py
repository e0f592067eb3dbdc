"""How the component tests are laid out, and how golden texts are rewritten.

For every kind ``districts/<kind>.yaml`` is a district of two to four steps, ``test_<kind>.py``
solves it by hand, and ``golden/<kind>.txt`` is the mathematics of the kind in it. What holds for
every kind is in ``test_every_kind.py`` and ``test_mutation.py``, which find the kinds themselves.

After a wanted change of a kind's mathematics, rewrite the golden texts and read their diff::

    CITYGRID_GOLDEN=write pytest tests/components -k golden
"""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session")
def rewriting() -> bool:
    """Whether golden texts are written instead of compared."""
    return os.environ.get("CITYGRID_GOLDEN") == "write"
