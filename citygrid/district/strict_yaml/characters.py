"""Characters that no district file needs, refused before a parser sees them."""

from __future__ import annotations

import re

from citygrid.district.strict_yaml.places import show, show_line, tell_position
from citygrid.errors import Fault

_FORBIDDEN = re.compile(
    "[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
#: What an escape must not bring in: a terminal would obey it, a file name cannot hold it.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_TAB = re.compile(r"^ *\t", re.MULTILINE)
_DIRECTIVE = re.compile(r"^%.*", re.MULTILINE)


def check_characters(text: str, name: str) -> list[Fault]:
    """Refuse what no parser should see: controls, tabs that indent, ``%`` directives.

    One fault per kind of character, however often it occurs: a binary file has millions of them.
    """
    found: list[tuple[int, Fault]] = []
    for character in sorted(set(_FORBIDDEN.findall(text))):
        start, often = text.index(character), text.count(character)
        reason = f"a control character stands in the text (times: {often})"
        repair = "remove it; an editor shows it with 'show invisible characters'"
        place = tell_position(text, start, name)
        found.append((start, Fault(place, reason, f"U+{ord(character):04X}", repair)))
    if tab := _TAB.search(text):
        often = sum(1 for _ in _TAB.finditer(text))
        reason = f"a tab indents the line (lines like this: {often})"
        repair = "indent with spaces (an editor converts tabs to spaces)"
        place = tell_position(text, tab.end() - 1, name)
        found.append((tab.start(), Fault(place, reason, show_line(text, tab.start()), repair)))
    if directive := _DIRECTIVE.search(text):
        reason = "a line that starts with % is a directive, and none is read"
        repair = "remove the line; the file is read as YAML 1.2 in any case"
        place = tell_position(text, directive.start(), name)
        found.append((directive.start(), Fault(place, reason, show(directive[0]), repair)))
    return [fault for _, fault in sorted(found, key=lambda item: item[0])]
