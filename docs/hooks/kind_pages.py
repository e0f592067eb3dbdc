"""The reference of kinds and of the district file, read from the components.

What a kind is comes from its docstrings, its fields from the spec's types, its flows and rules from
the form of the district of a few steps that its tests solve by hand, and its sources from the
module and the mathematics that it shares with others. A kind that is added needs no line here.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from textwrap import indent
from types import ModuleType
from typing import Any

from command_pages import escaped, in_table
from field_tables import FORMS, field_tables

import citygrid as cg
from citygrid.components.contract import Kind, kinds
from citygrid.district.load import District
from citygrid.district.spec import DistrictSpec
from citygrid.model.form import Block, Form

TESTS = Path(cg.__file__).resolve().parent.parent / "tests" / "components"
COMMON = "citygrid.components.common"


def kind_names() -> list[str]:
    """All kinds, by name."""
    return sorted(kinds())


def kinds_page() -> str:
    """Every kind with its first sentence, by group as the report draws them."""
    groups: dict[str, list[str]] = {}
    for name, kind in sorted(kinds().items()):
        groups.setdefault(kind.spec.group, []).append(
            f"| [`{name}`]({name}.md) | {in_table(escaped(_first(_module(kind))))} |"
        )
    parts = [
        "# Kinds of components",
        "Each kind is one file, and its page is read from it. Fields are written with their unit "
        "(`250 kW`), hourly ones also as a series or by the calendar: see [the district file]"
        "(../district.md). Two things link components, and nothing else does: the balance of a "
        "carrier at a place, and the ledger.",
    ]
    for group, rows in sorted(groups.items()):
        parts += [f"## {group.capitalize()}", "\n".join(["| kind | |", "|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"


def district_page() -> str:
    """The frame of a district file, section by section."""
    parts = [
        "# The district file",
        escaped(inspect.cleandoc(DistrictSpec.__doc__ or "")),
        "Names are the user's, units are written, series are references, and there is no "
        "expression language. `citygrid schema` prints the same as JSON Schema, with which an "
        "editor completes keys and marks faults; `citygrid check` lists every fault with its line.",
        *field_tables(DistrictSpec, "##"),
        "## Hourly values",
        "A field *by the hour* takes a quantity, or one of these in its place.",
    ]
    for form in FORMS:
        tables = field_tables(form, "####")
        parts += [f"### {form.__name__}", _docstring(form), *tables]
    return "\n\n".join(parts) + "\n"


def kind_page(name: str) -> str:
    """One kind: what it is, its fields, what the plan decides, its rules, an example, sources."""
    kind = kinds()[name]
    module = _module(kind)
    parts = [f"# {name}", escaped(inspect.cleandoc(module.__doc__ or "")), _docstring(kind.spec)]
    inherited = [
        base for base in kind.spec.__mro__[1:]
        if base.__module__.startswith(COMMON) and base.__doc__ and "__doc__" in vars(base)
    ]  # fmt: skip
    parts += [f"*{base.__name__}.* {_docstring(base)}" for base in inherited]
    parts += ["## Fields", *field_tables(kind.spec, "###", {"kind": f"`{name}`"})]
    example = _example(name)
    if example is not None:
        district, form = example
        parts += _carriers(name, district)
        parts += _blocks("## What the plan decides", "flow", form.columns, name)
        parts += _blocks("## Rules", "rule", form.rows, name)
        parts += _worked(name, district)
    parts += _steps(kind)
    parts += _sources(module)
    return "\n\n".join(part for part in parts if part) + "\n"


def _module(kind: Kind) -> ModuleType:
    return importlib.import_module(kind.spec.__module__)


def _first(thing: Any) -> str:
    return inspect.cleandoc(thing.__doc__ or "").split("\n\n")[0]


def _docstring(thing: Any) -> str:
    """A docstring as text of a page: double back-ticks of reST are single ones, roles are code."""
    text = inspect.cleandoc(thing.__doc__ or "")
    text = re.sub(r":(?:class|func|meth|mod):`~?([^`]+)`", r"`\1`", text)
    return escaped(re.sub(r"``(.+?)``", lambda found: f"`{found[1]}`", text, flags=re.DOTALL))


@cache
def _example(name: str) -> tuple[District, Form] | None:
    """The district that the tests of a kind solve by hand, where there is one."""
    path = TESTS / "districts" / f"{name}.yaml"
    if not path.exists():
        return None
    district = cg.load(path)
    return district, cg.formulate(cg.prepare(district))


def _carriers(name: str, district: District) -> list[str]:
    """What the kind feeds and draws in its example."""
    own = {each for each, kind in district.kind_of.items() if kind == name}
    met = sorted({(port.carrier, port.direction) for each, port in district.ports()
                  if each in own}, key=lambda pair: (pair[1], pair[0]))  # fmt: skip
    if not met:
        return []
    said = [
        f"{verb} {', '.join(f'`{carrier}`' for carrier, direction in met if direction == way)}"
        for way, verb in (("feed", "feeds"), ("draw", "draws"))
        if any(direction == way for _, direction in met)
    ]
    return ["## Carriers", f"In the example below it {' and '.join(said)}."]


def _blocks(title: str, what: str, blocks: Mapping[str, Block], name: str) -> list[str]:
    rows = [
        f"| `{block.name}` | {' × '.join(block.dims)} | {block.unit} | "
        f"{in_table(escaped(block.about))} |"
        for block in blocks.values() if block.name.startswith(f"{name}.")
    ]  # fmt: skip
    head = [f"| {what} | over | unit | |", "|---|---|---|---|"]
    return [title, "\n".join([*head, *rows])] if rows else []


def _worked(name: str, district: District) -> list[str]:
    """The example as its file says it, and the mathematics that the golden text pins."""
    golden = TESTS / "golden" / f"{name}.txt"
    parts = [
        "## Example",
        f"This district is solved by hand in `tests/components/test_{name}.py`.",
        f"```yaml\n{district.path.read_text(encoding='utf-8').rstrip()}\n```",
    ]
    if golden.exists():
        parts += [
            '??? note "Its mathematics, row by row: what it costs, its rules, the balances that it '
            'takes part in, and its bounds"',
            indent(f"```text\n{golden.read_text(encoding='utf-8').rstrip()}\n```", "    "),
        ]
    return parts


def _steps(kind: Kind) -> list[str]:
    """What the kind's functions say of themselves."""
    functions = {"prepare": kind.prepare, "formulate": kind.formulate, "replay": kind.replay}
    told = [
        f"**{word}.** {_docstring(function)}"
        for word, function in functions.items() if function is not None and function.__doc__
    ]  # fmt: skip
    return ["## How it is planned and replayed", *told] if told else []


def _sources(module: ModuleType) -> list[str]:
    """Numbers of the module with what is said of them, and mathematics shared with other kinds."""
    parts = [
        f"{escaped(said)}\n\n```python\n{code}\n```" for said, code in _constants(module)
    ]  # fmt: skip
    for shared in _shared(module):
        parts.append(f"**`{shared.__name__.removeprefix('citygrid.')}`** {_docstring(shared)}")
        for function in vars(shared).values():
            told = inspect.getdoc(function) if inspect.isfunction(function) else None
            if told and "Source:" in told and function.__module__ == shared.__name__:
                parts.append(f"`{function.__name__}`: {_docstring(function)}")
    return ["## Numbers, shared mathematics, sources", *parts] if parts else []


def _constants(module: ModuleType) -> Iterator[tuple[str, str]]:
    """Constants with a comment ``#:`` above them: what it says, and their code."""
    source = inspect.getsource(module)
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if not isinstance(node, (ast.Assign, ast.AnnAssign)):
            continue
        said: list[str] = []
        above = node.lineno - 2
        while above >= 0 and lines[above].startswith("#:"):
            said.insert(0, lines[above].removeprefix("#:").strip())
            above -= 1
        if said:
            yield " ".join(said), "\n".join(lines[node.lineno - 1 : node.end_lineno])


def _shared(module: ModuleType) -> list[ModuleType]:
    """The modules of ``common`` that a kind imports from, in order."""
    names = {
        node.module: None for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{COMMON}.")
    }  # fmt: skip
    return [importlib.import_module(name) for name in names if name]
