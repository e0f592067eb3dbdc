"""How things introduce themselves: one line for a prompt, a small table for a notebook.

Names are the user's: in HTML they are escaped, in text what is no printable character is written
as its code, and long ones are cut. There is no script and no style that reaches beyond the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

#: Most characters of one text in a line, and of one in a table.
IN_A_LINE, IN_A_CELL = 80, 240
_CELL = "text-align:left;vertical-align:top"


def short(text: object, most: int = IN_A_LINE) -> str:
    """A text as one printable line of at most so many characters."""
    whole = "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text)
    )
    return whole if len(whole) <= most else whole[: most - 1] + "…"


def line(what: str, name: str, says: Iterable[str | None]) -> str:
    """``<Plan "Frankfurt": route milp, 11,403.34 EUR>``; what is ``None`` is left out."""
    said = ", ".join(short(text) for text in says if text)
    return f'<{what} "{short(name)}": {said}>'


def card(what: str, name: str, rows: Mapping[str, object]) -> str:
    """The same as a table: a heading and a row per fact; what is ``None`` is left out."""
    cells = "".join(
        f'<tr><th style="{_CELL}">{escape(short(key))}</th>'
        f'<td style="{_CELL}">{escape(short(value, IN_A_CELL))}</td></tr>'
        for key, value in rows.items() if value is not None
    )  # fmt: skip
    return (
        f'<table><caption style="{_CELL}"><strong>{escape(what)}</strong> '
        f"{escape(short(name))}</caption><tbody>{cells}</tbody></table>"
    )


def counted(number: int, thing: str, things: str | None = None) -> str:
    """``1 row``, ``2,103 rows``."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def horizon(steps: int, step: float, begin: object) -> str:
    """``24 steps of 1 h from 2023-01-16T00:00+01:00``."""
    return f"{counted(steps, 'step')} of {lasting(step)} from {begin}"


def lasting(hours: float) -> str:
    """``1 h``, ``0.5 h``, ``5 min``: a length in the largest unit in which it can be typed."""
    for unit, size in (("h", 1.0), ("min", 60.0)):
        text = f"{hours * size:g}"
        if abs(float(text) - hours * size) <= 1e-9 * max(hours * size, 1.0):
            return f"{text} {unit}"
    return f"{hours * 3600:g} s"
