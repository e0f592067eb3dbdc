"""YAML as a city writes it, read so that nothing is guessed.

The syntax is PyYAML's (its scanner, parser and composer); the meaning of a plain scalar is ours:
``null``, ``true``, ``false``, numbers as JSON writes them, and text. What YAML 1.1 and YAML 1.2
readers take differently (``no``, ``1:30``, ``010``, …) is refused with its line and repair, and so
is what makes a small file expensive: deep nesting, aliases of aliases, very many values. Tags are
refused too, so no object is ever constructed from one.

Source: YAML 1.2.2, chapter 10.3 (core schema); YAML 1.1 types; RFC 8259, chapter 6 (numbers).
"""

from __future__ import annotations

import math
import re
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml import events
from yaml.composer import Composer
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.resolver import BaseResolver

from citygrid.errors import Fault, InputError

MAX_BYTES = 10_000_000
MAX_DEPTH = 50
MAX_VALUES = 100_000
MAX_DIGITS = 400
MAX_FAULTS = 1000  # told one by one; of more, the number

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
        return _place(self.name, self.lines[known], path)


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
    faults = _check_characters(text, name)
    if faults:  # the parser would stumble over the same places with less to say
        raise InputError(faults)
    noted = _Faults(text, name)
    root = _compose(text, noted)
    builder = _Builder(noted)
    value: dict[str, Any] = {}
    if isinstance(root, MappingNode):
        value = builder.build(root, ())
    elif root is not None:
        reason = f"the top level must be a mapping and is a {_kind(root)}"
        repair = "write names with colons, such as 'name: Frankfurt west'"
        noted.add(root, reason, (_is_plain(root) and _written(root.value)) or None, repair)
    noted.throw()
    return Tree(value, builder.lines, name)


# --- characters ----------------------------------------------------------------------------------

_FORBIDDEN = re.compile(
    "[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_TAB = re.compile(r"^ *\t", re.MULTILINE)
_DIRECTIVE = re.compile(r"^%.*", re.MULTILINE)


def _check_characters(text: str, name: str) -> list[Fault]:
    """Refuse what no parser should see: controls, tabs that indent, ``%`` directives.

    One fault per kind of character, however often it occurs: a binary file has millions of them.
    """
    found: list[tuple[int, Fault]] = []
    for character in sorted(set(_FORBIDDEN.findall(text))):
        start, often = text.index(character), text.count(character)
        reason = f"a control character stands in the text (times: {often})"
        repair = "remove it; an editor shows it with 'show invisible characters'"
        place = _position(text, start, name)
        found.append((start, Fault(place, reason, f"U+{ord(character):04X}", repair)))
    if tab := _TAB.search(text):
        often = sum(1 for _ in _TAB.finditer(text))
        reason = f"a tab indents the line (lines like this: {often})"
        repair = "indent with spaces (an editor converts tabs to spaces)"
        place = _position(text, tab.end() - 1, name)
        found.append((tab.start(), Fault(place, reason, _line(text, tab.start()), repair)))
    if directive := _DIRECTIVE.search(text):
        reason = "a line that starts with % is a directive, and none is read"
        repair = "remove the line; the file is read as YAML 1.2 in any case"
        place = _position(text, directive.start(), name)
        found.append((directive.start(), Fault(place, reason, _written(directive[0]), repair)))
    return [fault for _, fault in sorted(found, key=lambda item: item[0])]


# --- plain scalars -------------------------------------------------------------------------------

_JSON_INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)")
_JSON_NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[+-]?\.?(?:nan|inf|infinity)", re.IGNORECASE)
_TRUTH_1_1 = frozenset(("yes", "no", "on", "off", "y", "n"))

#: Spellings that YAML readers take for different numbers, or some for a number and some for text.
_DOUBTFUL = tuple(
    (re.compile(pattern, re.IGNORECASE), reason, repair)
    for pattern, reason, repair in (
        (r"[+-]?[0-9][0-9_]*(?::[0-9]+)+(?:\.[0-9_]*)?",
         "a number with colons is a number to the base 60 to YAML 1.1 and a text to YAML 1.2",
         "write a duration as '90 min'"),
        (r"[+-]?0x[0-9a-f_]+|[+-]?0b[01_]+|[+-]?0o[0-7_]+",
         "hexadecimal, octal and binary numbers are not read",
         "write the number in decimal"),
        (r"[+-]?(?=[0-9._]*_)(?=[._]*[0-9])[0-9.][0-9_]*(?:\.[0-9_]*)?(?:e[+-]?[0-9_]*)?",
         "a number with underscores is a number to YAML 1.1 and a text to YAML 1.2",
         "write the digits without underscores"),
        (r"[+-]?0[0-9]+(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?",
         "a number with a leading zero is octal to YAML 1.1 and decimal to YAML 1.2",
         "write the number without the leading zero"),
        (r"[+-]?(?:\.[0-9]+|[0-9]+\.)(?:e[+-]?[0-9]+)?",
         "a number needs digits on both sides of its decimal point",
         "write it like 0.5 or 5.0"),
    )
)  # fmt: skip

_LONG_NUMBER = re.compile(r"[+-]?\.?[0-9][0-9a-fox_.:+-]*", re.IGNORECASE)
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_SIGNS = str.maketrans("\u2212\u2013\ufe63\uff0d\uff0b\uff0e\uff1a\u066b", "----+.:.")


class _DoubtError(Exception):
    """A plain scalar that is refused: the reason, and what to write instead."""

    def __init__(self, reason: str, repair: str) -> None:
        super().__init__(reason)
        self.reason, self.repair = reason, repair


def _meaning(text: str) -> str | int | float | bool | None:
    """What a scalar without quotes means; raises :class:`_DoubtError` where readers differ."""
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    lower = text.lower() if len(text) < 10 else ""
    if lower in ("true", "false", "null"):
        raise _DoubtError("true, false and null are written in lower case", f"write {lower}")
    if lower in _TRUTH_1_1:
        truth = "true" if lower in ("yes", "on", "y") else "false"
        raise _DoubtError(
            "yes, no, on, off, y and n are truth values to YAML 1.1 and texts to YAML 1.2",
            f"write {truth}",
        )
    if len(text) > MAX_DIGITS:
        if _LONG_NUMBER.fullmatch(text):
            raise _DoubtError(f"a number has more than {MAX_DIGITS} digits", "write fewer digits")
        return text
    if _JSON_NUMBER.fullmatch(text):
        return _number(text)
    if _NOT_FINITE.fullmatch(text):
        raise _DoubtError("the number is not finite", "write a finite number")
    if text[0] in "+-.0123456789":
        for pattern, reason, repair in _DOUBTFUL:
            if pattern.fullmatch(text):
                raise _DoubtError(reason, repair)
    if not text.isascii():
        digits = _NOT_ASCII.sub(_ascii_digit, text.translate(_SIGNS))
        shapes = (_JSON_NUMBER, *(shape for shape, _, _ in _DOUBTFUL))
        if digits != text and any(shape.fullmatch(digits) for shape in shapes):
            raise _DoubtError(
                "a number is written with characters outside ASCII",
                f"write {digits} with the digits 0 to 9 and the signs + - .",
            )
    return text


def _ascii_digit(match: re.Match[str]) -> str:
    return str(unicodedata.decimal(match[0], match[0]))


def _number(text: str) -> int | float:
    """A number in JSON's spelling; refuses what a float cannot hold."""
    value = float(text)
    if math.isinf(value):
        raise _DoubtError("the number is too large", "write a number below 1e308")
    if value == 0.0 and re.search("[1-9]", re.split("[eE]", text)[0]):
        raise _DoubtError("the number is too small and would become 0", "write 0")
    return int(text) if _JSON_INTEGER.fullmatch(text) else value


# --- events and nodes ----------------------------------------------------------------------------


class _Faults:
    """The faults met so far, by line and column."""

    def __init__(self, text: str, name: str) -> None:
        self.text, self.name = text, name
        self._found: list[tuple[int, int, Fault]] = []
        self._untold = 0

    def add(
        self, at: Any, reason: str, value: object, repair: str, path: tuple[str | int, ...] = ()
    ) -> None:
        """Note a fault at a node or event; ``path`` is where it stands in the file."""
        if len(self._found) >= MAX_FAULTS:
            self._untold += 1
            return
        line, column = at.start_mark.line + 1, at.start_mark.column + 1
        place = _place(self.name, line, path)
        self._found.append((line, column, Fault(place, reason, value, repair)))

    def add_syntax(self, error: yaml.MarkedYAMLError) -> None:
        """Note what stopped the parser, in words for the person who wrote the file."""
        problem = f"{error.context or ''} {error.problem or ''}"
        unknown = (
            f"the YAML cannot be read ({problem.strip()})",
            "look at the indentation, quotes, brackets and colons here and one line above",
        )
        matches = ((reason, repair) for key, reason, repair in _SYNTAX if key in problem)
        reason, repair = next(matches, unknown)
        mark, start = error.problem_mark, error.context_mark
        if mark is None or (start is not None and "simple key" in problem):
            mark = start  # the line that lacks its colon, and not the one after it
        lines = self.text.rstrip().split("\n")
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        if line > len(lines):  # the end of the file
            line, column = len(lines), len(lines[-1]) + 1
        if start is not None and start.line + 1 < line:
            reason += f"; it starts on line {start.line + 1}"
        place = f"{self.name}:{line}:{column}"
        self._found.append((line, column, Fault(place, reason, _written(lines[line - 1]), repair)))

    def throw(self) -> None:
        """Raise all faults at once, in the order of lines; do nothing where there is none."""
        faults = [fault for _, _, fault in sorted(self._found, key=lambda found: found[:2])]
        if self._untold:
            repair = "repair these first; many of one kind often have one cause"
            faults.append(Fault(self.name, f"has {self._untold} more faults", None, repair))
        if faults:
            raise InputError(faults)


#: What PyYAML and libyaml say, what it means to a writer, and what helps; the first match counts.
_SYNTAX = (
    ("mapping values are not allowed",
     "a colon stands where no name may stand before it",
     "quote a text that holds ': ', and align the line with its neighbours"),
    ("parsing a quoted scalar", "a backslash in double quotes starts an unknown escape",
     "write \\\\ for a backslash, or use single quotes"),
    ("escape", "a backslash in double quotes starts an unknown escape",
     "write \\\\ for a backslash, or use single quotes"),
    ("scanning a quoted scalar", "a quoted text is not closed", "close the quote"),
    ("flow node", "a value in brackets is missing, or the brackets are not closed",
     "close [ with ] and { with }, with a value between two commas"),
    ("flow sequence", "a list in [ ] is not closed, or lacks a comma",
     "separate the items with commas and close it with ]"),
    ("flow mapping", "a mapping in { } is not closed, or lacks a comma",
     "write {name: value, name: value} with a space after each colon"),
    ("tab", "a tab stands where spaces must stand", "replace it with spaces"),
    ("'\\t'", "a tab stands where spaces must stand", "replace it with spaces"),
    ("cannot start any token", "a text may not start with this character without quotes",
     "quote the text"),
    ("undefined tag handle", "tags are not read", "quote the text if it starts with !"),
    ("scanning an alias", "an alias (*) needs a name", "quote the text if it starts with *"),
    ("scanning an anchor", "an anchor (&) needs a name", "quote the text if it starts with &"),
    ("tag", "tags are not read", "quote the text if it starts with !"),
    ("node content", "a value is missing, or a bracket or comma stands in its place",
     "write the value; quote a text that starts with ] } or a comma"),
    ("block scalar", "the text after | or > is not written as YAML wants it",
     "start it on the next line, indented with spaces"),
    ("simple key", "a line is neither 'name: value' nor an item with '- '",
     "write 'name: value' with a space after the colon"),
    ("sequence entries are not allowed", "an item with '- ' stands where no list can stand",
     "start the list on the line below its name"),
    ("block collection", "the items of a list are not aligned, or a line is no item",
     "give all items the same indentation and start them with '- '"),
    ("block mapping", "the names of a mapping are not aligned, or a value goes on after its end",
     "give all names the same indentation; quote a text that goes on after its quotes"),
    ("document start", "something follows the end of the mapping",
     "align the line with the first one; quote a text that goes on after its quotes"),
)  # fmt: skip


@dataclass
class _Anchor:
    """What an alias stands for: how many values when written out, and how deep they nest."""

    line: int
    size: int = 1
    height: int = 0
    ended: bool = False


@dataclass
class _Open:
    """A list or mapping whose end has not come yet."""

    anchor: str | None
    is_mapping: bool
    before: int  # how many values there were before it
    nodes: int = 0  # how many nodes it has so far: in a mapping every other one is a key
    deepest: int = 0  # the deepest level inside, counted from the top of the file


class _Stream:
    """Checks the flat stream of events, where nothing is expanded yet and no depth can overflow."""

    def __init__(self, faults: _Faults) -> None:
        self.checked: list[events.Event] = []
        self.sound = True
        self._faults = faults
        self._total = 0
        self._open: list[_Open] = []
        self._anchors: dict[str, _Anchor] = {}

    def take(self, event: Any) -> bool:
        """Check one event and keep it; False where the rest of the stream shall not be read."""
        if isinstance(event, events.DocumentStartEvent) and len(self.checked) > 1:
            repair = "keep one document in a file: remove the line, or split the file"
            self._faults.add(event, "a second document starts", "---", repair)
            self.checked.append(events.StreamEndEvent())
            return False
        self.checked.append(event)
        if isinstance(event, events.AliasEvent):
            return self._take_alias(event)
        if isinstance(event, events.CollectionEndEvent):
            self._close()
        elif isinstance(event, events.NodeEvent):
            return self._take_node(event)
        return True

    def _take_node(self, event: Any) -> bool:
        self._step()
        if event.tag is not None:
            tag = _written(re.sub(r"^tag:yaml\.org,2002:", "!!", event.tag))
            repair = "remove the tag; quote the value if it is a text that starts with !"
            self._faults.add(event, "tags are not read", tag, repair)
        if event.anchor is not None:
            first = self._anchors.get(event.anchor)
            if first is not None:
                reason = f"the anchor is set on line {first.line} already"
                repair = "give one of the two another name"
                self._faults.add(event, reason, _written("&" + event.anchor), repair)
                self.sound = False
            self._anchors[event.anchor] = _Anchor(event.start_mark.line + 1)
        if isinstance(event, events.CollectionStartEvent):
            is_mapping = isinstance(event, events.MappingStartEvent)
            self._open.append(_Open(event.anchor, is_mapping, self._total))
        elif event.anchor is not None:
            self._anchors[event.anchor].ended = True
        return self._count(event, 1, 0)

    def _take_alias(self, event: Any) -> bool:
        anchor, alias = self._anchors.get(event.anchor), _written("*" + event.anchor)
        if self._step():
            reason, repair = "an alias stands where a key must stand", "write the key itself"
        elif anchor is None:
            reason = "an alias names no anchor above it"
            repair = f"set &{alias[1:]} before the value it means, or quote the text"
        elif not anchor.ended:
            reason, repair = "an alias stands inside the value it names", "write the value itself"
        else:
            return self._count(event, anchor.size, anchor.height)
        self.sound = False
        self._faults.add(event, reason, alias, repair)
        return self._count(event, 1, 0)

    def _step(self) -> bool:
        """Count one more node of the innermost collection; True where it is a key."""
        if not self._open:
            return False
        self._open[-1].nodes += 1
        return self._open[-1].is_mapping and self._open[-1].nodes % 2 == 1

    def _count(self, event: Any, size: int, height: int) -> bool:
        self._total += size
        depth = len(self._open) + height
        if self._open:
            self._open[-1].deepest = max(self._open[-1].deepest, depth)
        if depth > MAX_DEPTH:
            reason = f"lists and mappings are nested more than {MAX_DEPTH} deep"
            self._faults.add(event, reason, f"level {depth}", "write the file flatter")
        if self._total > MAX_VALUES:
            reason = f"the file has more than {MAX_VALUES} values with its aliases written out"
            repair = "move series and tables to CSV or Parquet files, and use fewer aliases"
            self._faults.add(event, reason, f"{self._total} values up to here", repair)
        self.sound &= depth <= MAX_DEPTH and self._total <= MAX_VALUES
        return depth <= MAX_DEPTH and self._total <= MAX_VALUES

    def _close(self) -> None:
        closed = self._open.pop()
        if closed.anchor is not None:
            anchor = self._anchors[closed.anchor]
            anchor.size = self._total - closed.before
            anchor.height = closed.deepest - len(self._open)
            anchor.ended = True
        if self._open:
            self._open[-1].deepest = max(self._open[-1].deepest, closed.deepest)


class _Composer(Composer, BaseResolver):
    """PyYAML's composer over events that were checked; it resolves no tag by itself."""

    def __init__(self, checked: list[events.Event]) -> None:
        Composer.__init__(self)
        BaseResolver.__init__(self)
        self._events, self._next = checked, 0

    def check_event(self, *choices: type[events.Event]) -> bool:
        return isinstance(self._events[self._next], choices)

    def peek_event(self) -> events.Event:
        return self._events[self._next]

    def get_event(self) -> events.Event:
        self._next += 1
        return self._events[self._next - 1]


def _compose(text: str, faults: _Faults) -> Node | None:
    """The node graph of the one document; None where a fault forbids to build it."""
    loader, stream = _Loader(text), _Stream(faults)
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
    root: Node | None = _Composer(stream.checked).get_single_node()
    return root


class _Builder:
    """Values and lines from the node graph; aliases are written out, faults are noted once."""

    def __init__(self, faults: _Faults) -> None:
        self.lines: dict[tuple[str | int, ...], int] = {}
        self._faults = faults
        # By node: what a scalar means, and that a mapping and its keys are checked.
        self._known: dict[int, Any] = {}

    def build(self, node: Node, path: tuple[str | int, ...]) -> Any:
        """The value of a node; a copy for each alias, so that no two places share a mapping."""
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if id(node) not in self._known:
            self._known[id(node)] = self._scalar(node, path)
        return self._known[id(node)]

    def _mapping(self, node: MappingNode, path: tuple[str | int, ...]) -> dict[str, Any]:
        again = id(node) in self._known
        self._known[id(node)] = True
        built: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            key, line = self._key(key_node, path, again), key_node.start_mark.line + 1
            if key in first and not again and isinstance(key_node, ScalarNode):
                reason = f"the key is written twice, on lines {first[key]} and {line}"
                repair = "remove or rename one of the two"
                self._faults.add(key_node, reason, _written(key), repair, (*path, key))
            first.setdefault(key, line)
            self.lines[(*path, key)] = line
            built[key] = self.build(value_node, (*path, key))
        return built

    def _scalar(self, node: Node, path: tuple[str | int, ...]) -> Any:
        if not _is_plain(node):
            self._check_escapes(node, path)
            return node.value
        try:
            return _meaning(node.value)
        except _DoubtError as doubt:
            repair = f"{doubt.repair}, or quote it if a text is meant"
            self._faults.add(node, doubt.reason, _written(node.value), repair, path)
            return node.value

    def _key(self, node: Node, path: tuple[str | int, ...], again: bool) -> str:
        """A key as text; everything that is not surely a text is refused."""
        if not isinstance(node, ScalarNode):
            if not again:
                reason = f"a key must be a text and is a {_kind(node)}"
                repair = "write a name before the colon; quote a text that starts with [ or {"
                self._faults.add(node, reason, None, repair, path)
            return f"({_kind(node)})"
        text = str(node.value)
        if again:
            return text
        if not _is_plain(node):
            self._check_escapes(node, path)
            return text
        reason, repair = "", f'quote it: "{_written(text)}"'
        if text == "<<":
            reason = "merge keys are not read"
            repair = "write the fields out, or quote it if a name is meant"
        else:
            try:
                meaning = _meaning(text)
            except _DoubtError as doubt:
                reason = f"a key must surely be a text: {doubt.reason}"
            else:
                if not isinstance(meaning, str):
                    reason = f"a key must be a text and is {_kind_of(meaning)}"
        if reason:
            self._faults.add(node, reason, _written(text), repair, path)
        return text

    def _check_escapes(self, node: Node, path: tuple[str | int, ...]) -> None:
        """Refuse control characters that an escape such as ``"\\0"`` brings in."""
        if found := _CONTROL.search(node.value):
            reason = f"the text holds the control character U+{ord(found[0]):04X}"
            repair = "remove the escape; in a Windows path write \\\\ or use single quotes"
            self._faults.add(node, reason, _written(node.value), repair, path)


def _is_plain(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.style in (None, "")  # "" from libyaml


def _kind(node: Node) -> str:
    if isinstance(node, SequenceNode):
        return "list"
    return "mapping" if isinstance(node, MappingNode) else "single value"


def _kind_of(meaning: object) -> str:
    if meaning is None:
        return "empty"
    return "a truth value" if isinstance(meaning, bool) else "a number"


# --- places --------------------------------------------------------------------------------------


def _place(name: str, line: int, path: tuple[str | int, ...]) -> str:
    parts = (f"item {part + 1}" if isinstance(part, int) else _written(part, 60) for part in path)
    return f"{name}:{line}" + (": " + " › ".join(parts) if path else "")


def _position(text: str, start: int, name: str) -> str:
    line_start = text.rfind("\n", 0, start) + 1
    return f"{name}:{text.count(chr(10), 0, start) + 1}:{start - line_start + 1}"


def _line(text: str, start: int) -> str:
    """The line of the text around a position, for showing."""
    end = text.find("\n", start)
    return _written(text[text.rfind("\n", 0, start) + 1 : end if end >= 0 else len(text)])


def _written(text: str, width: int = 100) -> str:
    """A text as it may be shown on a terminal: short, and control characters escaped."""
    text = text.strip()[: width + 1]
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return safe if len(safe) <= width else safe[: width - 1] + "…"


def _too_large(name: str, size: int) -> Fault:
    repair = "keep series and tables in CSV or Parquet files and name them here"
    return Fault(name, f"the file is larger than {MAX_BYTES // 10**6} MB", f"{size} bytes", repair)
