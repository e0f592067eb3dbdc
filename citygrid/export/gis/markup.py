"""Texts for XML: inert and well formed, whatever somebody called a component."""

from __future__ import annotations

import re
from html import escape
from typing import Any

#: Characters that XML has no way to write.
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def inert(value: Any) -> Any:
    """A text without what XML cannot write; what is no text stays as it is."""
    return NO_XML.sub("", value) if isinstance(value, str) else value


def escaped(value: Any) -> str:
    """Any value as text that is safe between tags and in quoted attributes."""
    return escape(NO_XML.sub("", str(value)))
