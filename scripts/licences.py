#!/usr/bin/env python3
"""Writes docs/reference/licences.md: every locked dependency with its licence, from its metadata.

Run it in the project's environment after ``requirements.lock`` has changed::

    .venv/bin/python scripts/licences.py
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK, PAGE = ROOT / "requirements.lock", ROOT / "docs" / "reference" / "licences.md"

#: What a text that is no SPDX expression means: its first match, looked for in this order.
WORDS = (
    (r"\bLGPL|Lesser General Public", "LGPL"), (r"\bAGPL|Affero", "AGPL"),
    (r"\bGPL|GNU General Public", "GPL"), (r"MPL|Mozilla Public", "MPL-2.0"),
    (r"Apache", "Apache-2.0"), (r"\bBSD|Redistribution and use in source", "BSD"),
    (r"\bMIT|Permission is hereby granted, free of charge", "MIT"), (r"ISC", "ISC"),
    (r"Python Software Foundation|\bPSF", "PSF-2.0"), (r"Eclipse", "EPL"),
    (r"Unlicense", "Unlicense"), (r"Public Domain|CC0", "CC0-1.0"), (r"HPND", "HPND"),
    (r"EUPL|European Union Public", "EUPL"),
)  # fmt: skip
#: Licences under which a library may be used by, and installed beside, an Apache-2.0 program.
ALLOWED = re.compile(
    r"(?:MIT|MIT-0|MIT-CMU|BSD|BSD-\d-Clause|0BSD|Apache-2\.0|ISC|PSF-2\.0|Python-2\.0|MPL-2\.0|"
    r"LGPL|LGPL-[\d.]+(?:-only|-or-later)?|Unlicense|CC0-1\.0|HPND|Zlib|BSL-1\.0|EPL|EPL-2\.0|"
    r"NCSA|CNRI-Python|ZPL-2\.1)"
)
INTRODUCTION = """\
# Licences of what is installed

citygrid is Apache-2.0. These are the distributions of `requirements.lock` with the licence that
each states in its metadata; `scripts/licences.py` writes the page, and a test keeps it in step with
the lock. What is not installed on the platform where it was written is named without one.

Libraries under the MPL are used as they are, by import; nothing of them is copied or changed.
Wheels bring compiled libraries along that have licences of their own, such as GEOS (LGPL-2.1) in
shapely and pyogrio, which is linked dynamically and can be replaced; each wheel's own licence files
name them.

"""


def locked() -> Iterator[tuple[str, str]]:
    """Name and version of every locked distribution."""
    yield from re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", LOCK.read_text(), re.M)


def licence_of(name: str) -> str | None:
    """The licence of an installed distribution, as an SPDX expression or family.

    ``None`` where it is not installed, ``unstated`` where it says nothing.
    """
    try:
        told = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    if told.get("License-Expression"):
        return str(told["License-Expression"])
    stated = [each.rpartition("::")[2].strip() for each in told.get_all("Classifier") or []
              if each.startswith("License ::") and not each.endswith("OSI Approved")]  # fmt: skip
    texts = [*stated, str(told.get("License") or "")[:400]]
    for text in filter(None, texts):
        for pattern, family in WORDS:
            if re.search(pattern, text):
                return family
    for file in importlib.metadata.files(name) or []:
        path = Path(str(file.locate()))
        if re.search(r"LICEN[CS]E", path.name, re.I) and path.is_file():
            for pattern, family in WORDS:
                if re.search(pattern, path.read_text(encoding="utf-8", errors="replace")[:2000]):
                    return family
    return "unstated"


def allowed(expression: str) -> bool:
    """Whether an expression can be met without a licence that is not allowed.

    ``A OR B`` where one is, ``A AND B`` where both are; exceptions (``WITH``) only widen.
    """
    plain = re.sub(r"\s+WITH\s+[\w.-]+", "", expression).replace("(", " ").replace(")", " ")
    return any(
        all(ALLOWED.fullmatch(part.strip()) for part in re.split(r"\s+AND\s+", choice))
        for choice in re.split(r"\s+OR\s+", plain)
    )


def page() -> str:
    """The page."""
    lines = ["| distribution | version | licence |", "|---|---|---|"]
    for name, version in locked():
        lines.append(f"| {name} | {version} | {licence_of(name) or '–'} |")
    return INTRODUCTION + "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    refused = [(name, licence) for name, _ in locked()
               if (licence := licence_of(name)) is not None and not allowed(licence)]  # fmt: skip
    for name, licence in refused:
        print(f"{name}: {licence} is not among the licences that are allowed", file=sys.stderr)
    sys.exit(bool(refused))
