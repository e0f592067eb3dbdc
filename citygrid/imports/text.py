"""Names, references and lines as a district file writes them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from citygrid.errors import Fault

#: Texts that YAML 1.1 takes for truth values or nothing.
_NO_TEXTS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}


def word(text: str) -> str:
    """A name as YAML writes it, quoted where it might be something else."""
    plain = re.fullmatch(r"[A-Za-z]([A-Za-z0-9 _.-]*[A-Za-z0-9_])?", text)
    if plain and "  " not in text and text.lower() not in _NO_TEXTS:
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


def reference(file: Path, path: Path) -> str:
    """``file`` as the district file at ``path`` refers to it, so that both can move together."""
    return word(os.path.relpath(file.resolve(), path.parent.resolve()))


def as_written(
    faults: Iterable[Fault], trial: Path, path: Path, files: Iterable[Path | None] = ()
) -> list[Fault]:
    """Faults of a trial copy of a district as those of the file that is not written.

    ``files`` are what it refers to, each told by the name that the user gave it.
    """
    names = {os.path.join(trial.parent, os.path.relpath(file.resolve(), trial.parent.resolve())):
             str(file) for file in files if file is not None}  # fmt: skip
    names |= {str(trial): str(path), str(trial.parent): str(path.parent)}

    def said(place: str) -> str:
        for inside, outside in names.items():
            place = place.replace(inside, outside)
        return place

    return [replace(fault, place=said(fault.place)) for fault in faults]


def line(name: str, fields: Mapping[str, str]) -> str:
    """One entry of `nodes` or `components`."""
    return f"  {word(name)}: {{{', '.join(f'{key}: {value}' for key, value in fields.items())}}}\n"


def comment(text: str) -> str:
    """A text as a comment of one line, whatever it holds."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return f"# {shown}"


def another(name: str, taken: Iterable[str]) -> str:
    """The name, or with a number behind it where it is taken."""
    known, found, count = set(taken), name, 1
    while found in known:
        count += 1
        found = f"{name} {count}"
    return found
