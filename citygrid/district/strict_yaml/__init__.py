"""YAML as a city writes it, read so that nothing is guessed.

The syntax is PyYAML's (its scanner, parser and composer); the meaning of a plain scalar is ours:
``null``, ``true``, ``false``, numbers as JSON writes them, and text. What YAML 1.1 and YAML 1.2
readers take differently (``no``, ``1:30``, ``010``, …) is refused with its line and repair, and so
is what makes a small file expensive: deep nesting, aliases of aliases, very many values. Tags are
refused too, so no object is ever constructed from one.

Source: YAML 1.2.2, chapter 10.3 (core schema); YAML 1.1 types; RFC 8259, chapter 6 (numbers).
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node

from citygrid.district.strict_yaml.characters import check_characters
from citygrid.district.strict_yaml.faults import MAX_FAULTS, Faults
from citygrid.district.strict_yaml.places import show, tell_place
from citygrid.district.strict_yaml.stream import NodeComposer, Stream
from citygrid.district.strict_yaml.values import Builder, is_plain, name_kind
from citygrid.errors import Fault, InputError

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_FAULTS", "MAX_VALUES", "Tree", "parse", "read"]

MAX_BYTES = 10_000_000
MAX_DEPTH = 50
MAX_VALUES = 100_000

#: libyaml where PyYAML was built with it (far faster), else the same grammar in Python.
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Tree:
    """What a YAML file says, and on which line it says it.

    value
        The top-level mapping; inside are dict, list, str, int, float, bool and None.
    lines
        Line (from 1) of every key and list item, by its path; ``()`` is the whole mapping. What
        an alias brings in has the lines where it is written, at the anchor.
    name
        The file as the user named it.
    """

    value: dict[str, Any]
    lines: dict[tuple[str | int, ...], int]
    name: str

    def place(self, path: tuple[str | int, ...]) -> str:
        """Say where a path is: ``"models/x.yaml:12: components › pump east › heat"``.

        The line is that of the deepest part of the path that the file has, so a missing field is
        looked for at its component.
        """
        known = next(path[:end] for end in range(len(path), -1, -1) if path[:end] in self.lines)
        return tell_place(self.name, self.lines[known], path)


def read(path: Path) -> Tree:
    """Read a YAML file strictly.

    Raises :class:`~citygrid.errors.InputError` with every fault found: the file is missing, no
    file, unreadable, too large or not UTF-8, or :func:`parse` refuses its text.
    """
    path, name = Path(path), str(path)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise InputError(Fault(name, "is a folder and not a file", name, "name the YAML file"))
        if not stat.S_ISREG(status.st_mode):  # a pipe would wait, a device never end
            raise InputError(Fault(name, "is not an ordinary file", name, "name a YAML file"))
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise InputError(
            Fault(name, "there is no such file", name, "check the path and its spelling")
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        repair = "check the path and the permissions of the file and its folders"
        raise InputError(Fault(name, reason, name, repair)) from error
    if len(data) > MAX_BYTES:
        raise InputError(_too_large(name, max(status.st_size, len(data))))
    try:
        return parse(data.decode("utf-8"), name)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        raise InputError(
            Fault(
                f"{name}:{line}",
                "the file is UTF-16 and not UTF-8" if wide else "the file is not UTF-8",
                "byte 0x" + data[error.start : error.start + 1].hex().upper(),
                "save it with the encoding UTF-8 (an editor offers it under 'Save as')",
            )
        ) from None


def parse(text: str, name: str) -> Tree:
    """Read YAML text strictly; ``name`` stands for the file in messages.

    A byte order mark at the start is dropped, CRLF and CR end a line like LF.

    Raises :class:`~citygrid.errors.InputError` with every fault found, in the order of lines.
    """
    if len(text) > MAX_BYTES:
        raise InputError(_too_large(name, len(text)))
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    faults = check_characters(text, name)
    if faults:  # the parser would stumble over the same places with less to say
        raise InputError(faults)
    noted = Faults(text, name)
    root = _compose(text, noted)
    builder = Builder(noted)
    value: dict[str, Any] = {}
    if isinstance(root, MappingNode):
        value = builder.build(root, ())
    elif root is not None:
        reason = f"the top level must be a mapping and is a {name_kind(root)}"
        repair = "write names with colons, such as 'name: Frankfurt west'"
        noted.add(root, reason, (is_plain(root) and show(root.value)) or None, repair)
    noted.throw()
    return Tree(value, builder.lines, name)


def _compose(text: str, faults: Faults) -> Node | None:
    """The node graph of the one document; None where a fault forbids to build it."""
    loader, stream = _Loader(text), Stream(faults, MAX_DEPTH, MAX_VALUES)
    try:
        while loader.check_event() and stream.take(loader.get_event()):
            pass
    except yaml.MarkedYAMLError as error:
        faults.add_syntax(error)
        return None
    finally:
        loader.dispose()
    if len(stream.checked) == 2:  # only the start and the end of the stream
        repair = "write a district, starting with 'name: …'"
        faults.add(stream.checked[0], "the file is empty", None, repair)
        return None
    if not stream.sound:
        return None
    root: Node | None = NodeComposer(stream.checked).get_single_node()
    return root


def _too_large(name: str, size: int) -> Fault:
    repair = "keep series and tables in CSV or Parquet files and name them here"
    return Fault(name, f"the file is larger than {MAX_BYTES // 10**6} MB", f"{size} bytes", repair)
