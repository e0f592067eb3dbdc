"""What mkdocs does besides: pages read from the program, and files of the repository they name.

Kinds, the frame of a district file and commands get their pages from the code, so a new kind or
command appears without anybody editing a page.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from command_pages import commands_page
from corpus_page import corpus_page
from kind_pages import district_page, kind_names, kind_page, kinds_page
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

KINDS = "reference/kinds/"
REPOSITORY = Path(__file__).resolve().parents[2]
#: Where files of the repository stand in the site when a page links to them.
CARRIED = "files"
#: A role of reST in a docstring, as it comes out of markdown.
ROLE = re.compile(r":(?:attr|class|func|meth|mod):<code>~?([\w.]+)</code>")
LINK = re.compile(r"\]\(((?:\.\./)+[^)#\s]+)\)")


def generated() -> Iterator[tuple[str, Callable[[], str]]]:
    """Every page that is read from the program: its path, and what writes it."""
    yield "reference/district.md", district_page
    yield "reference/commands.md", commands_page
    yield "reference/bad_input.md", corpus_page
    yield "reference/security.md", (REPOSITORY / "SECURITY.md").read_text
    yield f"{KINDS}index.md", kinds_page
    for name in kind_names():
        yield f"{KINDS}{name}.md", lambda name=name: kind_page(name)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put one entry per kind where the navigation names their folder."""
    config.nav = _with_kinds(config.nav or [])
    return config


def _with_kinds(entries: list[Any]) -> list[Any]:
    pages = [f"{KINDS}index.md", *({name: f"{KINDS}{name}.md"} for name in kind_names())]
    found = []
    for entry in entries:
        if isinstance(entry, dict):
            entry = {
                title: pages if below == KINDS
                else _with_kinds(below) if isinstance(below, list) else below
                for title, below in entry.items()
            }  # fmt: skip
        found.append(entry)
    return found


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages, and every file of the repository that a page links to."""
    for path, write in generated():
        files.append(File.generated(config, path, content=write()))
    repository = Path(config.config_file_path).parent
    for page in [file for file in files if file.is_documentation_page()]:
        for target in LINK.findall(page.content_string):
            named = _outside(page.src_uri, target)
            if named is None or files.get_file_from_path(f"{CARRIED}/{named}"):
                continue
            path = repository / named
            if path.is_file():
                files.append(
                    File.generated(config, f"{CARRIED}/{named}", abs_src_path=str(path))
                )  # fmt: skip
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Let links that leave ``docs`` lead to the copies in the site."""

    def inside(match: re.Match[str]) -> str:
        named = _outside(page.file.src_uri, match[1])
        if named is None:
            return match[0]
        up = "../" * page.file.src_uri.count("/")
        return f"]({up}{CARRIED}/{named})"

    return LINK.sub(inside, markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Let what docstrings refer to be links, where it is on a page; else code."""

    def linked(match: re.Match[str]) -> str:
        name = match[1]
        full = name if "." in name else f"citygrid.errors.{name}"
        return f'<autoref identifier="{full}" optional><code>{name}</code></autoref>'

    return ROLE.sub(linked, html)


def _outside(page: str, target: str) -> str | None:
    """The path in the repository that a page's link names, where it leaves ``docs``."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), target))
    return None if path.startswith(("docs/", "..")) else path
