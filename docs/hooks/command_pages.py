"""The reference of commands, read from click."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from citygrid.cli import main

INTRODUCTION = """\
This page is read from the program. `citygrid COMMAND --help` says the same in a terminal; with
`--json` exactly one JSON document goes to stdout, and everything else to stderr.
"""


def commands(
    group: click.Group = main, above: tuple[str, ...] = ("citygrid",)
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that call it, groups before what is in them."""
    for name, command in sorted(group.commands.items()):
        words = (*above, name)
        yield words, command
        if isinstance(command, click.Group):
            yield from commands(command, words)


def commands_page() -> str:
    """All commands on one page, a section each."""
    parts = ["# Commands", INTRODUCTION, _told(main.help)]
    for words, command in commands():
        parts += [f"{'#' * len(words)} {' '.join(words)}", _told(command.help)]
        context = click.Context(command, info_name=" ".join(words))
        parts.append(f"```text\n{command.get_usage(context).removeprefix('Usage: ')}\n```")
        parts += _options(command, context)
    return "\n\n".join(part for part in parts if part) + "\n"


def _told(text: str | None) -> str:
    return escaped(inspect.cleandoc(text or ""))


def _options(command: click.Command, context: click.Context) -> list[str]:
    rows = []
    for option in command.params:
        if not isinstance(option, click.Option) or option.hidden:
            continue
        names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
        if not option.is_flag:
            names += f" `{option.make_metavar(context)}`"
        said = option.help or ""
        if option.required:
            said += " Must be given."
        elif option.show_default and not option.is_flag and option.default is not None:
            said += f" Left out: `{option.get_default(context)}`."
        rows.append(f"| {in_table(names)} | {in_table(escaped(said))} |")
    return ["\n".join(["| option | what it does |", "|---|---|", *rows])] if rows else []


def escaped(text: str) -> str:
    """Text of the program as text of a page: what looks like a tag is none."""
    return text.replace("<", "&lt;")


def in_table(text: str) -> str:
    """Text that stands in a cell: one line, and bars that end no cell."""
    return " ".join(text.replace("|", "\\|").split())
