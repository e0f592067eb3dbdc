"""From nodes to the values that the file means, with the line of each."""

from __future__ import annotations

from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from citygrid.district.strict_yaml.characters import CONTROL
from citygrid.district.strict_yaml.faults import Faults
from citygrid.district.strict_yaml.places import show
from citygrid.district.strict_yaml.scalars import DoubtError, interpret


class Builder:
    """Values and lines from the node graph; aliases are written out, faults are noted once."""

    def __init__(self, faults: Faults) -> None:
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
                self._faults.add(key_node, reason, show(key), repair, (*path, key))
            first.setdefault(key, line)
            self.lines[(*path, key)] = line
            built[key] = self.build(value_node, (*path, key))
        return built

    def _scalar(self, node: Node, path: tuple[str | int, ...]) -> Any:
        if not is_plain(node):
            self._check_escapes(node, path)
            return node.value
        try:
            return interpret(node.value)
        except DoubtError as doubt:
            repair = f"{doubt.repair}, or quote it if a text is meant"
            self._faults.add(node, doubt.reason, show(node.value), repair, path)
            return node.value

    def _key(self, node: Node, path: tuple[str | int, ...], again: bool) -> str:
        """A key as text; everything that is not surely a text is refused."""
        if not isinstance(node, ScalarNode):
            if not again:
                reason = f"a key must be a text and is a {name_kind(node)}"
                repair = "write a name before the colon; quote a text that starts with [ or {"
                self._faults.add(node, reason, None, repair, path)
            return f"({name_kind(node)})"
        text = str(node.value)
        if again:
            return text
        if not is_plain(node):
            self._check_escapes(node, path)
            return text
        reason, repair = "", f'quote it: "{show(text)}"'
        if text == "<<":
            reason = "merge keys are not read"
            repair = "write the fields out, or quote it if a name is meant"
        else:
            try:
                meaning = interpret(text)
            except DoubtError as doubt:
                reason = f"a key must surely be a text: {doubt.reason}"
            else:
                if not isinstance(meaning, str):
                    reason = f"a key must be a text and is {_name_meaning(meaning)}"
        if reason:
            self._faults.add(node, reason, show(text), repair, path)
        return text

    def _check_escapes(self, node: Node, path: tuple[str | int, ...]) -> None:
        """Refuse control characters that an escape such as ``"\\0"`` brings in."""
        if found := CONTROL.search(node.value):
            reason = f"the text holds the control character U+{ord(found[0]):04X}"
            repair = "remove the escape; in a Windows path write \\\\ or use single quotes"
            self._faults.add(node, reason, show(node.value), repair, path)


def is_plain(node: Node) -> bool:
    """Whether a node is a scalar written without quotes and not as a block."""
    return isinstance(node, ScalarNode) and node.style in (None, "")  # "" from libyaml


def name_kind(node: Node) -> str:
    """What a node is, in a word for a message: a list, a mapping or a single value."""
    if isinstance(node, SequenceNode):
        return "list"
    return "mapping" if isinstance(node, MappingNode) else "single value"


def _name_meaning(meaning: object) -> str:
    if meaning is None:
        return "empty"
    return "a truth value" if isinstance(meaning, bool) else "a number"
