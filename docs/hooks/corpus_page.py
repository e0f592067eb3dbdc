"""The page of bad input, read from the table that the tests run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

TABLE = Path(__file__).resolve().parents[2] / "tests" / "corpus" / "CASES.yaml"

INTRODUCTION = """\
What citygrid says to files that are broken, hostile or merely unusual. The table is read from
[the corpus](../../tests/corpus/CASES.yaml) that the tests run on every change: each of these files
is given to the command line, and what stands here is what it must say. Of everything that is
refused it holds besides that the exit code is 2 (5 of a plan that was edited), that there is no
traceback, that nothing is written, and, with `./scripts/test --all`, that a process of its own
takes less than 2 s of processor time beyond its imports and less than 500 MB with them.
[Security](security.md) says what is promised of such files, and what is not.
"""
#: What the families of the table are files of.
FAMILIES = {
    "district": "District files", "series": "Series", "weather": "Weather", "jobs": "Jobs",
    "catalogue": "Catalogues of pipes", "map": "Maps of a network", "geometry": "Drawings",
    "answer": "Answers of samplers", "study": "Studies", "plan": "Plans", "esdl": "ESDL",
    "pandapipes": "pandapipes", "pypsa": "PyPSA",
}  # fmt: skip


def corpus_page() -> str:
    """All cases by family, the refused ones with place, reason and repair."""
    table = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    count = {kind: sum(len(part["cases"].get(kind, ())) for part in table.values())
             for kind in ("refused", "broken", "read")}  # fmt: skip
    parts = [
        "# Bad input", INTRODUCTION,
        f"{count['refused']} files are refused, {count['broken']} plans fail their verification, "
        f"and {count['read']} files that others stumble over are read right.",
    ]  # fmt: skip
    for family, part in table.items():
        parts += [f"## {FAMILIES[family]}", f"`citygrid {_of(part)}`", "\n".join(_rows(part))]
    return "\n\n".join(parts) + "\n"


def _of(part: dict[str, Any]) -> str:
    return str(part["command"]).replace("HOST", part.get("host") or "")


def _rows(part: dict[str, Any]) -> Iterator[str]:
    yield "| file | what it is | what is said |"
    yield "|---|---|---|"
    for kind, cases in part["cases"].items():
        for name, row in cases.items():
            said = " … ".join(f"`{_cell(text)}`" for text in row["says"])
            end = {"refused": "", "broken": "fails: ", "read": "is read: "}[kind]
            yield f"| `{name}` | {_cell(row.get('wrong', row.get('what')))} | {end}{said} |"


def _cell(text: str) -> str:
    """A text within a cell: one line, no bar and no backtick that would end it."""
    return " ".join(text.split()).replace("|", "\\|").replace("`", "ʼ")
