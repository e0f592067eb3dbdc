"""The parser's events, checked one by one, and the nodes that are composed of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from yaml import events
from yaml.composer import Composer
from yaml.resolver import BaseResolver

from citygrid.district.strict_yaml.faults import Faults
from citygrid.district.strict_yaml.places import show


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


class Stream:
    """Checks the flat stream of events, where nothing is expanded yet and no depth can overflow.

    ``max_depth`` is how deep lists and mappings may nest, ``max_values`` how many values there may
    be, both with aliases written out.
    """

    def __init__(self, faults: Faults, max_depth: int, max_values: int) -> None:
        self.checked: list[events.Event] = []
        self.sound = True
        self._faults = faults
        self._max_depth, self._max_values = max_depth, max_values
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
            tag = show(re.sub(r"^tag:yaml\.org,2002:", "!!", event.tag))
            repair = "remove the tag; quote the value if it is a text that starts with !"
            self._faults.add(event, "tags are not read", tag, repair)
        if event.anchor is not None:
            first = self._anchors.get(event.anchor)
            if first is not None:
                reason = f"the anchor is set on line {first.line} already"
                repair = "give one of the two another name"
                self._faults.add(event, reason, show("&" + event.anchor), repair)
                self.sound = False
            self._anchors[event.anchor] = _Anchor(event.start_mark.line + 1)
        if isinstance(event, events.CollectionStartEvent):
            is_mapping = isinstance(event, events.MappingStartEvent)
            self._open.append(_Open(event.anchor, is_mapping, self._total))
        elif event.anchor is not None:
            self._anchors[event.anchor].ended = True
        return self._count(event, 1, 0)

    def _take_alias(self, event: Any) -> bool:
        anchor, alias = self._anchors.get(event.anchor), show("*" + event.anchor)
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
        flat, small = depth <= self._max_depth, self._total <= self._max_values
        if not flat:
            reason = f"lists and mappings are nested more than {self._max_depth} deep"
            self._faults.add(event, reason, f"level {depth}", "write the file flatter")
        if not small:
            reason = (
                f"the file has more than {self._max_values} values with its aliases written out"
            )
            repair = "move series and tables to CSV or Parquet files, and use fewer aliases"
            self._faults.add(event, reason, f"{self._total} values up to here", repair)
        self.sound &= flat and small
        return flat and small

    def _close(self) -> None:
        closed = self._open.pop()
        if closed.anchor is not None:
            anchor = self._anchors[closed.anchor]
            anchor.size = self._total - closed.before
            anchor.height = closed.deepest - len(self._open)
            anchor.ended = True
        if self._open:
            self._open[-1].deepest = max(self._open[-1].deepest, closed.deepest)


class NodeComposer(Composer, BaseResolver):
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
